"""The write path of the serving side: what may be written where, and when it counts (R1 to R5, R10, R13, R14)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from twinset.mirror import without_disk
from twinset.mirror.operations import COPY, READ, VERIFY, Op
from twinset.mirror.write_path import COPYING, FAILED, HOLD, MIRROR, SOLO, SourcePath

from .ports import Ports, make_maps, write


class Bench:
    """A path with ports and maps; `wait` is what the side answers to a disk error."""

    def __init__(self, mode: str = MIRROR) -> None:
        self.ports = Ports()
        self.maps = make_maps()
        self.wait = True
        self.errors: list[tuple[Op | None, int]] = []
        self.path = SourcePath(self.maps, self.ports, self._failed)
        self.path.set_mode(mode)

    def _failed(self, op: Op | None, errno: int) -> bool:
        self.errors.append((op, errno))
        return self.wait

    def write(self, offset: int, length: int = 4) -> Op:
        op = write(offset, length)
        self.path.write(op)
        return op

    def finish(self, op: Op) -> None:
        """Let a mirrored write end on both sides."""
        self.path.receipt(op.seq)
        self.path.local_done(op, 0)
        self.path.written(op.seq)


def test_the_own_disk_is_written_only_after_the_receipt() -> None:
    """The own disk never holds what the other side has not received."""
    bench = Bench()
    op = bench.write(0)
    assert bench.ports.sent == [op]
    assert not bench.ports.writes
    bench.path.receipt(op.seq)
    assert bench.ports.writes == [op]


@pytest.mark.parametrize("order", ["local first", "remote first"])
def test_a_write_is_answered_when_both_disks_have_it(order: str) -> None:
    """Received is not written: neither disk alone answers the client (R3)."""
    bench = Bench()
    op = bench.write(0)
    bench.path.receipt(op.seq)
    steps: list[Any] = [lambda: bench.path.local_done(op, 0), lambda: bench.path.written(op.seq)]
    if order == "remote first":
        steps.reverse()
    steps[0]()
    assert not bench.ports.done
    steps[1]()
    assert bench.ports.done == [op]
    assert bench.path.idle


def test_the_window_is_marked_before_the_write_leaves() -> None:
    """The extent is in the window when the frame is handed out (R5)."""
    bench = Bench()
    seen: list[list[int]] = []
    bench.ports.send_write = lambda _op: seen.append(list(bench.maps.in_window()))  # type: ignore[assignment, method-assign]
    bench.write(14)
    assert seen == [[0, 1]]


def test_alone_the_difference_is_noted_before_the_disk_is_written() -> None:
    """A crash of the process after the submission finds the extent in the map (R5)."""
    bench = Bench(SOLO)
    seen: list[list[int]] = []
    bench.ports.submit_write = lambda _op: seen.append(list(bench.maps.dirty_extents()))  # type: ignore[assignment, method-assign]
    bench.write(20)
    assert seen == [[1]]
    assert not bench.ports.sent


def test_overlapping_writes_keep_their_order() -> None:
    """The later of two writes to the same bytes starts when the earlier one has ended on both sides (R11)."""
    bench = Bench()
    first, second = bench.write(0), bench.write(2)
    apart = bench.write(8)
    assert bench.ports.sent == [first, apart]
    bench.finish(first)
    assert bench.ports.sent == [first, apart, second]


def test_nothing_starts_without_a_session_or_a_right() -> None:
    """A held path takes writes, reads go on, and they start when a mode is given (R1)."""
    bench = Bench(HOLD)
    op = bench.write(0)
    bench.path.read(Op(READ, 0, 4, 0, "client"))
    assert not bench.ports.sent
    assert len(bench.ports.reads) == 1
    bench.path.set_mode(MIRROR)
    assert bench.ports.sent == [op]


def test_a_lease_that_ran_out_stops_everything_without_an_error() -> None:
    """Frozen, neither reads nor writes nor flushes go on; thawed they do (R13)."""
    bench = Bench()
    waiting = bench.write(32)
    bench.path.freeze()
    bench.path.receipt(waiting.seq)
    bench.write(0)
    bench.path.read(Op(READ, 0, 4, 0, "client"))
    bench.path.flush("client")
    assert bench.ports.calls == ["send"]
    bench.path.thaw()
    assert sorted(bench.ports.calls) == ["flush", "read", "send", "send", "send flush", "write"]


def test_a_session_that_breaks_holds_what_is_not_written() -> None:
    """Nothing is acknowledged between the break and the proof; a new session sends it again, renumbered (R4)."""
    bench = Bench()
    old = bench.write(0)
    bench.path.receipt(old.seq)
    bench.path.local_done(old, 0)
    later = bench.write(32)
    bench.path.suspend()
    assert not bench.ports.done
    bench.path.begin_session()
    assert [op.seq for op in bench.ports.sent[2:]] == [1, 2]
    bench.path.set_mode(MIRROR)
    bench.path.receipt(2)
    assert bench.ports.writes == [old, later], "what the own disk has is not written again"


def test_without_the_other_side_what_it_owes_is_done_here() -> None:
    """After the break is recorded the unfinished writes end alone."""
    bench = Bench()
    received, fresh = bench.write(0), bench.write(32)
    bench.path.receipt(received.seq)
    bench.path.local_done(received, 0)
    bench.path.suspend()
    bench.maps.absorb_window()
    bench.path.drop_remote()
    assert bench.ports.done == [received]
    assert bench.ports.writes[-1] is fresh
    bench.path.local_done(fresh, 0)
    assert bench.ports.done == [received, fresh]
    assert list(bench.maps.dirty_extents()) == [0, 2]


def test_a_flush_is_answered_after_both_sides_flushed() -> None:
    """FLUSH means durable on both (R14)."""
    bench = Bench()
    flush = bench.path.flush("client")
    bench.path.flush_done(flush.token, 0, remote=False)
    assert not bench.ports.flushed
    bench.path.flush_done(flush.token, 0, remote=True)
    assert bench.ports.flushed == [flush]


def test_a_flush_during_a_rebuild_is_for_the_source_alone() -> None:
    """A target that is INCONSISTENT does not make anything durable (R14)."""
    bench = Bench(COPYING)
    flush = bench.path.flush("client")
    assert not bench.ports.asked
    bench.path.flush_done(flush.token, 0, remote=False)
    assert bench.ports.flushed == [flush]


def test_an_epoch_is_marked_after_its_writes_and_both_flushes() -> None:
    """The window of an epoch is dropped once everything in it is durable on both sides (R3)."""
    bench = Bench()
    op = bench.write(0)
    epoch = bench.maps.epoch
    bench.path.close_epoch()
    assert not bench.ports.flushes, "the epoch's write has not ended"
    bench.finish(op)
    (token,) = bench.ports.flushes
    bench.path.flush_done(token, 0, remote=False)
    assert not bench.ports.marks
    bench.path.flush_done(token, 0, remote=True)
    assert bench.ports.marks == [epoch]
    assert not list(bench.maps.in_window())


def test_no_marks_while_a_window_is_copied() -> None:
    """A mark would let the other side forget extents that are still to be copied, and it may take over."""
    bench = Bench()
    bench.finish(bench.write(0))
    bench.maps.set_dirty(5)
    bench.path.close_epoch()
    assert not bench.ports.flushes
    bench.maps.clear_dirty(5)
    bench.path.close_epoch()
    assert bench.ports.flushes


def test_no_mark_while_it_is_not_known_who_goes_on_without_a_disk() -> None:
    """The own disk has failed a read, and flushes still: its flush alone says nothing of the other side's (R3)."""
    bench = Bench()
    op = bench.write(0)
    bench.path.close_epoch()
    bench.path.set_mode(HOLD)
    bench.finish(op)
    for token in bench.ports.flushes:
        bench.path.flush_done(token, 0, remote=False)
    assert not bench.ports.marks
    assert not bench.maps.durable


