import pytest

from perf.figures import growth
from perf.figures.growth import SETS


def points(*costs: float) -> dict[str, dict[str, dict[str, float]]]:
    return {SETS: {str(n): {"rss_kib": cost} for n, cost in zip((1, 2, 8), costs, strict=False)}}


@pytest.mark.parametrize(
    ("costs", "linear"),
    [((100, 200, 800), True), ((100, 110, 120), True), ((100, 235, 950), True), ((100, 400, 800), False)],
)
def test_cost_may_grow_as_the_size_does(costs: tuple[float, ...], linear: bool) -> None:
    """Twice the sets, at most twice the memory, and a fifth for the noise."""
    (verdict,) = growth.judge(points(*costs))
    assert verdict.linear is linear
    assert str(verdict).startswith("met" if linear else "MISSED")


def test_one_size_says_nothing() -> None:
    """Growth needs two points."""
    assert growth.judge(points(100)) == []
    assert growth.judge({}) == []
