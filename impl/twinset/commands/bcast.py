"""ARMBCAST: a message of a script or an operator, into the event logs of the servers (notes 5.8)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from twinset.commands import frame
from twinset.commands.options import Command, Option
from twinset.errors import UsageError

if TYPE_CHECKING:
    from twinset.commands.options import Given

COMMAND: Final = Command(
    "ARMBCAST",
    "Write a message into the event logs, where `twinset events` shows it.",
    "2.3.4-03",
    options=(
        Option("MSG", "message", "what is said", "text"),
        Option("A", "all", "on both servers (the default)"),
        Option("S", "self", "on this server only"),
    ),
)


def _work(given: Given) -> int:
    if not given.has("message"):
        raise UsageError("/MSG text is missing", COMMAND.clause)
    if given.has("all") and given.has("self"):
        raise UsageError("/A and /S exclude each other", COMMAND.clause)
    result = frame.ask(
        "message.broadcast",
        text=given.values["message"],
        group=frame.own_group() or None,
        here=given.has("self"),
    )
    frame.say(f"told: {', '.join(result['told'])}")
    if len(result["told"]) == 1 and not given.has("self"):
        frame.complain(COMMAND, "the other server cannot be reached, only this one was told")
    return frame.DONE


def main() -> int:
    """Run the command."""
    return frame.run(COMMAND, _work)


if __name__ == "__main__":
    sys.exit(main())
