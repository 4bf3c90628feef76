"""4.3.2: the cluster runs with FastSync and without it, on the same kind of servers."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.copying import Copying
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair


@pytest.mark.cluster("copies-full")
@clause("4.3.2-01", "AUX-03")
def test_without_fastsync_the_cluster_runs(pair: Pair, judge: Judge) -> None:
    """Without the option a mirror breaks, is rebuilt and normal again; all is copied, and both copies are equal."""
    rebuilt = Copying(pair).rebuilt()
    facts = {"mode": rebuilt.mode, "state": rebuilt.state}
    judge.equal("AUX-03", "a rebuild", expected={"mode": "full", "state": "NORMAL"}, observed=facts)
    sums = Copying(pair).compared_after_rebuild()
    judge.holds("AUX-03", "both copies are equal", len(set(sums.values())) == 1, sums)
    judge.equal("4.3.2-01", "the servers that it runs on", expected="NORMAL", observed=rebuilt.state)


@pytest.mark.cluster("copies")
@clause("4.3.2-01", "AUX-03")
def test_with_fastsync_the_same_servers_do(pair: Pair, judge: Judge) -> None:
    """With the option the servers are the same, and their disks; a rebuild is a high-speed copy, and both are equal."""
    rebuilt = Copying(pair).rebuilt()
    judge.equal("4.3.2-01", "on the same servers", expected="high-speed", observed=rebuilt.mode)
    facts = {"mode": rebuilt.mode, "state": rebuilt.state}
    judge.equal("AUX-03", "a rebuild", expected={"mode": "high-speed", "state": "NORMAL"}, observed=facts)
    sums = Copying(pair).compared_after_rebuild()
    judge.holds("AUX-03", "both copies are equal", len(set(sums.values())) == 1, sums)
