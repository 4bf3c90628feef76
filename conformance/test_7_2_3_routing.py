"""7.2.3: routing of floating IP addresses."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.moved import moved
from conformance.suite.pair import Pair


@pytest.mark.cluster("copies")
@clause("7.2.3-01")
def test_no_route_is_set_for_it(pair: Pair, judge: Judge) -> None:
    """The client reaches the address before and after a move, with the same routes, none of which is for it."""
    seen = moved(pair)
    judge.holds("7.2.3-01", "the client has routes", bool(seen.before.routes.strip()), seen.before.routes)
    reached = [look.reached_from["client"] for look in (seen.before, seen.after)]
    judge.equal("7.2.3-01", "it answers, before and after", expected=[True, True], observed=reached)
    judge.equal("7.2.3-01", "its routes", expected=seen.before.routes, observed=seen.after.routes)
    judge.holds(
        "7.2.3-01", f"none for {seen.fip}", f"{seen.fip} " not in seen.after.routes, seen.after.routes
    )
