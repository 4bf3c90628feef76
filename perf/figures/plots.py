"""Which plots a run gives, and from which of its figures. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perf.figures import growth, latency, spreads, svg
from perf.figures.matrix import APPLICATIONS, DEPTHS, FSYNC_JOBS, JOBS, LONE, MIX, SIZES_KIB, WRITE_SHARES
from perf.figures.results import (
    BROKEN,
    DIFFERENCE_PERCENT,
    FAILED_OVER,
    JOB_ROWS,
    LIMIT,
    MIRRORED,
    NBD,
    QEMU,
    RAW,
    REBUILD,
    REBUILD_FAST,
    ROUND_TRIP,
    SAMPLED,
    Results,
)
from perf.figures.svg import Value

ROWS = tuple(row for row in JOB_ROWS if row not in (RAW, ROUND_TRIP, SAMPLED))
STAGES = (
    ("heartbeat time-out", "heartbeat_lost"),
    ("network partition phase", "server_down"),
    ("mirror disk", "mirror_disk_started"),
    ("floating IP address", "floating_ip_started"),
    ("start script", "script_started"),
    ("client", "client"),
)


@dataclass(frozen=True)
class Plot:
    """A heading, a sentence on how to read it, and the drawing."""

    title: str
    note: str
    drawing: str


def plots(results: Results) -> Iterator[Plot]:
    """Every plot that the figures allow, most important first."""
    for make in (
        _rows,
        _parts,
        _stages,
        _write_shares,
        _ordinary,
        _situations,
        _sizes,
        _depths,
        _copies,
        _sets,
        _applications,
        _growth,
        _switch,
    ):
        yield from make(results)


def _value(ratios: Sequence[float]) -> Value | None:
    if not ratios:
        return None
    found = spreads.interval(ratios)
    if found is None:
        return Value(ratios[0], ratios[0], ratios[0], f"{ratios[0]:.2f}, one round")
    label = f"{found.middle:.2f} (90 %: {found.low:.2f} to {found.high:.2f})"
    return Value(found.middle, found.low, found.high, label)


def of_raw(results: Results, job: str, row: str) -> Value | None:
    """A row's share of the raw disk."""
    return _value(spreads.paired(results.iops(job, row), results.iops(job, RAW)))


def _shares(results: Results, jobs: Sequence[str], rows: Sequence[str]) -> dict[str, dict[str, Value]]:
    groups = {job: {row: v for row in rows if (v := of_raw(results, job, row))} for job in jobs}
    return {job: group for job, group in groups.items() if group}


def _rows(results: Results) -> Iterator[Plot]:
    title = "Share of the raw disk"
    groups = _shares(results, (*JOBS, *FSYNC_JOBS), (LIMIT, NBD, MIRRORED, QEMU))
    if groups:
        note = (
            "Operations a second against fio on one plain image; strokes are 90 % intervals. 1 costs nothing."
        )
        yield Plot(title, note, svg.bars(title, groups))


def _situations(results: Results) -> Iterator[Plot]:
    title = "The same mix in every situation"
    rows = (MIRRORED, BROKEN, FAILED_OVER, REBUILD, REBUILD_FAST)
    found = {row: {MIX: v} for row in rows if (v := of_raw(results, MIX, row))}
    off = f"{MIX}@fastsync-off"
    for row in (MIRRORED, BROKEN):
        ratios = spreads.paired(results.iops(off, row), results.iops(MIX, RAW))
        if (value := _value(ratios)) is not None:
            found[f"{row}, no FastSync"] = {MIX: value}
    if len(found) > 1:
        yield Plot(title, "Read:write 2:1 at depth 16, as a share of the raw disk.", svg.bars(title, found))


def parts_of_a_write(results: Results) -> dict[str, float]:
    """Mean microseconds of a lone write, by differences of rows; empty when one of them was not measured.

    Own disk: raw. Both disks at once: what limit takes beyond raw. Serving: what the broken mirror takes beyond raw.
    Round trip: plain TCP. What is left is the mirror's own: its order (receipt before the own disk), and two
    processes that share the processors.
    """
    rows = (RAW, LIMIT, BROKEN, ROUND_TRIP, MIRRORED)
    found = [results.spread(LONE, row, "mean_us") for row in rows]
    if not all(found):
        return {}
    raw, limit, broken, trip, mirrored = (one.median for one in found if one)
    parts = {"own disk": raw, "both disks at once": limit - raw, "serving": broken - raw, "round trip": trip}
    parts = {name: max(0.0, value) for name, value in parts.items()}
    return {**parts, "the mirror's own": max(0.0, mirrored - sum(parts.values()))}


def _parts(results: Results) -> Iterator[Plot]:
    title = "Where the time of a lone write goes"
    parts = parts_of_a_write(results)
    if parts:
        note = (
            "4 KiB, depth 1, mean microseconds, by differences of rows (not by stamps inside the processes): own disk "
            "= raw, serving = broken - raw, both disks = limit - raw. The floor is what no mirror here does without."
        )
        floor = {name: parts[name] for name in ("own disk", "both disks at once", "round trip")}
        yield Plot(title, note, svg.stacked(title, {"mirrored": parts, "floor": floor}, "us"))


def _stages(results: Results) -> Iterator[Plot]:
    for job in latency.jobs(results):
        stages, floor = latency.stages_us(results, job), latency.floor_us(results, job)
        if stages:
            title = f"Stages of a mirrored write, {job}"
            note = (
                "Mean microseconds by stamps inside the serving mirror process, from the request's arrival to the "
                "answer's leaving. The floor: the raw disk under the same job, and a round trip of plain TCP."
            )
            bars = {"mirrored": stages, **({"floor": floor} if floor else {})}
            yield Plot(title, note, svg.stacked(title, bars, "us"))


