"""5.2.2: what applications have to expect on one server that is left."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER2
from conformance.suite.walk import Walk


@pytest.mark.cluster("walk-no")
@clause("5.2.2-11")
def test_several_groups_of_one_program_share_a_server(pair: Pair, judge: Judge) -> None:
    """After the loss of a server both groups, which run the same program, run on the other one at the same time."""
    lost = Walk(pair, "NO").arrow("3")
    judge.equal("5.2.2-11", "where both answer", expected={"A": SERVER2, "B": SERVER2}, observed=lost.places)
    judge.equal("5.2.2-11", "B was not stopped for it", expected=[], observed=lost.ran("B", SERVER2))
