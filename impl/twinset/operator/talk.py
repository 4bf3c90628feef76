"""How every command of `twinset` talks to twinsetd: one request, its answer, and what its failure looks like."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from twinset.errors import DaemonUnreachable, Refusal, TwinsetError
from twinset.operator import render
from twinset.operator.client import Client
from twinset.shell.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Callable

    Show = Callable[[Any], None]

REFUSED: Final = 1
UNREACHABLE: Final = 3

Json = Annotated[bool, typer.Option("--json", help="print JSON for programs")]


def request(verb: str, shower: Show, as_json: bool, **args: Any) -> None:
    """Send one request and show its answer."""
    guarded(lambda client: show(client.call(verb, **args), shower, as_json), as_json)


def guarded(work: Callable[[Client], None], as_json: bool) -> None:
    """Run with a connection; every failure becomes a message and an exit status, never a traceback."""
    try:
        client = Client(Paths.from_environment().api)
        try:
            work(client)
        finally:
            client.close()
    except DaemonUnreachable as error:
        render.unreachable(str(error), as_json=as_json)
        raise typer.Exit(UNREACHABLE) from None
    except Refusal as refusal:
        render.refusal(refusal, as_json=as_json)
        raise typer.Exit(REFUSED) from None
    except TwinsetError as error:
        render.refusal(Refusal("E_FAILED", str(error)), as_json=as_json)
        raise typer.Exit(REFUSED) from None


def show(result: Any, shower: Show, as_json: bool) -> None:
    """Print an answer, for a person or as JSON."""
    if as_json:
        sys.stdout.write(json.dumps(result, indent=2, sort_keys=True) + "\n")
    else:
        shower(result)
