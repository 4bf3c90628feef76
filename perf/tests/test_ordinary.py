import pytest

from perf.figures import ordinary, own_bars
from perf.figures.judged import Judged
from perf.figures.ordinary import DISKS, JOBS, ORDINARY
from perf.figures.results import MIRRORED, RAW, REBUILD, REBUILD_FAST, Results
from perf.tests.factory import measurement

JOB, HALF = "readwrite-4k-qd1@disk-500", "readwrite-4k-qd1@disk-500-half"


def run(**rows: tuple[str, str, list[float]]) -> Results:
    """Rows of a run: job, row, IOPS by round."""
    made = Results()
    for job, row, values in rows.values():
        for number, iops in enumerate(values):
            made.add(job, row, number, measurement(iops))
    return made


def judged(results: Results, fact: str) -> Judged:
    return next(one for one in ordinary.judge(results) if one.fact.startswith(fact))


def test_every_bar_has_its_cells_in_the_matrix() -> None:
    """Two disks, two depths, half load and saturating; five pairs."""
    cells = {(cell.job, cell.row) for cell in ORDINARY.cells()}
    for disk in DISKS:
        for job in JOBS:
            assert {(f"{job}@{disk}-half", row) for row in (RAW, MIRRORED, REBUILD)} <= cells
            assert {(f"{job}@{disk}", row) for row in (RAW, MIRRORED, REBUILD_FAST)} <= cells
    assert ORDINARY.rounds >= 5


def test_raw_is_measured_at_most_before_half_of_it_is_offered() -> None:
    """Half load is half of what the raw disk did in the same round."""
    cells = list(ORDINARY.cells())
    for disk in DISKS:
        first = [
            next(n for n, cell in enumerate(cells) if cell.condition == name)
            for name in (disk, f"{disk}-half")
        ]
        assert first == sorted(first)


@pytest.mark.parametrize(("mirrored", "met"), [([90.0, 95, 80], True), ([89.0, 95, 80], False)])
def test_loss_is_of_the_median_of_the_pairs(mirrored: list[float], met: bool) -> None:
    """At most a tenth, and the tenth itself is met."""
    results = run(a=(HALF, RAW, [100, 100, 100]), b=(HALF, MIRRORED, mirrored))
    found = judged(results, f"{HALF}, half load")
    assert found.met is met
    assert "3 pairs" in found.observed
    assert "p99 0.9 -> 0.9 ms" in found.observed


def test_rebuild_is_held_to_the_mirror_without_one_and_to_its_own_idle_rate() -> None:
    """At half load: a tenth more at most, half of the idle rate at least."""
    results = run(a=(HALF, MIRRORED, [100]))
    results.add(HALF, REBUILD, 0, measurement(91, rebuild={"mib_s": 49.0, "idle_mib_s": 100.0}))
    assert judged(results, f"{HALF}, during a full copy").met is True
    found = judged(results, f"{HALF}, rate of a full copy")
    assert (found.met, found.observed) == (False, "0.49 (49.0 of 100.0 MiB/s)")


@pytest.mark.parametrize(
    ("rates", "ended", "met"), [([2.0, 1.0], 1.0, True), ([2.0, 0.9], 1.0, False), ([2.0, 2.0], 0.0, False)]
)
def test_at_saturation_the_slowest_copy_keeps_the_floor_and_each_ends(
    rates: list[float], ended: float, met: bool
) -> None:
    """A rebuild that only nearly ends is none."""
    results = Results()
    for number, rate in enumerate(rates):
        results.add(JOB, REBUILD_FAST, number, measurement(50, rebuild={"mib_s": rate, "ended": ended}))
    assert judged(results, f"{JOB}, saturating, rate").met is met


def test_what_was_not_measured_is_not_met() -> None:
    """Nothing passes by being left out; other matrices are not held to these bars."""
    found = own_bars.judge("ordinary", Results())
    assert len(found) == len(DISKS) * len(JOBS) * 5
    assert {one.met for one in found} == {None}
    assert str(found[0]).startswith("not measured")
    assert own_bars.judge("standard", Results()) == []
