"""``twinset memory FILE``: the memory that the mirror sets of a configuration need on each server (4.5.1).

Exit status 0 when this server has it, 1 when it has not or the file cannot be used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinset import config
from twinset.errors import ConfigError
from twinset.guide import memory
from twinset.operator import local
from twinset.operator.check import run_check
from twinset.shell.available_memory import available_kib

if TYPE_CHECKING:
    from pathlib import Path

CLAUSE = "4.5.1-02"
NOTE = "enlarged buffers of network adapters come on top; see their manuals [4.5.1-06]"


def run_memory(path: Path, *, as_json: bool) -> int:
    """Print the need of each set and of all, and what is available; return the exit status."""
    try:
        loaded = config.load(path)
    except ConfigError:
        return run_check(path, as_json)  # its findings say why
    report = estimate(loaded, available_kib())
    if as_json:
        local.print_json({"file": str(path), **report})
    else:
        _show(report)
    return 0 if report["enough"] is not False else local.REFUSED


def estimate(loaded: config.ClusterConfig, available: int | None) -> dict[str, Any]:
    """Return the need by set and in all (it adds up, 2.2.1-13); `enough` is None when nobody knows."""
    sets = [
        {
            "name": each.name,
            "max_io_kib": each.max_io_kib,
            "max_io_count": each.max_io_count,
            "formula": memory.formula(each.max_io_kib, each.max_io_count),
            "memory_kib": memory.set_memory_kib(each.max_io_kib, each.max_io_count),
        }
        for each in loaded.mirror_sets
    ]
    total = memory.cluster_memory_kib((each.max_io_kib, each.max_io_count) for each in loaded.mirror_sets)
    return {
        "sets": sets,
        "total_kib": total,
        "available_kib": available,
        "enough": None if available is None else total <= available,
        "clause": CLAUSE,
        "note": NOTE,
    }


def _show(report: dict[str, Any]) -> None:
    console = Console()
    table = Table("mirror set", "formula", "memory", box=None, pad_edge=False, header_style="dim")
    for each in report["sets"]:
        table.add_row(each["name"], each["formula"], f"{each['memory_kib']} KiB")
    table.add_row("all", "", f"{report['total_kib']} KiB")
    console.print(table)
    available = report["available_kib"]
    text = "not known" if available is None else f"{available} KiB"
    console.print(Text(f"available on this server now: {text} [{report['clause']}]"), soft_wrap=True)
    console.print(Text(report["note"], style="dim"), soft_wrap=True)
    if report["enough"] is False:
        missing = report["total_kib"] - available
        clause = memory.SHORTAGE_CLAUSE
        console.print(
            Text(f"{missing} KiB are missing: sets that get none do not start [{clause}]", style="red"),
            soft_wrap=True,
        )
        console.print(Text("next: more memory, or a smaller max_io_kib or max_io_count"), soft_wrap=True)
