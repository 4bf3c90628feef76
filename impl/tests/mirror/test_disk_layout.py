from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.mirror.disk_layout import (
    DiskLayout,
    LayoutRefused,
    Partition,
    changes,
    check_unformatted,
    parse,
    refusals,
)
from twinset.mirror.partition_table import read as read_table

Table = Callable[..., bytes]

DISK = 64 << 20
MIB = 2048  # sectors
CLUSTER = (0x7F, MIB, 2 * MIB)
DATA = (0x83, 4 * MIB, 20 * MIB)


def read(sectors: Mapping[int, bytes], size_bytes: int = DISK) -> DiskLayout:
    """Parse a disk on which only these sectors are not zero."""
    return parse(lambda number: sectors.get(number, bytes(512)), size_bytes)


def chain(table: Table, logical: int, base: int = 30 * MIB, step: int = 64) -> dict[int, bytes]:
    """Return a disk with the CLUSTER partition and `logical` logical partitions of 32 sectors."""
    sectors = {0: table(CLUSTER, (0x05, base, step * logical))}
    for index in range(logical):
        link = (0x05, step * (index + 1), step) if index + 1 < logical else None
        sectors[base + step * index] = table((0x83, 32, 32), link)
    return sectors


def refusal(sectors: Mapping[int, bytes], size_bytes: int = DISK) -> tuple[str, str, str]:
    with pytest.raises(LayoutRefused) as caught:
        read(sectors, size_bytes)
    assert caught.value.clause in str(caught.value)
    return caught.value.code, caught.value.clause, caught.value.message


def test_primary_partitions_become_ranges_of_bytes(table: Table) -> None:
    """Partition 1 is the CLUSTER partition, all others are data partitions (4.1.3-01, 4.1.3-04)."""
    layout = read({0: table(CLUSTER, DATA, (0x83, 30 * MIB, MIB), disk_id=0xABCD)})
    assert layout.disk_id == 0xABCD
    assert (layout.cluster.start_bytes, layout.cluster.length_bytes) == (1 << 20, 2 << 20)
    assert [(p.number, p.start_bytes, p.end_bytes, p.primary) for p in layout.data] == [
        (2, 4 << 20, 24 << 20, True),
        (3, 30 << 20, 31 << 20, True),
    ]


def test_logical_partitions_count_from_five(table: Table) -> None:
    """Their place is relative to their own link, the links are relative to the container."""
    layout = read(chain(table, 3))
    start = (30 * MIB + 32) * 512
    assert [(p.number, p.start_bytes, p.length_bytes, p.primary) for p in layout.data] == [
        (5, start, 32 * 512, False),
        (6, start + 64 * 512, 32 * 512, False),
        (7, start + 128 * 512, 32 * 512, False),
    ]


def test_sectors_may_be_larger(table: Table) -> None:
    """A disk with sectors of 4096 bytes counts in those."""
    mbr = table((0x7F, 256, 256), (0x83, 1024, 1024)).ljust(4096, b"\0")
    layout = parse(lambda _: mbr, DISK, sector_bytes=4096)
    assert layout.data[0].start_bytes == 4 << 20


def test_32_partitions_are_allowed_33_are_not(table: Table) -> None:
    """The CLUSTER partition is one of the 32 (2.2.2.1-08)."""
    assert len(read(chain(table, 31)).partitions) == 32
    assert refusal(chain(table, 32))[:2] == ("E_LIMIT", "2.2.2.1-08")


@pytest.mark.parametrize("sectors, accepted", [(2048, True), (2047, False), (16384, True)])
def test_the_cluster_partition_has_a_mebibyte_or_more(table: Table, sectors: int, accepted: bool) -> None:
    """1 048 576 bytes are enough, a sector less is not (4.1.3-02, 7.1.2-04)."""
    disk = {0: table((0x7F, MIB, sectors), (0x83, 20 * MIB, MIB))}
    if accepted:
        assert read(disk).cluster.length_bytes == sectors * 512
    else:
        assert refusal(disk)[:2] == ("E_PARTITION", "4.1.3-02")


