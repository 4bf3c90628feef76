"""How requests come out of the bytes of an NBD client, however its socket cuts them."""

from __future__ import annotations

import contextlib
import random
import select
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from twinset.mirror.latency import FLUSH, READ, WRITE, Latency
from twinset.mirror.operations import Op
from twinset.mirror.pace import PIECES_MAX
from twinset.shell.buffers import Share, SlotPool
from twinset.shell.nbd_answers import Request
from twinset.shell.nbd_connection import Connection
from twinset.wire import nbd

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 64 << 10
SLOTS = 24
SIZE = 1 << 30


class Client:
    """A client, and what the write path was asked behind its connection."""

    def __init__(self) -> None:
        self.far, near = socket.socketpair()
        self.far.setblocking(False)
        near.setblocking(False)
        self.pool = SlotPool(SLOTS, PIECE)
        self.share = Share(self.pool, SLOTS)
        self.written: dict[int, bytes] = {}
        self.reads: list[tuple[int, int]] = []
        self.asked: list[Op] = []
        self.handed_on: list[tuple[int, ...]] = []
        path = SimpleNamespace(write=self.asked.append, read=self.asked.append)
        self.daemon: Any = SimpleNamespace(
            pool=self.pool, side=SimpleNamespace(path=path), hand_on=self.hand_on, forget=lambda _sock: None,
            share=self.share, log=lambda *_, **__: None, latency=Latency(lambda: 0),
            poller=SimpleNamespace(modify=lambda *_: None),
        )  # fmt: skip
        self.server: Any = SimpleNamespace(
            daemon=self.daemon, exports=list, stalled=[], dirty=set(), retry=[], connections=set()
        )
        self.connection = Connection(self.server, near)
        self.connection.handshake = None
        self.connection.export = nbd.Export("E", SIZE)

    def hand_on(self, *frames: int) -> None:
        """What the process is told after each piece."""
        self.handed_on.append(frames)

    def feed(self, data: bytes) -> None:
        """Let these bytes arrive together; what was asked for ends soon after."""
        view = memoryview(data)
        while view:
            with contextlib.suppress(BlockingIOError):
                view = view[self.far.send(view) :]
            self.turn()
        self.turn()
        self.turn()

    def turn(self) -> None:
        """One round: receive, end what was asked, go on."""
        self.connection.receive()
        asked = list(self.asked)
        self.asked.clear()
        for op in asked:
            if op.kind == READ:
                self.reads.append((op.offset, op.length))
                self.share.give(op.slot)
                op.request.left -= 1
                continue
            for at in range(0, op.length, 512):
                self.written[op.offset + at] = bytes(self.pool.data(op.slot, op.length)[at : at + 512])
            self.connection.piece_done(op, op.request)
        if self.server.stalled:
            self.server.stalled.clear()
            self.connection.resume()


@pytest.fixture()
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.connection.close("over")
    made.far.close()


def requests(seed: int) -> tuple[bytes, dict[int, bytes], list[tuple[int, int]], int]:
    """Return a stream of requests, what it writes by sector, what it reads, and how many answers it is owed."""
    rng = random.Random(seed)
    stream, written, reads, owed, at = b"", {}, [], 0, 0
    for cookie in range(40):
        length = rng.choice([512, 4096, 40 << 10, PIECE, 200 << 10, 1 << 20])
        if rng.random() < 0.25:
            stream += nbd.REQUEST.pack(nbd.NBD_REQUEST_MAGIC, 0, nbd.NBD_CMD_READ, cookie, at, 4096)
            reads.append((at, 4096))
            continue
        payload = rng.randbytes(length)
        stream += nbd.REQUEST.pack(nbd.NBD_REQUEST_MAGIC, 0, nbd.NBD_CMD_WRITE, cookie, at, length) + payload
        written.update({at + part: payload[part : part + 512] for part in range(0, length, 512)})
        owed += 1
        at += length
    return stream, written, reads, owed


@pytest.mark.parametrize("seed", range(10))
def test_every_byte_arrives_at_its_place_however_the_socket_cuts_them(client: Client, seed: int) -> None:
    """Large and small writes and reads in any order, cut anywhere: nothing is lost, moved or taken twice."""
    stream, written, reads, owed = requests(seed)
    rng = random.Random(-seed)
    while stream:
        size = rng.choice([1, 27, 28, 29, 3000, PIECE, 200 << 10, 2 << 20])
        client.feed(stream[:size])
        stream = stream[size:]
    assert client.written == written
    assert client.reads == reads
    assert len(client.connection.out) == owed
    assert len(client.pool.free) == SLOTS
    assert not client.share.used


