"""The figures that the project holds itself to, and the verdict on a run. Pure.

Each is the median of ratios paired by round, so it speaks of the software and not of the machine.
"""

from dataclasses import dataclass
from typing import Any

from perf.figures.results import FULL, LIMIT, MIRRORED, NBDCOPY, RAW, Results


@dataclass(frozen=True)
class Bar:
    """``subject`` (a job in normal operation, or a copy) reaches at least this share of ``base``."""

    subject: str
    base: str
    at_least: float


BARS = (
    Bar("randwrite-4k-qd16", LIMIT, 0.55),
    Bar("randwrite-4k-qd1", LIMIT, 0.28),
    Bar("readwrite-4k-qd16", RAW, 0.60),
    Bar("seqwrite-1m-qd4", LIMIT, 0.60),
    Bar(FULL, NBDCOPY, 0.70),
)


@dataclass(frozen=True)
class Verdict:
    """How a run stands to a bar; ``measured`` is None when it was not measured."""

    bar: Bar
    measured: float | None

    @property
    def met(self) -> bool:
        """True when it was measured and is high enough."""
        return self.measured is not None and self.measured >= self.bar.at_least

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        measured = None if self.measured is None else round(self.measured, 3)
        bar = self.bar
        return {"subject": bar.subject, "base": bar.base, "at_least": bar.at_least, "measured": measured,
                "met": self.met}  # fmt: skip


def judge(results: Results) -> list[Verdict]:
    """All bars, in their order."""
    verdicts = []
    for bar in BARS:
        if bar.subject == FULL:
            ratio = results.copy_ratio(bar.subject, bar.base)
        else:
            ratio = results.ratio(bar.subject, MIRRORED, bar.base)
        verdicts.append(Verdict(bar, None if ratio is None else ratio.median))
    return verdicts