@pytest.mark.parametrize(
    ("kind", "clause"), [(0xEE, "4.1.2-06"), (0x42, "2.2.2.1-13"), (0x8E, "2.2.2.1-12"), (0xFD, "2.2.2.1-12")]
)
@pytest.mark.parametrize("entry", range(4))
def test_disks_that_are_not_basic_are_refused(table: Table, kind: int, clause: str, entry: int) -> None:
    """GPT, dynamic, volume manager and RAID disks, in whatever entry they show."""
    entries = [CLUSTER, DATA, None, None]
    entries[entry] = (kind, 1, 100)
    assert refusal({0: table(*entries)})[:2] == ("E_DISK", clause)


@pytest.mark.parametrize(
    ("entries", "clause", "words"),
    [
        ((None, DATA), "2.2.2.1-10", "no primary partition 1"),
        ((), "2.2.2.1-10", "no primary partition 1"),
        (((0x83, 40 * MIB, MIB), DATA), "2.2.2.1-10", "not at the beginning"),
        ((CLUSTER,), "2.2.2.1-04", "no data partition"),
        ((CLUSTER, (0x83, 3 * MIB - 1, MIB)), "7.1.2-04", "partition 2 overlaps partition 1"),
        (((0x7F, 0, 2 * MIB), DATA), "7.1.2-04", "partition 1 overlaps the partition table"),
        ((CLUSTER, (0x83, 4 * MIB, 61 * MIB)), "7.1.2-04", "partition 2 ends at byte 68157440"),
        ((CLUSTER, (0x05, 4 * MIB, MIB), (0x0F, 8 * MIB, MIB)), "2.2.2.1-08", "2 extended partitions"),
    ],
)
def test_each_broken_table_is_refused_with_its_clause(
    table: Table, entries: tuple[tuple[int, int, int] | None, ...], clause: str, words: str
) -> None:
    """One rule, one refusal."""
    code, found, message = refusal({0: table(*entries)})
    assert (code, found) == ("E_PARTITION", clause)
    assert words in message


def test_the_cluster_partition_is_never_logical(table: Table) -> None:
    """A first partition inside an extended one is refused (2.2.2.1-10, 4.1.3-03)."""
    sectors = {0: table((0x05, MIB, 20 * MIB), (0x83, 30 * MIB, MIB)), MIB: table((0x7F, 32, 4 * MIB))}
    assert refusal(sectors)[1] == "2.2.2.1-10"


@pytest.mark.parametrize("size", [0, 1, 511])
def test_a_disk_without_a_whole_first_sector_is_refused(size: int) -> None:
    """A short read is not a table."""
    with pytest.raises(LayoutRefused, match="no MBR"):
        parse(lambda _: bytes(size), size)


def test_a_blank_disk_is_refused() -> None:
    """No signature, no table."""
    assert "no MBR" in refusal({})[2]


def test_a_chain_that_loops_is_refused(table: Table) -> None:
    """A link to itself ends in a refusal, not in an endless loop."""
    base = 30 * MIB
    sectors = {0: table(CLUSTER, (0x05, base, 1024)), base: table(None, (0x05, 64, 64))}
    sectors[base + 64] = table(None, (0x05, 64, 64))
    assert "loops" in refusal(sectors)[2]


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ((0x83, 32, 2000), "leaves the extended partition"),
        ((0x05, 1024, 64), "loops or leaves"),
        ((0x05, 64, 64), "damaged at sector"),
    ],
)
def test_a_chain_that_leads_astray_is_refused(table: Table, link: tuple[int, int, int], words: str) -> None:
    """Out of its container, or to a sector that is no table."""
    base = 30 * MIB
    sectors = {0: table(CLUSTER, (0x05, base, 1024)), base: table(None, link)}
    assert words in refusal(sectors)[2]


@given(st.binary(min_size=64, max_size=64), st.lists(st.binary(min_size=64, max_size=64), max_size=4))
def test_any_table_is_parsed_or_refused(entries: bytes, links: list[bytes]) -> None:
    """Whatever the bytes, the outcome is a checked layout or a refusal with its clause."""
    tables = [bytes(446) + body + b"\x55\xaa" for body in (entries, *links)]
    try:
        layout = parse(lambda number: tables[number % len(tables)], 1 << 40)
    except LayoutRefused:
        return
    assert layout.cluster.number == 1
    assert layout.cluster.length_bytes >= 1 << 20
    assert layout.data
    assert all(partition.end_bytes <= 1 << 40 for partition in layout.partitions)