def _curve(
    results: Results, title: str, note: str, points: Sequence[tuple[str, int]], unit: str, condition: str = ""
) -> Iterator[Plot]:
    places = [f"{at}{unit}" for _, at in points]
    series = {}
    for row in ROWS:
        found = {
            f"{at}{unit}": value
            for job, at in points
            if (value := of_raw(results, f"{job}@{condition}" if condition else job, row))
        }
        if len(found) > 2:
            series[row] = found
    if series:
        yield Plot(title, note, svg.lines(title, places, series))


def _write_shares(results: Results) -> Iterator[Plot]:
    note = "The guide: the larger the share of writes, the larger the loss (4.1.4.1). 4 KiB, depth 16."
    for condition in ("", "disk-5000", "disk-500"):
        title = "Share of raw over the share of writes" + (f", {condition}" if condition else "")
        yield from _curve(results, title, note, WRITE_SHARES, " %", condition)


def _sizes(results: Results) -> Iterator[Plot]:
    note = "Random writes at depth 16; a request above 64 KiB goes over the wire in pieces."
    yield from _curve(results, "Share of raw over the block size", note, SIZES_KIB, " KiB")


def _depths(results: Results) -> Iterator[Plot]:
    yield from _curve(results, "Share of raw over the depth", "4 KiB random writes.", DEPTHS, "")


def _ordinary(results: Results) -> Iterator[Plot]:
    title = "Ordinary disks: share of the raw disk, which is throttled too"
    jobs = [job for job in results.jobs if "@disk-" in job]
    groups: dict[str, dict[str, Value]] = {}
    for job in jobs:
        short = job.replace("readwrite-", "").replace("-4k", "")
        below = {} if job.endswith("-half") else results.iops(results.raw_of(job), RAW)
        rows = (MIRRORED, BROKEN, REBUILD)
        group = {row: v for row in rows if (v := _value(spreads.paired(results.iops(job, row), below)))}
        during = _value(spreads.paired(results.iops(job, REBUILD), results.iops(job, MIRRORED)))
        if REBUILD not in group and during:
            group["rebuild, of mirrored"] = during
        if group:
            groups[short] = group
    if groups:
        yield Plot(title, "The line: 0.8, the guide's 20 % at read:write 2:1.", svg.bars(title, groups, 0.8))


def _copies(results: Results) -> Iterator[Plot]:
    title = "Time of a high-speed copy over the difference"
    points = {}
    for kind, percent in DIFFERENCE_PERCENT.items():
        runs = [run.seconds for run in results.copies.get(kind, {}).values()]
        if runs:
            found = spreads.spread(runs)
            points[f"{percent} %"] = Value(found.median, found.low, found.high, f"{found.median:.2f} s")
    if len(points) > 2:
        places = [f"{percent} %" for percent in DIFFERENCE_PERCENT.values()]
        note = "Seconds; the strokes reach from the fastest to the slowest round. The x axis is no scale."
        yield Plot(title, note, svg.lines(title, places, {"seconds": points}))


def _sets(results: Results) -> Iterator[Plot]:
    title = "Several mirror sets at once: operations a second of all together"
    groups = {}
    for condition in ("", "@sets-2", "@sets-4", "@sets-8", "@partitions-3"):
        job = f"randwrite-4k-qd16{condition}"
        group = {}
        for row in (RAW, MIRRORED):
            found = results.spread(job, row, "iops")
            if found:
                group[row] = Value(found.median, found.low, found.high, f"{found.median:.0f}")
        if group:
            groups[condition.lstrip("@") or "one set"] = group
    if len(groups) > 1:
        note = (
            "4 KiB random writes, depth 16 on each disk; all of them are one disk here, and two processors."
        )
        yield Plot(title, note, svg.bars(title, groups))


def _applications(results: Results) -> Iterator[Plot]:
    title = "Applications on a mounted file system: share of the raw disk"
    groups = _shares(results, [f"{name}@mounted" for name in APPLICATIONS], (MIRRORED,))
    if groups:
        yield Plot(
            title, "pgbench: transactions a second; small files: files a second.", svg.bars(title, groups)
        )


def _growth(results: Results) -> Iterator[Plot]:
    for size, points in results.growth.items():
        places = sorted(points, key=float)
        series = {"linear": {at: _point(float(at) / float(places[-1]), at) for at in places}}
        for kind, name in growth.KINDS.items():
            costs = {at: points[at][kind] for at in places if kind in points[at]}
            most = max(costs.values(), default=0.0)
            if most:
                series[name] = {at: _point(cost / most, f"{cost:.4g}") for at, cost in costs.items()}
        if len(places) > 1:
            note = (
                "Each cost as a share of its greatest; above the line of the sizes it grows more slowly than they do. "
                "The x axis is no scale."
            )
            yield Plot(f"Cost over {size}", note, svg.lines(size, places, series))


def _point(value: float, label: str) -> Value:
    return Value(value, value, value, label)


def _switch(results: Results) -> Iterator[Plot]:
    title = "Where the time of a failover goes"
    rows: dict[str, dict[str, float]] = {}
    for number, one in enumerate(results.switches, 1):
        before, parts = 0.0, {}
        for name, stage in STAGES:
            if stage in one:
                parts[name] = max(0.0, one[stage] - before) / 1000
                before = max(before, one[stage])
        rows[f"power cut {number}"] = parts
    if rows:
        note = "From the power cut to the client's first answer, time-outs as shipped (30 s, and once more)."
        yield Plot(title, note, svg.stacked(title, rows, "s"))
