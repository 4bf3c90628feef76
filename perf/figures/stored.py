"""The file that a run leaves, read back: for going on with the run, for comparing, for a report. Pure.

Only what was measured is read (each round's figures); medians, ratios and verdicts are derived anew. A change of the
layout takes a new number in ``report.FORMAT``; files of another one are refused.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from perf.errors import PerfError
from perf.figures.conditions import parted
from perf.figures.fio_output import Figures
from perf.figures.report import FORMAT
from perf.figures.results import CopyMeasurement, Measurement, Results

_MOMENTARY = (
    "load_average",
    "host",
)  # a load is a moment's; two machines of a class are one machine to a ratio


@dataclass(frozen=True)
class Stored:
    """A run as its file has it."""

    results: Results
    surroundings: dict[str, Any]
    settings: dict[str, Any]
    workloads: dict[str, str]  # workload -> digest of its file


def load(body: Any) -> Stored:
    """Read a file's JSON; raise PerfError with the reason when it is not one of this suite's."""
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        found = body.get("format") if isinstance(body, dict) else None
        raise PerfError(f"no figures of this suite in format {FORMAT} (found {found!r})")
    try:
        return Stored(
            _results(body),
            {name: body[name] for name in ("when", "machine", "versions", "commit")},
            body["settings"],
            body["workloads"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PerfError(f"the file is damaged: {error!r}") from error


def _results(body: Mapping[str, Any]) -> Results:
    results = Results()
    for job, rows in body["jobs"].items():
        for row, entry in rows.items():
            for number, found in entry["rounds"].items():
                results.add(job, row, int(number), _measurement(found))
    for kind, entry in body["copies"].items():
        for number, found in entry["rounds"].items():
            cpu = found.get("mirrord_cpu_us_per_mib", {})
            copied = found["copied_bytes"], found["seconds"], cpu, found.get("differing_bytes", 0)
            results.add_copy(kind, int(number), CopyMeasurement(*copied))
    noise = body["noise"]
    results.repeats = {int(number): value for number, value in noise["raw_end_to_begin"].items()}
    results.busy = {int(number): value for number, value in noise["others_busy_share"].items()}
    results.skipped, results.throttles = body["skipped"], body["throttles"]
    results.growth = body["growth"]
    results.memory_kib, results.switches = body["mirrord_memory_kib"], body["switches"]
    return results


def _measurement(found: Mapping[str, Any]) -> Measurement:
    figures = Figures(**{field.name: found[field.name] for field in fields(Figures)})
    more = (found.get(name, {}) for name in ("mirrord_cpu_us_per_op", "rebuild", "latency"))
    return Measurement(figures, *more)


def differences(before: Any, now: Any, path: str = "") -> list[str]:
    """What of the surroundings is not the same, as ``name: before -> now``; time and load apart."""
    if isinstance(before, dict) and isinstance(now, dict):
        names = [name for name in {**before, **now} if name not in _MOMENTARY]
        return [line for name in names for line in differences(before.get(name), now.get(name), name)]
    return [] if before == now else [f"{path} {before} -> {now}".strip()]


def without(stored: Stored, workloads: Collection[str]) -> Results:
    """The results without some workloads, under any condition."""
    for job in list(stored.results.jobs):
        if parted(job)[0] in workloads:
            del stored.results.jobs[job]
    return stored.results


def resumed(
    stored: Stored, key: Mapping[str, Any], settings: Mapping[str, Any], workloads: Mapping[str, str]
) -> Results:
    """What of an interrupted run still counts; raise PerfError when it was another machine, commit or matrix.

    Figures of a workload whose file has changed are left out: they are measured again.
    """
    for name, value in key.items():
        was = stored.surroundings[name]
        if isinstance(value, dict):
            was = {part: was.get(part) for part in value}
        if was != value:
            raise PerfError(f"that run cannot be gone on with: its {name} was {was}, it is {value} now")
    if dict(settings) != stored.settings:
        raise PerfError(
            f"that run cannot be gone on with: it was {stored.settings}, asked for is {dict(settings)}"
        )
    known = {parted(job)[0] for job in stored.results.jobs}
    return without(stored, {name for name in known if stored.workloads.get(name) != workloads.get(name)})
