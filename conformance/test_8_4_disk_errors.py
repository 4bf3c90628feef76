"""8.4: a mirror disk that was isolated by an I/O error, created again as it is and replaced."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair

SET, GROUP = "set1", "db"
ready = pytest.mark.cluster("copies")
faults = pytest.mark.needs("disk_faults")


@faults
@ready
@clause("8.4-01", "8.4-02")
def test_a_failed_disk_fails_again_until_it_is_replaced(pair: Pair, judge: Judge) -> None:
    """The standby's disk gives write errors: the application goes on, the mirror breaks. Created again on the
    same disk it does not become normal; on a new disk it does, by a full copy.
    """
    with pair.spoiled_on_error():
        pair.fault_disk("server2", "write")
        before = pair.write_file(GROUP, "server1", "while-it-fails")
        pair.wait(lambda s: s.sets[SET]["state"] != "NORMAL", "the disk to be isolated")
        read = pair.checksum(GROUP, "server1", "while-it-fails")
        judge.equal("8.4-01", "the application reads what it wrote", expected=before, observed=read)
        _bring_back(pair)
        stayed = pair.settle(lambda s: s.sets[SET]["state"] != "NORMAL").sets[SET]["state"]
        judge.holds("8.4-01", "the mirror is not created on the failing disk", stayed != "NORMAL", stayed)
        pair.crash("server2")
        pair.fault_disk("server2", None)
        pair.adapter.request("replace", {"server": "server2", "what": "disk"})
        _bring_back(pair, crash=False)
        whole = pair.wait_set(SET, "NORMAL").sets[SET]
        judge.equal(
            "8.4-02", "mode of the copy to the new disk", expected="full", observed=whole["copy_mode_last"]
        )
        read = pair.checksum(GROUP, "server1", "while-it-fails")
        judge.equal("8.4-02", "the data is still served", expected=before, observed=read)
    pair.spoil()


def _bring_back(pair: Pair, *, crash: bool = True) -> None:
    """Start server 2 anew and return it to the cluster."""
    if crash:
        pair.crash("server2")
    pair.wait(lambda s: s.servers["server2"] == "Xd", "server 2 to be Xd")
    pair.power_on("server2")
    pair.wait(lambda s: s.servers["server2"] == "Od", "server 2 to be Od")
    pair.operate("server.return", server="server2")
    pair.wait(lambda s: s.servers["server2"] == "O", "server 2 to be O")