class Reader:
    """A client without structured replies; the disk below ends pieces in an order of the test's."""

    def __init__(self, client: Client, seed: int) -> None:
        self.rng = random.Random(seed)
        self.disk = self.rng.randbytes(4 << 20)
        self.client = client
        self.lengths: dict[int, int] = {}
        self.unsent = self.replies = b""
        self.most_at_once = 0

    def ask(self, offset: int, length: int, command: int = nbd.NBD_CMD_READ) -> None:
        """Send a request; a write has the bytes that are there already."""
        cookie = len(self.lengths)
        reading = command == nbd.NBD_CMD_READ
        self.lengths[cookie] = offset << 32 | (length if reading else 0)
        payload = b"" if reading else self.disk[offset : offset + length]
        head = nbd.REQUEST.pack(nbd.NBD_REQUEST_MAGIC, 0, command, cookie, offset, length)
        self.unsent += head + payload

    def end(self, index: int, error: int = 0) -> None:
        """The disk has finished a piece."""
        op = self.client.asked.pop(index)
        if op.kind == READ and not error:
            self.client.pool.data(op.slot, op.length)[:] = self.disk[op.offset : op.offset + op.length]
        op.error = error
        self.client.connection.piece_done(op, op.request)

    def turn(self) -> None:
        """Receive, go on with what waited, send, and take what was sent."""
        client, connection = self.client, self.client.connection
        with contextlib.suppress(BlockingIOError):
            while self.unsent:
                self.unsent = self.unsent[client.far.send(self.unsent) :]
        if not connection.closed:
            connection.receive()
        for waiting in (client.server.retry, client.server.stalled):
            for each in [waiting.pop() for _ in range(len(waiting))]:
                each.resume()
        self.most_at_once = max(self.most_at_once, len(client.asked))
        if not connection.closed:
            connection.flush()
        with contextlib.suppress(BlockingIOError):
            while part := client.far.recv(1 << 20):
                self.replies += part

    def read(self) -> list[tuple[int, int]]:
        """(cookie, error) of every whole reply so far; what a read brought is what the disk holds."""
        found, at = [], 0
        while at + nbd.SIMPLE_REPLY.size <= len(self.replies):
            magic, error, cookie = nbd.SIMPLE_REPLY.unpack_from(self.replies, at)
            assert magic == nbd.NBD_SIMPLE_REPLY_MAGIC
            at += nbd.SIMPLE_REPLY.size
            offset, length = self.lengths[cookie] >> 32, self.lengths[cookie] & 0xFFFFFFFF
            if not error:
                if at + length > len(self.replies):
                    break
                assert self.replies[at : at + length] == self.disk[offset : offset + length]
                at += length
            found.append((cookie, error))
        return found


@pytest.mark.parametrize("seed", range(20))
def test_replies_without_structure_are_whole_however_the_disk_ends_their_pieces(
    client: Client, seed: int
) -> None:
    """Every read brings its bytes in their order, nothing comes in between, and no slot is lost.

    Failed before: once the last piece of a large read was asked, the next request was begun, and its reply could come
    between: whoever reads without structured replies, as the kernel does, took it for data.
    """
    reader = Reader(client, seed)
    rng = reader.rng
    for _ in range(40):
        length = rng.choice([512, 4096, 40 << 10, PIECE, 200 << 10, 1 << 20])
        write = length <= PIECE and rng.random() < 0.3
        reader.ask(rng.randrange(3 << 11) << 9, length, nbd.NBD_CMD_WRITE if write else nbd.NBD_CMD_READ)
        for _ in range(rng.randrange(4)):
            reader.turn()
            if client.asked:
                reader.end(rng.randrange(len(client.asked)))
    for _ in range(4000):
        reader.turn()
        if client.asked:
            reader.end(rng.randrange(len(client.asked)))
        elif len(reader.read()) == 40:
            break
    assert sorted(reader.read()) == [(cookie, 0) for cookie in range(40)]
    assert reader.most_at_once >= (1 << 20) // PIECE, "the pieces of a large read are at the disk together"
    assert len(client.pool.free) == SLOTS
    assert not client.share.used


def test_a_large_read_that_fails_before_its_header_left_is_an_error(client: Client) -> None:
    """Whichever piece fails, as long as nothing of the reply is out the client hears of it and goes on."""
    reader = Reader(client, 1)
    reader.ask(0, 4 * PIECE)
    reader.turn()
    reader.end(2, error=5)
    reader.ask(0, 512)
    reader.turn()
    for _ in range(3):
        assert not reader.read()
        reader.end(0)
    reader.turn()
    reader.end(0)
    reader.turn()
    assert reader.read() == [(0, 5), (1, 0)]
    assert len(client.pool.free) == SLOTS


def test_a_large_read_that_fails_behind_its_header_ends_the_connection(client: Client) -> None:
    """What has left cannot be taken back: nobody takes the rest for data."""
    reader = Reader(client, 1)
    reader.ask(0, 4 * PIECE)
    reader.turn()
    reader.end(1)
    reader.end(0)
    reader.end(0, error=5)
    assert client.connection.closed
    reader.end(0)
    assert len(client.pool.free) == SLOTS
    assert not client.share.used


