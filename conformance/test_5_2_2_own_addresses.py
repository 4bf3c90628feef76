"""5.2.2: applications that take the first address of a host name for the only one."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.errors import AdapterError
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair

ASKS_FOR_ITSELF = """
import socket
found = socket.getaddrinfo(socket.gethostname(), 80, socket.AF_INET, socket.SOCK_STREAM)
print(found[0][4][0])
"""


@pytest.mark.needs("own_address")
@pytest.mark.cluster("names")
@clause("5.2.2-21")
def test_a_program_gets_the_chosen_address_first(pair: Pair, judge: Judge) -> None:
    """On a server with a public, an interconnect's and a floating address, a program that asks for the addresses of the
    server's own name gets first whichever of them it was started with.
    """
    words = pair.provisioned.get("own_address")
    if not isinstance(words, list):
        raise AdapterError(f"provision: own_address must be a list of words: {words!r}")
    pair.see.need("server1", "python3")
    networks = pair.provisioned["networks"]
    own = [network["addresses"]["server1"].partition("/")[0] for network in networks]
    for address in (*own, pair.provisioned["floating_ips"][0]):
        ran = pair.see.run("server1", [*words, str(address), "python3", "-c", ASKS_FOR_ITSELF])
        judge.equal("5.2.2-21", f"started with {address}", expected=str(address), observed=ran.stdout.strip())
