"""Commands that need no daemon: they look at this server and say what they find, or why not."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import typer

from twinset.errors import Refusal, TwinsetError
from twinset.operator import render

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSED: Final = 1


def guarded(work: Callable[[], int], *, as_json: bool) -> None:
    """Run; every failure becomes a message and an exit status, never a traceback."""
    try:
        status = work()
    except Refusal as refusal:
        render.refusal(refusal, as_json=as_json)
        raise typer.Exit(REFUSED) from None
    except TwinsetError as error:
        code, clause = getattr(error, "code", "E_FAILED"), getattr(error, "clause", "")
        text = str(error).removesuffix(f" [{clause}]")
        render.refusal(Refusal(code, text, clause), as_json=as_json)
        raise typer.Exit(REFUSED) from None
    raise typer.Exit(status)


def print_json(value: Any) -> None:
    """Print for programs."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
