"""`twinset apply` and `twinset cluster configuration`: the difference first, then, when told so, the change."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from twinset.errors import Refusal
from twinset.operator import render
from twinset.operator.talk import REFUSED, Json, guarded, request, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twinset.operator.client import Client

_SIGNS: Final = {"add": ("+", "green"), "delete": ("-", "red"), "change": ("~", "yellow")}
_NEEDS: Final = {"nothing": "", "group": "group stopped", "cluster": "cluster stopped"}

File = Annotated[Path, typer.Argument(metavar="FILE")]


def text_of(file: Path, *, as_json: bool) -> str:
    """Return the text of a file; ends the command when it cannot be read."""
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        render.refusal(Refusal("E_NOTFOUND", f"{file}: cannot be read: {error}"), as_json=as_json)
        raise typer.Exit(REFUSED) from None


def apply(
    file: File,
    yes: Annotated[
        bool, typer.Option("--yes", help="carry it out; else it is only shown and judged")
    ] = False,
    alone: Annotated[
        bool,
        typer.Option("--alone", help="the other server is away; it takes the change over when it is back"),
    ] = False,
    resolve: Annotated[
        bool, typer.Option("--resolve", help="the configurations have diverged; this one replaces both")
    ] = False,
    as_json: Json = False,
) -> None:
    """Change the configuration of both servers: show the difference and who forbids it; with --yes carry it out."""
    text = text_of(file, as_json=as_json)

    def work(client: Client) -> None:
        result = client.call("cluster.apply", text=text, dry_run=not yes, alone=alone, resolve=resolve)
        show(result, _applied, as_json)

    guarded(work, as_json)


def configuration(
    compare: Annotated[
        bool, typer.Option("--compare", help="show what the other server has instead")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print the active configuration of this server."""
    request("cluster.configuration", _compared if compare else _printed, as_json, compare=compare or None)


def changes(found: list[Mapping[str, Any]]) -> None:
    """Show differences: what, where, and what each needs."""
    console = Console()
    for each in found:
        sign, style = _SIGNS[str(each["action"])]
        line = Text(f"{sign} {each['path']}", style=style)
        if each["action"] == "change" and each["before"] is not None:
            line.append(f"  {_short(each['before'])} -> {_short(each['after'])}", style="default")
        elif not isinstance(value := each["after"] if each["action"] == "add" else each["before"], dict):
            line.append(f"  {_short(value)}", style="default")
        if need := _NEEDS[str(each["needs"])]:
            clause = f" [{each['clause']}]" if each["clause"] else ""
            line.append(f"  needs the {need}{clause}", style="bold")
        console.print(line, soft_wrap=True)


def _applied(result: Mapping[str, Any]) -> None:
    changes(result["changes"])
    console = Console()
    if not result["changes"] and not result["applied"]:
        console.print(Text(f"Nothing changes; generation {result['generation']} is in use."))
    elif result["applied"]:
        console.print(Text(f"Applied: generation {result['generation']} on both servers."))
        if result["waits_for"]:
            console.print(Text(f"        {result['waits_for']}", style="yellow"), soft_wrap=True)
    else:
        console.print(Text("Both servers would take it; nothing was changed. Carry it out with --yes."))


def _printed(result: Mapping[str, Any]) -> None:
    sys.stdout.write(str(result["text"]))


def _compared(result: Mapping[str, Any]) -> None:
    console = Console()
    other = result["other"]
    console.print(
        Text(
            f"{result['server']} has generation {result['generation']}, the other server {other['generation']}: "
            f"{result['relation']}"
        )
    )
    changes(result["changes"])


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:97]}..."
