"""7.3.1.3: an associated name in a client's LMHOSTS file."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.clusters import LINKED
from conformance.suite.far_names import NEAR, watch
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair


@pytest.mark.needs("name_servers", "remote_lan")
@pytest.mark.cluster("wins-own")
@clause("7.3.1.3-10")
def test_lmhosts_pairs_the_name_with_the_address(pair: Pair, judge: Judge) -> None:
    """A client that finds names by its LMHOSTS file alone comes to it by one line, before and after a failover."""
    seen = watch(pair)
    for look in (seen.before, seen.after):
        judge.equal("7.3.1.3-10", f"on {look.server}", expected=True, observed=look.by_lmhosts[NEAR, LINKED])
