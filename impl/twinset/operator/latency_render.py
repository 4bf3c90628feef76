"""How sampled latencies look to a person: where the time of an operation went (`mirror latency`, `mirror stats`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinset.mirror.latency import BESIDE, STAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OFF = "not sampled (twinset mirror latency SET --on)"
_WORDS = {"own_disk": "own disk", "other_disk": "other disk", "write_alone": "write alone"}
_FIGURES = ("mean_us", "p50_us", "p99_us")


def turned(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Say what is sampled from now on."""
    console = Console()
    for server, side in found.items():
        if "every" in side:
            each = f"one in {side['every']} operations of each kind" if side["every"] else "nothing any more"
            console.print(Text(f"{server} samples {each}."))
    unavailable(console, found)


def latency(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Show every stage of every kind of operation, for each server."""
    console = Console()
    for server, side in found.items():
        if "unavailable" in side:
            continue
        told = side.get("latency") or {}
        if not told.get("every"):
            console.print(Text(f"{server}: {OFF if told else _UNKNOWN}"), soft_wrap=True)
            continue
        title = Text(f"{server}: one in {told['every']} operations of each kind, the newest")
        console.print(title, style="bold")
        table = Table("operation", "stage", box=None, pad_edge=False, header_style="dim")
        for heading in ("mean us", "median us", "99 % us"):
            table.add_column(heading, justify="right")
        for name, operation in told["operations"].items():
            for first, stage, figures in _stages(name, operation):
                table.add_row(first, stage, *(f"{figures[key]:.0f}" for key in _FIGURES))
        console.print(table if told["operations"] else Text("nothing was sampled yet"))
    unavailable(console, found)


_UNKNOWN = "its mirror process is of an earlier release and samples no latencies"


def _stages(name: str, operation: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, float]]]:
    first = f"{_WORDS.get(name, name)}, {operation['count']}"
    for stage, figures in operation["stages"].items():
        yield first, _WORDS.get(stage, stage), figures
        first = ""
    yield "", "all", operation["total"]
    if BESIDE in operation:
        yield "", f"({BESIDE})", operation[BESIDE]


def rows(found: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Rows of `mirror stats`: median and 99th percentile of each kind that a server has sampled, or that none is."""
    told = [side.get("latency") or {} for side in found.values()]
    kinds = [name for name in STAGES if any(name in (side.get("operations") or {}) for side in told)]
    if not any(side.get("every") for side in told):
        yield "latencies", ["-" if not side else "not sampled" for side in told]
    for name in kinds:
        yield f"{_WORDS.get(name, name)}, median us (99 %)", [_short(side, name) for side in told]


def _short(told: Mapping[str, Any], name: str) -> str:
    operation = (told.get("operations") or {}).get(name)
    if operation is None:
        return "-" if told.get("every") else "not sampled"
    return f"{operation['total']['p50_us']:.0f} ({operation['total']['p99_us']:.0f})"


def unavailable(console: Console, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Say of each side that could not be asked why not."""
    for server, side in found.items():
        if "unavailable" in side:
            console.print(Text(f"{server}: {side['unavailable']}", style="yellow"), soft_wrap=True)
