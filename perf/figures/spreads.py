"""Medians with their spread, and ratios paired per round. Pure.

A ratio is taken within a round and then its median over the rounds: what disturbs a whole round (another
load, a slow minute of the disk) hits both of its terms, and mostly cancels.
"""

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