def test_a_look_of_a_comparison_ends_while_nothing_may_start() -> None:
    """Nobody resumes the path of a side that has given the source role away, and its rebuild would wait (R11, R15)."""
    bench, told = Bench(), []
    ahead = bench.write(0)
    bench.path.set_mode(HOLD)
    for offset in (0, 64):
        look = SimpleNamespace(locked=lambda offset=offset: told.append(offset))
        bench.path.write(Op(VERIFY, offset, 4, 0, look))
    bench.finish(ahead)
    assert told == [64, 0]


def test_the_flush_of_a_broken_session_marks_nothing() -> None:
    """A flush that was asked before an interruption is no proof for an epoch closed after it."""
    bench = Bench()
    bench.finish(bench.write(0))
    bench.path.close_epoch()
    (old,) = bench.ports.flushes
    bench.path.suspend()
    bench.path.begin_session()
    bench.path.set_mode(MIRROR)
    bench.path.flush_done(old, 0, remote=False)
    bench.path.flush_done(old, 0, remote=True)
    assert not bench.ports.marks


def test_a_write_to_an_extent_that_is_wholly_difference_stays_here() -> None:
    """During a rebuild only what is already equal goes to both sides; so the rebuild converges."""
    bench = Bench(COPYING)
    bench.maps.set_dirty(1)
    bench.write(16)
    both = bench.write(0)
    assert bench.ports.sent == [both]
    bench.path.in_copy = {1: 1}
    beside = bench.write(24)
    assert bench.ports.sent == [both, beside], "a half copied extent takes its writes on both sides"


