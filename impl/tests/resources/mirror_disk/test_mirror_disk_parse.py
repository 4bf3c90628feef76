"""What mountinfo and blkid say, captured from Linux 6.18 and util-linux 2.38."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.resources.mirror_disk import parse

MOUNTINFO = """23 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
103 28 0:52 / /run/twinset/devices/set1-E.raw rw,nosuid,nodev,relatime - fuse.twinset twinset rw,user_id=0
104 28 7:0 / /mnt/db rw,relatime shared:7 - ext4 /dev/loop0 rw
105 28 7:1 / /mnt/with\\040blank rw,relatime - ext4 /dev/loop1 rw
106 104 7:2 / /mnt/db ro,relatime master:1 propagate_from:2 - ext4 /dev/loop2 rw
"""
EXT4 = """DEVNAME=/dev/loop0
UUID=eb35fc0b-c67e-4666-85cb-3b3ae6264ead
BLOCK_SIZE=4096
TYPE=ext4
USAGE=filesystem
"""
DOS = "DEVNAME=/dev/vda\nPTUUID=1234\nPTTYPE=dos\n"


def test_mounts_are_found_by_path() -> None:
    """The topmost mount at a path comes out with device, type and source."""
    assert parse.mounted_at(MOUNTINFO, "/mnt/db") == parse.MountEntry("/mnt/db", "7:2", "ext4", "/dev/loop2")
    assert parse.mounted_at(MOUNTINFO, "/mnt") is None


def test_blanks_in_paths_are_read() -> None:
    """The kernel's octal escapes are undone."""
    found = parse.mounted_at(MOUNTINFO, "/mnt/with blank")
    assert found is not None
    assert found.source == "/dev/loop1"


def test_the_type_of_a_file_system_is_read() -> None:
    """blkid's export format yields the type."""
    assert parse.filesystem(EXT4) == "ext4"
    assert parse.holds_something(EXT4) == "ext4"


def test_a_partition_table_is_something() -> None:
    """A device with a partition table is not blank."""
    assert parse.filesystem(DOS) == ""
    assert parse.holds_something(DOS) == "dos"


def test_nothing_is_nothing() -> None:
    """blkid prints nothing about a blank device."""
    assert parse.holds_something("") == ""


@pytest.mark.parametrize(
    ("found", "configured", "same"),
    [("ext4", "ext4", True), ("vfat", "fat", True), ("xfs", "ext4", False), ("", "ext4", False)],
)
def test_types_are_compared(found: str, configured: str, same: bool) -> None:
    """The file system found has to be the one configured."""
    assert parse.same_type(found, configured) is same


@given(st.text(max_size=500))
def test_any_text_is_parsed(text: str) -> None:
    """No line of the kernel or of a program makes the parsers fail."""
    parse.mounts(text)
    parse.filesystem(text)
    parse.holds_something(text)
    parse.maps_file_of(f"0-1 r--p 0 08:01 7 {text}", text, "8:1")


@pytest.mark.parametrize(
    ("target", "below"),
    [("/mnt/db", True), ("/mnt/db/a/b", True), ("/mnt/db2/a", False), ("/mnt", False), ("socket:[1]", False)],
)
def test_what_lies_below_a_mount_point_is_inside(target: str, below: bool) -> None:
    """A neighbour whose name only begins alike is not."""
    assert parse.inside(target, "/mnt/db") is below


@pytest.mark.parametrize(
    ("line", "uses"),
    [
        ("7f00-7f01 r-xp 00000000 07:0a 12 /mnt/db/lib/x y.so", True),
        ("7f00-7f01 r-xp 00000000 08:01 12 /mnt/db/lib/x y.so", False),
        ("7f00-7f01 r-xp 00000000 07:0a 12 /usr/lib/x.so", False),
        ("7f00-7f01 rw-p 00000000 00:00 0", False),
    ],
    ids=["mapped", "the same path on another device", "another path", "anonymous"],
)
def test_a_mapped_file_keeps_a_mount_busy(line: str, uses: bool) -> None:
    """Device and path have to fit: a container may have another file system at that path."""
    assert parse.maps_file_of(f"{line}\n", "/mnt/db", "7:10") is uses