def test_what_a_client_has_asked_that_has_gone_is_not_begun(client: Client) -> None:
    """A write that waited for a slot when its client was killed would land on what the next client has written."""
    for cookie in range(SLOTS + 2):
        head = nbd.REQUEST.pack(nbd.NBD_REQUEST_MAGIC, 0, nbd.NBD_CMD_WRITE, cookie, cookie << 12, 4096)
        client.far.send(head + bytes(4096))
        client.connection.receive()
    assert len(client.asked) == SLOTS
    client.far.close()
    poll = select.epoll()
    poll.register(client.connection.sock.fileno(), 0)
    [(_, mask)] = poll.poll(0)
    client.connection.on_event(mask)
    assert client.connection.closed
    for op in client.asked:
        client.connection.piece_done(op, op.request)
    for waiting in client.server.stalled:
        waiting.resume()
    assert len(client.asked) == SLOTS
    assert len(client.pool.free) == SLOTS


def test_a_large_write_goes_into_its_slots_without_a_copy(client: Client) -> None:
    """From the second large write on only headers pass through the buffer."""
    payload = random.Random(1).randbytes(1 << 20)

    def write(cookie: int) -> bytes:
        return (
            nbd.REQUEST.pack(nbd.NBD_REQUEST_MAGIC, 0, nbd.NBD_CMD_WRITE, cookie, cookie << 20, 1 << 20)
            + payload
        )

    client.feed(write(0))
    connection = client.connection
    connection.buffer[:] = bytes(len(connection.buffer))
    client.feed(write(1))
    client.feed(write(2))
    assert connection.buffer[nbd.REQUEST_BYTES :] == bytes(len(connection.buffer) - nbd.REQUEST_BYTES)
    assert b"".join(client.written[at] for at in range(2 << 20, 3 << 20, 512)) == payload


def test_pieces_within_a_request_are_handed_on_as_a_run(client: Client) -> None:
    """The last one ends the request, and goes as any small write does."""
    head = nbd.REQUEST.pack(nbd.NBD_REQUEST_MAGIC, 0, nbd.NBD_CMD_WRITE, 1, 0, 1 << 20)
    client.feed(head + bytes(1 << 20))
    assert client.handed_on == [(PIECES_MAX,)] * ((1 << 20) // PIECE - 1) + [()]


def test_a_client_that_goes_in_the_middle_of_a_large_write_leaves_no_slot_behind(client: Client) -> None:
    """Slots that were held ready for the rest are given back."""
    head = nbd.REQUEST.pack(nbd.NBD_REQUEST_MAGIC, 0, nbd.NBD_CMD_WRITE, 1, 0, 1 << 20)
    client.feed(head + bytes(1 << 20))
    client.feed(head + bytes(300 << 10))
    client.far.close()
    client.turn()
    assert client.connection.closed
    assert len(client.pool.free) == SLOTS
    assert not client.share.used


def test_every_operation_may_be_sampled_from_the_receiving_of_its_last_byte(client: Client) -> None:
    """However it is cut: small, in pieces, without a payload; zeroing is none. Off, no clock is read."""
    times = iter(range(1, 1000))
    latency = Latency(times.__next__)
    seen: list[tuple[int, int]] = []
    latency.begin = lambda _op, kind, at: seen.append((kind, at))  # type: ignore[method-assign]
    client.daemon.latency = latency
    client.daemon.side.path.flush = lambda _request: None

    def request(command: int, length: int, payload: bytes = b"") -> bytes:
        return nbd.REQUEST.pack(nbd.NBD_REQUEST_MAGIC, 0, command, 1, 0, length) + payload

    client.feed(request(nbd.NBD_CMD_WRITE, 512, bytes(512)))
    assert (seen, client.connection.received_ns, next(times)) == ([], 0, 1)
    latency.turn(1)
    client.feed(request(nbd.NBD_CMD_WRITE, 512, bytes(512)))
    client.feed(request(nbd.NBD_CMD_WRITE, 2 * PIECE, bytes(2 * PIECE)))
    client.feed(request(nbd.NBD_CMD_READ, 512))
    client.feed(request(nbd.NBD_CMD_WRITE_ZEROES, 512))
    client.feed(request(nbd.NBD_CMD_FLUSH, 0))
    assert [kind for kind, _ in seen] == [WRITE, WRITE, WRITE, READ, FLUSH]
    assert [at for _, at in seen] == sorted(at for _, at in seen)
    assert seen[0][1] > 2


def test_the_answer_of_the_watched_operation_is_stamped(client: Client) -> None:
    """When its last piece ends; an error ends the watching."""
    latency = Latency(iter(range(1, 1000)).__next__)
    client.daemon.latency = latency
    connection: Any = client.connection
    for error in (0, 5):
        latency.turn(1)
        request = Request(connection, nbd.NBD_CMD_WRITE, 1, 0, 0, fua=False)
        request.left = 1
        op = Op(WRITE, 0, 512, client.share.take(), request)
        latency.begin(op, WRITE, latency.clock())
        op.error = error
        connection.piece_done(op, request)
        assert latency.unanswered == (not error)
