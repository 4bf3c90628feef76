"""ARMKILL: end what ARMLOAD started, the monitoring first (6.3-08)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from twinset.commands import frame
from twinset.commands.options import Command, Option, count
from twinset.monitoring.loaded import GRACE_S, GRACE_S_MAX

if TYPE_CHECKING:
    from twinset.commands.options import Given

COMMAND: Final = Command(
    "ARMKILL",
    "End a program or service that ARMLOAD started; what does not end in time is killed.",
    "6.3-08",
    ("watchID",),
    (Option("T", "seconds", f"from SIGTERM to SIGKILL (default {GRACE_S})", "seconds"),),
)


def _work(given: Given) -> int:
    seconds = count(given.values.get("seconds", str(GRACE_S)), "/T", 0, GRACE_S_MAX, COMMAND.clause)
    result = frame.ask("program.kill", watch=given.operand(0), grace_s=float(seconds))
    frame.say(f"{result['watch']} of group {result['group']} has ended.")
    return frame.DONE


def main() -> int:
    """Run the command."""
    return frame.run(COMMAND, _work)


if __name__ == "__main__":
    sys.exit(main())
