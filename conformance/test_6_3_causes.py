"""6.3: what makes a group fail over."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.walk import Walk

light = pytest.mark.cluster("attributes")


@pytest.mark.cluster("walk-no")
@clause("6.3-03")
def test_a_power_failure_of_either_server(pair: Pair, judge: Judge) -> None:
    """A server whose power is cut loses its group to the other one, whichever of the two it is."""
    walk = Walk(pair, "NO")
    first, second = walk.arrow("3"), walk.arrow("8")
    start = [(SERVER2, "FAILOVER", "OTHER")]
    judge.equal("6.3-03", "A, server 1 without power", expected=start, observed=first.starts("A"))
    start = [(SERVER1, "FAILOVER", "OTHER")]
    judge.equal("6.3-03", "B, server 2 without power", expected=start, observed=second.starts("B"))


@pytest.mark.spoils
@light
@clause("6.3-02")
def test_the_shutdown_of_a_server(pair: Pair, judge: Judge) -> None:
    """One server is shut down, not the cluster: its group was stopped there in order, and starts on the other one."""
    pair.wait_place("auto", SERVER1)
    noted = len(pair.see.script_runs(SERVER2))
    pair.spoil()
    pair.operate("server.shutdown", server=SERVER1)
    after = pair.wait(lambda s: s.place("auto") == SERVER2, "auto to fail over", seen_by=SERVER2)
    judge.holds("6.3-02", "server 1 operates no more", after.servers[SERVER1] != "O", after.servers)
    starts = [(r.group, r.event) for r in pair.see.script_runs(SERVER2)[noted:] if r.script == "start"]
    judge.equal("6.3-02", "starts on server 2", expected=[("auto", "FAILOVER")], observed=starts)


@pytest.mark.spoils
@light
@clause("6.3-05")
def test_the_complete_stall_of_a_server(pair: Pair, judge: Judge) -> None:
    """A server stands still with its power on: its group starts on the other one, and stays there when it goes on."""
    pair.wait_place("auto", SERVER1)
    fip = str(pair.provisioned["floating_ips"][0])
    pair.spoil()
    pair.adapter.request("pause", {"server": SERVER1, "action": "pause"})
    try:
        after = pair.wait(lambda s: s.place("auto") == SERVER2, "auto to fail over", seen_by=SERVER2)
    finally:
        pair.adapter.request("pause", {"server": SERVER1, "action": "resume"})
    judge.equal("6.3-05", "the group", expected=SERVER2, observed=after.place("auto"))
    later = pair.settle(lambda s: s.place("auto") == SERVER2, seen_by=SERVER2)
    judge.equal("6.3-05", "after it went on", expected=SERVER2, observed=later.place("auto"))
    judge.equal("6.3-05", "who answers", expected=SERVER2, observed=pair.see.owner_of(fip))


@pytest.mark.spoils
@pytest.mark.needs("software_faults")
@light
@clause("6.3-06")
def test_a_fault_of_the_cluster_software(pair: Pair, judge: Judge) -> None:
    """The software of server 1 ends and does not come back, while the server runs on: its group starts on the other
    one, which alone answers for its address.
    """
    pair.wait_place("auto", SERVER1)
    fip = str(pair.provisioned["floating_ips"][0])
    noted = len(pair.see.script_runs(SERVER2))
    pair.spoil()
    pair.adapter.request("software", {"server": SERVER1, "action": "end"})
    after = pair.wait(lambda s: s.place("auto") == SERVER2, "auto to fail over", seen_by=SERVER2)
    judge.equal("6.3-06", "the group", expected=SERVER2, observed=after.place("auto"))
    starts = [(r.group, r.event) for r in pair.see.script_runs(SERVER2)[noted:] if r.script == "start"]
    judge.equal("6.3-06", "starts on server 2", expected=[("auto", "FAILOVER")], observed=starts)
    judge.equal("6.3-06", "who answers", expected=SERVER2, observed=pair.see.owner_of(fip))
    judge.equal("6.3-06", "server 1 runs on", expected=True, observed=pair.see.pings(pair.see.fixed[SERVER1]))
