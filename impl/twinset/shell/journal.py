"""Follows the systemd journal through `journalctl`: entries as they come, over its end and a restart."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from twinset.errors import StepFailed
from twinset.monitoring import journal
from twinset.shell import clock, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LINE_BYTES_MAX: Final = 256 * 1024
AGAIN_S: Final = 5.0


class Journal:
    """One reader. `take` gets entries, but not those that this process has written: they are in the event log too."""

    def __init__(
        self, take: Callable[[journal.Entry], Awaitable[None]], trouble: Callable[[str], None], again_s: float
    ) -> None:
        self._take = take
        self._trouble = trouble
        self._again_s = again_s
        self._cursor = ""

    async def follow(self) -> None:
        """Read for ever; what came while nobody read is read as soon as somebody does."""
        while True:
            try:
                async with run.reading(journal.follow(self._cursor), LINE_BYTES_MAX) as lines:
                    while line := await lines.readline():
                        await self._line(line)
                self._trouble("journalctl has ended")
            except (StepFailed, ValueError) as error:  # ValueError: an entry that is too long
                self._trouble(str(error))
            await clock.pause(self._again_s)

    async def _line(self, line: bytes) -> None:
        entry = journal.parse(line.decode(errors="replace"))
        if entry is None:
            return
        self._cursor = entry.cursor or self._cursor
        if entry.pid != str(os.getpid()):
            await self._take(entry)
