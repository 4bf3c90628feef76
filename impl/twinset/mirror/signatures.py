"""What a range of a disk holds, by the marks that file systems and volume managers leave.

A mark is looked for where its owner writes it: most near the beginning, some at the end. None of this proves that
there is nothing of use where no mark is found.
"""

from collections.abc import Callable
from typing import Final

Read = Callable[[int, int], bytes]
"""Offset and length of a range; what is returned may be short at its end."""

SIGNATURE_BYTES: Final = 128 << 10  # what `file_system` wants to see of a partition

LVM: Final = "LVM"
SOFTWARE_RAID: Final = "software RAID"
DYNAMIC: Final = "dynamic disk"
GPT: Final = "GPT"
VOLUME_MANAGERS: Final = frozenset({LVM, SOFTWARE_RAID, DYNAMIC})

_RAID_MAGIC: Final = b"\xfc\x4e\x2b\xa9"
_FILE_SYSTEMS: Final = (  # name, offset, signature
    ("ext2/3/4", 0x438, b"\x53\xef"),
    ("XFS", 0, b"XFSB"),
    ("NTFS", 3, b"NTFS    "),
    ("exFAT", 3, b"EXFAT   "),
    ("FAT", 54, b"FAT1"),
    ("FAT", 82, b"FAT32   "),
    ("btrfs", 0x10040, b"_BHRfS_M"),
    ("F2FS", 0x400, b"\x10\x20\xf5\xf2"),
    ("ReiserFS", 0x10034, b"ReIsEr"),
    ("JFS", 0x8000, b"JFS1"),
    ("ISO 9660", 0x8001, b"CD001"),
    ("swap", 4086, b"SWAPSPACE2"),
    ("LUKS", 0, b"LUKS\xba\xbe"),
    *((LVM, sector * 512 + 24, b"LVM2 001") for sector in range(4)),
    (SOFTWARE_RAID, 4096, _RAID_MAGIC),
    (SOFTWARE_RAID, 0, _RAID_MAGIC),
)
_LDM_OFFSETS: Final = (6 * 512, -512)  # private header of a dynamic disk: sector 6 and the last one
_LDM_MAGIC: Final = b"PRIVHEAD"
_GPT_MAGIC: Final = b"EFI PART"


def file_system(head: bytes) -> str:
    """Return the name of what the first SIGNATURE_BYTES of a range are formatted as, or ""."""
    for name, offset, signature in _FILE_SYSTEMS:
        if head[offset : offset + len(signature)] == signature:
            return name
    return ""


def content(read: Read, size_bytes: int) -> str:
    """Return what a range of a disk holds, or ""; `read(offset, length)` is relative to the range."""
    found = file_system(read(0, min(SIGNATURE_BYTES, size_bytes)))
    if found:
        return found
    for offset in _raid_at_the_end(size_bytes):
        if offset >= 0 and read(offset, 4) == _RAID_MAGIC:
            return SOFTWARE_RAID
    return ""


def of_whole_disk(read: Read, size_bytes: int, sector_bytes: int = 512) -> tuple[str, ...]:
    """Return what marks the disk itself, not a partition of it."""
    found = [content(read, size_bytes)]
    places = [offset if offset >= 0 else size_bytes + offset for offset in _LDM_OFFSETS]
    if any(read(place, len(_LDM_MAGIC)) == _LDM_MAGIC for place in places if place >= 0):
        found.append(DYNAMIC)
    places = [sector_bytes, size_bytes - sector_bytes]
    if any(read(place, len(_GPT_MAGIC)) == _GPT_MAGIC for place in places if place >= 0):
        found.append(GPT)
    return tuple(name for name in found if name)


def _raid_at_the_end(size_bytes: int) -> tuple[int, int]:
    """Return where metadata 1.0 and 0.90 of a software RAID stand: before the end, rounded down."""
    sectors = size_bytes // 512
    return ((sectors - 16) & ~7) * 512, ((sectors & ~127) - 128) * 512
