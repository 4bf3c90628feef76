"""2.3.5: routers between clients and a floating IP address."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.clients import NEAR, REMOTE, watch
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair


@pytest.mark.needs("remote_lan")
@pytest.mark.cluster("clients")
@clause("2.3.5-01", "2.3.4-01")
def test_a_router_needs_no_setting_for_a_floating_address(pair: Pair, judge: Judge) -> None:
    """Clients on the servers' LAN and behind a plain router use it, before a failover and after."""
    seen = watch(pair)
    for side in (seen.before, seen.after):
        judge.equal("2.3.5-01", f"remote, {side.server}", expected=True, observed=side.pings[REMOTE])
        judge.equal("2.3.4-01", f"near, {side.server}", expected=True, observed=side.pings[NEAR])
