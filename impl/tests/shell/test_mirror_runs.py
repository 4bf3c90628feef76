"""Pieces of a copy or of a large request that lie side by side go to the disk as one request."""

from __future__ import annotations

import os
import select
from errno import EIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from twinset.mirror.operations import COPY, READ, VERIFY, WRITE, ZERO, Op
from twinset.shell.aio import PREAD, PWRITE, AioContext
from twinset.shell.buffers import SlotPool
from twinset.shell.mirror_runs import CLIENT_BYTES_MIN, Runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE = CLIENT_BYTES_MIN
SLOTS = 24
START = 8192  # of the data on the disk


class Daemon:
    """Slots, a disk, and what was asked of it."""

    def __init__(self, fd: int) -> None:
        self.pool = SlotPool(SLOTS, PIECE)
        self.aio = AioContext(fd, SLOTS)
        self.ops: list[Any] = [None] * SLOTS
        self.data_start = START
        self.limits = SimpleNamespace(away=set())
        self.batch: list[int] = []
        self.at_disk = 0

    def begin(self, kind: int, piece: int, slot: int, request: Any) -> Op:
        op = Op(kind, piece * PIECE, PIECE, slot, request)
        self.ops[slot] = (op, "path")
        writes = kind == WRITE or (kind == COPY and request is None)
        (self.submit_write if writes else self.submit_read)(op)
        self.ops[slot] = (op, "the path of the first attempt")
        return op

    def submit_read(self, op: Op) -> None:
        self.at_disk += op.kind != COPY
        self._prepare(op, PREAD)

    def submit_write(self, op: Op) -> None:
        self.at_disk += op.request is not None
        self._prepare(op, PWRITE)

    def _prepare(self, op: Op, opcode: int) -> None:
        self.ops[op.slot] = (op, "another path")
        self.aio.prepare(op.slot, opcode, self.pool.addresses[op.slot], op.length, START + op.offset)
        self.batch.append(op.slot)

    def run(self, runs: Runs) -> list[tuple[int, int]]:
        """Hand the batch over; return what the disk says, requests as they were made."""
        batch, self.batch = self.batch, []
        count = self.aio.submit(runs.gathered(batch))
        found: list[tuple[int, int]] = []
        while len(found) < count:
            assert select.select([self.aio.eventfd], [], [], 30)[0]
            self.aio.drain_eventfd()
            found += self.aio.reap()
        return found


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    path = tmp_path / "disk"
    path.write_bytes(bytes(START) + b"".join(bytes([piece]) * PIECE for piece in range(SLOTS)))
    fd = os.open(path, os.O_RDWR)
    made = Daemon(fd)
    yield made
    made.aio.close()
    os.close(fd)


def made(daemon: Any) -> Runs:
    return Runs(daemon)


def test_neighbours_are_read_by_one_request_into_their_own_slots(daemon: Daemon) -> None:
    """Slots in any order; the core hears of each piece."""
    runs = made(daemon)
    slots = [7, 2, 5]
    for piece, slot in enumerate(slots, 3):
        daemon.begin(COPY, piece, slot, "copy")
    assert daemon.run(runs) == [(7, 3 * PIECE)]
    assert runs.ended(7, 3 * PIECE) == [(slot, PIECE) for slot in slots]
    assert [bytes(daemon.pool.data(slot, 1))[0] for slot in slots] == [3, 4, 5]
    assert not runs.under_way


def test_the_other_side_writes_them_by_one_request(daemon: Daemon) -> None:
    """What arrives as pieces lies on the disk as it was sent."""
    runs = made(daemon)
    for piece, slot in ((1, 0), (2, 9)):
        daemon.pool.data(slot, PIECE)[:] = bytes([100 + piece]) * PIECE
        daemon.begin(COPY, piece, slot, None)
    assert daemon.run(runs) == [(0, 2 * PIECE)]
    written = os.pread(daemon.aio.fd, 3 * PIECE, START + PIECE)
    assert (written[0], written[PIECE], written[2 * PIECE]) == (101, 102, 3)


def test_only_neighbours_of_one_kind_and_one_way_are_joined(daemon: Daemon) -> None:
    """A gap, a client's write between, and the other direction each end a run; 16 pieces are the most."""
    runs = made(daemon)
    daemon.begin(COPY, 0, 0, "copy")
    daemon.begin(COPY, 2, 1, "copy")  # a gap
    daemon.begin(COPY, 3, 2, None)  # the other way
    daemon.begin(WRITE, 4, 3, "client")
    daemon.begin(COPY, 4, 4, None)
    daemon.begin(COPY, 5, 5, None)
    assert runs.gathered(daemon.batch) == [0, 1, 2, 3, 4]
    assert runs.under_way == {4: ([4, 5], 2 * PIECE)}
    daemon.batch = []
    for piece in range(18):
        daemon.begin(COPY, piece, piece, "copy")
    assert runs.gathered(daemon.batch) == [0, 16]


