"""A rebuild: which extents go, when one counts as equal, and that it ends (4.3.3, R6)."""

from __future__ import annotations

from twinset.mirror.copy import Copy
from twinset.mirror.pace import FLOOR_MS, STRETCHES_BUSY
from twinset.mirror.write_path import COPYING, SourcePath

from .ports import Ports, make_maps


def make(*dirty: int, piece_max: int = 8) -> tuple[Copy, Ports, SourcePath]:
    maps, ports = make_maps(), Ports()
    for extent in dirty:
        maps.set_dirty(extent)
    path = SourcePath(maps, ports, lambda _where, _errno: False)
    path.set_mode(COPYING)
    return Copy(maps, path, ports, "high-speed", "the difference is known", piece_max), ports, path


def finish(ports: Ports, path: SourcePath) -> None:
    """Let everything that was begun be read, sent and written."""
    while ports.reads or ports.sent:
        if ports.reads:
            path.local_done(ports.reads.pop(0), 0)
        if ports.sent:
            path.written(ports.sent.pop(0).seq)


def test_only_the_difference_is_copied() -> None:
    """Extents that are equal are neither read nor sent."""
    copy, ports, path = make(1, 6)
    copy.pump(0)
    assert sorted(op.offset for op in ports.reads) == [16, 24, 96, 104]
    finish(ports, path)
    assert copy.complete
    assert copy.bytes_done == 32


def test_an_extent_is_equal_when_its_last_piece_is_on_the_other_disk() -> None:
    """Half a copied extent stays difference (promise 4)."""
    copy, ports, path = make(2)
    copy.pump(0)
    first, second = ports.reads
    path.local_done(first, 0)
    path.written(first.seq)
    assert list(copy.maps.dirty_extents()) == [2]
    path.local_done(second, 0)
    path.written(second.seq)
    assert not copy.maps.dirty_count
    assert list(copy.maps.in_window()) == [2], "equal, and not yet durable on both sides"


def test_after_its_end_a_copy_clears_nothing() -> None:
    """A piece that ends later may be older than a write that stayed local meanwhile."""
    copy, ports, path = make(2)
    copy.pump(0)
    copy.end()
    finish(ports, path)
    assert list(copy.maps.dirty_extents()) == [2]


def test_a_piece_that_was_given_up_keeps_its_extent_dirty() -> None:
    """An interrupted high-speed copy keeps what remains (promise 4)."""
    copy, ports, path = make(2)
    copy.pump(0)
    path.local_done(ports.reads[0], 0)
    path.suspend()
    path.local_done(ports.reads[1], 0)
    assert list(copy.maps.dirty_extents()) == [2]
    assert copy.inflight == 0


def test_under_load_a_rebuild_is_slow_and_never_stops() -> None:
    """The application keeps its share, and the rebuild its floor (4.1.4.2)."""
    copy, ports, path = make(*range(0, 8, 2), piece_max=16)
    ports.busy = 1
    for now_ms in range(4 * FLOOR_MS):
        ports.counts.reads += 1
        copy.pump(now_ms)
        assert copy.inflight <= STRETCHES_BUSY
        finish(ports, path)
    assert copy.complete


def test_busy_clients_wait_for_few_stretches() -> None:
    """A scattered difference goes in small bites: every stretch is a request of the disk."""
    copy, ports, _path = make(0, 2, 3, 5, piece_max=16)
    ports.busy = 1
    copy.pump(0)
    assert [op.offset >> 4 for op in ports.reads] == [0, 2, 3], "the second stretch has two extents"


def test_run_that_is_read_counts_until_it_is_sent() -> None:
    """The next run is read while the last one is written, not before."""
    copy, ports, path = make(0)
    copy.pump(0)
    assert copy.reading == 2
    path.local_done(ports.reads[0], 0)
    path.local_done(ports.reads[1], 5)
    assert copy.reading == 0


def test_without_a_slot_it_waits() -> None:
    """A rebuild never takes more buffers than there are."""
    copy, ports, path = make(0, 1)
    ports.slots = 1
    copy.pump(0)
    assert [op.slot for op in ports.reads] == [0], "slot 0 is one as well"
    assert copy.inflight == 1
    ports.slots = 100
    for _ in range(5):
        finish(ports, path)
        copy.pump(0)
    assert copy.complete


def test_progress_says_what_is_left() -> None:
    """Bytes done, bytes in all, rate and time left; the time is unknown before there is a rate."""
    copy, ports, path = make(0, 1)
    assert copy.progress(0)["left_s"] is None
    copy.pump(0)
    finish(ports, path)
    told = copy.progress(1000)
    assert (told["bytes_done"], told["bytes_total"], told["rate_bytes_s"], told["left_s"]) == (32, 32, 32, 0)


def test_an_extent_that_could_not_be_copied_is_copied_again() -> None:
    """What spoilt one attempt does not spoil the next: the rebuild ends (promise 2)."""
    copy, ports, path = make(2)
    copy.pump(0)
    path.local_done(ports.reads.pop(0), 5)
    finish(ports, path)
    assert list(copy.maps.dirty_extents()) == [2]
    copy.pump(0)
    finish(ports, path)
    assert copy.complete
