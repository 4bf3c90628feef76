"""6.1: the kinds of resources."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.moved import AWAY, HOME, moved
from conformance.suite.pair import Pair


@pytest.mark.cluster("copies")
@clause("6.1-02", "6.1-03")
def test_a_disk_and_an_address_are_resources(pair: Pair, judge: Judge) -> None:
    """The partition is mounted and the address answers where the group is active, on either server, and only there."""
    seen = moved(pair)
    for look, server, other in ((seen.before, HOME, AWAY), (seen.after, AWAY, HOME)):
        expected = {server: True, other: False}
        judge.equal("6.1-02", f"active on {server}: mounted", expected=expected, observed=look.mounted)
        judge.equal("6.1-03", f"active on {server}: who answers", expected=server, observed=look.owner)
