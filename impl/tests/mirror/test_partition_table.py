import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.mirror import partition_table
from twinset.mirror.partition_table import Entry, Logical

Table = Callable[..., bytes]


def reader(sectors: dict[int, bytes], sector_bytes: int = 512) -> Callable[[int], bytes]:
    return lambda number: sectors.get(number, bytes(sector_bytes))


def test_one_sector_is_these_bytes() -> None:
    """Disk number at 440, entry 2 at 462, the mark at 510; places beyond the reach of cylinders are FE FF FF."""
    [sector] = partition_table.write(0x11223344, [Entry(2, 0x83, 0x800, 0x1000)]).values()
    assert sector[440:446].hex() == "44332211" + "0000"
    assert sector[446:462] == bytes(16)
    assert sector[462:478].hex() == "00" + "feffff" + "83" + "feffff" + "00080000" + "00100000"
    assert sector[510:] == b"\x55\xaa"
    assert len(sector) == 512


def test_the_first_sector_is_written_last() -> None:
    """A power cut before it leaves a disk without partitions, not one with a broken chain."""
    container = Entry(4, 0x0F, 2048, 4096)
    sectors = partition_table.write(
        1, [container], [Logical(2048, 0x83, 2112, 64), Logical(3000, 0x83, 3064, 64)]
    )
    assert list(sectors) == [2048, 3000, 0]


def test_without_the_mark_there_is_no_table() -> None:
    """A blank sector, or one that is too short, is none."""
    assert partition_table.read(lambda _: bytes(512)) is None
    assert partition_table.read(lambda _: b"\x55\xaa") is None


def test_damage_is_told_beside_what_was_found(table: Table) -> None:
    """The logical partitions before a broken link are still there for whoever looks."""
    sectors = {0: table((0x0F, 100, 1000)), 100: table((0x83, 10, 10), (0x05, 50, 50))}
    found = partition_table.read(reader(sectors))
    assert found is not None
    assert [entry.number for entry in found.logical] == [5]
    assert found.damage == "the chain of logical partitions is damaged at sector 150"


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Entry], list[Logical]]:
    """Draw a table whose partitions follow each other, with gaps, and links before the logical ones."""
    kinds = st.sampled_from([0x07, 0x83, 0xDA, 0x8E])
    steps = st.integers(1, 1 << 20)
    at, primary, logical = 1, [], []
    count = draw(st.integers(0, 3))
    for number in range(1, count + 1):
        at += draw(steps)
        length = draw(steps)
        primary.append(Entry(number, draw(kinds), at, length))
        at += length
    for _ in range(draw(st.integers(0, 31))):
        link = at + draw(steps)
        first = link + draw(steps)
        length = draw(steps)
        logical.append(Logical(link, draw(kinds), first, length))
        at = first + length
    if logical:
        primary.append(Entry(4, 0x0F, logical[0].link, at - logical[0].link))
    return primary, logical


@given(tables(), st.integers(0, 0xFFFFFFFF), st.sampled_from([512, 4096]))
def test_what_is_written_is_read_again(
    made: tuple[list[Entry], list[Logical]], disk_id: int, sector_bytes: int
) -> None:
    """Any table comes back as it was: number, kinds, places, lengths, the numbers of logical partitions."""
    primary, logical = made
    sectors = partition_table.write(disk_id, primary, logical, sector_bytes)
    assert all(len(sector) == sector_bytes for sector in sectors.values())
    found = partition_table.read(reader(sectors, sector_bytes))
    assert found is not None
    assert (found.disk_id, found.damage) == (disk_id, "")
    assert list(found.primary) == primary
    assert list(found.logical) == [
        Entry(5 + index, item.kind, item.first, item.sectors) for index, item in enumerate(logical)
    ]


@pytest.mark.parametrize("links", [64, 65])
def test_the_longest_chain_ends(table: Table, links: int) -> None:
    """A chain that never ends is left after twice as many links as a disk may have."""
    base, step = 10, 10
    sectors = {0: table((0x0F, base, step * (links + 2)))}
    for index in range(links):
        link = (0x05, step * (index + 1), step) if index + 1 < links else None
        sectors[base + step * index] = table((0x83, 2, 2), link)
    found = partition_table.read(reader(sectors))
    assert found is not None
    assert (len(found.logical), bool(found.damage)) == (64, links > 64)


def test_a_link_covers_its_logical_partition() -> None:
    """Place and length of a link are within the container, from the link to the end: other tools go by them."""
    container = Entry(4, 0x0F, 2048, 4096)
    sectors = partition_table.write(
        1, [container], [Logical(2048, 0x83, 2112, 64), Logical(3000, 0x83, 3064, 70)]
    )
    link = sectors[2048][462:478]
    assert (link[4], link[8:12], link[12:16]) == (
        partition_table.EXTENDED_KIND,
        (3000 - 2048).to_bytes(4, "little"),
        (3064 + 70 - 3000).to_bytes(4, "little"),
    )


def test_a_chain_that_leaves_its_container_is_followed_no_further(table: Table) -> None:
    """What stands outside is not taken for partitions of the disk, and nothing inside is found twice."""
    sectors = {0: table((0x0F, 100, 1000)), 100: table((0x83, 10, 10), (0x05, 1000, 50))}
    found = partition_table.read(reader(sectors))
    assert found is not None
    assert [entry.number for entry in found.logical] == [5]
    assert "loops or leaves" in found.damage


def test_a_table_counts_in_32_bits() -> None:
    """The bound that an operator is told is the one of the bytes."""
    most = partition_table.SECTORS_MAX
    partition_table.write(1, [Entry(1, 0x83, 1, most)])
    with pytest.raises(struct.error):
        partition_table.write(1, [Entry(1, 0x83, 1, most + 1)])
