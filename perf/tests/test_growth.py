import pytest

from perf.figures import growth, plots
from perf.figures.growth import FLOORS, GROUPS, KINDS, PLANNING, SETS, SIZES
from perf.figures.matrix import EXHAUSTIVE, GROWN
from perf.figures.results import Results
from perf.shell import planning


def points(*costs: float, kind: str = "rss_kib") -> dict[str, dict[str, dict[str, float]]]:
    return {SETS: {str(n): {kind: cost} for n, cost in zip((1, 2, 8), costs, strict=False)}}


@pytest.mark.parametrize(
    ("costs", "linear"),
    [
        ((100, 200, 800), True),
        ((100, 110, 120), True),
        ((100, 235, 950), True),
        ((100, 400, 800), False),
        ((100, 100, 600), False),
    ],
)
def test_cost_may_grow_as_the_size_does(costs: tuple[float, ...], linear: bool) -> None:
    """Twice the sets, at most twice the memory, and a fifth for the noise; between any two sizes."""
    found = points(*costs)
    (verdict,) = growth.judge(found)
    assert verdict.linear is linear
    assert growth.passed(found) is linear
    assert str(verdict).startswith("met" if linear else "MISSED")


def test_too_little_to_be_told_from_nothing_is_no_base() -> None:
    """No tick of processor time at the smallest size, one at the next."""
    assert growth.passed(points(0, 40, 160, kind="permit_cpu_ms"))
    assert not growth.passed(points(0, 60, 160, kind="permit_cpu_ms"))
    assert FLOORS.keys() < KINDS.keys()


def test_one_size_says_nothing() -> None:
    """Growth needs two points."""
    assert growth.judge(points(100)) == []
    assert growth.judge({}) == []
    assert not growth.passed({})


def test_every_size_is_in_the_matrix_of_growth() -> None:
    """And in the exhaustive one; 1 to 8 sets, 6 MiB to 100 GiB, 1 to 64 groups."""
    for matrix in (GROWN, EXHAUSTIVE):
        assert {cell.row for cell in matrix.cells() if cell.workload == growth.GROWTH} == set(SIZES)
    assert (SIZES[GROUPS][-1], SIZES[SETS][-1], SIZES[PLANNING][-1]) == (64, 8, 100 << 10)


def test_every_cost_is_plotted_beside_the_line_of_the_sizes() -> None:
    """One plot a size, each cost by its name."""
    results = Results()
    costs = {"start_s": 2.0, "rss_kib": 3.0, "switch_s": 0.5}
    results.growth = {GROUPS: {"1": costs, "64": {kind: 10 * cost for kind, cost in costs.items()}}}
    [plot] = [one for one in plots.plots(results) if one.title == "Cost over groups"]
    assert all(name in plot.drawing for name in ("linear", *(KINDS[kind] for kind in costs)))


def test_a_sparse_difference_is_walked_at_every_size() -> None:
    """The smallest disk has one extent that differs; what is measured is processor time."""
    assert all(planning.walk_cpu_ms(mib << 20) > 0 for mib in (growth.SMALLEST_MIB, 1024))
