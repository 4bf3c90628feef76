"""Everything that was measured, by job, row and round, and what is derived from it. Pure."""

from dataclasses import dataclass, field
from typing import Any

from perf.figures import spreads
from perf.figures.conditions import CONDITIONS, key, parted
from perf.figures.fio_output import Figures
from perf.figures.growth import GROWTH
from perf.figures.spreads import Spread

RAW, LIMIT, NBD, MIRRORED = "raw", "limit", "nbd", "mirrored"
QEMU, DRBD, MD = "qemu", "drbd", "md"  # other mirrors
BROKEN, FAILED_OVER = "broken", "failed-over"
REBUILD, REBUILD_FAST, COPY = "rebuild", "rebuild-fast", "copy"
ROUND_TRIP = "round-trip"  # of plain TCP: what a mirrored write cannot do without
SAMPLED = "sampled"  # mirrored, while the mirror processes stamp every Nth operation
JOB_ROWS = (
    RAW, LIMIT, NBD, MIRRORED, SAMPLED, QEMU, DRBD, MD, BROKEN, FAILED_OVER, REBUILD, REBUILD_FAST, ROUND_TRIP,
)  # fmt: skip
ROWS = (*JOB_ROWS, COPY)
BASES = (RAW, LIMIT, QEMU, DRBD, MD)

FULL, HIGH_SPEED, NBDCOPY = "full copy", "high-speed copy", "nbdcopy"
NO_FASTSYNC = "copy without FastSync"
DIFFERENCE_PERCENT = {f"difference {percent} %": percent for percent in (1, 10, 50, 100)}
DIFFERENCES = (*DIFFERENCE_PERCENT, NO_FASTSYNC)
# Judged against each other within 10 %, and a second long: each round takes the median of several.
COMPARED_COPIES = (NO_FASTSYNC, "difference 100 %")
SLOWED = tuple(key(FULL, name) for name in ("disk-500", "disk-5000", "link-100m", "link-1g"))
DRBD_FULL = "full copy by DRBD"
# In one piece: of scattered ones a disk that is paid by the request takes the more together the denser they lie. A slow
# disk sets the pace in the machines: emulated processors take now half, now twice as long for the same copy.
CONTIGUOUS_PERCENT = {
    f"contiguous difference {percent} %": percent for percent in DIFFERENCE_PERCENT.values()
}
IN_MACHINES = (
    DRBD_FULL,
    *(key(kind, "disk-100") for kind in (FULL, DRBD_FULL, *CONTIGUOUS_PERCENT)),
)
COPIES = (FULL, HIGH_SPEED, *DIFFERENCES, NBDCOPY, *SLOWED)
CONTIGUOUS, SCATTERED = "contiguous", "scattered"
# Copies of differences that the suite counts itself, see differences.py: kind -> shape and share of the disk.
DIFFERENCE_KINDS = {
    f"{shape} {percent} %": (shape, percent)
    for shape in (CONTIGUOUS, SCATTERED)
    for percent in DIFFERENCE_PERCENT.values()
}

SWITCHING = "switching"
ACTIVE, STANDBY = "active", "standby"  # the sides of a set: processor time and memory are told by side

NOISE_FACTOR_MAX = 1.15  # two raw runs a round apart; beyond it the machine was doing something else
SPREAD_FACTOR_MAX = 1.5
BUSY_SHARE_MAX = 0.1
REBUILD_SHARE_MIN = 0.7
_SLOW = tuple(condition for condition in CONDITIONS.values() if condition.throttled)


@dataclass(frozen=True)
class Measurement:
    """One run of one job in one row. Processor time is that of the mirror processes during the run."""

    figures: Figures
    cpu_us_per_op: dict[str, float] = field(default_factory=dict)
    rebuild: dict[str, float] = field(
        default_factory=dict
    )  # only of that row: its rate, its share of the time
    latency: dict[str, Any] = field(
        default_factory=dict
    )  # only of `sampled`: side -> operation -> see latency.py

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        body: dict[str, Any] = dict(self.figures.as_json())
        if self.cpu_us_per_op:
            body["mirrord_cpu_us_per_op"] = {k: round(v, 1) for k, v in self.cpu_us_per_op.items()}
        if self.rebuild:
            body["rebuild"] = {k: round(v, 3) for k, v in self.rebuild.items()}
        if self.latency:
            body["latency"] = self.latency
        return body


@dataclass(frozen=True)
class CopyMeasurement:
    """One copy of a whole disk, or of its differences."""

    copied_bytes: int
    seconds: float
    cpu_us_per_mib: dict[str, float] = field(default_factory=dict)
    differing_bytes: int = 0  # in whole extents, as the suite counted what it wrote; 0 where it did not count

    @property
    def mib_s(self) -> float:
        """Throughput."""
        return self.copied_bytes / self.seconds / (1 << 20)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        body: dict[str, Any] = {
            "mib_s": round(self.mib_s, 1),
            "copied_bytes": self.copied_bytes,
            "seconds": round(self.seconds, 3),
        }
        if self.cpu_us_per_mib:
            body["mirrord_cpu_us_per_mib"] = {k: round(v, 1) for k, v in self.cpu_us_per_mib.items()}
        if self.differing_bytes:
            body["differing_bytes"] = self.differing_bytes
        return body


