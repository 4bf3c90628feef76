"""What the coefficients of a run say of slowed disks and links, against what was measured there. Pure.

The model is `twinset.advice.expectation`, the one of `twinset plan --measured`; each condition is a described machine.
*Met*: the mean of the rounds lies within the predicted bounds. *Open*: only the 90 % interval of the rounds reaches
them. *Missed*: not even that. *Vague*: bounds further apart than VAGUE_FACTOR are no prediction, whatever was seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from perf.figures import spreads
from perf.figures.coefficients import SHAPES
from perf.figures.conditions import CONDITIONS, Condition, key
from perf.figures.results import FULL, MIRRORED, RAW, Results
from perf.figures.spreads import Interval
from perf.figures.verdicts import MET, MISSED, OPEN
from twinset.advice import expectation
from twinset.advice.coefficients import Coefficients
from twinset.advice.expectation import Expected, Machine

VAGUE, VAGUE_FACTOR = "vague", 5.0
CHECKED = ("disk-500", "disk-5000", "link-100m", "link-1g")


@dataclass(frozen=True)
class Prediction:
    """One figure under one condition."""

    subject: str
    row: str
    unit: str
    expected: Expected
    seen: Interval

    @property
    def verdict(self) -> str:
        """Whether what was seen lies within what was expected."""
        rate = self.expected.rate
        if rate.high > rate.low * VAGUE_FACTOR:
            return VAGUE
        if rate.low <= self.seen.middle <= rate.high:
            return MET
        return OPEN if self.seen.low <= rate.high and self.seen.high >= rate.low else MISSED

    def __str__(self) -> str:
        rate = self.expected.rate
        word = "MISSED" if self.verdict == MISSED else self.verdict
        return (
            f"{word:<12} {self.subject} {self.row}: {rate.middle:.0f} {self.unit} expected "
            f"({rate.low:.0f} to {rate.high:.0f}; {self.expected.by}), {self.seen.middle:.0f} seen "
            f"(90 %: {self.seen.low:.0f} to {self.seen.high:.0f})"
        )


def described(condition: Condition) -> Machine:
    """The machine that a condition makes of this one: a throttle slows, it makes no operation slower by itself."""
    return Machine(
        disk_iops=condition.disk_iops,
        disk_mib_s=condition.disk_mib_s,
        link_mbit_s=condition.link_mbit_s,
        throttled=condition.throttled or bool(condition.link_mbit_s),
    )


def check(found: Coefficients, results: Results, *, plain: bool = False) -> list[Prediction]:
    """Everything that was both predicted and measured; ``plain``: also as the machine is, of another run."""
    names = ["", *CHECKED] if plain else [*CHECKED]
    return [one for name in names for one in _under(found, results, CONDITIONS[name])]


def _under(found: Coefficients, results: Results, condition: Condition) -> Iterator[Prediction]:
    machine = described(condition)
    for workload in SHAPES:
        kind, job = found.operations.get(workload), key(workload, condition.name)
        if kind is None:
            continue
        if condition.throttled and (seen := _seen(results.iops(job, RAW))):
            yield Prediction(job, RAW, "IOPS", expectation.raw(found, kind, machine), seen)
        if seen := _seen(results.iops(job, MIRRORED)):
            yield Prediction(job, MIRRORED, "IOPS", expectation.mirrored(found, kind, machine), seen)
    copied = key(FULL, condition.name)
    if found.copy and (seen := _seen({n: run.mib_s for n, run in results.copies.get(copied, {}).items()})):
        yield Prediction("copy", copied, "MiB/s", expectation.copy_mib_s(found, machine), seen)


def _seen(rounds: Mapping[int, float]) -> Interval | None:
    values = [*rounds.values()]
    if not values:
        return None
    return spreads.interval(values) or Interval(values[0], values[0], values[0])


def passed(found: Sequence[Prediction]) -> bool:
    """True when something was predicted, and nothing that was is missed or open."""
    verdicts = {one.verdict for one in found}
    return MET in verdicts and verdicts <= {MET, VAGUE}
