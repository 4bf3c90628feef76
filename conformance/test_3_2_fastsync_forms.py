"""3.2: operation forms with FastSync."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.copying import Copying
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.walk import Walk


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


@pytest.mark.cluster("walk-no")
@clause("3.2-01")
def test_the_same_forms_with_fastsync(pair: Pair, judge: Judge) -> None:
    """With the high-speed mode set, two groups start on a server each and back one another up, as without it."""
    started, lost = Walk(pair, "NO").arrow("1"), Walk(pair, "NO").arrow("3")
    modes = [each["fastsync"] for each in pair.now.config["mirror_sets"]]
    judge.equal("3.2-01", "the mode of every set", expected=[True], observed=modes)
    judge.equal("3.2-01", "started", expected={"A": SERVER1, "B": SERVER2}, observed=started.places)
    judge.equal("3.2-01", "one server lost", expected={"A": SERVER2, "B": SERVER2}, observed=lost.places)
