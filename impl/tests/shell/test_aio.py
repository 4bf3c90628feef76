import ctypes
import errno
import os
import platform
import random
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinset.shell import aio
from twinset.shell.aio import FDSYNC, FSYNC, PREAD, PWRITE, RWF_DSYNC, AioContext
from twinset.shell.buffers import SlotPool

SIZE = 1 << 20
BLOCK = 4096
WAIT_S = 30  # never reached unless completions are lost
SLOTS = 16


@pytest.fixture()
def disk(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "disk"
    path.write_bytes(bytes(SIZE))
    try:
        fd = os.open(path, os.O_RDWR | os.O_DIRECT)
    except OSError:  # a file system without direct I/O: asynchronous in name only, the same otherwise
        fd = os.open(path, os.O_RDWR)
    yield fd
    os.close(fd)


@pytest.fixture()
def pool() -> SlotPool:
    return SlotPool(SLOTS, BLOCK)


@pytest.fixture(params=["ring", "system call"])
def context(disk: int, request: pytest.FixtureRequest) -> Iterator[AioContext]:
    context = AioContext(disk, SLOTS)
    context.uses_ring = context.uses_ring and request.param == "ring"
    yield context
    context.close()


def reap_next(context: AioContext) -> list[tuple[int, int]]:
    """Return what has ended, once something has."""
    assert select.select([context.eventfd], [], [], WAIT_S)[0]
    context.drain_eventfd()
    return context.reap()


def finish(context: AioContext) -> dict[int, int]:
    """Reap until nothing is in flight; every slot ends once."""
    results: dict[int, int] = {}
    while context.inflight:
        for slot, result in reap_next(context):
            assert slot not in results
            results[slot] = result
    return results


def test_what_is_written_is_read_back(context: AioContext, pool: SlotPool) -> None:
    """A write and a read of one slot."""
    pool.data(3, BLOCK)[:] = b"w" * BLOCK
    context.prepare(3, PWRITE, pool.addresses[3], BLOCK, 8192)
    context.submit([3])
    assert finish(context) == {3: BLOCK}
    context.prepare(5, PREAD, pool.addresses[5], BLOCK, 8192)
    context.submit([5])
    assert finish(context) == {5: BLOCK}
    assert pool.data(5, BLOCK) == b"w" * BLOCK
    assert os.pread(context.fd, 0, 0) == b""


def test_a_batch_ends_slot_by_slot(context: AioContext, pool: SlotPool) -> None:
    """Many operations in one call, each with its own result."""
    for slot in range(SLOTS):
        pool.data(slot, BLOCK)[:] = bytes([slot + 1]) * BLOCK
        context.prepare(slot, PWRITE, pool.addresses[slot], BLOCK, slot * BLOCK)
    assert context.submit(list(range(SLOTS))) == SLOTS
    assert finish(context) == dict.fromkeys(range(SLOTS), BLOCK)
    for slot in range(SLOTS):
        pool.data(slot, BLOCK)[:] = bytes(BLOCK)
        context.prepare(slot, PREAD, pool.addresses[slot], BLOCK, slot * BLOCK)
    context.submit(list(range(SLOTS)))
    finish(context)
    assert [pool.data(slot, 1)[0] for slot in range(SLOTS)] == list(range(1, SLOTS + 1))


def test_the_ring_may_go_round_many_times(context: AioContext, pool: SlotPool) -> None:
    """No completion is lost or told twice when the ring wraps, with batches of any size."""
    rng = random.Random(7)
    total = 0
    while total < 3000:
        slots = rng.sample(range(SLOTS), rng.randint(1, SLOTS))
        for slot in slots:
            context.prepare(slot, PREAD, pool.addresses[slot], BLOCK, rng.randrange(SIZE // BLOCK) * BLOCK)
        context.submit(slots)
        assert finish(context) == dict.fromkeys(slots, BLOCK)
        total += len(slots)


def test_flushes_and_durable_writes_have_slots_too(context: AioContext, pool: SlotPool) -> None:
    """FDSYNC, FSYNC and a write with RWF_DSYNC."""
    context.prepare(0, FDSYNC, 0, 0, 0)
    context.prepare(1, FSYNC, 0, 0, 0)
    context.prepare(2, PWRITE, pool.addresses[2], BLOCK, 0, RWF_DSYNC)
    context.submit([0, 1, 2])
    assert finish(context) == {0: 0, 1: 0, 2: BLOCK}


def test_an_operation_after_a_flush_is_no_flush(context: AioContext, pool: SlotPool) -> None:
    """All fields of a slot are written anew, flags included."""
    context.prepare(2, PWRITE, pool.addresses[2], BLOCK, 4096, RWF_DSYNC)
    context.prepare(2, FDSYNC, 0, 0, 0)
    context.submit([2])
    assert finish(context) == {2: 0}


def test_the_end_of_the_file_is_a_short_read(context: AioContext, pool: SlotPool) -> None:
    """The result is the number of bytes, as with every system call."""
    context.prepare(0, PREAD, pool.addresses[0], BLOCK, SIZE)
    context.submit([0])
    assert finish(context) == {0: 0}


def test_errors_are_negative_numbers(disk: int, pool: SlotPool) -> None:
    """An operation that is refused ends like one that failed, and the others of its batch go on."""
    context = AioContext(disk, SLOTS)
    context.prepare(0, PREAD, pool.addresses[0], BLOCK, 0)
    context.prepare(1, 99, pool.addresses[1], BLOCK, 0)
    context.prepare(2, PREAD, pool.addresses[2], BLOCK, BLOCK)
    assert context.submit([0, 1, 2]) == 2
    results = dict(reap_next(context))
    while len(results) < 3:
        results.update(reap_next(context))
    assert results == {0: BLOCK, 1: -errno.EINVAL, 2: BLOCK}
    context.prepare(4, 99, 0, 0, 0)
    context.submit([4])
    assert context.inflight == 0
    assert select.select([context.eventfd], [], [], 30)[0]
    assert context.reap() == [(4, -errno.EINVAL)]
    context.close()


def test_completions_wake_an_edge_triggered_poll(context: AioContext, pool: SlotPool) -> None:
    """Every completion is an edge of its own: the eventfd is never read."""
    poll = select.epoll()
    poll.register(context.eventfd, select.EPOLLIN | select.EPOLLET)
    for _ in range(3):
        context.prepare(0, PREAD, pool.addresses[0], BLOCK, 0)
        context.submit([0])
        assert poll.poll(30)
        assert context.reap() == [(0, BLOCK)]
    poll.close()


def test_reaping_nothing_returns_at_once(context: AioContext) -> None:
    """With nothing in flight there is nothing, and no wait."""
    assert context.reap() == []


def test_what_the_kernel_has_no_room_for_goes_later(
    disk: int, pool: SlotPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EAGAIN keeps the rest of a batch, in order, and the next call submits it before anything else."""
    context = AioContext(disk, SLOTS)
    real, room, batches = aio._call3, [2, 1], []

    def short_of_room(number: int, context_id: int, count: int, address: int) -> int:
        if number != context._submit:
            return int(real(number, context_id, count, address))
        taken = int(real(number, context_id, min(count, room[0]), address)) if room[0] else -1
        batches.append((count, taken))
        if taken < 0:
            ctypes.set_errno(errno.EAGAIN)
        room[0] -= max(taken, 0)
        return taken

    monkeypatch.setattr(aio, "_call3", short_of_room)
    for slot in range(4):
        context.prepare(slot, PREAD, pool.addresses[slot], BLOCK, slot * BLOCK)
    assert context.submit([0, 1, 2]) == 2
    assert batches == [(3, 2), (1, -1)]
    room[0] = 100
    context.submit([3])
    assert batches[2:] == [(2, 2)]
    assert finish(context) == dict.fromkeys(range(4), BLOCK)
    context.close()


def test_with_nothing_in_flight_a_refused_batch_wakes_its_caller(
    disk: int, pool: SlotPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise nobody would come back to submit it; the next reap does."""
    context = AioContext(disk, SLOTS)
    real, refuse = aio._call3, [True]

    def no_room(*arguments: int) -> int:
        if refuse[0] and arguments[0] == context._submit:
            ctypes.set_errno(errno.EAGAIN)
            return -1
        return int(real(*arguments))

    monkeypatch.setattr(aio, "_call3", no_room)
    context.prepare(0, PREAD, pool.addresses[0], BLOCK, 0)
    context.submit([0])
    assert context.inflight == 0
    assert select.select([context.eventfd], [], [], 30)[0]
    refuse[0] = False
    context.reap()
    assert finish(context) == {0: BLOCK}
    context.close()


def test_closing_waits_for_what_is_in_flight(disk: int, pool: SlotPool) -> None:
    """After close the disk is the caller's alone, and closing again is harmless."""
    context = AioContext(disk, SLOTS)
    for slot in range(SLOTS):
        context.prepare(slot, PWRITE, pool.addresses[slot], BLOCK, slot * BLOCK)
    context.submit(list(range(SLOTS)))
    context.close()
    context.close()
    with pytest.raises(OSError, match="Bad file"):
        os.eventfd_read(context.eventfd)


def test_too_many_operations_are_refused_with_a_hint(disk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's limit is named where it is the cause, and nothing stays open."""

    def used_up(*_: int) -> int:
        ctypes.set_errno(errno.EAGAIN)
        return -1

    monkeypatch.setattr(aio, "_call3", used_up)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match=r"io_setup of 16 operations: .* \(fs.aio-max-nr is used up\)"):
        AioContext(disk, SLOTS)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("depth", [0, aio.DEPTH_MAX + 1])
def test_a_depth_without_bounds_is_refused(disk: int, depth: int) -> None:
    """Before any memory is taken for it."""
    with pytest.raises(ValueError, match=f"depth {depth} is outside 1..65536"):
        AioContext(disk, depth)


def test_an_unknown_machine_is_refused(disk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """System call numbers differ; none is guessed."""
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    with pytest.raises(OSError, match="not known on vax"):
        AioContext(disk, 1)
