"""The events of both servers on one clock, and what is known of the difference of the two clocks. Pure.

The other server's clock is asked once: it answers with its own time, somewhere between the question's leaving and the
answer's coming. So the offset is known up to half of that way and back; two events of different servers that
are nearer to each other than this may have happened in either order, which the merged list says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Offset:
    """What has to be subtracted from the other server's times, and how far that may be wrong."""

    seconds: float = 0.0
    error_s: float = 0.0

    def to_json(self) -> dict[str, float]:
        """For programs."""
        return {"offset_s": round(self.seconds, 6), "error_s": round(self.error_s, 6)}


def offset(asked_s: float, said_s: float, answered_s: float) -> Offset:
    """Return the offset of a clock that said `said_s` between `asked_s` and `answered_s` of the own one."""
    half = max(0.0, answered_s - asked_s) / 2
    return Offset(said_s - (asked_s + half), half)


def merged(
    mine: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], clock: Offset
) -> list[dict[str, Any]]:
    """Return all entries in the order of the own clock.

    Each has `at` (seconds since 1970 on that clock) and `order`: "sure", or "either" when the entry before it
    is another server's and within the error. Of one server the order of its numbers is kept, whatever its clock did.
    """
    rows = [*_on_one_clock(mine, 0.0), *_on_one_clock(theirs, clock.seconds)]
    rows.sort(key=lambda row: (row["at"], row["server"], row["seq"]))
    before: dict[str, Any] | None = None
    for row in rows:
        near = before is not None and before["server"] != row["server"]
        near = near and before is not None and row["at"] - before["at"] <= 2 * clock.error_s
        row["order"] = "either" if near else "sure"
        before = row
    return rows


def _on_one_clock(entries: Sequence[Mapping[str, Any]], offset_s: float) -> list[dict[str, Any]]:
    """A clock that was set back does not turn the order of its own server's events."""
    rows, latest = [], 0.0
    for entry in sorted(entries, key=lambda each: int(each["seq"])):
        latest = max(latest, float(entry["time"]) - offset_s)
        rows.append({**entry, "at": round(latest, 3)})
    return rows
