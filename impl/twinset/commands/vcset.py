"""ARMVCSET: cancel the association of a virtual computer name with an address, or have it again (7.3.1.4-01)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from twinset.commands import frame
from twinset.commands.options import Command, Option
from twinset.errors import UsageError

if TYPE_CHECKING:
    from twinset.commands.options import Given

COMMAND: Final = Command(
    "ARMVCSET",
    "Cancel the association of a virtual computer name with a floating IP address, or have it again.",
    "7.3.1.4-01",
    ("[name]",),
    (
        Option("C", "cancel", "the name stands for the server's own address"),
        Option("A", "associate", "the name stands for the floating IP address again"),
        Option("G", "group", "the group whose only name is meant (default: the script's own)", "group"),
    ),
)


def _work(given: Given) -> int:
    if given.has("cancel") == given.has("associate"):
        raise UsageError("one of /C and /A has to be given", COMMAND.clause)
    name = given.operand(0)
    group = given.values.get("group") or ("" if name else frame.own_group())
    if not name and not group:
        raise UsageError("outside a script it needs a virtual computer name, or /G group", COMMAND.clause)
    result = frame.ask(
        "name.associate", name=name or None, group=group or None, associate=given.has("associate")
    )
    stands = result["address"] if result["associated"] else "the address of the server that runs its group"
    when = f" when group {result['group']} is started next" if result["waits"] else ""
    frame.say(f"{result['name']} stands for {stands}{when}.")
    return frame.DONE


def main() -> int:
    """Run the command."""
    return frame.run(COMMAND, _work)


if __name__ == "__main__":
    sys.exit(main())