def test_a_data_partition_is_found_by_its_number(table: Table) -> None:
    """The CLUSTER partition is reserved, a missing one is named with those that are there (2.2.2.1-09)."""
    layout = read({0: table(CLUSTER, DATA)})
    assert layout.data_partition(2).start_bytes == 4 << 20
    with pytest.raises(LayoutRefused, match=r"2\.2\.2\.1-09"):
        layout.data_partition(1)
    with pytest.raises(LayoutRefused, match="partition 3 is not there, only 2"):
        layout.data_partition(3)


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
    ],
)
def test_a_formatted_cluster_partition_is_refused(offset: int, signature: bytes, name: str) -> None:
    """Every usual file system is recognised (2.2.2.1-11, 4.1.3-03, 7.1.2-02)."""
    head = bytearray(128 << 10)
    head[offset : offset + len(signature)] = signature
    with pytest.raises(LayoutRefused, match=f"formatted .{name}"):
        check_unformatted(bytes(head))


@pytest.mark.parametrize("head", [b"", bytes(512), b"TWINSREC".ljust(128 << 10, b"\0")])
def test_a_raw_cluster_partition_is_accepted(head: bytes) -> None:
    """Nothing, zeros and twinset's own record are no file system."""
    check_unformatted(bytes(head))


def test_an_operator_hears_every_reason_at_once(table: Table) -> None:
    """`refusals` goes on after the first: a RAID kind, a small CLUSTER partition and an overlap are three."""
    mbr = table((0x7F, MIB, 100), (0xFD, 4 * MIB, 20 * MIB), (0x83, 5 * MIB, MIB))
    found = [refused.clause for refused in refusals(read_table(lambda _: mbr), DISK)]
    assert found == ["2.2.2.1-12", "7.1.2-04", "4.1.3-02"]


def test_a_refusal_carries_value_and_limit(table: Table) -> None:
    """So that it need not be read out of a sentence."""
    mbr = table((0x7F, MIB, 2047), DATA)
    [refused] = refusals(read_table(lambda _: mbr), DISK)
    assert (refused.value, refused.limit) == (2047 * 512, 1 << 20)


def test_a_primary_partition_over_the_container_is_refused(table: Table) -> None:
    """Its data would overwrite the links of the chain (7.1.2-04)."""
    base = 30 * MIB
    sectors = {
        0: table(CLUSTER, (0x83, 29 * MIB, 1 * MIB + 10), (0x05, base, 1024)),
        base: table((0x83, 64, 64)),
    }
    assert "overlaps the extended partition" in refusal(sectors)[2]


def test_a_partition_within_an_earlier_one_does_not_hide_the_next_overlap(table: Table) -> None:
    """The end that counts is the farthest so far."""
    mbr = table(CLUSTER, (0x83, 4 * MIB, 20 * MIB), (0x83, 5 * MIB, MIB), (0x83, 10 * MIB, MIB))
    found = [refused.message for refused in refusals(read_table(lambda _: mbr), DISK)]
    assert found == ["partition 3 overlaps partition 2", "partition 4 overlaps partition 2"]


def test_what_changed_between_two_tables_is_said_partition_by_partition() -> None:
    """Gone, new, or another size, place or kind; equal tables say nothing (8.5)."""
    one, two = Partition(1, 0x7F, MIB, MIB), Partition(2, 0x83, 4 * MIB, MIB)
    assert changes([one, two], [two, one]) == []
    assert changes([one, two], [one]) == ["partition 2 is gone"]
    assert changes([one], [one, two]) == ["partition 2 is new"]
    (other,) = changes([two], [Partition(2, 0x07, 4 * MIB, 2 * MIB)])
    assert other == (
        f"partition 2 was {MIB} bytes at {4 * MIB} of kind 0x83, is {2 * MIB} at {4 * MIB} of kind 0x07"
    )


@pytest.mark.parametrize(
    ("number", "kind", "primary", "basic"),
    [
        (1, 0x7F, True, True),
        (4, 0x83, True, True),
        (5, 0x07, False, True),
        (2, 0x8E, True, False),
        (5, 0x42, False, False),
    ],
)
def test_what_a_partition_is_by_number_and_kind(number: int, kind: int, primary: bool, basic: bool) -> None:
    """Four are in the first sector; kinds of volume managers are none of a basic disk (2.2.2.1-12)."""
    partition = Partition(number, kind, 4 * MIB, MIB)
    assert (partition.primary, partition.basic) == (primary, basic)
