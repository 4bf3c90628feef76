"""7.3.3, 7.3.4: what clients use virtual computer names for, and by which protocol."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.far_names import watch
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.smb import Shared


@pytest.mark.cluster("names")
@clause("7.3.4-03")
def test_a_network_drive_by_the_name(pair: Pair, judge: Judge) -> None:
    """The client connects to a share of the server by the virtual computer name, found by a query on the LAN; by a name
    that nobody has it does not.
    """
    pair.see.need("client", "smbclient")
    with Shared(pair, "server1", "data"):
        for name, reached in (("Conf-One", True), ("Conf-Nobody", False)):
            argv = ["smbclient", f"//{name}/data", "--no-pass", "--option=name resolve order=bcast"]
            ran = pair.see.run("client", [*argv, "--command", "exit"], timeout_s=60)
            judge.equal("7.3.4-03", f"{name} reached", expected=reached, observed=ran.returncode == 0)


@pytest.mark.needs("name_servers", "remote_lan")
@pytest.mark.cluster("wins-own")
@clause("7.3.4-05", "7.3.4-06", "7.3.3-04")
def test_pipes_and_calls_by_the_name(pair: Pair, judge: Judge) -> None:
    """A client that has the name alone opens a named pipe and calls by it, calls by TCP/IP, and has a session of
    NetBIOS over TCP/IP; after a failover again.
    """
    seen = watch(pair)
    for look in (seen.before, seen.after):
        found, where = look.services, f"on {look.server}"
        judge.equal("7.3.4-05", f"named pipe, {where}", expected=True, observed=found["named pipe"])
        for way in ("named pipe", "RPC over TCP/IP"):
            judge.equal("7.3.4-06", f"{way}, {where}", expected=True, observed=found[way])
        session = found["NetBIOS over TCP/IP"]
        judge.equal("7.3.3-04", f"NetBIOS over TCP/IP, {where}", expected=True, observed=session)
