"""7.4: scripts run on every occasion, as texts that the cluster keeps and runs."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.walk import Walk

no = pytest.mark.cluster("walk-no")


@no
@clause("7.4-02", "7.4-03")
def test_scripts_run_on_every_occasion(pair: Pair, judge: Judge) -> None:
    """At start, failover, restoration of a server, move and stop, told by variables; they are files of commands."""
    walk = Walk(pair, "NO")
    started = {name: walk.arrow(name).starts("A") for name in ("1", "3", "7")}
    expected = {
        "1": [(SERVER1, "START", "HOME")],
        "3": [(SERVER2, "FAILOVER", "OTHER")],
        "7": [(SERVER1, "START", "HOME")],
    }
    judge.equal("7.4-02", "start, failover, move", expected=expected, observed=started)
    restored = {run.event for run in walk.arrow("5").scripts if run.server == SERVER1}
    judge.equal("7.4-02", "restoration", expected={"RECOVER"}, observed=restored)
    judge.equal("7.4-02", "stop", expected=["stop"], observed=walk.arrow("2").ran("A", SERVER1))
    judge.holds("7.4-03", "the texts of the suite ran as they are", bool(started["1"]), started)
