"""ARMRSP: watch the public LAN from a script; leave this server when only the other one still has it (6.3-19).

It runs until it has acted or is ended; a start script runs it beside itself or by ARMLOAD.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final

from twinset.commands import frame
from twinset.commands.options import Command, Option, count
from twinset.errors import DaemonUnreachable, Refusal, UsageError
from twinset.monitoring.public_lan import BAD, COMPARE, COMPARISONS, FINE, GOOD, LEAVE, UNKNOWN, Streak
from twinset.shell import clock

if TYPE_CHECKING:
    from twinset.commands.options import Given

SECONDS: Final = 10
LOOKS: Final = 3
COMMAND: Final = Command(
    "ARMRSP",
    "Watch the public LAN (link, and answers of the targets); act when it is lost here and not on the other server.",
    "6.3-19",
    ("[target ...]",),
    (
        Option("T", "seconds", f"between two looks (default {SECONDS})", "seconds", "6.3-19"),
        Option("N", "looks", f"failed looks in a row before it acts (default {LOOKS})", "count", "6.3-19"),
        Option("F", "failover", "the group that fails over (default: the script's own)", "group", "6.3-19"),
        Option("D", "down", "shut the server down instead of a failover", "", "6.3-19"),
    ),
)


class Watch:
    """One run of the command."""

    def __init__(self, targets: list[str], group: str, looks: int) -> None:
        self._targets = targets
        self._group = group  # "": the whole server
        self._streak = Streak(looks)
        self._told = ""

    def once(self) -> bool:
        """Look once; True when it has acted."""
        here = self._look(None)
        if here is None:
            return False
        verdict, self._streak = self._streak.look(good=bool(here["good"]))
        if verdict == FINE:
            self._tell("", "the public LAN is good")
        if verdict != COMPARE:
            return False
        reason = str(here["reason"])
        other = self._look(self._other(str(here["server"])))
        state = UNKNOWN if other is None else GOOD if other["good"] else BAD
        if COMPARISONS[state] == LEAVE:
            return self._leave(f"ARMRSP: public LAN of {here['server']}: {reason}")
        why = "cannot be asked" if other is None else f"is no better off: {other['reason']}"
        self._tell(
            reason + state, f"ARMRSP: public LAN of {here['server']}: {reason}; the other server {why}"
        )
        return False

    def _look(self, server: str | None) -> Any:
        try:
            return frame.ask("lan.probe", server=server, targets=self._targets)
        except (Refusal, DaemonUnreachable) as error:
            if server is None:  # twinsetd is being restarted, or this server has left the cluster
                frame.complain(COMMAND, str(error))
            return None

    def _other(self, me: str) -> str:
        servers = frame.ask("cluster.status")["servers"]
        return next(str(name) for name in servers if name != me)

    def _leave(self, reason: str) -> bool:
        try:
            if self._group:
                frame.ask("group.failover", group=self._group, reason=reason)
            else:
                frame.ask("server.down", reason=reason)
        except Refusal as refusal:
            self._tell(str(refusal), f"{reason}; not acted: {refusal}")
            return False
        frame.say(reason)
        return True

    def _tell(self, key: str, text: str) -> None:
        """Into the event log, once for each change."""
        if key != self._told:
            self._told = key
            frame.ask("message.broadcast", text=text, group=self._group or None, here=True)


async def _run(watch: Watch, seconds: int) -> None:
    while True:
        try:
            if watch.once():
                return
        except (Refusal, DaemonUnreachable) as error:
            frame.complain(COMMAND, str(error))
        await clock.pause(seconds)


def _work(given: Given) -> int:
    seconds = count(given.values.get("seconds", str(SECONDS)), "/T", 1, 3600, "6.3-19")
    looks = count(given.values.get("looks", str(LOOKS)), "/N", 1, 100, "6.3-19")
    group = "" if given.has("down") else given.values.get("failover", frame.own_group())
    if given.has("down") and given.has("failover"):
        raise UsageError("/F and /D exclude each other", COMMAND.clause)
    if not group and not given.has("down"):
        raise UsageError("outside a script it needs /F group or /D", COMMAND.clause)
    asyncio.run(_run(Watch(given.operands, group, looks), seconds))
    return frame.DONE


def main() -> int:
    """Run the command."""
    return frame.run(COMMAND, _work)


if __name__ == "__main__":
    sys.exit(main())
