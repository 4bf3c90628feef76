"""How soon the mirror connect is tried again when the other side answers and nothing comes of it.

A side that is FAULTY, or of another set, refuses every time until somebody acts. The first few attempts follow
quickly: two sides that change their state at once may need them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

QUICK_TRIES: Final = 3


@dataclass(slots=True)
class Backoff:
    """The wait before the next attempt: doubled with every fruitless one after the quick ones, bounded."""

    first_ms: int
    limit_ms: int
    fruitless: int = 0

    def ended(self, *, fruitful: bool) -> None:
        """A connection on which the other side had answered is gone."""
        self.fruitless = 0 if fruitful else self.fruitless + 1

    def reset(self) -> None:
        """Something has changed here: what was refused may be accepted now."""
        self.fruitless = 0

    @property
    def wait_ms(self) -> int:
        """How long to wait before the next attempt."""
        doublings = min(32, max(0, self.fruitless - QUICK_TRIES))
        return min(self.limit_ms, self.first_ms << doublings)