def test_a_copy_locks_its_whole_extent() -> None:
    """No write and no copy of one extent run at the same time."""
    bench = Bench(COPYING)
    bench.maps.set_dirty(0)
    op = bench.write(0)
    copy = Op(COPY, 8, 8, 0, None)
    bench.path.write(copy)
    assert not bench.ports.reads
    bench.path.local_done(op, 0)
    assert bench.ports.reads == [copy]


def test_a_failed_own_write_waits_for_the_good_side() -> None:
    """The client hears of success or error only when it is known which side goes on (R10)."""
    bench = Bench()
    op = bench.write(0)
    bench.path.receipt(op.seq)
    bench.path.local_done(op, 5)
    bench.path.written(op.seq)
    assert bench.errors == [(op, 5)]
    assert not bench.ports.done
    without_disk.begin(bench.path)
    assert bench.ports.done == [op]
    assert op.error == 0


def test_a_write_in_the_failing_disks_hands_ends_once() -> None:
    """An operation that the failed disk still holds is answered when it comes back, and only then."""
    bench = Bench()
    broken, held = bench.write(0), bench.write(32)
    bench.path.receipt(held.seq)
    bench.path.local_done(broken, 5)
    bench.path.written(broken.seq)
    bench.path.written(held.seq)
    without_disk.begin(bench.path)
    assert bench.ports.done == [broken], "its slot is still with the disk"
    bench.path.local_done(held, 5)
    assert bench.ports.done == [broken, held]
    assert held.error == 0


def test_an_error_alone_is_the_clients() -> None:
    """With no other side, a failed write is answered as failed."""
    bench = Bench(SOLO)
    bench.wait = False
    op = bench.write(0)
    bench.path.local_done(op, 28)
    assert (bench.ports.done, op.error) == ([op], 28)


def test_a_failed_own_flush_is_never_retried_into_success() -> None:
    """The flush waits for the verdict; with the good side recorded, that side's flush answers it (R10)."""
    bench = Bench()
    flush = bench.path.flush("client")
    bench.path.flush_done(flush.token, 5, remote=False)
    bench.path.flush_done(flush.token, 0, remote=True)
    assert not bench.ports.flushed
    without_disk.begin(bench.path)
    assert bench.ports.flushed == [flush]
    assert flush.error == 0


def test_revoked_everything_ends_with_an_error() -> None:
    """A side that must not serve any more answers what it holds, each operation once, and never later."""
    bench = Bench()
    sent, on_disk, blocked = bench.write(0), bench.write(32), bench.write(0)
    bench.path.receipt(on_disk.seq)
    bench.path.local_done(sent, 0)
    bench.path.freeze()
    flush = bench.path.flush("client")
    bench.path.revoke()
    assert set(bench.ports.done) >= {sent, blocked}
    assert bench.ports.flushed == [flush]
    bench.path.local_done(on_disk, 0)
    assert sorted(map(id, bench.ports.done)) == sorted(map(id, (sent, on_disk, blocked)))
    assert all(op.error for op in bench.ports.done)
    assert bench.path.idle


def test_failed_is_for_good() -> None:
    """No change of mode wakes a path that has failed."""
    bench = Bench()
    bench.path.revoke()
    bench.path.set_mode(MIRROR)
    assert bench.path.mode == FAILED
    op = bench.write(0)
    assert op.error
    assert not bench.ports.sent


