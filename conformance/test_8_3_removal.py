"""8.3: switch-mirror disks go before their mirror set does."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import DEADLINE_S, Pair
from conformance.suite.refusals import refusal
from conformance.suite.static import Static
from conformance.suite.wait import wait_for

GROUP, SET, ONE = "db", "set1", "server1"


@clause("8.3-02")
def test_a_set_in_use_cannot_go(static: Static) -> None:
    """A configuration without the set but with its disk in a group is refused; with both gone it is accepted."""
    config = make.good()
    config["mirror_sets"] = []
    static.refuses("8.3-02", "the set gone, its disk still in a group", config, "E_NOTFOUND", "E_STATE")
    static.accepts("8.3-02", "both gone", make.without_disks(make.good()))


@pytest.mark.spoils
@pytest.mark.needs("removal", "mirror_functions", "reconfigure")
@pytest.mark.cluster("copies")
@clause("8.3-01")
def test_the_software_goes_after_its_resources(pair: Pair, judge: Judge) -> None:
    """While a group has a switch-mirror disk the software may not be removed, the cluster at work or stopped; when the
    disk has been taken out of the group and its set cancelled, it may.
    """
    pair.spoil()

    def asked() -> str:
        return refusal(pair, "software.remove", server=ONE)

    judge.equal("8.3-01", "the cluster at work", expected="E_STATE", observed=asked())
    pair.operate("cluster.stop")
    pair.wait(lambda s: set(s.servers.values()) == {"X"}, "both servers to be X")
    judge.equal("8.3-01", "stopped, the disk in its group", expected="E_STATE", observed=asked())
    pair.adapter.request("apply", {"config": pair.without_disk(GROUP)})
    pair.until_accepted("mirror.cancel", set=SET)
    allowed = wait_for(asked, lambda said: said == "accepted", DEADLINE_S, "the disks to be forgotten")
    judge.equal("8.3-01", "taken out and cancelled", expected="accepted", observed=allowed)
