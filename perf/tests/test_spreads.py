import pytest

from perf.errors import PerfError
from perf.figures import spreads


def test_spread_is_median_and_extremes_in_any_order() -> None:
    """The median of the rounds, the least and the greatest, and the rounds as they came."""
    found = spreads.spread([3.0, 1.0, 2.0, 10.0])
    assert (found.median, found.low, found.high) == (2.5, 1.0, 10.0)
    assert found.values == (3.0, 1.0, 2.0, 10.0)


def test_spread_of_nothing_is_an_error() -> None:
    """Nothing measured is not zero."""
    with pytest.raises(PerfError):
        spreads.spread([])


def test_ratios_are_paired_by_round() -> None:
    """A round that lacks a term, or has none to divide by, gives no ratio."""
    assert spreads.paired({0: 5.0, 1: 9.0, 3: 1.0, 4: 2.0}, {0: 10.0, 1: 10.0, 2: 7.0, 4: 0.0}) == [0.5, 0.9]


def test_paired_ratio_outlives_a_slow_round() -> None:
    """A round at half speed changes the medians' ratio, not the median of the ratios."""
    raw = {0: 100.0, 1: 50.0, 2: 100.0}
    assert spreads.paired({n: value * 0.6 for n, value in raw.items()}, raw) == pytest.approx([0.6] * 3)


@pytest.mark.parametrize(
    ("ratio", "stray"), [(1.0, False), (1.15, False), (1 / 1.15, False), (1.16, True), (0.86, True)]
)
def test_stray_ratio_is_off_by_more_than_the_factor_either_way(ratio: float, stray: bool) -> None:
    """Too fast is as suspicious as too slow."""
    assert (spreads.strays([ratio], 1.15) == [ratio]) is stray
