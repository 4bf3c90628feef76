r"""When a file service counts as stalled: its share is not accessible while its server answers (9.2-01). Pure.

A look has three outcomes. A server that does not answer at all is down, which heartbeats tell better: it is no stall,
and ends a streak of failures. Each change is told once: lost after `tries_max` failed looks in a row, back at the first
good one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from twinset.errors import UsageError

ACCESSIBLE, INACCESSIBLE, DOWN = "accessible", "inaccessible", "down"
LOST, BACK, NOTHING = "lost", "back", ""

# (what a look found, the streak is long enough, it is told as lost already) -> what is told
TELLS: Final[dict[tuple[str, bool, bool], str]] = {
    (INACCESSIBLE, True, False): LOST,
    (ACCESSIBLE, False, True): BACK,
}
_PATH: Final = re.compile(r"[\\/]{2}([^\\/\s]{1,255})[\\/]([^\\/]{1,80})")
_STATUS: Final = re.compile(r"\b(NT_STATUS_[A-Z_]+)\b")


@dataclass(frozen=True, slots=True)
class Share:
    """A share and the server that has it."""

    server: str
    name: str

    @classmethod
    def parse(cls, text: str, clause: str) -> Share:
        r"""Read \\server\share, or the same with slashes; UsageError when it is neither."""
        found = _PATH.fullmatch(text)
        if found is None:
            raise UsageError(rf"{text!r:.100} is no share, such as \\server2\share2", clause)
        return cls(found[1], found[2])

    def __str__(self) -> str:
        return rf"\\{self.server}\{self.name}"


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of a share after some looks."""

    tries_max: int
    failed: int = 0
    told_lost: bool = False

    def look(self, found: str) -> tuple[str, Watch]:
        """Count a look; return what is to be told, and what is known once that was done."""
        failed = min(self.failed + 1, self.tries_max) if found == INACCESSIBLE else 0
        tells = TELLS.get((found, failed >= self.tries_max, self.told_lost), NOTHING)
        lost = self.told_lost if tells == NOTHING else tells == LOST
        return tells, Watch(self.tries_max, failed, lost)


def reason(said: str) -> str:
    """Return why a share is not accessible, from what smbclient said."""
    status = _STATUS.findall(said)
    lines = said.strip().splitlines()
    return str(status[-1]) if status else lines[-1].strip()[:200] if lines else "no reason was given"
