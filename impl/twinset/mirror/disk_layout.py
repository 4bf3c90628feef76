"""The partition table of a mirror disk: where the CLUSTER partition and the data partitions lie.

Only MBR tables are mirror disks, with primary and logical partitions, 32 at most; `partition_table` has the bytes.
Each rule is a refusal with its clause. `parse` raises the first, for whoever wants to use the disk; `refusals`
gives them all, for an operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from twinset.errors import DiskError

from . import partition_table, signatures
from .cluster_partition import CLUSTER_PARTITION_MIN_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .partition_table import Table

PARTITIONS_MAX: Final = 32  # 2.2.2.1-08

_REFUSED_KINDS: Final = {
    0xEE: ("a GPT disk", "4.1.2-06"),
    0x42: ("a disk with dynamic volumes", "2.2.2.1-13"),
    0x8E: ("a disk with volumes of the logical volume manager", "2.2.2.1-12"),
    0xFD: ("a member of a software RAID", "2.2.2.1-12"),
}


class LayoutRefused(DiskError):  # noqa: N818 - named for the fact
    """A disk that cannot be a mirror disk: `code` E_DISK, E_PARTITION, E_RESERVED or E_LIMIT, and the clause."""

    def __init__(
        self, code: str, message: str, clause: str, *, value: int | str = "", limit: int | str = ""
    ) -> None:
        super().__init__(f"{message} [{clause}]")
        self.code = code
        self.message = message
        self.clause = clause
        self.value = value
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition as a range of bytes of the disk."""

    number: int
    kind: int  # the type byte of the table
    start_bytes: int
    length_bytes: int

    @property
    def end_bytes(self) -> int:
        """First byte after the partition."""
        return self.start_bytes + self.length_bytes

    @property
    def basic(self) -> bool:
        """Whether it is a partition of a basic disk, not a place holder or part of a volume."""
        return self.kind not in _REFUSED_KINDS

    @property
    def primary(self) -> bool:
        """Whether the partition has an entry in the MBR itself."""
        return self.number <= 4


@dataclass(frozen=True, slots=True)
class DiskLayout:
    """A checked table: partition 1 is the CLUSTER partition, the others are data partitions."""

    disk_id: int  # the table's own 32-bit number
    size_bytes: int
    partitions: tuple[Partition, ...]  # by number

    @property
    def cluster(self) -> Partition:
        """The CLUSTER partition."""
        return self.partitions[0]

    @property
    def data(self) -> tuple[Partition, ...]:
        """The data partitions by number: all others are mirrored (4.1.3-04)."""
        return self.partitions[1:]

    def data_partition(self, number: int) -> Partition:
        """Return a data partition by its number."""
        if number == 1:
            raise LayoutRefused(
                "E_RESERVED", "partition 1 is the CLUSTER partition and holds no data", "2.2.2.1-09"
            )
        for partition in self.data:
            if partition.number == number:
                return partition
        numbers = ", ".join(str(partition.number) for partition in self.data)
        raise LayoutRefused("E_PARTITION", f"partition {number} is not there, only {numbers}", "4.1.3-04")


def parse(read_sector: Callable[[int], bytes], size_bytes: int, sector_bytes: int = 512) -> DiskLayout:
    """Return the layout of a disk; raise LayoutRefused when it cannot be a mirror disk.

    `read_sector(number)` returns a whole sector, or less at the end of the disk.
    """
    table = partition_table.read(read_sector)
    for refusal in refusals(table, size_bytes, sector_bytes):
        raise refusal
    assert table is not None
    return DiskLayout(table.disk_id, size_bytes, ranges(table, sector_bytes))


def ranges(table: Table, sector_bytes: int = 512) -> tuple[Partition, ...]:
    """Return the partitions of a table, good or not, as ranges of bytes."""
    return tuple(
        Partition(number, kind, first * sector_bytes, count * sector_bytes)
        for number, kind, first, count in table.partitions
    )


def refusals(table: Table | None, size_bytes: int, sector_bytes: int = 512) -> Iterator[LayoutRefused]:
    """Give every reason why a disk with this table cannot be a mirror disk."""
    if table is None:
        yield LayoutRefused("E_PARTITION", "the first sector has no MBR partition table", "2.2.2.1-04")
        return
    for number, kind, _, _ in (*table.primary, *table.logical):
        if kind in _REFUSED_KINDS:
            what, clause = _REFUSED_KINDS[kind]
            message = f"{what} cannot be a mirror disk (kind {kind:#x} of partition {number})"
            yield LayoutRefused("E_DISK", message, clause, value=f"{kind:#x}")
    if len(table.extended) > 1:
        message = f"{len(table.extended)} extended partitions, one is allowed"
        yield LayoutRefused("E_PARTITION", message, "2.2.2.1-08", value=len(table.extended), limit=1)
    if table.damage:
        yield LayoutRefused("E_PARTITION", table.damage, "2.2.2.1-08")
    partitions = ranges(table, sector_bytes)
    yield from _check_all(partitions, size_bytes)
    yield from _check_containers(table)
    yield from _check_cluster(partitions)


