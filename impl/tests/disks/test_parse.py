"""Captured tables of a Linux 6 machine."""

from twinset.disks import parse

SWAPS = """Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority
/dev/sda5                               partition\t998396\t\t0\t\t-2
/swap\\040file                           file\t\t1048572\t\t0\t\t-3
"""
LOCKS = """1: FLOCK  ADVISORY  READ 24658 fe:00:2146469 0 EOF
2: FLOCK  ADVISORY  WRITE 23119 00:3a:17 0 EOF
2: -> FLOCK  ADVISORY  WRITE 23120 00:3a:17 0 EOF
3: POSIX  ADVISORY  WRITE 100 00:19:5 0 EOF
4: FLOCK  ADVISORY  WRITE x 00:19 0 EOF
"""
FSTAB = """# <file system> <mount point> <type> <options> <dump> <pass>
UUID=0a3407de-014b-458b-b5c1-848e92a327a3 / ext4 errors=remount-ro 0 1
/dev/sdb2 /mnt/my\\040data ext4 defaults 0 2
LABEL="swap" none swap sw 0 0

broken
tmpfs /tmp tmpfs defaults 0 0
"""


def test_swap_areas_are_partitions_and_files() -> None:
    """Blanks in names are octal in the table."""
    assert parse.swaps(SWAPS) == [("/dev/sda5", False), ("/swap file", True)]
    assert parse.swaps("") == []


def test_only_held_whole_file_locks_count() -> None:
    """Not those that are waited for, nor those of other kinds."""
    assert parse.locks(LOCKS) == [(24658, 0xFE, 0, 2146469), (23119, 0, 0x3A, 17)]


def test_fstab_says_what_is_to_be_mounted() -> None:
    """A swap entry has no place of its own."""
    assert parse.fstab(FSTAB) == [
        ("UUID=0a3407de-014b-458b-b5c1-848e92a327a3", "/"),
        ("/dev/sdb2", "/mnt/my data"),
        ("LABEL=swap", "swap"),
        ("tmpfs", "/tmp"),
    ]


def test_a_source_is_found_by_its_link() -> None:
    """By device, or by what udev links; anything else is no disk."""
    assert parse.by_link("/dev/sdb2") == "/dev/sdb2"
    assert parse.by_link("UUID=0a34") == "/dev/disk/by-uuid/0a34"
    assert parse.by_link("PARTUUID=11-01") == "/dev/disk/by-partuuid/11-01"
    assert [parse.by_link(text) for text in ("tmpfs", "server:/export", "X=1")] == ["", "", ""]
