"""What the mirror process tells its daemon without being asked."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from twinset.mirror.latency import Latency
from twinset.mirror.operations import WRITE, Op
from twinset.mirror.pace import PIECES_MAX
from twinset.shell.buffers import SlotPool
from twinset.shell.mirror_loop import Mirrord
from twinset.shell.mirror_runs import Runs


def runs(slots: int) -> Runs:
    daemon: Any = SimpleNamespace(pool=SlotPool(slots, 512))
    return Runs(daemon)


def test_the_end_of_a_window_copy_is_told() -> None:
    """A window copy ends with a message to the other side and without a record: the status follows all the same."""
    daemon: Any = Mirrord.__new__(Mirrord)
    daemon._changed = False
    posted: list[bytes] = []
    daemon.session = SimpleNamespace(post=posted.append, flush=lambda: None)
    daemon.send_control({"type": "in_step"})
    assert daemon._changed
    assert len(posted) == 1


class LateRing:
    """A disk of which a second operation ends while the wake-ups of the first are forgotten."""

    def __init__(self) -> None:
        self.ended = [(0, 512)]

    def reap(self) -> list[tuple[int, int]]:
        """Hand over what has ended."""
        ended, self.ended = self.ended, []
        return ended

    def drain_eventfd(self) -> None:
        """Forget the wake-ups, also that of the operation that ends just now."""
        self.ended = [(1, 512)]


def test_an_operation_that_ends_while_wake_ups_are_forgotten_is_taken() -> None:
    """It would wait for the next tick, 50 ms: the ring is looked at again after the draining."""
    daemon: Any = Mirrord.__new__(Mirrord)
    given: list[int] = []
    daemon._ended, daemon.aio, daemon.session = deque(), LateRing(), None
    daemon.limits, daemon.runs = SimpleNamespace(away=set()), runs(2)
    daemon.latency = Latency(lambda: 0)
    daemon.pool = SimpleNamespace(count=2, give=given.append)
    daemon.side = SimpleNamespace(target=SimpleNamespace(done=lambda _op, _error: False))
    daemon.ops = [(Op(WRITE, 0, 512, slot, None), None) for slot in range(2)]
    assert daemon._reap()
    assert given == [0, 1]


def test_a_full_batch_is_acknowledged_sent_and_submitted_before_the_round_ends() -> None:
    """The other side may begin with what has come so far; the receipt leaves before the own disk begins."""
    daemon: Any = Mirrord.__new__(Mirrord)
    done: list[str] = []
    daemon.session = SimpleNamespace(
        acknowledge=lambda: done.append("receipt"), flush=lambda: done.append("sent"), waiting=lambda: 0,
        arriving=False,
    )  # fmt: skip
    daemon.side = SimpleNamespace(target=SimpleNamespace(live=True))
    daemon.aio = SimpleNamespace(submit=lambda batch: done.append(f"{len(batch)} to the disk"))
    daemon.runs, daemon._held = runs(4), 0
    daemon.batch = [0, 1, 2]
    daemon.hand_on()
    assert not done
    daemon.batch.append(3)
    daemon.hand_on()
    assert done == ["receipt", "sent", "4 to the disk"]


def test_the_other_side_gets_a_large_request_as_one_run() -> None:
    """Four frames are sent at once as a rule; within a request the other sixteen are waited for, but no longer."""
    daemon: Any = Mirrord.__new__(Mirrord)
    sent: list[int] = []
    daemon.runs, daemon.batch = runs(32), []
    for waiting, frames, expected in (
        (4, None, [4]),
        (15, PIECES_MAX, []),
        (PIECES_MAX, PIECES_MAX, [PIECES_MAX]),
    ):
        sent.clear()
        daemon.session = SimpleNamespace(
            waiting=lambda count=waiting: count, flush=lambda count=waiting: sent.append(count)
        )
        daemon.hand_on(*([frames] if frames else []))
        assert sent == expected


def test_pieces_of_a_copy_wait_for_their_neighbours() -> None:
    """Handed on four by four, a run of sixteen would be four requests of the disk."""
    daemon: Any = Mirrord.__new__(Mirrord)
    daemon.runs = runs(8)
    daemon.session, daemon.batch, daemon.runs.pieces, daemon.runs.copies = None, [*range(8)], 5, 5
    daemon.hand_on()
    assert daemon.batch == [*range(8)]


def holding(count: int, pieces: int, *, arriving: bool = True) -> tuple[Any, list[int]]:
    """A process with so many operations in its batch, `pieces` of them large; how many went to the disk each time."""
    daemon: Any = Mirrord.__new__(Mirrord)
    submitted: list[int] = []
    daemon.runs, daemon._held = runs(32), 0
    daemon.runs.gathered = lambda batch: batch
    daemon.aio = SimpleNamespace(submit=lambda batch: submitted.append(len(batch)))
    daemon.session = SimpleNamespace(arriving=arriving)
    daemon.batch, daemon.runs.pieces = [*range(count)], pieces
    return daemon, submitted


def test_large_pieces_wait_for_those_that_arrive_behind_them_but_never_in_vain() -> None:
    """A slow disk then has one request for many; a round in which nothing came ends the wait."""
    daemon, submitted = holding(3, 3)
    daemon._submit()
    assert (submitted, daemon._held) == ([], 3)
    daemon.batch.append(3)
    daemon.runs.pieces = 4
    daemon._submit()
    assert (submitted, daemon._held) == ([], 4)
    daemon._submit()
    assert (submitted, daemon._held, daemon.batch) == ([4], 0, [])


@pytest.mark.parametrize(("count", "pieces", "arriving"), [(3, 2, True), (16, 16, True), (3, 3, False)])
def test_nothing_else_waits(count: int, pieces: int, arriving: bool) -> None:
    """A small operation in the batch, a full run, or nothing under way: the disk begins."""
    daemon, submitted = holding(count, pieces, arriving=arriving)
    daemon._submit()
    assert (submitted, daemon._held) == ([count], 0)


def test_a_process_that_holds_pieces_back_does_not_sleep() -> None:
    """However little is going on: the next round is now."""
    daemon, _ = holding(1, 1)
    asked: list[float] = []
    daemon.poller = SimpleNamespace(poll=lambda timeout: asked.append(timeout) or [])
    daemon._again, daemon.pool, daemon._held = False, SimpleNamespace(free=[], count=0), 1
    assert daemon._events() == []
    assert asked == [0]
