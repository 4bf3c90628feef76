r"""ARMWHSR: watch whether a share of a server is accessible, to find a server that stalls in part (9.2).

It runs until it is ended; a start script runs it by ARMLOAD, the stop script ends it by ARMKILL.
"""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from typing import TYPE_CHECKING, Final

from twinset.commands import frame
from twinset.commands.options import Command, Option, count
from twinset.errors import DaemonUnreachable, Refusal, UsageError
from twinset.monitoring.share import ACCESSIBLE, DOWN, INACCESSIBLE, LOST, NOTHING, Share, Watch, reason
from twinset.shell import clock, run

if TYPE_CHECKING:
    from twinset.commands.options import Given

SECONDS: Final = 60
TRIES: Final = 2
ANSWER_S_MIN: Final = 3
ANSWER_S_MAX: Final = 30
PING_S: Final = 2
CLAUSE: Final = "9.2-16"
COMMAND: Final = Command(
    "ARMWHSR",
    "Watch whether a share is accessible; tell both event logs when it is not, although its server answers.",
    CLAUSE,
    (r"\\server\share", "address"),
    (
        Option("T", "seconds", f"between two looks (default {SECONDS})", "seconds"),
        Option("N", "tries", f"failed looks in a row before it is told (default {TRIES})", "count"),
        Option("A", "authentication", "file with username and password, as smbclient reads it", "file"),
    ),
)


class Looker:
    """One run of the command."""

    def __init__(self, share: Share, address: str, watch: Watch, answer_s: float, credentials: str) -> None:
        self._share = share
        self._address = address
        self._watch = watch
        self._answer_s = answer_s
        self._credentials = credentials

    async def once(self) -> None:
        """Look once; what could not be told is told after the next look."""
        found, why = await self._look()
        tells, known = self._watch.look(found)
        if tells != NOTHING:
            frame.ask(
                "share.report",
                share=str(self._share),
                address=self._address,
                accessible=tells != LOST,
                reason=why or None,
                group=frame.own_group() or None,
            )
        self._watch = known

    async def _look(self) -> tuple[str, str]:
        """Ask the share, and where that fails the address alone."""
        argv = ["smbclient", f"//{self._share.server}/{self._share.name}", "--ip-address", self._address]
        argv += ["--authentication-file", self._credentials] if self._credentials else ["--no-pass"]
        asked = await run.run([*argv, "--command", "exit"], timeout_s=self._answer_s)
        if asked.ok:
            return ACCESSIBLE, ""
        if asked.code < 0 and not asked.timed_out:
            raise Refusal("E_UNSUPPORTED", asked.stderr, CLAUSE, "install smbclient")
        ping = ["ping", "-n", "-q", "-c", "1", "-W", str(PING_S), "--", self._address]
        if not (await run.run(ping, timeout_s=2 * PING_S)).ok:
            return DOWN, ""
        late = f"no answer within {self._answer_s:g} s"
        return INACCESSIBLE, late if asked.timed_out else reason(asked.stdout + asked.stderr)


async def _run(looker: Looker, seconds: int) -> None:
    while True:
        try:
            await looker.once()
        except DaemonUnreachable as error:  # it is being restarted
            frame.complain(COMMAND, str(error))
        await clock.pause(seconds)


def _work(given: Given) -> int:
    share, address = Share.parse(given.operand(0), CLAUSE), given.operand(1)
    try:
        ipaddress.IPv4Address(address)
    except ValueError:
        raise UsageError(f"{address!r:.100} is no IPv4 address", CLAUSE) from None
    seconds = count(given.values.get("seconds", str(SECONDS)), "/T", 1, 3600, CLAUSE)
    tries = count(given.values.get("tries", str(TRIES)), "/N", 1, 100, CLAUSE)
    answer_s = min(ANSWER_S_MAX, max(ANSWER_S_MIN, seconds))
    looker = Looker(share, address, Watch(tries), answer_s, given.values.get("authentication", ""))
    asyncio.run(_run(looker, seconds))
    return frame.DONE


def main() -> int:
    """Run the command."""
    return frame.run(COMMAND, _work)


if __name__ == "__main__":
    sys.exit(main())
