"""Everything that was measured, by job, row and round, and what is derived from it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from perf.figures import spreads
from perf.figures.fio_output import Figures
from perf.figures.spreads import Spread

RAW, LIMIT, MIRRORED, QEMU, BROKEN = "raw", "limit", "mirrored", "qemu", "broken"
REBUILD, COPY = "rebuild", "copy"
ROWS = (RAW, LIMIT, MIRRORED, QEMU, BROKEN, REBUILD, COPY)
JOB_ROWS = ROWS[:-1]
BASES = (RAW, LIMIT, QEMU)

FULL, HIGH_SPEED, NBDCOPY = "full copy", "high-speed copy", "nbdcopy"
COPIES = (FULL, HIGH_SPEED, NBDCOPY)

NOISE_FACTOR_MAX = 1.15  # two raw runs a round apart; beyond it the machine was doing something else
SPREAD_FACTOR_MAX = 1.5
BUSY_SHARE_MAX = 0.1
REBUILD_SHARE_MIN = 0.7


@dataclass(frozen=True)
class Measurement:
    """One run of one job in one row. Processor time is that of the mirror processes during the run."""

    figures: Figures
    cpu_us_per_op: dict[str, float] = field(default_factory=dict)
    rebuild: dict[str, float] = field(
        default_factory=dict
    )  # only of that row: its rate, its share of the time

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        body: dict[str, Any] = dict(self.figures.as_json())
        if self.cpu_us_per_op:
            body["mirrord_cpu_us_per_op"] = {k: round(v, 1) for k, v in self.cpu_us_per_op.items()}
        if self.rebuild:
            body["rebuild"] = {k: round(v, 3) for k, v in self.rebuild.items()}
        return body


@dataclass(frozen=True)
class CopyMeasurement:
    """One copy of a whole disk, or of its differences."""

    copied_bytes: int
    seconds: float
    cpu_us_per_mib: dict[str, float] = field(default_factory=dict)

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
        return body


class Results:
    """What has been measured so far."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, dict[int, Measurement]]] = {}
        self.copies: dict[str, dict[int, CopyMeasurement]] = {}
        self.peak_rss_kib: dict[str, int] = {}  # by server, at the end
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

    def cpu(self, job: str, row: str, server: str) -> Spread | None:
        """Processor microseconds an operation of one server's mirror process."""
        runs = self.jobs.get(job, {}).get(row, {}).values()
        values = [m.cpu_us_per_op[server] for m in runs if server in m.cpu_us_per_op]
        return spreads.spread(values) if values else None

    def ratio(self, job: str, row: str, base: str) -> Spread | None:
        """IOPS against those of another row, paired by round."""
        ratios = spreads.paired(self.iops(job, row), self.iops(job, base))
        return spreads.spread(ratios) if ratios else None

    def rebuild_spread(self, job: str) -> Spread | None:
        """Throughput in MiB/s of a full copy while the job wrote."""
        values = [m.rebuild["mib_s"] for m in self.jobs[job].get(REBUILD, {}).values() if m.rebuild]
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

    def missing(self, jobs: Sequence[str], rows: Sequence[str]) -> list[str]:
        """What was asked for and has no number."""
        lacking = [
            f"{job} {row}" for job in jobs for row in rows if row in JOB_ROWS and not self.iops(job, row)
        ]
        return lacking + [kind for kind in COPIES if COPY in rows and not self.copies.get(kind)]

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
            shares = [m.rebuild["share"] for m in rows.get(REBUILD, {}).values() if "share" in m.rebuild]
            if shares and min(shares) < REBUILD_SHARE_MIN:
                found.append(
                    f"{job}: a copy ran during only {min(shares):.0%} of a rebuild measurement; "
                    "a larger --disk-mib makes it longer"
                )
        return found
