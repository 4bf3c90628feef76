"""ARMSLEEP: wait, in a stop script whose application ends after its stop command returned (5.2.2-07)."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

from twinset.commands import frame
from twinset.commands.options import Command, count
from twinset.shell import clock

if TYPE_CHECKING:
    from twinset.commands.options import Given

SECONDS_MAX: Final = 32767
COMMAND: Final = Command("ARMSLEEP", "Wait that many seconds.", "5.2.2-07", ("seconds",))


def _work(given: Given) -> int:
    seconds = count(given.operand(0), "seconds", 1, SECONDS_MAX, COMMAND.clause)
    asyncio.run(clock.pause(seconds))
    return frame.DONE


def main() -> int:
    """Run the command."""
    return frame.run(COMMAND, _work)


if __name__ == "__main__":
    sys.exit(main())
