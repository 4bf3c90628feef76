"""How the answers of the Mirror Disk Administrator's functions look to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinset.guide.memory import SHORTAGE_CLAUSE
from twinset.operator import latency_render
from twinset.operator.units import mib

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def next_step(sentence: str) -> Callable[[Any], None]:
    """Return what shows that something is done, and what comes next."""

    def shower(result: Any) -> None:
        console = Console()
        console.print(Text(sentence), soft_wrap=True)
        console.print(Text(f"next:    {result['next']}"), soft_wrap=True)

    return shower


def permitted(result: Mapping[str, Any]) -> None:
    """Show where the data is now."""
    console = Console()
    already = "already " if result.get("already") else ""
    console.print(
        Text(f"Access to {result['set']} is {already}permitted on {result['server']}."), soft_wrap=True
    )
    for letter, uri in result.get("exports", {}).items():
        console.print(Text(f"{letter}:       {uri}"), soft_wrap=True)
    console.print(Text(f"when done: twinset mirror restrict {result['set']}"), soft_wrap=True)


def functions(result: Mapping[str, Any]) -> None:
    """Show the table of 8.7 as it stands now."""
    console = Console()
    for name, found in result.items():
        console.print(Text(f"{name}: {found['situation']}", style="bold"))
        table = Table("function", "", "clause", "", box=None, pad_edge=False, header_style="dim")
        for function, verdict in found["functions"].items():
            word = Text("yes", style="green") if verdict["allowed"] else Text("no", style="red")
            table.add_row(function, word, verdict["clause"], verdict["reason"])
        console.print(table)


def options(result: Mapping[str, Any]) -> None:
    """Show the options of a set and their price."""
    console = Console()
    defaults = result["defaults"]
    table = Table("option", "value", "default", box=None, pad_edge=False, header_style="dim")
    for name, default in defaults.items():
        table.add_row(name, str(result[name]), str(default))
    console.print(table)
    console.print(Text(f"memory of {result['set']}: {result['formula']} = {result['memory_kib']} KiB"))
    known = result["available_kib"]
    console.print(
        Text(
            f"of all sets: {result['memory_kib_all']} KiB; available now: {'?' if known is None else known} KiB"
        )
    )
    if known is not None and result["memory_kib_all"] > known:
        console.print(Text(f"sets that get none do not start [{SHORTAGE_CLAUSE}]", style="red"))
    if result["changed"]:
        console.print(Text("In use on both servers: their mirror processes were started anew with it."))


_COUNTS = (
    ("reads", "reads", "read_bytes"),
    ("writes", "writes", "written_bytes"),
    ("received from the other side", "received", "received_bytes"),
    ("copied to the other side", None, "copied_bytes"),
    ("flushes", "flushes", None),
    ("full copies", "full_copies", None),
    ("high-speed copies", "high_speed_copies", None),
    ("mirror breaks", "breaks", None),
)


def stats(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Show both servers side by side."""
    console = Console()
    table = Table("since its process started", *found, box=None, pad_edge=False, header_style="dim")
    for title, operations, amount in _COUNTS:
        table.add_row(
            title, *(_count(side.get("counts") or {}, operations, amount) for side in found.values())
        )
    for title, figures in latency_render.rows(found):
        table.add_row(title, *figures)
    table.add_row("difference", *(mib(side.get("dirty_bytes")) for side in found.values()))
    table.add_row("side", *(str(side.get("state", "-")) for side in found.values()))
    console.print(table)
    latency_render.unavailable(console, found)


def _count(counts: Mapping[str, Any], operations: str | None, amount: str | None) -> str:
    if not counts:
        return "-"
    parts = [str(counts[operations])] if operations else []
    parts += [mib(counts[amount])] if amount else []
    return ", ".join(parts)


def devices(result: Mapping[str, Any]) -> None:
    """Show what `mirror read` attached."""
    console = Console()
    for letter, device in result["devices"].items():
        console.print(Text(f"{letter}: {device} (read-only; the side is {result['state']})"))
    console.print(
        Text("mount:   mount -o ro,noload DEVICE DIRECTORY   (ext4; xfs: ro,norecovery)"), soft_wrap=True
    )
    console.print(Text(f"end:     twinset mirror read {result['set']} --end"), soft_wrap=True)
