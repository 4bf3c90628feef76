"""A serving side whose disk has failed: the other side reads, writes and flushes for it (8.4-01, R10)."""

from __future__ import annotations

import pytest

from twinset.mirror import without_disk
from twinset.mirror.operations import READ, Op
from twinset.mirror.write_path import COPYING, FAILED, HOLD, MIRROR, REMOTE, SourcePath

from .ports import Ports, make_maps, write


class Bench:
    """A path that mirrored, and whose own disk has failed."""

    def __init__(self) -> None:
        self.ports = Ports()
        self.path = SourcePath(make_maps(), self.ports, lambda _op, _errno: True)
        self.path.set_mode(MIRROR)

    def write(self, offset: int) -> Op:
        op = write(offset)
        self.path.write(op)
        return op

    def read(self, offset: int) -> Op:
        op = Op(READ, offset, 4, 1, "client")
        self.path.read(op)
        return op

    def lose_disk(self) -> None:
        self.path.set_mode(HOLD)
        without_disk.begin(self.path)


def test_a_read_that_failed_is_asked_of_the_other_side() -> None:
    """The client waits while it is not known who goes on, then gets the other side's data and no error."""
    bench = Bench()
    op = bench.read(0)
    assert bench.path.read_failed(op, 5)
    assert not bench.ports.done
    assert not bench.path.idle
    bench.lose_disk()
    assert bench.ports.sent == [op]
    without_disk.answered(bench.path, op.seq, 0)
    assert (bench.ports.done, op.error) == ([op], 0)
    assert bench.path.idle


def test_everything_goes_to_the_other_side() -> None:
    """Reads, writes and flushes touch the own disk no more, and the other side's answer is the client's."""
    bench = Bench()
    bench.lose_disk()
    bench.ports.calls.clear()
    op, read = bench.write(0), bench.read(32)
    flush = bench.path.flush("client")
    assert bench.ports.calls == ["send", "send", "send flush"]
    bench.path.written(op.seq)
    without_disk.answered(bench.path, read.seq, 0)
    bench.path.flush_done(flush.token, 0, remote=True)
    assert bench.ports.done == [op, read]
    assert bench.ports.flushed == [flush]


@pytest.mark.parametrize("error", [0, 5])
def test_a_flush_of_the_own_disk_alone_is_asked_of_the_other_side(error: int) -> None:
    """It began during a rebuild. Failed by the own disk, or not yet answered: the other has to flush (seed 302656)."""
    bench = Bench()
    bench.path.mode = COPYING
    flush = bench.path.flush("client")
    bench.path.mode = MIRROR
    if error:
        bench.path.flush_done(flush.token, error, remote=False)
    bench.ports.calls.clear()
    bench.lose_disk()
    assert bench.ports.calls == ["send flush"]
    assert not bench.ports.flushed
    bench.path.flush_done(flush.token, 0, remote=True)
    assert bench.ports.flushed == [flush]
    assert not flush.error


def test_a_read_waits_for_a_write_that_an_earlier_read_may_have_shown() -> None:
    """The other side may not have written yet what this disk had: the read follows the write (promise 9)."""
    bench = Bench()
    op = bench.write(0)
    bench.lose_disk()
    read = bench.read(0)
    assert bench.ports.sent == [op]
    bench.path.written(op.seq)
    assert bench.ports.sent == [op, read]


def test_a_read_that_the_failed_disk_still_held_is_asked_too() -> None:
    """It comes back with an error when everything has moved to the other side already."""
    bench = Bench()
    op = bench.read(0)
    bench.lose_disk()
    assert bench.path.read_failed(op, 5)
    assert bench.ports.sent == [op]


@pytest.mark.parametrize("kind", ["write", "read"])
def test_when_the_other_disk_fails_too_the_client_sees_the_error(kind: str) -> None:
    """Nobody can serve any more: the error of the other side is the client's."""
    bench = Bench()
    bench.lose_disk()
    op = bench.write(0) if kind == "write" else bench.read(0)
    without_disk.answered(bench.path, op.seq, 28)
    assert (bench.ports.done, op.error) == ([op], 28)


def test_a_failed_flush_of_the_other_disk_is_the_clients() -> None:
    """There is no third disk that could answer it."""
    bench = Bench()
    bench.lose_disk()
    flush = bench.path.flush("client")
    bench.path.flush_done(flush.token, 5, remote=True)
    assert (bench.ports.flushed, flush.error) == ([flush], 5)


def test_in_a_new_session_everything_unanswered_is_asked_again() -> None:
    """The connection is lost and comes back: held meanwhile, then numbered anew, reads and flushes included."""
    bench = Bench()
    bench.lose_disk()
    op, read = bench.write(0), bench.read(32)
    bench.path.suspend()
    later = bench.read(64)
    bench.ports.sent.clear()
    bench.path.begin_session()
    without_disk.begin(bench.path)
    assert bench.ports.sent == [op, read, later]
    assert [op.seq, read.seq, later.seq] == [1, 2, 3]
    assert not bench.ports.reads, "the own disk may be outdated by now"
    assert bench.path.mode == REMOTE


def test_given_up_every_operation_ends_once() -> None:
    """Nobody came to go on: reads that wait, and what was asked of the other side, end with an error."""
    bench = Bench()
    waiting = bench.read(16)
    bench.path.read_failed(waiting, 5)
    bench.path.revoke()
    other = Bench()
    other.lose_disk()
    asked, write_behind = other.read(0), other.write(0)
    other.path.revoke()
    for each, ops in ((bench, [waiting]), (other, [asked, write_behind])):
        assert each.ports.done == ops
        assert all(op.error for op in ops)
        assert each.path.mode == FAILED
        assert each.path.idle
