"""A run as tables for a person and as JSON for a program. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from perf.figures import ahead, bars, growth, latency, matrix, own_bars, verdicts
from perf.figures.results import (
    ACTIVE,
    BASES,
    COPIES,
    DIFFERENCE_KINDS,
    IN_MACHINES,
    JOB_ROWS,
    MIRRORED,
    NBDCOPY,
    REBUILD,
    ROUND_TRIP,
    SAMPLED,
    STANDBY,
    Results,
)
from perf.figures.spreads import Spread

FORMAT = 2  # 1: processor time by server's name, no matrix, no workload digests
SPREADS = ("iops", "read_iops", "write_iops", "mib_s", "mean_us", "p50_us", "p99_us", "sync_us")
KILO = 10_000


def as_json(results: Results, surroundings: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything: machine, settings, each round's figures, spreads, ratios, bars, warnings. See stored.py."""
    return {
        "format": FORMAT,
        **surroundings,
        "settings": dict(settings),
        "warnings": results.warnings(),
        "noise": {
            "raw_end_to_begin": {str(n): round(v, 3) for n, v in results.repeats.items()},
            "others_busy_share": {str(n): round(v, 3) for n, v in results.busy.items()},
        },
        "jobs": {job: _job(results, job) for job in results.jobs},
        "copies": {kind: _copy(results, kind) for kind in results.copies},
        "skipped": dict(results.skipped),
        "throttles": {name: round(iops, 1) for name, iops in results.throttles.items()},
        "mirrord_memory_kib": {when: dict(sides) for when, sides in results.memory_kib.items()},
        "growth": {
            size: {at: {kind: round(cost, 3) for kind, cost in costs.items()} for at, costs in points.items()}
            for size, points in results.growth.items()
        },
        "switches": [{stage: round(ms, 1) for stage, ms in one.items()} for one in results.switches],
        "bars": [verdict.as_json() for verdict in bars.judge(results)],
        "against_peers": [verdict.as_json() for verdict in ahead.judge(results)],
        "own_bars": [one.as_json() for one in own_bars.judge(str(settings.get("matrix")), results)],
        "guide": [finding.as_json() for finding in verdicts.judge(results)],
    }


def _job(results: Results, job: str) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for row, runs in results.jobs[job].items():
        entry: dict[str, Any] = {"rounds": {str(n): run.as_json() for n, run in runs.items()}}
        entry |= {name: _plain(results.spread(job, row, name)) for name in SPREADS}
        entry |= {f"ratio_to_{base}": _plain(results.ratio(job, row, base)) for base in BASES}
        sides = {name for run in runs.values() for name in run.cpu_us_per_op}
        if sides:
            entry["mirrord_cpu_us_per_op"] = {
                name: _plain(results.cpu(job, row, name)) for name in sorted(sides)
            }
        if row == REBUILD:
            entry["ratio_to_mirrored"] = _plain(results.ratio(job, row, MIRRORED))
            entry["copy_mib_s"] = _plain(results.rebuild_spread(job))
        if row == SAMPLED:
            entry["ratio_to_mirrored"] = _plain(latency.cost(results, job))
            entry["latency"] = {"every": latency.EVERY, **latency.medians(results, job)}
        body[row] = entry
    return body


def _copy(results: Results, kind: str) -> dict[str, Any]:
    return {
        "rounds": {str(n): run.as_json() for n, run in results.copies[kind].items()},
        "mib_s": _plain(results.copy_spread(kind)),
        "ratio_to_nbdcopy": _plain(results.copy_ratio(kind, NBDCOPY)),
    }


def _plain(spread: Spread | None) -> dict[str, Any] | None:
    return None if spread is None else dict(spread.as_json())


def tables(results: Results) -> Iterable[RenderableType]:
    """The tables of a run, most important first."""
    if results.jobs:
        yield _job_table(results)
    if results.copies or any(REBUILD in rows for rows in results.jobs.values()):
        yield _copy_table(results)
    if latency.jobs(results):
        yield latency.table(results)


def _job_table(results: Results) -> Table:
    table = Table(title="Median (min to max) over the rounds; ratios paired by round", title_justify="left")
    table.add_column("job", no_wrap=True)
    table.add_column("row", no_wrap=True)
    shares = [f"of {base}" for base in results.bases()]
    titles = ("IOPS", "MiB/s", "mean µs", "p99 µs", *shares, "CPU µs/op\nactive + standby")
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for job, measured in results.jobs.items():
        rows = [name for name in JOB_ROWS if name in measured]
        for row in rows:
            name = job if row == rows[0] else ""
            table.add_row(name, row, *_cells(results, job, row), end_section=row == rows[-1])
    return table


