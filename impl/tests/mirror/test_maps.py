"""Window and difference maps: nothing that may differ is forgotten (R3, R5, R9)."""

from __future__ import annotations

import tracemalloc
from array import array

from hypothesis import given
from hypothesis import strategies as st

from twinset.mirror.cluster_partition import MAP_BYTES_MAX
from twinset.mirror.maps import EXTENTS_MAX, Maps, either, extent_shift, marked, pack, unpack


def make(extents: int = 8, *, continuous: bool = True) -> Maps:
    return Maps(
        extents << 16,
        16,
        array("I", [0] * extents),
        bytearray(extents),
        array("Q", [0] * 3),
        continuous=continuous,
    )


def test_a_write_stays_in_the_window_until_its_epoch_is_durable() -> None:
    """Only both flushes take an extent out of the window, not the end of the write (R3)."""
    maps = make()
    maps.mark(2, 3, maps.epoch)
    assert list(maps.in_window()) == [2, 3]
    maps.set_durable(maps.epoch)
    assert list(maps.in_window()) == []


def test_a_later_write_keeps_the_extent_in_the_window() -> None:
    """The mark of an epoch does not cover what was written after it."""
    maps = make()
    first = maps.epoch
    maps.mark(1, 1, first)
    maps.advance(first + 1)
    maps.mark(1, 1, maps.epoch)
    maps.set_durable(first)
    assert list(maps.in_window()) == [1]


def test_epochs_never_go_back() -> None:
    """A mark or an epoch from before does not undo a later one."""
    maps = make()
    maps.advance(9)
    maps.advance(3)
    maps.set_durable(2)
    assert (maps.epoch, maps.durable) == (9, 2)
    maps.set_durable(1)
    assert maps.durable == 2


def test_a_break_turns_the_window_into_difference() -> None:
    """Nothing that was in flight is lost from the maps when the sides part."""
    maps = make()
    maps.mark(0, 1, maps.epoch)
    maps.set_dirty(5)
    maps.absorb_window()
    assert list(maps.dirty_extents()) == [0, 1, 5]
    assert list(maps.in_window()) == []
    assert maps.dirty_bytes == 3 << 16


def test_the_memory_says_itself_whether_it_is_continuous() -> None:
    """A new process over the same memory knows whether the maps reach back; a fresh map does not become whole."""
    window, dirty, header = array("I", [0] * 4), bytearray(4), array("Q", [0] * 3)
    first = Maps(4 << 16, 16, window, dirty, header, continuous=False)
    assert not Maps(4 << 16, 16, window, dirty, header, continuous=bool(header[2])).continuous
    first.continuous = True
    first.set_dirty(3)
    second = Maps(4 << 16, 16, window, dirty, header, continuous=bool(header[2]))
    assert second.continuous
    assert second.dirty_count == 1


def test_settled_means_no_difference_no_window_and_no_gap() -> None:
    """CLEAN may forget the maps only when they say nothing."""
    maps = make()
    assert maps.settled
    maps.mark(0, 0, maps.epoch)
    assert not maps.settled
    maps.set_durable(maps.epoch)
    maps.set_dirty(1)
    assert not maps.settled
    maps.clear_all()
    assert maps.settled
    maps.continuous = False
    assert not maps.settled


def test_counting_a_bit_twice_counts_it_once() -> None:
    """The number of dirty extents is the number of bits."""
    maps = make()
    maps.set_dirty(4)
    maps.set_dirty(4)
    assert maps.dirty_count == 1
    maps.clear_dirty(4)
    maps.clear_dirty(4)
    assert maps.dirty_count == 0
    maps.set_all()
    assert maps.dirty_count == 8
    maps.add(marked([3, 99], 100))
    assert maps.dirty_count == 8
    maps.clear_all()
    maps.set_dirty(3)
    maps.add(marked([3, 5, 99], 100))
    assert list(maps.dirty_extents()) == [3, 5]
    assert maps.dirty_count == 2


def test_the_last_extent_may_be_short() -> None:
    """Sizes that are no multiple of the extent neither lose nor invent bytes."""
    maps = Maps((2 << 16) + 512, 16, array("I", [0] * 3), bytearray(3), array("Q", [0] * 3), continuous=True)
    assert maps.count == 3
    assert maps.extent_bytes(2) == 512
    maps.set_all()
    assert maps.dirty_bytes == maps.size_bytes


def test_the_map_of_any_disk_is_bounded() -> None:
    """The extent grows with the disk, so the map fits its place."""
    for size in (1, 1 << 30, 1 << 40, 1 << 50):
        assert (size + (1 << extent_shift(size)) - 1) >> extent_shift(size) <= EXTENTS_MAX
    assert extent_shift(1 << 30) == 16


@given(
    st.integers(1, 300).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1))))
)
def test_packed_maps_come_back(case: tuple[int, set[int]]) -> None:
    """Packing and unpacking a map loses no extent and adds none."""
    count, extents = case
    marks = marked(extents, count)
    packed = pack(marks)
    assert [packed[extent >> 3] >> (extent & 7) & 1 for extent in range(count)] == list(marks)
    assert unpack(packed, count) == marks
    assert unpack(packed + b"\xff", count) == marks
    assert unpack(packed[:1], count) == marks[:8].ljust(count, b"\0")


def test_a_union_has_what_either_has() -> None:
    """The longer marks say how long it is, so a map of a shorter disk loses nothing."""
    assert either(b"\1\0\0\1", b"\0\1") == b"\1\1\0\1"
    assert either(b"", b"\1") == b"\1"
    assert either(b"", b"") == b""


def test_no_map_becomes_a_list_of_numbers() -> None:
    """Reconnecting takes a few bytes an extent beside the maps: a lot of a locked process for the largest disk."""
    count = 1 << 17
    maps = Maps(
        count << 16, 16, array("I", [0] * count), bytearray(count), array("Q", [0] * 3), continuous=True
    )
    tracemalloc.start()
    try:
        maps.set_all()
        maps.add(unpack(pack(maps.unsure()), count))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert maps.dirty_count == count
    assert peak < 12 * count


def test_what_is_written_after_a_mark_is_in_the_window() -> None:
    """A durable epoch is over: the next write belongs to a later one, or the mark would cover it too (R3)."""
    maps = make()
    maps.set_durable(maps.epoch)
    maps.mark(1, 1, maps.epoch)
    assert list(maps.in_window()) == [1]


def test_the_extent_is_the_smallest_that_fits() -> None:
    """A copy of the difference costs no more than the bound asks for (4.3.3)."""
    most = EXTENTS_MAX << 16
    assert EXTENTS_MAX == 8 * MAP_BYTES_MAX, (
        "one bit each, in the place that the CLUSTER partition has (4.1.3-02)"
    )
    assert [extent_shift(size) for size in (1, most, most + 1, 2 * most, 2 * most + 1)] == [
        16,
        16,
        17,
        17,
        18,
    ]
