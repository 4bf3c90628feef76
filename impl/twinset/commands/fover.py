"""ARMFOVER: let a group that runs on this server fail over (4.5.2-17, 6.3-18).

It returns as soon as the cluster has accepted: the script that calls it is stopped along with its group.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from twinset.commands import frame
from twinset.commands.options import Command, Option
from twinset.errors import UsageError

if TYPE_CHECKING:
    from twinset.commands.options import Given

COMMAND: Final = Command(
    "ARMFOVER",
    "Let a failover group that runs on this server fail over (default: to the next server of its policy).",
    "4.5.2-17",
    ("[server]",),
    (Option("F", "failover", "the group", "group", "4.5.2-17"),),
)


def _work(given: Given) -> int:
    if not given.has("failover"):
        raise UsageError("/F group is missing", COMMAND.clause)
    group = given.values["failover"]
    result = frame.ask("group.failover", group=group, server=given.operand(0) or None)
    when = " when its start has ended" if result.get("waits") else ""
    frame.say(f"Group {result['group']} fails over to {result['server']}{when}.")
    return frame.DONE


def main() -> int:
    """Run the command."""
    return frame.run(COMMAND, _work)


if __name__ == "__main__":
    sys.exit(main())
