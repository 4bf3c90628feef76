import math

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


def test_interval_is_students_by_logarithms() -> None:
    """Against figures worked out by hand: logs 0, ln 2, 2 ln 2; t of 2 degrees 2.92; s = ln 2."""
    found = spreads.interval([1.0, 2.0, 4.0])
    assert found is not None
    half = 2.920 * math.log(2) / math.sqrt(3)
    assert found.middle == pytest.approx(2.0)
    assert found.high == pytest.approx(2 * math.exp(half))
    assert found.low * found.high == pytest.approx(4.0)


def test_one_round_has_no_interval() -> None:
    """Nor has a ratio of nothing."""
    assert spreads.interval([0.5]) is None
    assert spreads.interval([0.5, 0.0]) is None
    assert spreads.quotient([1.0], [1.0, 2.0]) is None


def test_quotient_of_two_steady_series_is_exact() -> None:
    """No spread on either side: the interval is a point."""
    found = spreads.quotient([2.0, 2.0], [1.0, 1.0])
    assert found is not None
    assert (found.low, found.middle, found.high) == (2.0, 2.0, 2.0)


def test_quotient_is_wider_than_either_series() -> None:
    """Both spreads count."""
    one, other = [1.0, 1.1, 0.9], [1.0, 1.2, 0.8]
    found, alone = spreads.quotient(one, other), spreads.interval(one)
    assert found is not None
    assert alone is not None
    assert found.high / found.low > alone.high / alone.low


@pytest.mark.parametrize(("degrees", "factor"), [(0.5, 6.314), (4, 2.132), (4.9, 2.132), (100, 1.725)])
def test_factor_is_of_the_whole_degrees_below(degrees: float, factor: float) -> None:
    """Rounded to the careful side."""
    assert spreads.t95(degrees) == factor


def test_straightness_is_one_on_a_line_and_nothing_without_three_points() -> None:
    """R squared; equal values say nothing."""
    assert spreads.straightness([(1, 2), (2, 3), (3, 4)]) == pytest.approx(1)
    assert spreads.straightness([(1, 1), (2, 3), (3, 1)]) == pytest.approx(0)
    assert spreads.straightness([(1, 2), (2, 3)]) == 0
    assert spreads.straightness([(1, 2), (1, 3), (1, 4)]) == 0