def _check_all(partitions: tuple[Partition, ...], size_bytes: int) -> Iterator[LayoutRefused]:
    if len(partitions) > PARTITIONS_MAX:
        message = f"{len(partitions)} partitions, at most {PARTITIONS_MAX} are allowed"
        yield LayoutRefused("E_LIMIT", message, "2.2.2.1-08", value=len(partitions), limit=PARTITIONS_MAX)
    end = 0
    before = 0
    for partition in sorted(partitions, key=lambda partition: partition.start_bytes):
        if partition.start_bytes < end or not partition.start_bytes:
            message = f"partition {partition.number} overlaps " + (
                f"partition {before}" if before else "the partition table"
            )
            yield LayoutRefused(
                "E_PARTITION", message, "7.1.2-04", value=partition.start_bytes, limit=max(end, 1)
            )
        if partition.end_bytes > end:
            end, before = partition.end_bytes, partition.number
    if end > size_bytes:
        message = f"partition {before} ends at byte {end}, the disk has {size_bytes}"
        yield LayoutRefused("E_PARTITION", message, "7.1.2-04", value=end, limit=size_bytes)


def _check_containers(table: Table) -> Iterator[LayoutRefused]:
    """A primary partition over a container would overwrite the links of the logical ones."""
    for _, _, first, count in table.extended:
        for entry in table.primary:
            inside = entry.first < first + count and first < entry.first + entry.sectors
            if inside and entry not in table.extended:
                message = f"partition {entry.number} overlaps the extended partition"
                yield LayoutRefused("E_PARTITION", message, "7.1.2-04", value=entry.first, limit=first)


def _check_cluster(partitions: tuple[Partition, ...]) -> Iterator[LayoutRefused]:
    if not partitions or partitions[0].number != 1:
        message = "there is no primary partition 1 to be the CLUSTER partition"
        yield LayoutRefused("E_PARTITION", message, "2.2.2.1-10")
        return
    cluster, *data = partitions
    if any(partition.start_bytes < cluster.start_bytes for partition in data):
        message = "partition 1 is not at the beginning of the disk"
        yield LayoutRefused("E_PARTITION", message, "2.2.2.1-10", value=cluster.start_bytes)
    if cluster.length_bytes < CLUSTER_PARTITION_MIN_BYTES:
        yield LayoutRefused(
            "E_PARTITION",
            f"the CLUSTER partition has {cluster.length_bytes} bytes, "
            f"at least {CLUSTER_PARTITION_MIN_BYTES} are needed",
            "4.1.3-02",
            value=cluster.length_bytes,
            limit=CLUSTER_PARTITION_MIN_BYTES,
        )
    if not data:
        message = "there is no data partition beside the CLUSTER partition"
        yield LayoutRefused("E_PARTITION", message, "2.2.2.1-04", value=0, limit=1)


def changes(before: Iterable[Partition], after: Iterable[Partition]) -> list[str]:
    """Say what differs between two tables of one disk, partition by partition; empty when nothing does."""
    old, new = ({part.number: part for part in table} for table in (before, after))
    found = []
    for number in sorted(old | new):
        if number not in new:
            found.append(f"partition {number} is gone")
        elif number not in old:
            found.append(f"partition {number} is new")
        elif old[number] != new[number]:
            was, now = old[number], new[number]
            found.append(
                f"partition {number} was {was.length_bytes} bytes at {was.start_bytes} of kind {was.kind:#04x},"
                f" is {now.length_bytes} at {now.start_bytes} of kind {now.kind:#04x}"
            )
    return found


def check_unformatted(head: bytes) -> None:
    """Refuse a CLUSTER partition that holds a file system (2.2.2.1-11, 4.1.3-03, 7.1.2-02)."""
    name = signatures.file_system(head)
    if name:
        raise formatted(name)


def formatted(name: str) -> LayoutRefused:
    """Return the refusal of a CLUSTER partition that is formatted (2.2.2.1-11)."""
    message = f"the CLUSTER partition is formatted ({name}), it has to be blank"
    return LayoutRefused("E_PARTITION", message, "2.2.2.1-11", value=name)
