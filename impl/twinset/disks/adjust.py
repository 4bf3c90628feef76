"""Make the data partitions of a disk those of the other server's disk, by moving them towards its end (2.1.3-05).

Two disks of different make are seldom partitioned alike to the byte. The mirror wants data partitions of equal size
at equal distances, so those of this disk get the other one's sizes and distances; the area that was left unused at
the end is what they grow into. None moves towards the beginning, where the CLUSTER partition lies.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from twinset.errors import Refusal

from .plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from twinset.mirror.disk_layout import Partition

CLAUSE: Final = "2.1.3-05"


def adjusted(
    size_bytes: int, sector_bytes: int, mine: Sequence[Partition], other: Mapping[int, tuple[int, int]]
) -> Plan:
    """Return the new table of a disk; `other`: number -> place behind the first data partition, length.

    Refusal when the disks do not have the same data partitions, or nothing is left to move them into.
    """
    ours, theirs = [part.number for part in mine], [1, *sorted(other)]
    if len(theirs) == 1 or sorted(ours) != theirs:
        raise Refusal(
            "E_PARTITION", f"partitions {ours} here, {theirs} on the other disk", "4.1.1-01",
            "twinset disk prepare",
        )  # fmt: skip
    cluster, *data = sorted(mine, key=lambda part: part.number)
    if not all(part.primary for part in data):
        raise Refusal(
            "E_UNSUPPORTED",
            "logical partitions are not moved",
            CLAUSE,
            "twinset disk prepare PATH --data ...",
        )
    first = max(part.start_bytes - other[part.number][0] for part in data)
    moved = [
        replace(part, start_bytes=first + other[part.number][0], length_bytes=other[part.number][1])
        for part in data
    ]
    if any(place % sector_bytes for part in moved for place in (part.start_bytes, part.length_bytes)):
        raise Refusal(
            "E_PARTITION", f"the other disk's partitions are no whole sectors of {sector_bytes} bytes", CLAUSE,
            "twinset disk match",
        )  # fmt: skip
    end = max(part.end_bytes for part in moved)
    if end > size_bytes:
        raise Refusal(
            "E_PARTITION", f"the partitions would end at byte {end}, the disk has {size_bytes}: "
            "no unused area at its end is large enough", CLAUSE, "smaller partitions on the other disk",
        )  # fmt: skip
    return Plan(size_bytes, sector_bytes, (cluster, *moved), None, ())
