"""7.3.4: what clients use virtual computer names for."""

import pytest

from conformance.suite.cases import clause
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