def test_run_that_fails_goes_again_piece_by_piece(daemon: Daemon) -> None:
    """So the piece that cannot be read is known, and no piece changes its path; nothing is joined again."""
    runs = made(daemon)
    for piece in range(3):
        daemon.begin(COPY, piece, piece, "copy")
    assert len(daemon.run(runs)) == 1
    assert runs.ended(0, -EIO) == []
    assert daemon.batch == [0, 1, 2]
    assert [entry[1] for entry in daemon.ops[:3]] == ["the path of the first attempt"] * 3
    assert sorted(daemon.run(runs)) == [(slot, PIECE) for slot in range(3)]


def test_short_run_counts_as_failed(daemon: Daemon) -> None:
    """A disk that ends within a run says so of one piece only."""
    runs = made(daemon)
    for piece in range(SLOTS - 1, SLOTS + 1):
        daemon.begin(COPY, piece, piece % SLOTS, "copy")
    assert daemon.run(runs) == [(SLOTS - 1, PIECE)]
    assert runs.ended(SLOTS - 1, PIECE) == []
    assert sorted(daemon.run(runs)) == [(0, 0), (SLOTS - 1, PIECE)]


def test_slots_that_were_given_up_come_back_one_by_one(daemon: Daemon) -> None:
    """A disk that answers too late gives each slot of the run back, and none is asked again."""
    runs = made(daemon)
    for piece in range(2):
        daemon.begin(COPY, piece, piece, "copy")
    assert len(daemon.run(runs)) == 1
    daemon.limits.away |= {0, 1}
    daemon.ops[:2] = [None, None]
    assert [slot for slot, _ in runs.ended(0, 2 * PIECE)] == [0, 1]
    assert not daemon.batch


@pytest.mark.parametrize(
    ("kind", "request_of"), [(READ, "client"), (WRITE, "client"), (WRITE, None), (READ, None)]
)
def test_pieces_of_a_large_request_are_joined_on_both_sides(
    daemon: Daemon, kind: int, request_of: str | None
) -> None:
    """A request of 1 MiB costs an ordinary disk one operation there too, not sixteen."""
    runs = made(daemon)
    for piece, slot in enumerate((4, 8, 6)):
        daemon.pool.data(slot, PIECE)[:] = bytes([200 + piece]) * PIECE
        daemon.begin(kind, piece, slot, request_of)
    assert daemon.run(runs) == [(4, 3 * PIECE)]
    assert runs.ended(4, 3 * PIECE) == [(4, PIECE), (8, PIECE), (6, PIECE)]
    stored = os.pread(daemon.aio.fd, 3 * PIECE, START)[::PIECE]
    assert list(stored) == ([200, 201, 202] if kind == WRITE else [0, 1, 2])
    assert [bytes(daemon.pool.data(slot, 1))[0] for slot in (4, 8, 6)] == list(stored)


def test_what_must_stay_by_itself_is_not_joined(daemon: Daemon) -> None:
    """Small requests, FUA, zeros, comparisons, and a read beside a write."""
    runs = made(daemon)
    for slot, kind in enumerate((READ, WRITE, READ, ZERO, VERIFY, WRITE, WRITE, WRITE)):
        op = daemon.begin(kind, slot, slot, "client")
        op.fua = slot == 6
    small = Op(WRITE, 8 * PIECE, PIECE - 1, 8, "client")
    daemon.ops[8] = (small, "path")
    daemon.batch.append(8)
    assert runs.gathered(daemon.batch) == list(range(9))
    assert not runs.under_way


def test_only_what_can_be_joined_makes_a_batch_be_looked_through(daemon: Daemon) -> None:
    """Batches of small requests go to the disk as they are; copies are told apart from large requests."""
    runs = made(daemon)
    runs.count(Op(WRITE, 0, CLIENT_BYTES_MIN - 1, 0, "client"))
    assert (runs.pieces, runs.copies) == (0, 0)
    runs.count(Op(WRITE, 0, CLIENT_BYTES_MIN, 0, "client"))
    runs.count(Op(COPY, 0, 4096, 0, "copy"))
    assert (runs.pieces, runs.copies) == (2, 1)
    runs.gathered([])
    assert (runs.pieces, runs.copies) == (0, 0)


@pytest.mark.parametrize("kind", [READ, WRITE])
def test_client_requests_of_a_failed_run_are_counted_once(daemon: Daemon, kind: int) -> None:
    """The pace of a rebuild goes by what of clients is at the disk: a second attempt is the same request."""
    runs = made(daemon)
    for piece in range(2):
        daemon.begin(kind, piece, piece, "client")
    assert daemon.at_disk == 2
    assert len(daemon.run(runs)) == 1
    assert runs.ended(0, -EIO) == []
    assert (daemon.at_disk, daemon.batch) == (2, [0, 1])