class Results:
    """What has been measured so far."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, dict[int, Measurement]]] = {}
        self.copies: dict[str, dict[int, CopyMeasurement]] = {}
        self.memory_kib: dict[str, dict[str, int]] = {}  # by side: resident at the start, peak at the end
        self.skipped: dict[str, str] = {}  # condition -> why it could not be had here
        self.throttles: dict[str, float] = {}  # condition -> raw IOPS that proved it
        self.growth: dict[str, dict[str, dict[str, float]]] = {}  # see growth.py
        self.switches: list[dict[str, float]] = []  # stage -> milliseconds after the power cut
        self.repeats: dict[int, float] = {}  # round -> raw run at its end against that at its begin
        self.busy: dict[int, float] = {}  # round -> share of the processors others took just before

    def add(self, job: str, row: str, number: int, measurement: Measurement) -> None:
        """Take a run of a job."""
        self.jobs.setdefault(job, {}).setdefault(row, {})[number] = measurement

    def add_copy(self, kind: str, number: int, measurement: CopyMeasurement) -> None:
        """Take a copy."""
        self.copies.setdefault(kind, {})[number] = measurement

    def iops(self, job: str, row: str) -> dict[int, float]:
        """IOPS by round; empty when not measured."""
        return {n: m.figures.iops for n, m in self.jobs.get(job, {}).get(row, {}).items()}

    def spread(self, job: str, row: str, name: str) -> Spread | None:
        """A figure's median and extremes."""
        values = [getattr(m.figures, name) for m in self.jobs.get(job, {}).get(row, {}).values()]
        return spreads.spread(values) if values else None

    def cpu(self, job: str, row: str, side: str) -> Spread | None:
        """Processor microseconds an operation of one side's mirror processes."""
        runs = self.jobs.get(job, {}).get(row, {}).values()
        values = [m.cpu_us_per_op[side] for m in runs if side in m.cpu_us_per_op]
        return spreads.spread(values) if values else None

    def ratio(self, job: str, row: str, base: str) -> Spread | None:
        """IOPS against those of another row, paired by round."""
        ratios = spreads.paired(self.iops(job, row), self.iops(job, base))
        return spreads.spread(ratios) if ratios else None

    def rebuild_spread(self, job: str) -> Spread | None:
        """Throughput in MiB/s of a full copy while the job wrote."""
        values = [m.rebuild["mib_s"] for m in self.jobs.get(job, {}).get(REBUILD, {}).values() if m.rebuild]
        return spreads.spread(values) if values else None

    def copy_spread(self, kind: str) -> Spread | None:
        """Throughput of a kind of copy in MiB/s."""
        values = [m.mib_s for m in self.copies.get(kind, {}).values()]
        return spreads.spread(values) if values else None

    def copy_ratio(self, kind: str, base: str) -> Spread | None:
        """Throughput against that of another kind, paired by round."""
        above, below = ({n: m.mib_s for n, m in self.copies.get(k, {}).items()} for k in (kind, base))
        ratios = spreads.paired(above, below)
        return spreads.spread(ratios) if ratios else None

    def bases(self) -> list[str]:
        """The rows that others are held against, as far as this run has them."""
        return [base for base in BASES if any(base in rows for rows in self.jobs.values())]

    def measured(self, job: str, row: str) -> bool:
        """True when there is a figure."""
        if job == COPY:
            return bool(self.copies.get(row))
        if job == GROWTH:
            return bool(self.growth.get(row))
        return bool(self.switches) if job == SWITCHING else bool(self.iops(job, row))

    def raw_of(self, job: str) -> str:
        """Whose raw row a job is held against: its own, the same slow disk's, or the one of the machine's own disk."""
        workload, condition = parted(job)
        like = [key(workload, other.name) for other in _SLOW if condition.same_disk(other)]
        return next((one for one in (job, *like) if self.measured(one, RAW)), workload)

    def rounds_of(self, job: str, row: str) -> set[int]:
        """The rounds that have a figure."""
        if job == SWITCHING:
            return set(range(len(self.switches)))
        if job == GROWTH:
            return {0} if self.growth.get(row) else set()
        return set(self.copies.get(row, {})) if job == COPY else set(self.iops(job, row))

    def forget(self, job: str, row: str, number: int) -> None:
        """A round is to be measured again."""
        if job == COPY:
            self.copies.get(row, {}).pop(number, None)
        elif job == GROWTH:
            self.growth.pop(row, None)
        else:
            self.jobs.get(job, {}).get(row, {}).pop(number, None)

    def warnings(self) -> list[str]:
        """What makes the figures doubtful."""
        found = []
        stray = spreads.strays(list(self.repeats.values()), NOISE_FACTOR_MAX)
        if stray:
            shown = ", ".join(f"{ratio:.2f}" for ratio in stray)
            found.append(
                f"noisy machine: the same raw run at the end and at the begin of a round differed by a "
                f"factor of {shown} (at most {NOISE_FACTOR_MAX} either way is quiet)"
            )
        busy = {number: share for number, share in self.busy.items() if share > BUSY_SHARE_MAX}
        if busy:
            worst = max(busy.values())
            found.append(
                f"other load: before {len(busy)} of {len(self.busy)} rounds others kept the processors "
                f"up to {worst:.0%} busy"
            )
        for job, rows in self.jobs.items():
            raw = self.spread(job, RAW, "iops")
            if raw and raw.high > raw.low * SPREAD_FACTOR_MAX:
                found.append(f"{job}: raw ranges from {raw.low:.0f} to {raw.high:.0f} IOPS over the rounds")
            rebuilt = [*rows.get(REBUILD, {}).values(), *rows.get(REBUILD_FAST, {}).values()]
            shares = [m.rebuild["share"] for m in rebuilt if "share" in m.rebuild]
            if shares and min(shares) < REBUILD_SHARE_MIN:
                found.append(
                    f"{job}: a copy ran during only {min(shares):.0%} of a rebuild measurement; "
                    "a larger --disk-mib makes it longer"
                )
        return found
