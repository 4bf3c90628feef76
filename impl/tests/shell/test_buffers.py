import mmap
import os
from pathlib import Path

import pytest

from twinset.shell.buffers import HEADER_ROOM_BYTES, PAGE_BYTES, Share, SlotPool


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.parametrize("size", [512, 4096, 65536, 65537])
def test_data_is_aligned_for_direct_io(size: int) -> None:
    """Every slot's data begins on a page, in memory too."""
    pool = SlotPool(5, size)
    assert all(start % PAGE_BYTES == 0 for start in pool.starts)
    assert all(address % mmap.PAGESIZE == 0 for address in pool.addresses)
    assert [address - pool.address for address in pool.addresses] == pool.starts


def test_a_header_and_its_data_are_one_slice() -> None:
    """What is written into the header room and the data is read as one frame."""
    pool = SlotPool(3, 4096)
    start = pool.starts[1]
    pool.view[start - 28 : start] = b"h" * 28
    pool.data(1, 100)[:] = b"d" * 100
    assert pool.framed(1, 28, 100) == b"h" * 28 + b"d" * 100


def test_slots_do_not_touch_each_other() -> None:
    """The largest header and the largest data of neighbours leave each other alone."""
    pool = SlotPool(3, 4096)
    for slot in range(3):
        pool.framed(slot, HEADER_ROOM_BYTES, 4096)[:] = bytes([slot + 1]) * (HEADER_ROOM_BYTES + 4096)
    for slot in range(3):
        assert set(pool.framed(slot, HEADER_ROOM_BYTES, 4096)) == {slot + 1}


def test_slots_are_bounded_and_the_last_used_comes_first() -> None:
    """-1 when all are in use; a hot slot is used again."""
    pool = SlotPool(2, 4096)
    assert (pool.take(), pool.take(), pool.take()) == (0, 1, -1)
    pool.give(0)
    assert pool.take() == 0


def test_memory_obeys_the_guides_formula() -> None:
    """(I/O size x (number + 64) + 1024) x 2 KB, here with the guide's defaults (4.5.1-05)."""
    pool = SlotPool(2 * 64, 64 << 10)
    assert pool.stride * pool.count <= (64 * (64 + 64) + 1024) * 2 * 1024


def test_pages_come_when_used_and_go_when_idle() -> None:
    """An idle pool costs nothing; trimming gives back what a burst took."""
    before = resident_kib()
    pool = SlotPool(64, 256 << 10)
    assert resident_kib() - before < 8_000
    pool.view[:] = b"x" * len(pool.view)
    full = resident_kib()
    assert full - before > 12_000
    assert pool.trim()
    assert full - resident_kib() > 12_000
    assert not any(pool.data(0, 4096))


def test_an_eager_pool_has_its_pages_at_once() -> None:
    """For a set that may not wait for memory later."""
    before = resident_kib()
    pool = SlotPool(64, 256 << 10, eager=True)
    assert resident_kib() - before > 12_000
    assert len(pool.free) == 64


def test_a_pool_in_use_is_not_trimmed() -> None:
    """Trimming would lose the data of the operation in flight."""
    pool = SlotPool(2, 4096)
    pool.take()
    with pytest.raises(RuntimeError, match="1 slots are in use"):
        pool.trim()


def test_trimming_restores_the_order_of_slots() -> None:
    """After a burst the lowest slots are used first again."""
    pool = SlotPool(3, 4096)
    for slot in (pool.take(), pool.take(), pool.take()):
        pool.give(slot)
    assert pool.trim()
    assert pool.take() == 0


@pytest.mark.parametrize(("count", "size"), [(0, 4096), (1, 0), (-1, 4096)])
def test_an_empty_pool_is_refused(count: int, size: int) -> None:
    """A limit of nothing is a mistake of the caller."""
    with pytest.raises(ValueError, match="is no pool"):
        SlotPool(count, size)


def test_clients_and_copies_share_the_slots() -> None:
    """Clients have at most the I/O number (4.5.1-04); a copy never takes a slot that a client may still ask for."""
    pool = SlotPool(4, 4096)
    share = Share(pool, 2)
    assert share.spare() >= 0
    first, second = share.take(), share.take()
    assert min(first, second) >= 0
    assert share.take() == -1
    share.give(first)
    assert share.spare() >= 0
    assert share.spare() == -1
    assert share.take() >= 0
