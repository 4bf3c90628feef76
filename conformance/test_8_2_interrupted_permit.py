"""8.2: a command that permits access is interrupted by the loss of its server."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import SERVERS, Pair
from conformance.suite.refusals import refusal

GROUP, SET = "db", "set1"
ONE, TWO = SERVERS


@pytest.mark.spoils
@pytest.mark.needs("mirror_functions", "cut_inside")
@pytest.mark.cluster("copies")
@clause("8.2-01", "8.2-02")
def test_after_an_interrupted_permit_mirrors_are_created_again(pair: Pair, judge: Judge) -> None:
    """The power of a restarted server goes while it is given access by force. Afterwards the set does not pass for
    normal; created again where that is asked for, it is, and both copies are equal.
    """
    pair.spoil()
    pair.crash(ONE)
    pair.wait_place(GROUP, TWO)
    pair.write_file(GROUP, TWO, "written-alone")
    pair.operate("group.stop", group=GROUP)
    pair.power_on(ONE)
    pair.wait(lambda s: s.servers == {ONE: "Od", TWO: "O"}, "server 1 to be isolated", seen_by=TWO)
    pair.crash_during(ONE, {"op": "mirror.forced_permit", "set": SET, "server": ONE})
    state = pair.status(TWO).sets[SET]["state"]
    judge.holds("8.2-01", "it does not pass for normal", state != "NORMAL", state)
    pair.power_on(ONE)
    pair.wait(lambda s: s.servers.get(ONE) == "Od", "server 1 to be back", seen_by=TWO)
    pair.until_accepted("server.return", server=ONE)
    pair.wait(lambda s: set(s.servers.values()) == {"O"}, "both servers to be O", seen_by=TWO)
    # Whether anything was opened to writes by then decides if the copy goes by itself or has to be asked for.
    created = refusal(pair, "mirror.create", set=SET, source=TWO)
    after = pair.wait_set(SET, "NORMAL", seen_by=TWO)
    judge.equal("8.2-02", f"created again ({created})", expected="NORMAL", observed=after.sets[SET]["state"])
    pair.operate("cluster.stop")
    pair.wait(lambda s: set(s.servers.values()) == {"X"}, "both servers to be X")
    sums = pair.see.copies(SET)
    judge.holds("8.2-02", "both copies are equal", len(set(sums.values())) == 1, sums)
