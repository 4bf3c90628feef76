"""What a look at one thing of a running group calls for (6.3-19, 6.3-20). Pure.

One failed look proves nothing: it takes several in a row. Then the group fails over or the server is shut down,
once; the streak begins anew, so that a group that could not go is asked for again when it still looks bad.
A public LAN is compared with the other server's first (public_lan.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PUBLIC_LAN: Final = "public_lan"
FINE, WAIT, ACT, COMPARE = "fine", "wait", "act", "compare"

# (the look was good, it failed often enough, leaving helps only when the other server is better off) -> what follows
LOOKS: Final[dict[tuple[bool, bool, bool], str]] = {
    (True, False, False): FINE,
    (True, False, True): FINE,
    (False, False, False): WAIT,
    (False, False, True): WAIT,
    (False, True, False): ACT,
    (False, True, True): COMPARE,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that is watched: its kind, its number among those of its kind, when it counts as lost."""

    kind: str
    index: int
    looks_max: int


@dataclass(frozen=True, slots=True)
class Seen:
    """How many looks at it have failed in a row."""

    failed: int = 0

    def look(self, subject: Subject, *, good: bool) -> tuple[str, Seen]:
        """Count a look; return what it calls for, and what is known then."""
        failed = 0 if good else self.failed + 1
        enough = failed >= subject.looks_max
        return LOOKS[good, enough, subject.kind == PUBLIC_LAN], Seen(0 if enough else failed)
