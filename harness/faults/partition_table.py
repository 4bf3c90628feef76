"""An MBR partition table, written by hand: no program, no loop device, the same bytes every time.

Layout of the first sector: 440 bytes of boot code (zero), a 4-byte disk signature, two zero bytes, four
16-byte entries, and the mark 55 AA. An entry: flag, CHS start (3), type, CHS end (3), first sector, sectors.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import LabError

SECTOR_BYTES = 512
ALIGNMENT_SECTORS = 2048  # partitions begin on 1 MiB, as every partitioning tool of today does
TYPE_LINUX = 0x83
TYPE_NO_FILE_SYSTEM = 0xDA
CHS_BEYOND = b"\xfe\xff\xff"  # "use the sector number instead"
PRIMARY_PARTITIONS_MAX = 4


@dataclass(frozen=True)
class Partition:
    """One primary partition."""

    number: int
    type: int
    first_sector: int
    sectors: int

    @property
    def offset_bytes(self) -> int:
        """Where it begins on the disk."""
        return self.first_sector * SECTOR_BYTES

    @property
    def size_bytes(self) -> int:
        """How large it is."""
        return self.sectors * SECTOR_BYTES


def plan(disk_bytes: int, cluster_bytes: int, data_partitions: int = 1) -> tuple[Partition, ...]:
    """Partition 1 is the CLUSTER partition; the data partitions share the rest equally."""
    total = disk_bytes // SECTOR_BYTES // ALIGNMENT_SECTORS * ALIGNMENT_SECTORS
    cluster = cluster_bytes // SECTOR_BYTES
    if not 1 <= data_partitions < PRIMARY_PARTITIONS_MAX:
        raise LabError(
            f"{data_partitions} data partitions: 1 to {PRIMARY_PARTITIONS_MAX - 1} fit beside CLUSTER"
        )
    if cluster % ALIGNMENT_SECTORS:
        raise LabError(f"a CLUSTER partition of {cluster_bytes} bytes is no multiple of 1 MiB")
    first = ALIGNMENT_SECTORS + cluster
    each = (total - first) // data_partitions // ALIGNMENT_SECTORS * ALIGNMENT_SECTORS
    if each <= 0:
        raise LabError(f"a disk of {disk_bytes} bytes has no room for {data_partitions} data partition(s)")
    data = (Partition(2 + i, TYPE_LINUX, first + i * each, each) for i in range(data_partitions))
    return (Partition(1, TYPE_NO_FILE_SYSTEM, ALIGNMENT_SECTORS, cluster), *data)


def encode(partitions: Sequence[Partition], signature: int) -> bytes:
    """The first sector of the disk."""
    table = bytearray(SECTOR_BYTES)
    struct.pack_into("<I", table, 440, signature)
    for partition in partitions:
        entry = struct.pack(
            "<B3sB3sII", 0, CHS_BEYOND, partition.type, CHS_BEYOND, partition.first_sector, partition.sectors
        )
        offset = 446 + 16 * (partition.number - 1)
        table[offset : offset + 16] = entry
    table[510:512] = b"\x55\xaa"
    return bytes(table)
