"""What `twinset disk prepare` writes: where partitions go, which ranges are wiped, and the bytes of the table.

Everything begins on a whole MiB, on disks of any sector size, so equal requests lie equally on both servers however
different their disks are (2.1.3-04): the mirror compares the places too. What differs between two disks is
the unused area at their end (2.1.3-03, 2.1.3-05).

    MiB 0        the table
    MiB 1        partition 1: CLUSTER
    ...          data: partitions 2, 3, 4; of more than three, all from the third on are logical, 5 and following,
                 each behind one MiB for its link of the chain
    ...          the reserved tail
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from twinset.errors import Refusal
from twinset.mirror import partition_table as table
from twinset.mirror.cluster_partition import CLUSTER_PARTITION_MIN_BYTES
from twinset.mirror.disk_layout import PARTITIONS_MAX, Partition

from .judge import TAIL_BYTES_ADVISED

if TYPE_CHECKING:
    from collections.abc import Sequence

MIB: Final = 1 << 20
TAIL_BYTES_DEFAULT: Final = TAIL_BYTES_ADVISED
DATA_PRIMARY_MAX: Final = 3  # beside the CLUSTER partition
SIZE_STEP_BYTES: Final = 4096
# A partition that is blank here gets its file system when its group first starts (resources/mirror_disk).
WIPED_HEAD_BYTES: Final = MIB
WIPED_TAIL_BYTES: Final = 128 << 10


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes of the disk."""

    start_bytes: int
    length_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written."""

    size_bytes: int
    sector_bytes: int
    partitions: tuple[Partition, ...]  # by number
    container: Range | None  # the extended partition
    links: tuple[int, ...]  # where the link of each logical partition stands, in bytes

    @property
    def tail_bytes(self) -> int:
        """The unused area at the end."""
        return self.size_bytes - self.partitions[-1].end_bytes

    def sectors(self, disk_id: int) -> dict[int, bytes]:
        """Return the sectors of the table, the first one of the disk last: until it is there, nothing is."""
        size = self.sector_bytes
        primary = [_entry(part, size) for part in self.partitions if part.primary]
        if self.container is not None:
            first, count = self.container.start_bytes // size, self.container.length_bytes // size
            primary.append(table.Entry(4, table.EXTENDED_KIND, first, count))
        logical = [
            table.Logical(link // size, part.kind, part.start_bytes // size, part.length_bytes // size)
            for link, part in zip(
                self.links, (part for part in self.partitions if not part.primary), strict=True
            )
        ]
        return table.write(disk_id, primary, logical, size)

    def wiped(self) -> tuple[Range, ...]:
        """Return the ranges to fill with zeros: table, CLUSTER partition, both ends of data, end of the disk."""
        found = [Range(0, min(MIB, self.size_bytes))]
        cluster, *data = self.partitions
        found.append(Range(cluster.start_bytes, min(cluster.length_bytes, CLUSTER_PARTITION_MIN_BYTES)))
        found.append(_end_of(cluster))
        found += [Range(link, MIB) for link in self.links]
        for part in data:
            found.append(Range(part.start_bytes, min(part.length_bytes, WIPED_HEAD_BYTES)))
            found.append(_end_of(part))
        last = max(self.size_bytes - MIB, self.partitions[-1].end_bytes)
        if last < self.size_bytes:
            found.append(Range(last, self.size_bytes - last))
        return tuple(found)


def _end_of(part: Partition) -> Range:
    length = min(part.length_bytes, WIPED_TAIL_BYTES)
    return Range(part.end_bytes - length, length)


def _entry(part: Partition, sector_bytes: int) -> table.Entry:
    return table.Entry(
        part.number, part.kind, part.start_bytes // sector_bytes, part.length_bytes // sector_bytes
    )


def plan(
    size_bytes: int,
    cluster_bytes: int,
    data: Sequence[int | None],
    *,
    tail_bytes: int = TAIL_BYTES_DEFAULT,
    sector_bytes: int = 512,
) -> Plan:
    """Return where everything goes; Refusal when it does not fit or breaks a rule."""
    _check_request(cluster_bytes, data, tail_bytes)
    sizes = _shared(size_bytes, cluster_bytes, data, tail_bytes)
    primary = len(sizes) if len(sizes) <= DATA_PRIMARY_MAX else DATA_PRIMARY_MAX - 1
    at = MIB + _up(cluster_bytes)
    found = [Partition(1, table.CLUSTER_KIND, MIB, cluster_bytes)]
    links = []
    for index, length in enumerate(sizes):
        number = 2 + index if index < primary else table.FIRST_LOGICAL + index - primary
        if index >= primary:
            links.append(at)
            at += MIB
        found.append(Partition(number, table.DATA_KIND, at, length))
        at += _up(length)
    end = found[-1].end_bytes
    if end + tail_bytes > size_bytes:
        raise Refusal(
            "E_PARTITION",
            f"the partitions end at byte {end}; with a reserved tail of {tail_bytes} they need "
            f"{end + tail_bytes} bytes, the disk has {size_bytes}",
            "2.1.3-05",
            "smaller sizes, or `rest` for one of them",
        )
    if end // sector_bytes > table.SECTORS_MAX:
        raise Refusal(
            "E_LIMIT",
            f"an MBR reaches {table.SECTORS_MAX} sectors of {sector_bytes} bytes, the partitions end at byte {end}",
            "4.1.2-06",
            "several smaller drives of the array, or an unused rest",
        )
    container = Range(links[0], end - links[0]) if links else None
    return Plan(size_bytes, sector_bytes, tuple(found), container, tuple(links))


def _check_request(cluster_bytes: int, data: Sequence[int | None], tail_bytes: int) -> None:
    if cluster_bytes < CLUSTER_PARTITION_MIN_BYTES or cluster_bytes % MIB:
        raise Refusal(
            "E_PARTITION",
            f"a CLUSTER partition of {cluster_bytes} bytes: it has {CLUSTER_PARTITION_MIN_BYTES} or more, "
            "in whole MiB",
            "4.1.3-02",
            "--cluster-mib 1 is enough",
        )
    if not data:
        raise Refusal(
            "E_PARTITION", "no data partition: nothing would be mirrored", "2.2.2.1-04", "--data SIZE"
        )
    if len(data) + 1 > PARTITIONS_MAX:
        raise Refusal(
            "E_LIMIT",
            f"{len(data) + 1} partitions, at most {PARTITIONS_MAX} are allowed, the CLUSTER partition among them",
            "2.2.2.1-08",
        )
    for size in data:
        if size is not None and (size <= 0 or size % SIZE_STEP_BYTES):
            raise Refusal(
                "E_RANGE",
                f"a data partition of {size} bytes: sizes are multiples of {SIZE_STEP_BYTES}",
                "4.1.1-01",
            )
    if tail_bytes < 0:
        raise Refusal("E_RANGE", f"a reserved tail of {tail_bytes} bytes", "2.1.3-03")


def _shared(
    size_bytes: int, cluster_bytes: int, data: Sequence[int | None], tail_bytes: int
) -> tuple[int, ...]:
    """Give every `rest` an equal share, in whole MiB, of what the others leave."""
    shares = sum(size is None for size in data)
    if not shares:
        return tuple(size for size in data if size is not None)
    links = max(0, len(data) - DATA_PRIMARY_MAX + 1) if len(data) > DATA_PRIMARY_MAX else 0
    taken = MIB + _up(cluster_bytes) + links * MIB + sum(_up(size) for size in data if size is not None)
    each = (size_bytes - tail_bytes - taken) // shares // MIB * MIB
    if each <= 0:
        raise Refusal(
            "E_PARTITION",
            f"nothing is left for `rest`: {taken + tail_bytes} of {size_bytes} bytes are taken by the others",
            "2.1.3-05",
            "smaller sizes, or a smaller tail (--reserve-tail)",
        )
    return tuple(each if size is None else size for size in data)


def _up(length: int) -> int:
    return -(-length // MIB) * MIB
