"""5.2.4: client applications lose their connection at a failover and connect again."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.clients import NEAR, REMOTE, watch
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair


@pytest.mark.needs("remote_lan")
@pytest.mark.cluster("clients")
@clause("5.2.4-01", "5.2.4-02")
def test_connections_are_cut_and_made_again_by_time_out(pair: Pair, judge: Judge) -> None:
    """Cut when the active server fails; clients that try again after a time-out are served by the other one."""
    for host in (NEAR, REMOTE):
        lines = watch(pair).lines[host]
        judge.holds("5.2.4-01", f"{host} lost its connection", "lost" in lines, lines)
        judge.equal("5.2.4-02", f"{host} connected again", expected="up", observed=lines[-1])
