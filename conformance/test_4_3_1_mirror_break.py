"""4.3.1: what a mirror break is, and what FastSync makes of it."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.copying import WRITTEN, Copying
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair

ready = pytest.mark.cluster("copies")


@ready
@clause("4.3.1-03")
def test_a_lost_server_breaks_the_mirror_and_a_copy_mends_it(pair: Pair, judge: Judge) -> None:
    """Normal before, inconsistent while the other server is lost, normal again after a copy."""
    rebuilt = Copying(pair).rebuilt()
    judge.equal("4.3.1-03", "while the server is lost", expected="INCONSISTENT", observed=rebuilt.broken)
    judge.equal("4.3.1-03", "after the rebuild", expected="NORMAL", observed=rebuilt.state)
    judge.holds("4.3.1-03", "by copying", rebuilt.copied > 0, rebuilt.amounts)


@ready
@clause("4.3.1-04", "4.3.1-05")
def test_writes_are_noted_while_the_mirror_is_broken(pair: Pair, judge: Judge) -> None:
    """Nothing is noted while it is normal; all that is written to the broken set is: after a rebuild that copies little
    more, both copies are equal.
    """
    rebuilt, sums = Copying(pair).rebuilt(), Copying(pair).compared_after_rebuild()
    judge.equal("4.3.1-04", "noted while normal", expected=0, observed=rebuilt.dirty_normal)
    judge.holds(
        "4.3.1-04",
        f"at least {WRITTEN} bytes noted while broken",
        rebuilt.dirty_broken >= WRITTEN,
        rebuilt.dirty_broken,
    )
    # What was under way at the break is counted too: the amount alone does not show that later writes are.
    judge.holds("4.3.1-04", "nothing was missed: both copies are equal", len(set(sums.values())) == 1, sums)
    close = rebuilt.dirty_broken / 2 <= rebuilt.copied < rebuilt.size / 2
    judge.holds("4.3.1-05", "copied is what was noted, give or take", close, rebuilt.amounts)


@ready
@clause("4.3.1-02", "4.1.3-04")
def test_both_copies_hold_the_same_data(pair: Pair, judge: Judge) -> None:
    """Read raw while the cluster is stopped, all data partitions of both servers are equal byte for byte."""
    sums = Copying(pair).compared_after_rebuild()
    judge.equal("4.3.1-02", "copies that were read", expected=2, observed=len(sums))
    judge.holds("4.3.1-02", "both are equal", len(set(sums.values())) == 1, sums)
    judge.holds("4.1.3-04", "every partition but CLUSTER is mirrored", len(set(sums.values())) == 1, sums)
