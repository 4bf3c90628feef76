"""How frames come out of the bytes of a mirror connect, however the network cuts them."""

from __future__ import annotations

import contextlib
import random
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from twinset.mirror.latency import WRITE, Latency
from twinset.shell import mirror_connection
from twinset.shell.buffers import SlotPool
from twinset.shell.mirror_connection import MirrorConnection
from twinset.wire import replication as wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twinset.mirror.operations import Op

PIECE = 64 << 10
SLOTS = 12


class Receiver:
    """A connection in a session, with what the side behind it has taken: (offset, payload)."""

    def __init__(self) -> None:
        self.far, near = socket.socketpair()
        near.setblocking(False)
        self.taken: list[tuple[int, bytes]] = []
        self.pool = SlotPool(SLOTS, PIECE)
        target = SimpleNamespace(write=self._write, live=True, received=0)
        side = SimpleNamespace(target=target, role="target", path=None)
        stream = SimpleNamespace(taken=0)
        self.daemon: Any = SimpleNamespace(
            now_ms=0, pool=self.pool, side=side, forget=lambda _sock: None, hand_on=lambda: None,
            latency=Latency(lambda: 0),
        )  # fmt: skip
        link: Any = SimpleNamespace(daemon=self.daemon, gone=lambda *_, **__: None)
        self.connection = MirrorConnection(link, near, 0, connecting=False)
        self.connection.stage = wire.SESSION
        self.daemon.session = SimpleNamespace(bound=self.connection, stream=stream, owed=0)

    def _write(self, op: Op, _seq: int, _epoch: int) -> None:
        if op.kind != 2:  # a ZERO has no payload
            self.taken.append((op.offset, bytes(self.pool.data(op.slot, op.length))))
        self.pool.give(op.slot)

    def feed(self, data: bytes) -> None:
        """Let these bytes arrive together."""
        view = memoryview(data)
        self.far.setblocking(False)
        while view:
            with contextlib.suppress(BlockingIOError):
                view = view[self.far.send(view) :]
            self.connection.receive()
        self.connection.receive()

    def end(self) -> None:
        """Close both ends."""
        self.connection.close("over")
        self.far.close()


@pytest.fixture()
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.end()


def frames(seed: int, count: int) -> list[tuple[int, bytes]]:
    """Return payloads with their offsets: runs of large pieces, with others in between."""
    rng = random.Random(seed)
    made: list[tuple[int, bytes]] = []
    while len(made) < count:
        length = rng.choice([512, 4096, 20 << 10, PIECE - 512, PIECE, PIECE, PIECE])
        for _ in range(rng.randint(1, 7)):
            made.append((len(made) * 512, rng.randbytes(length)))
    return made


def encoded(offset: int, payload: bytes) -> bytes:
    """Return a WRITE frame."""
    return wire.pack(wire.WRITE, seq=offset // 512 + 1, offset=offset, arg=1, payload=payload)


@pytest.mark.parametrize("seed", range(12))
def test_every_frame_is_taken_once_and_in_order_however_it_arrives(receiver: Receiver, seed: int) -> None:
    """Large frames are expected behind large ones; what is cut anywhere or turns out otherwise is taken too."""
    rng = random.Random(-seed)
    sent = frames(seed, 60)
    stream = b"".join(encoded(*each) for each in sent)
    while stream:
        size = rng.choice([1, 31, 32, 33, 100, 5000, PIECE + 32, 3 * PIECE, 1 << 20])
        receiver.feed(stream[:size])
        stream = stream[size:]
    assert [offset for offset, _ in receiver.taken] == [offset for offset, _ in sent]
    assert receiver.taken == sent
    assert len(receiver.pool.free) == SLOTS


def test_large_frames_go_into_their_slots_without_a_copy(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the second large frame on nothing passes through the buffer."""
    receiver.feed(encoded(0, bytes(PIECE)))
    monkeypatch.setattr(receiver.connection, "view", memoryview(bytearray()))  # nothing fits there
    sent = [(number * 512, bytes([number]) * PIECE) for number in range(1, 9)]
    for each in sent:
        receiver.feed(encoded(*each))
    assert receiver.taken[1:] == sent


def test_a_connection_that_ends_gives_back_every_slot(receiver: Receiver) -> None:
    """Whole frames that nobody has taken yet, and the beginning of one, leave no slot behind."""
    connection = receiver.connection
    receiver.feed(encoded(0, bytes(PIECE)))
    frame = wire.FRAME.unpack_from(encoded(512, bytes(PIECE)))
    connection.arrived.append((frame, receiver.pool.take()))
    connection.frame, connection.slot, connection.filled = frame, receiver.pool.take(), 10
    connection.close("over")
    assert sorted(receiver.pool.free) == list(range(SLOTS))


def test_what_is_expected_fits_the_buffer() -> None:
    """Frames received ahead may turn out to be others: all their bytes have to fit the buffer."""
    assert mirror_connection.AHEAD_MAX * (PIECE + wire.FRAME_BYTES) <= mirror_connection.BUFFER_BYTES


def test_a_sampled_write_of_the_other_side_is_stamped_from_its_arrival(receiver: Receiver) -> None:
    """Every frame is received by the clock; the one whose turn it is is watched, and a copy's piece is none."""
    latency = Latency(iter(range(1, 1000)).__next__)
    receiver.daemon.latency = latency
    receiver.feed(encoded(0, bytes(4096)))
    assert latency.op is None
    latency.turn(2)
    receiver.feed(wire.pack(wire.COPY, seq=2, offset=4096, arg=1, payload=bytes(4096)))
    receiver.feed(encoded(8192, bytes(4096)))
    assert latency.op is None
    receiver.feed(encoded(12288, bytes(4096)))
    assert latency.op is not None
    assert latency.owed
    assert receiver.connection.received_ns


def test_the_word_of_the_other_disk_is_stamped_for_the_watched_write_alone(receiver: Receiver) -> None:
    """Before the operation ends by it."""
    latency = Latency(iter(range(1, 1000)).__next__)
    receiver.daemon.latency = latency
    receiver.daemon.session.stream.acknowledge = lambda _taken: None
    seen: list[tuple[int, int]] = []
    stamps: list[int] = []
    path = SimpleNamespace(receipt=lambda _seq: None, written=lambda seq: seen.append((seq, len(stamps))))
    receiver.daemon.side.path = path
    latency.turn(1)
    latency.begin(object(), WRITE, latency.clock())
    latency.queued(5)
    latency.on_other = lambda: stamps.append(1)  # type: ignore[method-assign]
    receiver.feed(wire.pack(wire.WRITTEN, seq=6, arg=1, payload=wire.pack_seqs([4, 5, 6])))
    assert seen == [(4, 0), (5, 1), (6, 1)]


def test_the_socket_has_a_queued_frame_only_when_nothing_is_left(receiver: Receiver) -> None:
    """A full socket keeps the stamp waiting until the rest has left."""
    latency = Latency(iter(range(1, 1000)).__next__)
    receiver.daemon.latency = latency
    receiver.daemon.poller = SimpleNamespace(modify=lambda *_: None)
    latency.turn(1)
    latency.begin(object(), WRITE, latency.clock())
    latency.queued(5)
    connection = receiver.connection
    connection.out.append(bytes(8 << 20))
    connection.flush()
    assert connection.writing
    assert latency.unsent
    while connection.out:
        receiver.far.recv(1 << 20)
        connection.writing = False
        connection.flush()
    assert not latency.unsent
