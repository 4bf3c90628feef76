"""What the client logged, read back: which rows were acknowledged, when, and how long nothing was. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Acknowledged:
    """One row that the database acknowledged, and when (seconds since boot)."""

    number: int
    at_s: float


@dataclass(frozen=True)
class Outage:
    """The client's view of a failover: its last row before, its first after."""

    last_before: Acknowledged
    first_after: Acknowledged

    @property
    def duration_s(self) -> float:
        """How long the client got no acknowledgement."""
        return self.first_after.at_s - self.last_before.at_s


def parse(lines: Iterable[str]) -> list[Acknowledged]:
    """The acknowledged rows of a log, in order; remarks and a torn last line are passed over."""
    rows = []
    for line in lines:
        words = line.split()
        if len(words) == 2 and words[0].isdigit() and line.endswith("\n"):
            rows.append(Acknowledged(int(words[0]), float(words[1])))
    return rows


def outage(rows: list[Acknowledged], cut_at_s: float) -> Outage | None:
    """The longest gap of the client that ends after the cut; None when nothing was acknowledged since."""
    gaps = [Outage(a, b) for a, b in pairwise(rows) if b.at_s > cut_at_s]
    return max(gaps, key=lambda gap: gap.duration_s, default=None)


def lost(rows: Iterable[Acknowledged], present: Iterable[int]) -> list[int]:
    """Acknowledged rows that the table does not hold."""
    there = set(present)
    return sorted(row.number for row in rows if row.number not in there)
