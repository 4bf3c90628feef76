"""What all script commands share: words in, one or a few requests to twinsetd, a line for people, a status."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from twinset.commands.options import Command, Given, parse
from twinset.errors import DaemonUnreachable, Refusal, TwinsetError, UsageError
from twinset.operator.client import Client
from twinset.shell.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Callable

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130

# The class of a refusal -> exit status; every other class is REFUSED.
STATUS_OF: Final[dict[str, int]] = {
    "E_NOTFOUND": 4,
    "E_DUP": 5,
    "E_DENIED": 6,
    "E_LAUNCH": 7,
    "E_UNSUPPORTED": 8,
    "E_RANGE": USAGE,
    "E_LENGTH": USAGE,
    "E_CHARSET": USAGE,
    "E_LIMIT": USAGE,
}


def run(command: Command, work: Callable[[Given], int], words: list[str] | None = None) -> int:
    """Carry a command out; return its exit status. Nothing ends in a traceback."""
    try:
        given = parse(command, sys.argv[1:] if words is None else words)
        if given.help:
            sys.stdout.write(command.help())
            return DONE
        return work(given)
    except UsageError as error:
        complain(command, str(error), f"usage:   {command.usage()}")
        return USAGE
    except DaemonUnreachable as error:
        complain(command, str(error))
        return UNREACHABLE
    except Refusal as refusal:
        complain(command, str(refusal), f"try:     {refusal.help}" if refusal.help else "")
        return STATUS_OF.get(refusal.code, REFUSED)
    except TwinsetError as error:
        complain(command, str(error))
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED


def complain(command: Command, text: str, hint: str = "") -> None:
    """Say on standard error what is wrong."""
    sys.stderr.write(f"{command.name}: {text}\n" + (f"{hint}\n" if hint else ""))
    sys.stderr.flush()


def say(text: str) -> None:
    """Say what was done."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def ask(verb: str, **args: Any) -> Any:
    """Send one request to the twinsetd of this server and return its result."""
    client = Client(Paths.from_environment().api)
    try:
        return client.call(verb, **args)
    finally:
        client.close()


def own_group() -> str:
    """Return the group whose script this runs in, "" in an operator's shell [4.5.2-18]."""
    return os.environ.get("ARMS_GROUPNAME", "")
