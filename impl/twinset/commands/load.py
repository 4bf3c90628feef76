"""ARMLOAD: start a program or service of a group, and have twinsetd watch it (6.3-07 to 6.3-15, 9.2-15, 9.3-05)."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from twinset.commands import frame
from twinset.commands.options import Command, Option, count, number
from twinset.errors import DaemonUnreachable, Refusal, UsageError
from twinset.monitoring.restarts import HOURS_MAX, RESTARTS_MAX
from twinset.shell import clock

if TYPE_CHECKING:
    from twinset.commands.options import Given

AGAIN_S: Final = 1.0
WAIT_S: Final = 20.0
TRIES: Final = 60  # while twinsetd is being restarted
COMMAND: Final = Command(
    "ARMLOAD",
    "Start a program or service of a group and watch it until ARMKILL or the end of the group.",
    "9.2-15",
    ("watchID",),
    (
        Option("U", "user", "run it as this user, an account of the cluster", "user", "9.2-03"),
        Option("S", "service", "it is a service: the name of a systemd unit", "", "6.3-10"),
        Option("M", "monitor", "watch it (the default)", "", "6.3-11"),
        Option("NOM", "no-monitor", "do not watch it", "", "6.3-11"),
        Option("R", "restarts", "how often it is started again (default 0)", "count", "6.3-12"),
        Option(
            "H", "hours", "of running after which the count is zero (default 24, 0: never)", "hours", "6.3-13"
        ),
        Option("SCR", "scripts", "run the group's stop and start scripts instead", "", "6.3-14"),
        Option(
            "FOV",
            "failover",
            "beyond the threshold the group fails over (default: server shutdown)",
            "",
            "6.3-15",
        ),
        Option("W", "wait", "return when it has ended; it is not watched", "", "6.3-11"),
        Option("C", "directory", "run it in this directory (default: the present one)", "directory"),
        Option("G", "group", "the group (default: the script's own)", "group", "6.3-07"),
    ),
    "program [arguments]",
)
# Options that exclude each other, with the clause.
EXCLUDED: Final = (
    ("monitor", "no-monitor", "6.3-11"),
    ("wait", "monitor", "6.3-11"),
    ("wait", "service", "6.3-10"),
    ("service", "user", "6.3-10"),
    ("service", "directory", "6.3-10"),
    *(
        (way, rule, "6.3-11")
        for way in ("no-monitor", "wait")
        for rule in ("restarts", "hours", "scripts", "failover")
    ),
)


def request(given: Given) -> dict[str, Any]:
    """Return the arguments of the request; UsageError when the words contradict each other."""
    letters = {option.word: option.letter for option in COMMAND.options}
    for one, other, clause in EXCLUDED:
        if given.has(one) and given.has(other):
            raise UsageError(f"/{letters[one]} and /{letters[other]} exclude each other", clause)
    group = given.values.get("group", frame.own_group())
    if not group:
        raise UsageError("outside a script it needs /G group", "6.3-07")
    restarts = count(given.values.get("restarts", "0"), "/R", 0, RESTARTS_MAX, "9.3-05")
    hours = number(given.values.get("hours", "24"), "/H", 0, HOURS_MAX, "9.3-05")
    args: dict[str, Any] = {
        "watch": given.operand(0),
        "group": group,
        "argv": given.program,
        "service": given.has("service"),
        "monitor": not given.has("no-monitor") and not given.has("wait"),
        "restarts": restarts,
        "reset_hours": hours,
        "scripts": given.has("scripts"),
        "failover": given.has("failover"),
    }
    if not given.has("service"):
        args["directory"] = os.path.abspath(given.values.get("directory", "."))  # noqa: PTH100 - links stay as written
        args["environment"] = {name: value for name, value in os.environ.items() if _travels(name + value)}
        args["user"] = given.values.get("user")
    return args


def _travels(text: str) -> bool:
    """True unless it holds bytes that are no UTF-8, which no JSON carries."""
    return not any("\udc80" <= letter <= "\udcff" for letter in text)


def _work(given: Given) -> int:
    result = frame.ask("program.load", **request(given))
    pid = f" as process {result['pid']}" if result.get("pid") else ""
    frame.say(f"{result['watch']} runs{pid}, for group {result['group']}.")
    if given.has("wait"):
        status = asyncio.run(_ended(str(result["watch"])))
        frame.say(f"{result['watch']} has ended{'' if status is None else f' with status {status}'}.")
    return frame.DONE


async def _ended(watch: str) -> int | None:
    """Wait for its end, over a restart of twinsetd; how it ended may not be known then."""
    tries = 0
    while tries <= TRIES:
        try:
            answer = frame.ask("program.wait", watch=watch, wait_s=WAIT_S)
        except DaemonUnreachable:
            tries += 1
            await clock.pause(AGAIN_S)
        except Refusal as refusal:
            if refusal.code == "E_NOTFOUND":
                return None
            raise
        else:
            tries = 0
            if answer["ended"]:
                return None if answer["status"] is None else int(answer["status"])
    raise DaemonUnreachable(f"twinsetd has not come back for {TRIES * AGAIN_S:g} s; nobody knows of {watch}")


def main() -> int:
    """Run the command."""
    return frame.run(COMMAND, _work)


if __name__ == "__main__":
    sys.exit(main())
