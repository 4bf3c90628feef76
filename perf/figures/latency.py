"""Where a mirrored write's time goes by stamps inside the mirror processes, and what sampling them costs. Pure.

The processes sample every ``EVERY``th operation while a ``sampled`` row runs; `twinset.mirror.latency` says what the
stages are. Figures of a run are medians over its rounds.
"""

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from perf.figures.results import ACTIVE, MIRRORED, RAW, ROUND_TRIP, SAMPLED, STANDBY, Results
from perf.figures.spreads import Spread

EVERY = 16
FIGURES = ("mean_us", "p50_us", "p99_us")
WRITE = "write"
TITLES = ("mean", "median", "99 %")


def jobs(results: Results) -> list[str]:
    """The jobs whose latencies were sampled."""
    return [
        job
        for job, rows in results.jobs.items()
        if any(run.latency for run in rows.get(SAMPLED, {}).values())
    ]


def medians(results: Results, job: str) -> dict[str, dict[str, Any]]:
    """By side and operation: how many samples all rounds have, the figures of each stage and of the whole."""
    runs = [run.latency for run in results.jobs[job][SAMPLED].values() if run.latency]
    found: dict[str, dict[str, Any]] = {}
    for side in (ACTIVE, STANDBY):
        operations = dict.fromkeys(name for run in runs for name in run.get(side, {}))
        found[side] = {
            name: _merged([run[side][name] for run in runs if name in run[side]]) for name in operations
        }
    return found


def _merged(rounds: list[Mapping[str, Any]]) -> dict[str, Any]:
    """One operation's figures of all rounds as one."""
    body: dict[str, Any] = {"count": sum(one["count"] for one in rounds)}
    body["stages"] = {
        stage: _middle([one["stages"][stage] for one in rounds]) for stage in rounds[0]["stages"]
    }
    for name in rounds[0].keys() - body.keys():
        body[name] = _middle([one[name] for one in rounds])
    return body


def _middle(figures: list[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(one[name] for one in figures), 1) for name in FIGURES}


def stages_us(results: Results, job: str) -> dict[str, float]:
    """Mean microseconds of each stage of a mirrored write, in their order; empty when no round has one."""
    write = medians(results, job)[ACTIVE].get(WRITE)
    return {_words(name): one["mean_us"] for name, one in write["stages"].items()} if write else {}


def floor_us(results: Results, job: str) -> dict[str, float]:
    """What no mirror does without: the raw disk under the same job, and a round trip; empty without both."""
    raw, trip = (results.spread(job, row, "mean_us") for row in (RAW, ROUND_TRIP))
    return {"own disk": raw.median, "round trip": trip.median} if raw and trip else {}


def cost(results: Results, job: str) -> Spread | None:
    """Operations a second while sampling against those without, paired by round."""
    return results.ratio(job, SAMPLED, MIRRORED)


def table(results: Results) -> Table:
    """Every stage of every operation, on both sides."""
    made = Table(
        title="Stages by stamps of the mirror processes, µs; medians of the rounds", title_justify="left"
    )
    for title in ("job", "side", "operation", "stage"):
        made.add_column(title, no_wrap=True)
    for title in TITLES:
        made.add_column(title, justify="right", no_wrap=True)
    for job in jobs(results):
        for side, operation, stage, figures in rows(results, job):
            made.add_row(job, side, operation, stage, *figures, end_section=stage == "all")
    return made


def rows(results: Results, job: str) -> Iterator[tuple[str, str, str, list[str]]]:
    """Side, operation, stage and figures of a job, as texts."""
    for side, operations in medians(results, job).items():
        for name, one in operations.items():
            beside = {f"({key})": one[key] for key in one.keys() - {"count", "stages", "total"}}
            parts = {**one["stages"], **beside, "all": one["total"]}
            for stage, figures in parts.items():
                told = [f"{figures[figure]:.0f}" for figure in FIGURES]
                yield side, f"{_words(name)}, {one['count']}", _words(stage), told


def lines(results: Results) -> list[str]:
    """Of each job one sentence on the floor and one on what sampling costs."""
    found = []
    for job in jobs(results):
        floor, parts = floor_us(results, job), stages_us(results, job)
        if floor and parts:
            told = " + ".join(f"{name} {us:.0f}" for name, us in floor.items())
            whole = sum(parts.values())
            found.append(
                f"{job}: a write takes {whole:.0f} us inside the mirror, {whole / sum(floor.values()):.1f} times the "
                f"floor ({told})"
            )
        ratio = cost(results, job)
        if ratio:
            used = " + ".join(f"{one:.1f}" for one in _cpu(results, job, SAMPLED))
            without = " + ".join(f"{one:.1f}" for one in _cpu(results, job, MIRRORED))
            found.append(
                f"{job}: sampling every {EVERY}th operation leaves {ratio.median:.2f} of the operations a second "
                f"({ratio.low:.2f} to {ratio.high:.2f}); CPU {used} us an operation with it, {without} without"
            )
    return found


def _cpu(results: Results, job: str, row: str) -> list[float]:
    return [one.median for side in (ACTIVE, STANDBY) if (one := results.cpu(job, row, side))]


def _words(name: str) -> str:
    return name.replace("_", " ")
