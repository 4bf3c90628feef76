"""Medians with their spread, and ratios paired per round. Pure.

A ratio is taken within a round and then its median over the rounds: what disturbs a whole round (another
load, a slow minute of the disk) hits both of its terms, and mostly cancels.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perf.errors import PerfError


@dataclass(frozen=True)
class Spread:
    """A median and the extremes."""

    median: float
    low: float
    high: float
    values: tuple[float, ...]

    def as_json(self) -> dict[str, float | list[float]]:
        """Plain numbers; four significant digits are more than there is."""
        return {
            "median": _short(self.median),
            "min": _short(self.low),
            "max": _short(self.high),
            "values": [_short(value) for value in self.values],
        }


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def spread(values: Sequence[float]) -> Spread:
    """Median, minimum and maximum of at least one value."""
    if not values:
        raise PerfError("no values: nothing was measured")
    return Spread(statistics.median(values), min(values), max(values), tuple(values))


def paired(above: Mapping[int, float], below: Mapping[int, float]) -> list[float]:
    """The ratios of the rounds that have both terms, in their order."""
    return [above[key] / below[key] for key in sorted(above) if below.get(key)]


def strays(ratios: Sequence[float], factor_max: float) -> list[float]:
    """The ratios that should be 1 and are further off than the factor, either way."""
    return [ratio for ratio in ratios if not 1 / factor_max <= ratio <= factor_max]


# Student's t, the 95th percentile, by degrees of freedom from 1: both tails together leave 10 %.
_T95 = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812,
        1.796, 1.782, 1.771, 1.761, 1.753, 1.746, 1.740, 1.734, 1.729, 1.725)  # fmt: skip


def t95(degrees: float) -> float:
    """The factor for a 90 % interval; beyond the table the last one, which is a little too careful."""
    return _T95[min(max(int(degrees), 1), len(_T95)) - 1]


@dataclass(frozen=True)
class Interval:
    """A 90 % interval of a ratio, about the geometric mean of the rounds."""

    middle: float
    low: float
    high: float


def interval(ratios: Sequence[float]) -> Interval | None:
    """The 90 % interval, by logarithms (a ratio of 2 is as far from 1 as one of 1/2); None below two rounds."""
    if len(ratios) < 2 or min(ratios) <= 0:
        return None
    logs = [math.log(ratio) for ratio in ratios]
    half = t95(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    mean = statistics.fmean(logs)
    return Interval(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


def further(values: Sequence[float]) -> Interval | None:
    """The bounds that a further round lies within nine times of ten, by logarithms; None without values.

    Wider than the interval of the mean: it does not shrink to nothing with the number of rounds. One round says
    nothing of its spread, and a value of 0 has no logarithm: then the bounds are the extremes.
    """
    if not values:
        return None
    mean = interval(values)
    if mean is None:
        return Interval(statistics.fmean(values), min(values), max(values))
    width = (mean.high / mean.middle) ** math.sqrt(len(values) + 1)
    return Interval(mean.middle, mean.middle / width, mean.middle * width)


def quotient(above: Sequence[float], below: Sequence[float]) -> Interval | None:
    """The 90 % interval of one series' mean over another's that is not paired with it (Welch)."""
    if min(len(above), len(below)) < 2 or min(*above, *below) <= 0:
        return None
    a, b = ([math.log(value) for value in series] for series in (above, below))
    parts = [statistics.variance(series) / len(series) for series in (a, b)]
    total = sum(parts)
    shares = sum(part**2 / (len(series) - 1) for part, series in zip(parts, (a, b), strict=True))
    half = t95(total**2 / shares) * math.sqrt(total) if shares else 0.0
    mean = statistics.fmean(a) - statistics.fmean(b)
    return Interval(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


def straightness(points: Sequence[tuple[float, float]]) -> float:
    """R squared of the straight line through (x, y): 1 when all lie on one; 0 when nothing can be said."""
    if len(points) < 3 or len({x for x, _ in points}) < 2 or len({y for _, y in points}) < 2:
        return 0.0
    xs, ys = zip(*points, strict=True)
    return statistics.correlation(xs, ys) ** 2
