"""`twinset collect` and `twinset timeline`: both servers in one file, and in one list."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from twinset.operator import render
from twinset.operator.talk import Json, guarded, request, show
from twinset.operator.units import mib

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twinset.operator.client import Client


def collect(
    output: Annotated[Path | None, typer.Option("--output", help="where the file shall lie")] = None,
    as_json: Json = False,
) -> None:
    """Write logs, configuration without secrets, metadata and traces of both servers into one file."""

    def work(client: Client) -> None:
        result = client.call("support.collect")
        if output is not None:
            result = {**result, "path": str(_moved(Path(result["path"]), output))}
        show(result, _collected, as_json)

    guarded(work, as_json)


def timeline(
    limit: Annotated[int, typer.Option(help="how many events of each server, at most")] = 200,
    as_json: Json = False,
) -> None:
    """Show the events of both servers in one order, on the clock of this one."""
    request("support.timeline", _timeline, as_json, limit=limit)


def _moved(path: Path, output: Path) -> Path:
    target = output / path.name if output.is_dir() else output
    shutil.move(path, target)
    return target


def _collected(result: Mapping[str, Any]) -> None:
    console = Console()
    console.print(Text(f"{result['path']}: {result['files']} files, {mib(result['bytes'])}"), soft_wrap=True)
    if result["other"]:
        console.print(Text(f"this server only: {result['other']}", style="yellow"), soft_wrap=True)


def _timeline(result: Mapping[str, Any]) -> None:
    console = Console()
    if result["other"]:
        console.print(Text(f"this server only: {result['other']}", style="yellow"), soft_wrap=True)
    else:
        words = f"clock of {result['clock_of']}; the other one differs by {result['offset_s']:+.3f} s"
        console.print(Text(f"{words}, known to {result['error_s']:.3f} s", style="dim"), soft_wrap=True)
    for row in result["events"]:
        mark = "?" if row["order"] == "either" else " "
        sys.stdout.write(f"{mark}{row['server']:<15} ")
        sys.stdout.flush()
        render.event({**row, "time": row["at"]})
