"""7.4: scripts as resources."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.walk import Walk


@pytest.mark.cluster("walk-no")
@clause("7.4-01", "7.4-02", "6.1-08")
def test_scripts_run_on_every_occasion(pair: Pair, judge: Judge) -> None:
    """Start, stop, failover and move each run the group's scripts, on the server that they concern and no other."""
    walk = Walk(pair, "NO")
    wanted = {
        "1": [(SERVER1, "start")],
        "2": [(SERVER1, "stop")],
        "3": [(SERVER2, "start")],
        "7": [(SERVER2, "stop"), (SERVER1, "start")],
    }
    for name, expected in wanted.items():
        ran = [
            (r.server, r.script) for r in walk.arrow(name).scripts if r.group == "A" and r.event != "RECOVER"
        ]
        judge.equal(
            "7.4-02", f"scripts of A on arrow ({name})", expected=sorted(expected), observed=sorted(ran)
        )
    judge.equal(
        "7.4-01", "A runs where its script started it", expected=SERVER1, observed=walk.arrow("1").places["A"]
    )
    judge.equal(
        "6.1-08", "the script is a resource of A", expected=1, observed=len(walk.arrow("1").starts("A"))
    )
