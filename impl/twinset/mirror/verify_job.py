"""A comparison of both sides as something that outlives sessions, processes and a change of roles."""

from __future__ import annotations

from bisect import bisect
from dataclasses import asdict, dataclass, field, fields
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNNING, REPAIRING, ENDED, STOPPED = "running", "repairing", "ended", "stopped"
STATES: Final = frozenset({RUNNING, REPAIRING, ENDED, STOPPED})
RANGES_MAX: Final = 128


@dataclass(slots=True)
class Job:
    """What was asked and what came of it. Offsets and lengths are bytes of the mirrored area.

    Everything below `cursor` was compared. `ranges` covers every difference that was found, in ascending
    order; beyond RANGES_MAX it covers more than differed (`merged`), never less.
    """

    number: int
    disks: str  # both identities: another disk is another comparison
    size_bytes: int
    repair: bool = False
    cursor: int = 0
    state: str = RUNNING
    reason: str = ""  # of an end before the end
    ranges: list[list[int]] = field(default_factory=list)  # [offset, length]
    found_bytes: int = 0
    merged: bool = False
    repaired: bool = False
    rechecked: int = 0  # pieces that were being written when they were first looked at, or differ

    @property
    def open(self) -> bool:
        """True while there is something to do."""
        return self.state in (RUNNING, REPAIRING)

    def note(self, offset: int, length: int) -> bool:
        """Take a difference into the list; False when it is there already."""
        ranges, end = self.ranges, offset + length
        at = bisect(ranges, offset, key=itemgetter(0))
        if at and end <= ranges[at - 1][0] + ranges[at - 1][1]:
            return False
        self.found_bytes += length
        ranges.insert(at, [offset, length])
        for left in (at, at - 1):
            if 0 <= left < len(ranges) - 1 and ranges[left + 1][0] <= ranges[left][0] + ranges[left][1]:
                self._join(left)
        if len(ranges) > RANGES_MAX:
            self._join(len(ranges) - 2)
            self.merged = True
        return True

    def _join(self, left: int) -> None:
        one, other = self.ranges[left], self.ranges.pop(left + 1)
        one[1] = max(one[0] + one[1], other[0] + other[1]) - one[0]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "number": f"{self.number:016x}"}


def from_json(values: Mapping[str, Any]) -> Job | None:
    """Return the job of `to_json`; None for anything else, so that a comparison begins anew."""
    try:
        job = Job(**{each.name: values[each.name] for each in fields(Job)})
        job.number = int(values["number"], 16)
        job.ranges = [[int(offset), int(length)] for offset, length in values["ranges"]]
        sound = job.state in STATES and 0 <= job.cursor <= job.size_bytes
    except (KeyError, TypeError, ValueError):
        return None
    inside = all(
        offset >= 0 and length > 0 and offset + length <= job.size_bytes for offset, length in job.ranges
    )
    return job if sound and inside and len(job.ranges) <= RANGES_MAX else None
