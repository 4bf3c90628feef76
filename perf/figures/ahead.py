"""Each row beside QEMU's network mirror: *ahead*, *level* or *behind*, by the interval of the paired ratios. Pure.

*Ahead* is a 90 % interval that lies wholly above 1, *behind* one that lies wholly below; one that holds 1 is *level*.
One round has no interval, and no verdict.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from perf.figures import spreads
from perf.figures.results import MIRRORED, QEMU, Results
from perf.figures.spreads import Interval

AHEAD, LEVEL, BEHIND, UNKNOWN = "ahead", "level", "behind", "one round"


@dataclass(frozen=True)
class Verdict:
    """A job in normal operation; ``ratio`` is this mirror's rate over that of QEMU's."""

    job: str
    ratio: Interval | None

    @property
    def word(self) -> str:
        """What can be said of it."""
        if self.ratio is None:
            return UNKNOWN
        if self.ratio.low > 1:
            return AHEAD
        return BEHIND if self.ratio.high < 1 else LEVEL

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        interval = (
            {name: round(value, 4) for name, value in asdict(self.ratio).items()} if self.ratio else None
        )
        return {"job": self.job, "ratio": interval, "verdict": self.word}

    @property
    def shown(self) -> str:
        """The ratio with its interval."""
        if self.ratio is None:
            return "no interval"
        return f"{self.ratio.middle:.2f} ({self.ratio.low:.2f} to {self.ratio.high:.2f})"


def judge(results: Results) -> list[Verdict]:
    """Every job that both were measured with."""
    found = []
    for job in results.jobs:
        ratios = spreads.paired(results.iops(job, MIRRORED), results.iops(job, QEMU))
        if ratios:
            found.append(Verdict(job, spreads.interval(ratios)))
    return found


def everywhere(verdicts: Sequence[Verdict]) -> bool:
    """True when something was measured and all of it is ahead."""
    return bool(verdicts) and all(one.word == AHEAD for one in verdicts)


def lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """One sentence a row."""
    for one in verdicts:
        word = one.word.upper() if one.word == BEHIND else one.word
        yield f"{word:<12} {one.job}: {one.shown} times QEMU's network mirror; a whole interval above 1 is wanted"