def test_everything_of_clients_is_counted() -> None:
    """Operations and bytes, for `twinset mirror stats`; the pieces of a copy are no work of clients."""
    bench = Bench()
    bench.path.read(Op(READ, 0, 8, 0, "client"))
    bench.write(0)
    bench.path.flush("client")
    bench.path.write(Op(COPY, 32, 16, 0, None))
    counts = bench.ports.counts
    assert (counts.reads, counts.read_bytes) == (1, 8)
    assert (counts.writes, counts.written_bytes, counts.flushes) == (1, 4, 1)


def test_during_a_rebuild_the_mark_needs_both_flushes_too() -> None:
    """What went to both sides leaves the window only when both have it durably, also while a copy runs (R3)."""
    bench = Bench(COPYING)
    bench.finish(bench.write(0))
    bench.path.close_epoch()
    assert bench.ports.asked == bench.ports.flushes
    (token,) = bench.ports.flushes
    bench.path.flush_done(token, 0, remote=False)
    assert not bench.ports.marks
    bench.path.flush_done(token, 0, remote=True)
    assert len(bench.ports.marks) == 1


def test_what_never_left_counts_for_no_epoch() -> None:
    """A piece that could not be read ends while a write of the epoch is under way: the epoch stays open (R3)."""
    bench = Bench()
    op = bench.write(0)
    bench.path.close_epoch()
    unread = Op(COPY, 32, 16, 0, None)
    bench.path.write(unread)
    bench.path.local_done(unread, 5)
    assert unread in bench.ports.done
    assert not bench.ports.flushes, "the write has not ended"
    bench.finish(op)
    assert bench.ports.flushes


@pytest.mark.parametrize("recorded", [True, False])
def test_after_an_interruption_epochs_are_closed_again(recorded: bool) -> None:
    """A mark that was interrupted, by a break or without one, is no reason to tell none in the next session (R3)."""
    bench = Bench()
    op = bench.write(0)
    bench.path.close_epoch()
    if recorded:
        bench.path.drop_remote()
        bench.path.local_done(op, 0)
        assert not bench.ports.flushes, "there is nobody to mark it for"
    else:
        bench.path.suspend()
    bench.path.begin_session()
    if not recorded:
        bench.finish(op)
    bench.path.set_mode(MIRROR)
    bench.finish(bench.write(32))
    bench.path.close_epoch()
    assert bench.ports.flushes


def test_a_copy_that_lost_its_other_side_is_not_done() -> None:
    """Its extent stays difference: nothing says that the other disk has it (promise 4)."""
    bench = Bench(COPYING)
    piece = Op(COPY, 0, 16, 0, None)
    bench.path.write(piece)
    bench.path.local_done(piece, 0)
    assert bench.ports.sent == [piece]
    bench.path.drop_remote()
    assert (bench.ports.done, bool(piece.error)) == ([piece], True)


def test_a_path_that_has_failed_leaves_nothing_unanswered_when_its_session_ends() -> None:
    """What was still owed by the other side ends with an error then, flushes too."""
    bench = Bench()
    op = bench.write(0)
    flush = bench.path.flush("client")
    bench.path.mode = FAILED
    bench.path.local_done(op, 0)
    bench.path.suspend()
    assert (bench.ports.done, bool(op.error)) == ([op], True)
    assert (bench.ports.flushed, bool(flush.error)) == ([flush], True)


def test_without_the_other_side_a_flush_is_answered_by_the_own_one() -> None:
    """After the record of the break only the own flush counts, and it still has to have ended (R14)."""
    bench = Bench()
    flushed, waiting = bench.path.flush("one"), bench.path.flush("two")
    bench.path.flush_done(flushed.token, 0, remote=False)
    bench.path.suspend()
    bench.path.drop_remote()
    assert bench.ports.flushed == [flushed]
    bench.path.flush_done(waiting.token, 0, remote=False)
    assert bench.ports.flushed == [flushed, waiting]


def test_a_flush_that_the_other_side_owes_is_asked_again_in_a_new_session() -> None:
    """The answer belonged to the lost connection; what this side has flushed already is not flushed again (R14)."""
    bench = Bench()
    flush = bench.path.flush("client")
    bench.path.flush_done(flush.token, 0, remote=False)
    bench.path.suspend()
    bench.path.begin_session()
    assert bench.ports.asked == [flush.token, flush.token]
    assert bench.ports.flushes == [flush.token]
    bench.path.flush_done(flush.token, 0, remote=True)
    assert bench.ports.flushed == [flush]
