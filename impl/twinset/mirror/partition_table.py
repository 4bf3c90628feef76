"""An MBR partition table as bytes: the four entries, and the chain of logical partitions behind one of them.

One sector of a table, the first of the disk or a link of the chain:

    offset  length  content
    440     4       number of the disk (the first sector only)
    446     16 x 4  entries: boot flag, first CHS (3), kind, last CHS (3), first sector, sectors
    510     2       55 AA

The entries of the first sector are partitions 1..4; one of them may be the extended partition, a container that is
not counted. Each link of the chain has one logical partition, placed relative to the link, and the place of the
next link, relative to the container. Logical partitions are numbered from 5 in the order of the chain.

Reading never fails: what is wrong with a chain is told in `damage`, beside what was found up to there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EXTENDED_KINDS: Final = frozenset({0x05, 0x0F, 0x85})
EXTENDED_KIND: Final = 0x0F  # the one that is written
CLUSTER_KIND: Final = 0xDA  # "no file system": no system formats or mounts it by itself
DATA_KIND: Final = 0x83
FIRST_LOGICAL: Final = 5
SECTORS_MAX: Final = (1 << 32) - 1  # of a place or a length

_ENTRY: Final = struct.Struct("<B3sB3sII")
_ENTRIES_OFFSET: Final = 446
_SIGNATURE_OFFSET: Final = 510
_SIGNATURE: Final = b"\x55\xaa"
_DISK_ID_OFFSET: Final = 440
_LINK_BYTES: Final = 512
_CHS_BEYOND: Final = b"\xfe\xff\xff"  # cylinder, head and sector do not reach there: use the sector numbers
_LINKS_MAX: Final = 64  # twice what a mirror disk may have


class Entry(NamedTuple):
    """A partition as the table has it, in sectors of the disk."""

    number: int
    kind: int
    first: int
    sectors: int


class Logical(NamedTuple):
    """A logical partition to be written, with the sector of its link."""

    link: int
    kind: int
    first: int
    sectors: int


@dataclass(frozen=True, slots=True)
class Table:
    """What was read. `primary` has every used entry of the first sector, containers too."""

    disk_id: int
    primary: tuple[Entry, ...]
    logical: tuple[Entry, ...]
    damage: str

    @property
    def extended(self) -> tuple[Entry, ...]:
        """The containers: none or one in a good table."""
        return tuple(entry for entry in self.primary if entry.kind in EXTENDED_KINDS)

    @property
    def partitions(self) -> tuple[Entry, ...]:
        """Primary and logical partitions by number, without containers."""
        return (*(entry for entry in self.primary if entry.kind not in EXTENDED_KINDS), *self.logical)


def read(read_sector: Callable[[int], bytes]) -> Table | None:
    """Return the table of a disk, or None when its first sector has none.

    `read_sector(number)` returns a whole sector, or less at the end of the disk.
    """
    mbr = read_sector(0)
    if not _is_table(mbr):
        return None
    (disk_id,) = struct.unpack_from("<I", mbr, _DISK_ID_OFFSET)
    table = Table(disk_id, tuple(_entries(mbr)), (), "")
    if not table.extended:
        return table
    logical, damage = _follow(read_sector, table.extended[0])
    return Table(disk_id, table.primary, tuple(logical), damage)


def write(
    disk_id: int, primary: Sequence[Entry], logical: Sequence[Logical] = (), sector_bytes: int = 512
) -> dict[int, bytes]:
    """Return the sectors that make this table, by their numbers; the first sector of the disk is the last.

    With `logical`, one of `primary` is the container that holds the links.
    """
    sectors = {}
    base = next((entry.first for entry in primary if entry.kind in EXTENDED_KINDS), 0)
    for index, item in enumerate(logical):
        entries = [Entry(1, item.kind, item.first - item.link, item.sectors)]
        if index + 1 < len(logical):
            after = logical[index + 1]
            entries.append(
                Entry(2, EXTENDED_KIND, after.link - base, after.first + after.sectors - after.link)
            )
        sectors[item.link] = _sector(entries, 0, sector_bytes)
    sectors[0] = _sector(primary, disk_id, sector_bytes)
    return sectors


def _sector(entries: Sequence[Entry], disk_id: int, sector_bytes: int) -> bytes:
    sector = bytearray(sector_bytes)
    struct.pack_into("<I", sector, _DISK_ID_OFFSET, disk_id)
    for number, kind, first, count in entries:
        at = _ENTRIES_OFFSET + (number - 1) * _ENTRY.size
        _ENTRY.pack_into(sector, at, 0, _CHS_BEYOND, kind, _CHS_BEYOND, first, count)
    sector[_SIGNATURE_OFFSET : _SIGNATURE_OFFSET + 2] = _SIGNATURE
    return bytes(sector)


def _is_table(sector: bytes) -> bool:
    return len(sector) >= _LINK_BYTES and sector[_SIGNATURE_OFFSET : _SIGNATURE_OFFSET + 2] == _SIGNATURE


def _entries(sector: bytes) -> list[Entry]:
    entries = []
    for index in range(4):
        _, _, kind, _, first, count = _ENTRY.unpack_from(sector, _ENTRIES_OFFSET + index * _ENTRY.size)
        if kind and count:
            entries.append(Entry(index + 1, kind, first, count))
    return entries


def _follow(read_sector: Callable[[int], bytes], container: Entry) -> tuple[list[Entry], str]:
    """Follow the chain; stop where it is damaged, leaves its container or loops, and say so."""
    found: list[Entry] = []
    base, length = container.first, container.sectors
    at = base
    for _ in range(_LINKS_MAX):
        sector = read_sector(at)
        if not _is_table(sector):
            return found, f"the chain of logical partitions is damaged at sector {at}"
        link = 0
        for index, (_, kind, first, count) in enumerate(_entries(sector)):
            if kind in EXTENDED_KINDS:
                link = link or first
            elif index < 2:
                found.append(Entry(FIRST_LOGICAL + len(found), kind, at + first, count))
                if at + first + count > base + length:
                    return found, f"partition {found[-1].number} leaves the extended partition"
        if not link:
            return found, ""
        if link >= length:
            break
        at = base + link
    return found, "the chain of logical partitions loops or leaves its container"
