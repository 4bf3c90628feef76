"""ARMDOWN: shut this server down in order; its groups fail over (6.3-17).

It returns as soon as the shutdown has begun: a script that calls it is stopped along with its group.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from twinset.commands import frame
from twinset.commands.options import Command, Option

if TYPE_CHECKING:
    from twinset.commands.options import Given

COMMAND: Final = Command(
    "ARMDOWN",
    "Shut this server down in order; its groups fail over.",
    "6.3-17",
    options=(
        Option("R", "reboot", "start the machine again afterwards"),
        Option("F", "force", "also when the other server does not operate and nothing takes over"),
    ),
)


def _work(given: Given) -> int:
    result = frame.ask("server.down", reboot=given.has("reboot"), force=given.has("force"))
    frame.say(f"{result['server']} leaves the cluster; the machine {result['machine']}.")
    return frame.DONE


def main() -> int:
    """Run the command."""
    return frame.run(COMMAND, _work)


if __name__ == "__main__":
    sys.exit(main())
