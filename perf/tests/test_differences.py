import pytest

from perf.figures import differences
from perf.figures.differences import EXTENT_BYTES, extents_written, line_through
from perf.figures.judged import Judged
from perf.figures.results import DIFFERENCE_KINDS, CopyMeasurement, Results

LOG = """fio version 3 iolog
18 difference-scattered-4k-qd16.0.0 add
2729 difference-scattered-4k-qd16.0.0 open
2734 difference-scattered-4k-qd16.0.0 write 0 4096
2735 difference-scattered-4k-qd16.0.0 write 61440 8192
2735 difference-scattered-4k-qd16.0.0 write 65536 4096
2736 difference-scattered-4k-qd16.0.0 read 1048576 4096
2740 difference-scattered-4k-qd16.0.0 close
""".splitlines()


def copies(factor: float = 1.0, off: dict[str, float] | None = None) -> Results:
    """One copy of each kind on the line 0.2 s + 4 s a GiB, those of ``off`` so many seconds off it."""
    made = Results()
    for kind, (_, percent) in DIFFERENCE_KINDS.items():
        size = percent * (10 << 20)
        seconds = 0.2 + 4 * size / (1 << 30) + (off or {}).get(kind, 0.0)
        made.add_copy(kind, 0, CopyMeasurement(round(size * factor), seconds, differing_bytes=size))
    return made


def judged(results: Results) -> list[Judged]:
    return differences.judge(results)


def test_extents_are_counted_from_the_list_of_writes() -> None:
    """Each extent once, also one that a write only reaches into; reads do not count."""
    assert extents_written(LOG) == 2
    assert EXTENT_BYTES == 65536


def test_line_goes_through_points_that_lie_on_one() -> None:
    """Start and slope are found again."""
    assert line_through([(1, 3.0), (2, 5.0), (4, 9.0)]) == pytest.approx((1.0, 2.0))


@pytest.mark.parametrize(("factor", "met"), [(1.0, True), (1.1, True), (1.11, False)])
def test_at_most_a_tenth_more_than_the_difference_is_copied(factor: float, met: bool) -> None:
    """Rounded to extents, in the worst of the copies."""
    assert judged(copies(factor))[0].met is met


@pytest.mark.parametrize(("off", "met"), [(0.0, True), (0.09, True), (-0.4, True), (1.5, False)])
def test_each_point_lies_near_the_line(off: float, met: bool) -> None:
    """15 % of its time or 0.1 s, whichever is more."""
    assert judged(copies(off={"scattered 100 %": off}))[1].met is met


def test_a_kind_that_was_not_measured_leaves_no_verdict() -> None:
    """A line through some of the points says nothing of the others."""
    results = copies()
    del results.copies["contiguous 50 %"]
    assert judged(results)[1].met is None
    assert judged(Results())[0].met is None


def test_full_copy_is_held_to_nbdcopy() -> None:
    """0.9 of its rate."""
    results = Results()
    results.add_copy("nbdcopy", 0, CopyMeasurement(100 << 20, 1.0))
    results.add_copy("full copy", 0, CopyMeasurement(89 << 20, 1.0))
    assert judged(results)[2].met is False
    results.add_copy("full copy", 0, CopyMeasurement(90 << 20, 1.0))
    assert judged(results)[2].met is True
