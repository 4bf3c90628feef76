"""When a fault of the public LAN is a reason to leave this server (6.3-19). Pure.

One failed look proves nothing: it takes `looks_max` in a row. And leaving helps only when the other server is
better off: when both have lost the public LAN, going to and fro would only stop the service again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FINE, WAIT, COMPARE = "fine", "wait", "compare"  # what a look here calls for
LEAVE, HOLD = "leave", "hold"  # what the comparison with the other server calls for

# (the look here was good, it failed often enough) -> what to do
LOOKS: Final[dict[tuple[bool, bool], str]] = {
    (True, False): FINE,
    (False, False): WAIT,
    (False, True): COMPARE,
}
# The other server: its own look was good, it was bad, or it could not be asked.
GOOD, BAD, UNKNOWN = "good", "bad", "unknown"
COMPARISONS: Final[dict[str, str]] = {GOOD: LEAVE, BAD: HOLD, UNKNOWN: HOLD}


@dataclass(frozen=True, slots=True)
class Streak:
    """How many looks have failed in a row, and how many it takes."""

    looks_max: int
    failed: int = 0

    def __post_init__(self) -> None:
        if self.looks_max < 1 or self.failed < 0:
            raise ValueError(f"a streak of {self.failed} out of {self.looks_max}")

    def look(self, *, good: bool) -> tuple[str, Streak]:
        """Count a look; return what it calls for and the new streak."""
        failed = 0 if good else min(self.failed + 1, self.looks_max)
        return LOOKS[good, failed >= self.looks_max], Streak(self.looks_max, failed)
