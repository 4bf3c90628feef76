"""Two runs side by side: by ratios to their own baselines, never by absolute figures. Pure.

What counts is the 90 % interval of B over A: *worse* when even its upper bound is more than the tolerance below 1,
*better* when even its lower bound is as much above, *level* when all of it lies within, else *unsure*. The tolerance
is there because some of sixty 90 % intervals miss 1 by chance.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perf.figures import spreads
from perf.figures.results import BASES, NBDCOPY, RAW, ROUND_TRIP, Results
from perf.figures.spreads import Interval

TOLERANCE = 0.05
WORSE, BETTER, LEVEL, UNSURE = "worse", "better", "level", "unsure"


@dataclass(frozen=True)
class Comparison:
    """One ratio in both runs; ``change`` is B over A."""

    subject: str
    base: str
    a: float
    b: float
    change: Interval | None

    @property
    def verdict(self) -> str:
        """What can be said of it."""
        if self.change is None:
            return UNSURE
        if self.change.high < 1 - TOLERANCE:
            return WORSE
        if self.change.low > 1 + TOLERANCE:
            return BETTER
        within = self.change.low >= 1 - TOLERANCE and self.change.high <= 1 + TOLERANCE
        return LEVEL if within else UNSURE


def compare(a: Results, b: Results) -> list[Comparison]:
    """Every ratio that both runs have."""
    in_b = {(subject, base): ratios for subject, base, ratios in _ratios(b)}
    return [
        Comparison(
            subject, base, spreads.spread(before).median, spreads.spread(now).median,
            spreads.quotient(now, before),
        )
        for subject, base, before in _ratios(a)
        if (now := in_b.get((subject, base)))
    ]  # fmt: skip


def _ratios(results: Results) -> Iterator[tuple[str, str, Sequence[float]]]:
    """Each figure against the raw disk under its condition, or the nearest to it that was measured."""
    for job, rows in results.jobs.items():
        below = results.iops(results.raw_of(job), RAW)
        for row in rows:
            if row not in (*BASES, ROUND_TRIP) and (ratios := spreads.paired(results.iops(job, row), below)):
                yield f"{job} {row}", RAW, ratios
    for kind in results.copies:
        ratio = results.copy_ratio(kind, NBDCOPY)
        if kind != NBDCOPY and ratio is not None:
            yield kind, NBDCOPY, ratio.values


def lines(found: Sequence[Comparison]) -> Iterator[str]:
    """One line each, the worst first."""
    order = (WORSE, BETTER, UNSURE, LEVEL)
    for one in sorted(found, key=lambda one: (order.index(one.verdict), one.subject)):
        change = one.change
        shown = f"{change.middle:.2f} ({change.low:.2f} to {change.high:.2f})" if change else "one round only"
        yield f"{one.verdict:<7} {one.subject}: {one.a:.3f} -> {one.b:.3f} of {one.base}, times {shown}"