def _cells(results: Results, job: str, row: str) -> list[str]:
    cells = [span(results.spread(job, row, "iops"))]
    cells += [middle(results.spread(job, row, name)) for name in ("mib_s", "mean_us", "p99_us")]
    cells += [
        span(results.ratio(job, row, base)) if row not in (base, ROUND_TRIP) else ""
        for base in results.bases()
    ]
    cpu = [results.cpu(job, row, side) for side in (ACTIVE, STANDBY)]
    return [*cells, " + ".join(f"{one.median:.0f}" for one in cpu if one)]


def _copy_table(results: Results) -> Table:
    table = Table(title="Copies between the two servers", title_justify="left")
    for title in ("copy", "MiB/s", "of nbdcopy", "CPU µs/MiB\nsource + target"):
        table.add_column(title, justify="left" if title == "copy" else "right", no_wrap=True)
    for kind in (name for name in (*COPIES, *IN_MACHINES, *DIFFERENCE_KINDS) if name in results.copies):
        runs = results.copies[kind].values()
        last = list(runs)[-1].cpu_us_per_mib
        note = f"{kind}, {list(runs)[-1].copied_bytes >> 20} MiB"
        table.add_row(
            note,
            span(results.copy_spread(kind)),
            span(results.copy_ratio(kind, NBDCOPY)) if kind != NBDCOPY else "",
            " + ".join(f"{value:.0f}" for value in last.values()),
        )
    for job in results.jobs:
        during = results.rebuild_spread(job)
        if during is not None:
            table.add_row(f"full copy beside {job}", span(during))
    return table


def not_measured_lines(results: Results, named: str = "") -> list[str]:
    """What the whole has and this run has not, one line a block; jobs that lack the same rows together.

    The whole is the exhaustive matrix, in the virtual machines theirs.
    """
    whole = matrix.MACHINES if named == matrix.MACHINES.name else matrix.EXHAUSTIVE
    lacking, lines = set(matrix.missing(whole.cells(), results)), []
    for block in whole.blocks:
        rows: dict[str, list[str]] = {}
        for cell in block.cells():
            if cell in lacking:
                lacking.remove(cell)
                rows.setdefault(cell.workload, []).append(cell.row)
        jobs: dict[str, list[str]] = {}
        for workload, found in rows.items():
            jobs.setdefault(", ".join(found), []).append(workload)
        if jobs:
            why = results.skipped.get(block.condition, "")
            told = "; ".join(f"{', '.join(workloads)}: {found}" for found, workloads in jobs.items())
            lines.append(f"not measured {block.name}{f' ({why})' if why else ''}: {told}")
    return lines


def bar_lines(verdicts: Sequence[bars.Verdict]) -> list[str]:
    """One sentence a bar."""
    lines = []
    for verdict in verdicts:
        bar = verdict.bar
        word = "not measured" if verdict.measured is None else "met" if verdict.met else "MISSED"
        figure = "" if verdict.measured is None else f"{verdict.measured:.2f} of {bar.base}, "
        lines.append(f"{word:<12} {bar.subject}: {figure}at least {bar.at_least:.2f} of {bar.base} is wanted")
    return lines


def guide_lines(findings: Sequence[verdicts.Finding]) -> list[str]:
    """One sentence a figure of the guide; those that were not measured in one."""
    lines = [
        f"{one.verdict if one.verdict != verdicts.MISSED else 'MISSED':<12} {one.clause} {one.fact}: "
        f"{one.observed}; {one.expected}"
        for one in findings
        if one.verdict != verdicts.NOT_MEASURED
    ]
    lacking = dict.fromkeys(one.clause for one in findings if one.verdict == verdicts.NOT_MEASURED)
    return [*lines, f"not measured facts of {', '.join(lacking)}"] if lacking else lines


def growth_lines(results: Results) -> list[str]:
    """One sentence a cost."""
    return [str(verdict) for verdict in growth.judge(results.growth)]


def span(spread: Spread | None) -> str:
    """``12.3k (11.9k to 12.8k)``; the extremes are left out where there is one value."""
    if spread is None:
        return ""
    if len(spread.values) == 1:
        return short(spread.median)
    return f"{short(spread.median)} ({short(spread.low)} to {short(spread.high)})"


def middle(spread: Spread | None) -> str:
    """The median alone."""
    return "" if spread is None else short(spread.median)


def short(value: float) -> str:
    """Three significant digits."""
    if value >= KILO:
        return f"{value / 1000:.1f}k"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
