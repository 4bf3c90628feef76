"""6.2.6: applications and services follow their group by scripts."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.walk import Walk


@pytest.mark.cluster("walk-no")
@clause("6.2.6-01")
def test_scripts_start_them_on_the_other_server(pair: Pair, judge: Judge) -> None:
    """On a failover and on a move the start script runs on the server that takes over, once."""
    walk = Walk(pair, "NO")
    lost, moved = walk.arrow("3"), walk.arrow("7")
    on = [server for server, _, _ in lost.starts("A")]
    judge.equal("6.2.6-01", "on a failover", expected=[SERVER2], observed=on)
    on = [server for server, _, _ in moved.starts("A")]
    judge.equal("6.2.6-01", "on a move", expected=[SERVER1], observed=on)
    judge.equal("6.2.6-01", "stopped first", expected=["stop"], observed=moved.ran("A", SERVER2))
