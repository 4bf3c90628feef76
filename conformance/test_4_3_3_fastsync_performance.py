"""4.3.3: the time of copies, by a benchmark's file (`--measured FILE`)."""

from conformance.suite.cases import clause
from conformance.suite.measured import Measured


@clause("4.3.3-01")
def test_fastsync_costs_nothing(measured: Measured) -> None:
    """With FastSync the mirror is as fast as without."""
    measured.hold()


@clause("4.3.3-02", "4.3.3-04")
def test_copy_time_follows_the_difference(measured: Measured) -> None:
    """A larger difference takes longer, in proportion."""
    measured.hold()


@clause("4.3.3-03")
def test_copy_without_fastsync_is_a_copy_of_everything(measured: Measured) -> None:
    """Without FastSync a copy takes as long as one of 100 % difference."""
    measured.hold()
