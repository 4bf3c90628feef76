"""What `twinset plan --measured` needs, from a run: the mirror's own costs with their bounds. Pure.

Only what was measured as the machine is counts, no condition. Bounds hold nine of ten further rounds, so that what is
concluded from them can be wrong: see predictions.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from perf.errors import PerfError
from perf.figures import spreads
from perf.figures.matrix import LONE
from perf.figures.results import ACTIVE, BROKEN, FULL, LIMIT, MIRRORED, RAW, ROUND_TRIP, STANDBY, Results
from twinset.advice.coefficients import NOTHING, Coefficients, CopyCost, Interval, Lone, Operations

# Workload: KiB of a request, depth, share of writes. What each file of jobs/ does; a test holds them to the files.
SHAPES = {
    LONE: (4, 1, 1.0),
    "randwrite-4k-qd16": (4, 16, 1.0),
    "readwrite-4k-qd1": (4, 1, 0.33),
    "readwrite-4k-qd16": (4, 16, 0.33),
    "seqwrite-1m-qd4": (1024, 4, 1.0),
}
# What ends a part of a switch, by what it is called in `twinset plan`, and what ended the part before.
STAGES = {
    "mirror_disk": ("server_down", "mirror_disk_started"),
    "floating_ip": ("mirror_disk_started", "floating_ip_started"),
    "script": ("floating_ip_started", "script_started"),
    "client": ("", "client"),
}


def measured(results: Results, about: Mapping[str, Any]) -> Coefficients:
    """Everything a run has; raise PerfError when no workload was measured both raw and mirrored."""
    operations = {name: _operations(results, name) for name in SHAPES if _has(results, name, RAW, MIRRORED)}
    if not operations:
        raise PerfError(f"no coefficients: the run has none of {', '.join(SHAPES)} both raw and mirrored")
    told = {name: about[name] for name in ("when", "machine", "commit") if name in about}
    processors = int(about.get("machine", {}).get("processors", 0))
    return Coefficients(processors, operations, _lone(results), _copy(results), _switching(results), told)


def _has(results: Results, job: str, *rows: str) -> bool:
    return all(results.measured(job, row) for row in rows)


def _interval(values: Sequence[float]) -> Interval:
    found = spreads.further(values)
    return Interval(found.middle, found.low, found.high) if found else NOTHING


def _operations(results: Results, job: str) -> Operations:
    block_kib, depth, write_share = SHAPES[job]
    runs = results.jobs[job][MIRRORED].values()
    cpu = {side: [run.cpu_us_per_op.get(side, 0.0) for run in runs] for side in (ACTIVE, STANDBY)}
    return Operations(
        block_kib=block_kib,
        depth=depth,
        write_share=write_share,
        raw_iops=_interval([*results.iops(job, RAW).values()]),
        mirrored_iops=_interval([*results.iops(job, MIRRORED).values()]),
        active_us=_interval(cpu[ACTIVE]),
        standby_us=_interval(cpu[STANDBY]),
    )


def _lone(results: Results) -> Lone | None:
    """By differences of rows within each round, as the plot of a lone write has them; never below nothing."""
    rows = (RAW, LIMIT, BROKEN, ROUND_TRIP, MIRRORED)
    if not _has(results, LONE, *rows):
        return None
    runs = results.jobs[LONE]
    rounds = set.intersection(*(set(runs[row]) for row in rows))
    parts: dict[str, list[float]] = {"own": [], "serving": [], "disk": [], "round_trip": []}
    for number in sorted(rounds):
        raw, limit, broken, trip, mirrored = (runs[row][number].figures.mean_us for row in rows)
        parts["own"].append(max(0.0, mirrored - max(raw, limit) - trip))
        parts["serving"].append(max(0.0, broken - raw))
        parts["disk"].append(raw)
        parts["round_trip"].append(trip)
    return Lone(**{name: _interval(values) for name, values in parts.items()}) if rounds else None


def _copy(results: Results) -> CopyCost | None:
    runs = results.copies.get(FULL, {}).values()
    if not runs:
        return None
    source, target = ([run.cpu_us_per_mib.get(side, 0.0) for run in runs] for side in (ACTIVE, STANDBY))
    return CopyCost(_interval([run.mib_s for run in runs]), _interval(source), _interval(target))


def _switching(results: Results) -> dict[str, float]:
    """Seconds of each part, the longest of the power cuts."""
    found: dict[str, float] = {}
    for name, (begin, end) in STAGES.items():
        parts = [one[end] - one.get(begin, 0.0) for one in results.switches if end in one]
        if parts:
            found[name] = max(0.0, *parts) / 1000
    return found
