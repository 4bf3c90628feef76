"""What fio's JSON says, in the units of the report. Pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from perf.errors import OutputError

DIRECTIONS = ("read", "write")
P50, P99 = "50.000000", "99.000000"


@dataclass(frozen=True)
class Figures:
    """One job of one run. Latencies are completion latencies, reads and writes together."""

    iops: float
    read_iops: float
    write_iops: float
    mib_s: float
    ops: int
    seconds: float
    mean_us: float
    p50_us: float
    p99_us: float
    sync_us: float

    def as_json(self) -> dict[str, float]:
        """Plain numbers, rounded to what they are worth."""
        return {key: round(value, 2) for key, value in asdict(self).items()}


def parse(text: str) -> list[Figures]:
    """One entry a job, in the order of the job file. Lines before the JSON (warnings) are passed over."""
    start = text.find("{") if text.startswith("{") else text.find("\n{")
    if start < 0:
        raise OutputError(f"fio printed no JSON: {text.strip()[-500:]!r}")
    try:
        body = json.loads(text[start:])
        return [_job(job) for job in body["jobs"]]
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(f"fio's JSON cannot be read: {error!r}") from error


def _job(job: dict[str, Any]) -> Figures:
    if job["error"]:
        raise OutputError(f"fio's job {job['jobname']} ended with error {job['error']}")
    parts = [job[name] for name in DIRECTIONS if job[name]["total_ios"]]
    ops = sum(part["total_ios"] for part in parts)
    seconds = max((part["runtime"] for part in parts), default=0) / 1000
    if not ops or not seconds:
        raise OutputError(f"fio's job {job['jobname']} finished no operation in {seconds} s")
    read_ops, write_ops = (job[name]["total_ios"] for name in DIRECTIONS)
    weighted = sum(part["clat_ns"]["mean"] * part["total_ios"] for part in parts)
    return Figures(
        iops=ops / seconds,
        read_iops=read_ops / seconds,
        write_iops=write_ops / seconds,
        mib_s=sum(part["io_bytes"] for part in parts) / seconds / (1 << 20),
        ops=ops,
        seconds=seconds,
        mean_us=weighted / ops / 1000,
        p50_us=_percentile(parts, P50),
        p99_us=_percentile(parts, P99),
        sync_us=job.get("sync", {}).get("lat_ns", {}).get("mean", 0.0) / 1000,
    )


def _percentile(parts: Sequence[dict[str, Any]], key: str) -> float:
    """The worse of the directions: fio keeps no common distribution."""
    return max(float(part["clat_ns"].get("percentile", {}).get(key, 0)) for part in parts) / 1000


def of_latencies(latencies_us: Sequence[float]) -> Figures:
    """Operations that were timed one by one, one after the other."""
    if not latencies_us:
        raise OutputError("nothing was timed")
    ordered, seconds = sorted(latencies_us), sum(latencies_us) / 1e6
    rate = len(ordered) / seconds
    return Figures(
        iops=rate,
        read_iops=0.0,
        write_iops=rate,
        mib_s=0.0,
        ops=len(ordered),
        seconds=seconds,
        mean_us=sum(ordered) / len(ordered),
        p50_us=percentile(ordered, 0.50),
        p99_us=percentile(ordered, 0.99),
        sync_us=0.0,
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that so many of the ordered values do not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def slower(figures: Sequence[Figures]) -> Figures:
    """The job that counts when several ran at once: a mirrored write ends with the later of its two."""
    return min(figures, key=lambda one: one.iops)


def total(figures: Sequence[Figures]) -> Figures:
    """Jobs that ran at once, one a disk, as one: sums of rates and operations, the worst of the percentiles."""
    if len(figures) == 1:
        return figures[0]
    ops = sum(one.ops for one in figures)
    return Figures(
        iops=sum(one.iops for one in figures),
        read_iops=sum(one.read_iops for one in figures),
        write_iops=sum(one.write_iops for one in figures),
        mib_s=sum(one.mib_s for one in figures),
        ops=ops,
        seconds=max(one.seconds for one in figures),
        mean_us=sum(one.mean_us * one.ops for one in figures) / ops,
        p50_us=max(one.p50_us for one in figures),
        p99_us=max(one.p99_us for one in figures),
        sync_us=max(one.sync_us for one in figures),
    )


def joined(windows: Sequence[Figures]) -> Figures:
    """Several windows of one measurement as one: sums over the time; percentiles of the worst window."""
    if not windows:
        raise OutputError("no window was measured")
    seconds = sum(one.seconds for one in windows)
    ops = sum(one.ops for one in windows)

    def over_time(name: str) -> float:
        return float(sum(getattr(one, name) * one.seconds for one in windows) / seconds)

    return Figures(
        iops=ops / seconds,
        read_iops=over_time("read_iops"),
        write_iops=over_time("write_iops"),
        mib_s=over_time("mib_s"),
        ops=ops,
        seconds=seconds,
        mean_us=sum(one.mean_us * one.ops for one in windows) / ops,
        p50_us=max(one.p50_us for one in windows),
        p99_us=max(one.p99_us for one in windows),
        sync_us=over_time("sync_us"),
    )
