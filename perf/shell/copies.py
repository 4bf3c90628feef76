"""Copies of the whole disk and of differences."""

import statistics
from dataclasses import replace
from pathlib import Path

from perf.errors import PerfError
from perf.figures import differences
from perf.figures.conditions import PLAIN, Condition, parted
from perf.figures.results import (
    COMPARED_COPIES,
    CONTIGUOUS,
    CONTIGUOUS_PERCENT,
    DIFFERENCE_KINDS,
    DIFFERENCE_PERCENT,
    DRBD_FULL,
    FULL,
    HIGH_SPEED,
    NBDCOPY,
    SCATTERED,
    CopyMeasurement,
)
from perf.shell import fio
from perf.shell.bench import Bench, Others

DIFFERENCE = "difference-64k-qd4"
SHAPES = {CONTIGUOUS: "difference-contiguous-64k-qd4", SCATTERED: "difference-scattered-4k-qd16"}
HIGH_SPEED_PERCENT = 25
COPY_S = 600.0
COMPARED_TIMES = 3  # an odd number: the median is one of them


class Copies:
    """The copies of one pair."""

    def __init__(self, pair: Bench, others: Others) -> None:
        self.pair = pair
        self._others = others
        self._runs = 0

    def measure(self, kind: str, number: int) -> CopyMeasurement:
        """A copy of one of the kinds of ``results.COPIES`` or ``IN_MACHINES``, in a round."""
        if kind not in COMPARED_COPIES:
            return self._one(kind, number)
        several = {
            copied.mib_s: copied for copied in (self._one(kind, number) for _ in range(COMPARED_TIMES))
        }
        return several[statistics.median_low(several)]

    def _one(self, kind: str, number: int) -> CopyMeasurement:
        plain, condition = parted(kind)
        if condition != PLAIN:
            return self._slowed(plain, condition, number)
        if kind in (NBDCOPY, DRBD_FULL):
            return self._others.peer_copy(kind)
        if kind == FULL:
            return self.full()
        if kind == HIGH_SPEED:
            return self.high_speed(number, HIGH_SPEED_PERCENT)
        if kind in DIFFERENCE_KINDS:
            return self.counted(number, *DIFFERENCE_KINDS[kind])
        if kind in CONTIGUOUS_PERCENT:
            return self.high_speed(number, CONTIGUOUS_PERCENT[kind], job=SHAPES[CONTIGUOUS])
        if kind in DIFFERENCE_PERCENT:
            return self.high_speed(number, DIFFERENCE_PERCENT[kind])
        return self.without_fastsync(number)

    def full(self) -> CopyMeasurement:
        """Everything, to a server whose disk is new, while nobody writes."""
        pair = self.pair
        pair.to_broken()
        pair.return_standby(blank=True)
        return self._copy("full")

    def high_speed(
        self, number: int, percent: int, mode: str = "high-speed", job: str = DIFFERENCE
    ) -> CopyMeasurement:
        """The copy of a share of the disk that was written while the other server was away."""
        self.differ(number, percent, job)
        self.pair.return_standby(blank=False)
        return self._copy(mode)

    def counted(self, number: int, shape: str, percent: int) -> CopyMeasurement:
        """The copy of a difference whose extents fio's own list of writes tells."""
        log = self.differ(number, percent, SHAPES[shape], listed=True)
        with log.open() as lines:
            extents = differences.extents_written(lines)
        log.unlink()
        self.pair.return_standby(blank=False)
        return replace(self._copy("high-speed"), differing_bytes=extents * differences.EXTENT_BYTES)

    def differ(self, number: int, percent: int, job: str = DIFFERENCE, *, listed: bool = False) -> Path:
        """The other server is away, and so much of the first measured set is written; the list of the writes.

        At the machine's own pace: only what follows is measured.
        """
        pair = self.pair
        pair.to_broken()
        self._runs += 1
        stem = pair.directory / f"{job}-{self._runs:04d}"
        log = stem.with_suffix(".log")
        text = fio.load(job).aimed(
            [pair.targets[1][0]],
            seed=number + 1,
            io_bytes=pair.data_bytes * percent // 100,
            list_file=str(log) if listed else "",
        )
        with pair.unslowed():
            pair.fio(text, stem).figures(COPY_S)
        return log

    def without_fastsync(self, number: int) -> CopyMeasurement:
        """A tenth was written, everything is copied: the measured set has no FastSync (4.3.3-03)."""
        return self.high_speed(number, 10, "full")

    def _slowed(self, kind: str, condition: Condition, number: int) -> CopyMeasurement:
        """Under a condition that ends with the copy."""
        self.pair.come_under(condition)
        try:
            return self.measure(kind, number)
        finally:
            self.pair.come_under(PLAIN)

    def _copy(self, mode: str) -> CopyMeasurement:
        pair = self.pair
        before = pair.cpu_seconds()
        seconds = pair.copied_s(COPY_S)
        after = pair.cpu_seconds()
        status = pair.status()
        if status.get("copy_mode_last") != mode:
            raise PerfError(f"a {mode} copy was expected, it was {status.get('copy_mode_last')!r}")
        copied = int(status["copied_bytes_last"])
        mib = copied / (1 << 20)
        cpu = {name: (after[name] - before[name]) * 1e6 / mib for name in after if name in before}
        return CopyMeasurement(copied, seconds, cpu)
