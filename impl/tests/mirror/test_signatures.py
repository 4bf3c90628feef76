from collections.abc import Callable

import pytest

from twinset.mirror import signatures

MIB = 1 << 20
RAID = b"\xfc\x4e\x2b\xa9"


def disk(size: int, *marks: tuple[int, bytes]) -> Callable[[int, int], bytes]:
    data = bytearray(size)
    for offset, mark in marks:
        data[offset : offset + len(mark)] = mark
    return lambda offset, length: bytes(data[offset : offset + length])


@pytest.mark.parametrize(
    ("offset", "signature", "name"),
    [
        (0x438, b"\x53\xef", "ext2/3/4"),
        (0, b"XFSB", "XFS"),
        (3, b"NTFS    ", "NTFS"),
        (54, b"FAT16   ", "FAT"),
        (82, b"FAT32   ", "FAT"),
        (0x10040, b"_BHRfS_M", "btrfs"),
        (4086, b"SWAPSPACE2", "swap"),
        (24, b"LVM2 001", "LVM"),
        (536, b"LVM2 001", "LVM"),
        (1560, b"LVM2 001", "LVM"),
        (4096, RAID, "software RAID"),
        (0, RAID, "software RAID"),
        (8 * MIB - 8192, RAID, "software RAID"),
        (8 * MIB - 65536, RAID, "software RAID"),
    ],
)
def test_a_mark_is_found_where_its_owner_writes_it(offset: int, signature: bytes, name: str) -> None:
    """File systems near the beginning, members of a RAID also at the end (metadata 1.0 and 0.90)."""
    assert signatures.content(disk(8 * MIB, (offset, signature)), 8 * MIB) == name
    assert signatures.content(disk(8 * MIB, (offset + 1, signature)), 8 * MIB) == ""


@pytest.mark.parametrize("size", [0, 1, 512, 4096, 65536, 65537])
def test_ranges_of_any_size_can_be_asked_about(size: int) -> None:
    """A range too small for a mark holds none."""
    assert signatures.content(disk(size), size) == ""
    assert signatures.of_whole_disk(disk(size), size) == ()


def test_the_end_is_rounded_as_the_raid_tools_do() -> None:
    """On a size that is no multiple of 64 KiB the old metadata stands before the last whole one."""
    size = 8 * MIB + 5 * 512
    assert signatures.content(disk(size, (8 * MIB - 65536, RAID)), size) == "software RAID"


@pytest.mark.parametrize("sector", [512, 4096])
def test_what_marks_a_whole_disk(sector: int) -> None:
    """A GPT by either of its headers, a dynamic disk by its private header, and both together."""
    size = 8 * MIB
    for place in (sector, size - sector):
        assert signatures.of_whole_disk(disk(size, (place, b"EFI PART")), size, sector) == ("GPT",)
    for place in (3072, size - 512):
        assert signatures.of_whole_disk(disk(size, (place, b"PRIVHEAD")), size, sector) == ("dynamic disk",)
    both = disk(size, (sector, b"EFI PART"), (0, b"XFSB"))
    assert signatures.of_whole_disk(both, size, sector) == ("XFS", "GPT")


def test_every_mark_stands_where_the_formats_say() -> None:
    """The whole table against the magic numbers of the formats, each at its offset (2.2.2.1-11)."""
    assert set(signatures._FILE_SYSTEMS) == {
        ("ext2/3/4", 1024 + 56, bytes.fromhex("53ef")),  # s_magic 0xEF53 in the superblock at 1024
        ("XFS", 0, b"XFSB"),
        ("NTFS", 3, b"NTFS    "),  # OEM names of boot sectors
        ("exFAT", 3, b"EXFAT   "),
        ("FAT", 0x36, b"FAT1"),  # file system type of FAT12 and FAT16, of FAT32
        ("FAT", 0x52, b"FAT32   "),
        ("btrfs", 65536 + 64, b"_BHRfS_M"),
        ("F2FS", 1024, (0xF2F52010).to_bytes(4, "little")),
        ("ReiserFS", 65536 + 52, b"ReIsEr"),
        ("JFS", 32768, b"JFS1"),
        ("ISO 9660", 16 * 2048 + 1, b"CD001"),
        ("swap", 4096 - 10, b"SWAPSPACE2"),
        ("LUKS", 0, b"LUKS" + bytes([0xBA, 0xBE])),
        *(
            ("LVM", sector * 512 + 24, b"LVM2 001") for sector in range(4)
        ),  # behind LABELONE in sectors 0 to 3
        ("software RAID", 4096, (0xA92B4EFC).to_bytes(4, "little")),  # metadata 1.2 and 1.1
        ("software RAID", 0, (0xA92B4EFC).to_bytes(4, "little")),
    }
