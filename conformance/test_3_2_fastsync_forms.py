"""3.2: operation forms with FastSync."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.copying import Copying
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair


@pytest.mark.cluster("copies")
@clause("3.2.1-01")
def test_uni_directional_with_fastsync(pair: Pair, judge: Judge) -> None:
    """The survivor recorded differences; when the lost server is back those are copied, and no more."""
    rebuilt = Copying(pair).rebuilt()
    judge.holds(
        "3.2.1-01", "differences recorded by the survivor", rebuilt.dirty_broken > 0, rebuilt.dirty_broken
    )
    judge.equal("3.2.1-01", "how it was copied", expected="high-speed", observed=rebuilt.mode)
    few = 0 < rebuilt.copied < rebuilt.size / 2
    judge.holds("3.2.1-01", "only the differences", few, rebuilt.amounts)
