"""One TCP connection of the mirror connect: handshake, then the frames of a session."""

from __future__ import annotations

import os
import select
import socket
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import ProtocolError
from twinset.mirror import verify
from twinset.mirror.cluster_partition import RecordCorrupt, decode, encode
from twinset.mirror.copy_mode import View
from twinset.mirror.maps import pack_bits, unpack_bits
from twinset.mirror.operations import COPY, WRITE, ZERO, Op
from twinset.mirror.session import TARGET, Session
from twinset.wire import replication as wire

if TYPE_CHECKING:
    from .mirror_link import MirrorLink

BUFFER_BYTES: Final = 260 << 10  # a largest payload and its header fit
SEND_PARTS_MAX: Final = 64
RECEIVES_MAX: Final = 8
LARGE_BYTES: Final = 16 << 10
MAP_CHUNK_BYTES: Final = 32 << 10
FEATURES: Final = (verify.FEATURE,)
_READABLE, _WRITABLE = select.EPOLLIN, select.EPOLLOUT
_OP_KIND = {wire.WRITE: WRITE, wire.COPY: COPY, wire.ZERO: ZERO}
_FRAME_KIND = {WRITE: wire.WRITE, COPY: wire.COPY, ZERO: wire.ZERO}


class MirrorConnection:
    """One TCP connection: handshake, then frames. `up` once it is a session."""

    def __init__(self, link: MirrorLink, sock: socket.socket, *, connecting: bool) -> None:
        self.link = link
        self.daemon = link.daemon
        self.sock = sock
        self.connecting = connecting
        self.up = False
        self.closed = False
        self.nonce = os.urandom(wire.NONCE_BYTES)
        self.peer_nonce = b""
        self.trusted = False
        self.told: tuple[Any, ...] | None = None
        self.heard: dict[str, Any] | None = None
        self.peer_map = bytearray()
        self.peer_ready = False
        self.buffer = bytearray(BUFFER_BYTES)
        self.view = memoryview(self.buffer)
        self.start = self.end = 0
        self.frame: wire.Frame | None = None
        self.slot = -1
        self.filled = 0
        self.large = 0  # length of the last payload that was worth receiving without a copy
        self.out: deque[memoryview | bytes] = deque()
        self.writing = connecting
        self.last_heard_ms = self.last_sent_ms = self.daemon.now_ms
        self.written: list[int] = []
        self.receipt_sent = 0

    # -- handshake ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Say hello."""
        self.connecting = False
        spec = self.daemon.spec
        self.out.append(wire.hello(spec.set, spec.server, self.nonce))
        self.flush()

    def _on_handshake(self, kind: int, payload: bytes) -> None:
        spec, key = self.daemon.spec, self.link.key
        if kind == wire.HELLO and not self.peer_nonce:
            self.peer_nonce = wire.check_hello(wire.parse_json(payload), spec.set, spec.peer)
            own = wire.proof(key, spec.server, self.nonce, self.peer_nonce)
            self.out.append(wire.pack(wire.AUTH, payload=own))
        elif kind == wire.AUTH and self.peer_nonce and not self.trusted:
            if not wire.same(payload, wire.proof(key, spec.peer, self.peer_nonce, self.nonce)):
                raise ProtocolError("the other side does not know the cluster key")
            self.trusted = True
            self.link.trust(self)
        elif kind == wire.STATE and self.trusted and self.heard is None:
            self.heard = wire.parse_json(payload)
        elif kind == wire.MAP and self.heard is not None and not self.peer_ready:
            self.peer_map += payload
            if len(self.peer_map) > (self.daemon.maps.count + 7) // 8:
                raise ProtocolError("the other side's map is longer than the disk")
        elif kind == wire.READY and self.heard is not None:
            self.peer_ready = True
            self.advance()  # the next frame may be of the session already
        else:
            raise ProtocolError(f"frame of type {kind} is out of place in the handshake")

    def advance(self) -> None:
        """Tell the own state when it may be told; begin the session when both sides have told theirs."""
        daemon = self.daemon
        side = daemon.side
        if not self.trusted or self.up or self.closed:
            return
        if self.told is None:
            if not side.target.idle:
                return
            self.told = self._snapshot()
            view, maps = side.view, daemon.maps
            state = {
                "record": encode(side.record, 1).hex(),
                "sound": view.sound,
                "continuous": view.continuous,
                "role": side.role,
                "serving": side.serving,
                "boot_id": daemon.boot_id.hex(),
                "layout": daemon.layout,
                "piece_max": daemon.pool.size,
                "features": list(FEATURES),
            }
            self.out.append(wire.pack_json(wire.STATE, state))
            extents = maps.unsure_extents()
            if extents:
                packed = pack_bits(extents, maps.count)
                for at in range(0, len(packed), MAP_CHUNK_BYTES):
                    self.out.append(wire.pack(wire.MAP, payload=packed[at : at + MAP_CHUNK_BYTES]))
            self.out.append(wire.pack(wire.READY))
            self.flush()
        if self.peer_ready and not self.closed:
            self._session_begins()

    def _snapshot(self) -> tuple[Any, ...]:
        side = self.daemon.side
        return (side.record, side.role, side.serving, side.maps.continuous)

    def _session_begins(self) -> None:
        daemon, heard = self.daemon, self.heard or {}
        if self.told != self._snapshot():
            self.close("the own state changed during the handshake")
            return
        try:
            record, _ = decode(bytes.fromhex(heard["record"]))
            peer = View(record, sound=bool(heard["sound"]), continuous=bool(heard["continuous"]))
            role, serving = str(heard["role"]), bool(heard["serving"])
            layout, piece_max = heard["layout"], int(heard["piece_max"])
            features = frozenset(str(each) for each in heard.get("features", ()))
        except (KeyError, TypeError, ValueError, RecordCorrupt) as error:
            raise ProtocolError(f"the other side's state cannot be read: {error}") from None
        if layout != daemon.layout:
            raise ProtocolError(f"partitions differ: {daemon.layout} here, {layout} there [2.1.3-01]")
        if piece_max != daemon.pool.size:
            raise ProtocolError(
                f"maximum I/O size differs: {daemon.pool.size} here, {piece_max} there [4.5.1-03]"
            )
        self.up = True
        daemon.session = self
        self.receipt_sent = 0
        session = Session(
            peer, daemon.spec.peer, unpack_bits(bytes(self.peer_map), daemon.maps.count), role, serving,
            features=features,
        )  # fmt: skip
        daemon.side.session_up(session)
        daemon.changed()

    # -- receiving ------------------------------------------------------------------------------------

    def on_event(self, mask: int) -> None:
        """Handle readiness of the socket."""
        try:
            if self.connecting:
                self._connected()
                return
            if mask & _WRITABLE:
                self.writing = False
                self.daemon.poller.modify(self.sock.fileno(), _READABLE)
                self.flush()
            if mask & ~_WRITABLE and not self.closed:
                self.receive()
        except ProtocolError as error:
            self.link.refused(str(error))
            self.close(str(error))

    def _connected(self) -> None:
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.close(f"connect: {os.strerror(code)}")
            return
        self.writing = False
        self.daemon.poller.modify(self.sock.fileno(), _READABLE)
        self.begin()

    def receive(self) -> None:
        """Read what there is, a bounded number of times; payloads of writes go into slots."""
        for _ in range(RECEIVES_MAX):
            try:
                count, more = self._receive_once()
            except BlockingIOError:
                return
            except OSError as error:
                self.close(f"mirror connect: {error}")
                return
            if not count:
                self.close("the other side closed the connection")
                return
            self.last_heard_ms = self.daemon.now_ms
            self.parse()
            if not more or self.closed:
                return

    def _receive_once(self) -> tuple[int, bool]:
        """Receive into the slot of the payload under way, else into the buffer; tell whether it got full."""
        if self.start == self.end:
            frame = self.frame
            if frame is not None and self.slot >= 0:
                room = frame[2] - self.filled
                count = self.sock.recv_into(self.daemon.pool.data(self.slot, frame[2])[self.filled :], room)
                self.filled += count
                return count, count == room
            self.start = self.end = 0
            if self.large and self.up:
                return self._receive_predicted()
        elif self.end == BUFFER_BYTES or self.start > BUFFER_BYTES // 2:
            rest = self.end - self.start
            self.view[:rest] = bytes(self.view[self.start : self.end])
            self.start, self.end = 0, rest
        room = BUFFER_BYTES - self.end
        count = self.sock.recv_into(self.view[self.end :], room)
        self.end += count
        return count, count == room

    def _receive_predicted(self) -> tuple[int, bool]:
        """After a large payload expect another: the header into the buffer, the rest straight into a slot."""
        pool, size = self.daemon.pool, wire.FRAME_BYTES
        expected = self.large
        self.large = 0
        slot = pool.take()
        if slot < 0:
            return self._receive_once()
        data = pool.data(slot, expected)
        try:
            count = self.sock.recvmsg_into([self.view[:size], data])[0]
        except OSError:
            pool.give(slot)
            self.large = expected
            raise
        self.end = min(count, size)
        if count >= size:
            frame = wire.FRAME.unpack_from(self.buffer)
            if frame[0] in wire.DATA_TYPES and frame[2] == expected:
                self.start = size
                self.frame, self.slot, self.filled = frame, slot, count - size
                return count, count == size + expected
            rest = count - size
            self.view[size:count] = data[:rest]
            self.end = count
        pool.give(slot)
        return count, count == size + expected

    def parse(self) -> None:
        """Act on every frame that is there whole."""
        daemon = self.daemon
        unpack, size = wire.FRAME.unpack_from, wire.FRAME_BYTES
        while not self.closed:
            frame = self.frame
            if frame is None:
                have = self.end - self.start
                if have < size:
                    break
                frame = unpack(self.buffer, self.start)
                if frame[0] == wire.WRITE and self.up and have >= size + frame[2] and self._write(frame):
                    continue
                self.frame = frame
                wire.check_header(frame, ready=self.up, piece_max=daemon.pool.size)
                self.start += size
            kind, length = frame[0], frame[2]
            if kind in wire.DATA_TYPES:
                if not self._fill(frame):
                    break
                self.frame = None
                self._data(frame, self.slot)
                continue
            if self.end - self.start < length:
                break
            payload = self.view[self.start : self.start + length]
            self.start += length
            self.frame = None
            self._act(frame, payload)
        if not self.up and not self.closed:
            self.advance()
            self.flush()

    def _write(self, frame: wire.Frame) -> bool:
        """Take a small WRITE that lies whole in the buffer; False leaves it to the general way."""
        length = frame[2]
        pool = self.daemon.pool
        if not 0 < length < LARGE_BYTES or not pool.free:
            return False
        slot = pool.free.pop()
        start = self.start + wire.FRAME_BYTES
        at = pool.starts[slot]
        pool.view[at : at + length] = self.view[start : start + length]
        self.start = start + length
        self._data(frame, slot)
        return True

    def _fill(self, frame: wire.Frame) -> bool:
        pool = self.daemon.pool
        if self.slot < 0:
            self.slot = pool.take()
            if self.slot < 0:
                raise ProtocolError("more operations in flight than were agreed")
            self.filled = 0
        have = self.end - self.start
        if have:
            count = min(have, frame[2] - self.filled)
            at = pool.starts[self.slot] + self.filled
            pool.view[at : at + count] = self.view[self.start : self.start + count]
            self.start += count
            self.filled += count
        return self.filled == frame[2]

    def _data(self, frame: wire.Frame, slot: int) -> None:
        kind, flags, length, seq, offset, arg = frame
        self.slot = -1
        if LARGE_BYTES <= length <= BUFFER_BYTES - wire.FRAME_BYTES:
            self.large = length
        op = Op(_OP_KIND[kind], offset, length, slot, None, fua=bool(flags & wire.FLAG_FUA))
        try:
            self.daemon.side.target.write(op, seq, arg)
        except ProtocolError:
            self.daemon.pool.give(slot)
            raise

    def _act(self, frame: wire.Frame, payload: memoryview) -> None:
        kind, _flags, _length, seq, offset, arg = frame
        side = self.daemon.side
        if kind == wire.RECEIPT:
            side.path.receipt(seq)
        elif kind == wire.WRITTEN:
            path = side.path
            path.receipt(seq)
            for number in wire.unpack_seqs(payload):
                path.written(number)
        elif kind == wire.ZERO:
            slot = self.daemon.pool.take()
            if slot < 0 or side.role != TARGET:
                raise ProtocolError("an operation that this side did not agree to")
            self._data((kind, _flags, offset >> 48 << 9, seq, offset & ((1 << 48) - 1), arg), slot)
        elif kind == wire.FLUSH:
            self.daemon.flush_for_peer(seq)
        elif kind == wire.FLUSHED:
            side.flush_done(seq, arg, remote=True)
        elif kind == wire.MARK:
            side.maps.set_durable(arg)
        elif kind == wire.VERIFY:
            self.daemon.verify.asked(self, seq, offset, arg)
        elif kind == wire.DIGEST:
            side.verify.digest(seq, bytes(payload), arg)
        elif kind == wire.CONTROL:
            side.control(wire.parse_json(bytes(payload)))
            self.daemon.changed()
        elif kind != wire.PING:
            self._on_handshake(kind, bytes(payload))

    # -- sending --------------------------------------------------------------------------------------

    def send_op(self, op: Op) -> None:
        """Queue a write, zero or copy; data leaves straight from its slot."""
        flags = wire.FLAG_FUA if op.fua else 0
        if op.kind == ZERO:
            offset = op.offset | op.length >> 9 << 48
            self.out.append(wire.FRAME.pack(wire.ZERO, flags, 0, op.seq, offset, self.daemon.maps.epoch))
            return
        pool = self.daemon.pool
        at = pool.starts[op.slot] - wire.FRAME_BYTES
        wire.FRAME.pack_into(
            pool.view, at, _FRAME_KIND[op.kind], flags, op.length, op.seq, op.offset, self.daemon.maps.epoch
        )
        self.out.append(pool.view[at : at + wire.FRAME_BYTES + op.length])

    def acknowledge(self) -> None:
        """Queue the receipt of this round and the operations that are on the own disk."""
        received = self.daemon.side.target.received
        written = self.written
        if written:
            payload = wire.pack_seqs(written[: wire.WRITTEN_MAX])
            self.written = written[wire.WRITTEN_MAX :]
            self.out.append(wire.pack(wire.WRITTEN, seq=received, payload=payload))
        elif received != self.receipt_sent:
            self.out.append(wire.FRAME.pack(wire.RECEIPT, 0, 0, received, 0, 0))
        self.receipt_sent = received

    def flush(self) -> None:
        """Send what is queued."""
        out = self.out
        if not out or self.writing or self.closed:
            return
        try:
            while out:
                if len(out) == 1:
                    sent = self.sock.send(out[0])
                else:
                    sent = self.sock.sendmsg([out[index] for index in range(min(len(out), SEND_PARTS_MAX))])
                while sent:
                    size = len(out[0])
                    if sent < size:
                        out[0] = memoryview(out[0])[sent:]
                        break
                    sent -= size
                    out.popleft()
        except BlockingIOError:
            self.writing = True
            self.daemon.poller.modify(self.sock.fileno(), _READABLE | _WRITABLE)
        except OSError as error:
            out.clear()  # `close` sends what it can before it closes: nothing can be sent any more
            self.close(f"mirror connect: {error}")
            return
        self.last_sent_ms = self.daemon.now_ms

    def close(self, reason: str) -> None:
        """End the connection and, when it was one, the session."""
        if self.closed:
            return
        self.flush()
        self.closed = True
        self.out.clear()
        self.daemon.forget(self.sock)
        self.sock.close()
        if self.slot >= 0:
            self.daemon.pool.give(self.slot)
            self.slot = -1
        self.link.gone(self)
        if self.up:
            self.up = False
            self.daemon.session = None
            self.daemon.log("mirror_connect_lost", reason=reason)
            self.daemon.side.session_down(reason)
            self.daemon.changed()
