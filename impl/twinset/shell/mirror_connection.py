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
from twinset.mirror.maps import pack, unpack
from twinset.mirror.session import Session
from twinset.wire import replication as wire

from . import mirror_frames

if TYPE_CHECKING:
    from .mirror_link import MirrorLink

BUFFER_BYTES: Final = 260 << 10  # a largest payload and its header fit
SEND_PARTS_MAX: Final = 64
RECEIVES_MAX: Final = 8
LARGE_BYTES: Final = 16 << 10
AHEAD_MAX: Final = 4  # large frames that are received at once
MAP_CHUNK_BYTES: Final = 32 << 10
FEATURES: Final = (verify.FEATURE,)
LINK: Final = frozenset({wire.RESUME, wire.SWITCH, wire.END})
HANDSHAKE: Final = frozenset({wire.HELLO, wire.AUTH, wire.STATE, wire.MAP, wire.READY})
READABLE, WRITABLE = select.EPOLLIN, select.EPOLLOUT


class MirrorConnection:
    """One TCP connection: handshake, then frames of a session, or none while it stands ready to take it over."""

    def __init__(self, link: MirrorLink, sock: socket.socket, path: int, *, connecting: bool) -> None:
        self.link = link
        self.daemon = link.daemon
        self.sock = sock
        self.path = path  # the number of the mirror connect
        self.connecting = connecting
        self.stage = wire.NEW
        self.closed = False
        self.nonce = os.urandom(wire.NONCE_BYTES)
        self.peer_nonce = b""
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
        self.arrived: deque[tuple[wire.Frame, int]] = deque()  # whole frames with their slots, not yet taken
        self.out: deque[memoryview | bytes] = deque()
        self.writing = connecting
        self.last_heard_ms = self.last_sent_ms = self.since_ms = self.daemon.now_ms
        self.received_ns = 0  # only while latencies are sampled

    # -- handshake ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Say hello."""
        self.connecting = False
        spec = self.daemon.spec
        self.out.append(wire.hello(spec.set, spec.server, self.nonce))
        self.flush()

    def _on_handshake(self, kind: int, payload: bytes) -> None:
        spec = self.daemon.spec
        if kind == wire.HELLO and not self.peer_nonce:
            self.peer_nonce = wire.check_hello(wire.parse_json(payload), spec.set, spec.peer)
            own = wire.proof(self.link.cluster_keys()[0], spec.server, self.nonce, self.peer_nonce)
            self.out.append(wire.pack(wire.AUTH, payload=own))
        elif kind == wire.AUTH and self.peer_nonce and self.stage == wire.NEW:
            proofs = [
                wire.proof(key, spec.peer, self.peer_nonce, self.nonce) for key in self.link.cluster_keys()
            ]
            if not any([wire.same(payload, proof) for proof in proofs]):  # noqa: C419 - in constant time
                raise ProtocolError("the other side does not know the cluster key")
            self.stage = wire.TRUSTED
            self.since_ms = self.daemon.now_ms
            self.link.trust(self)
        elif kind == wire.STATE and self.stage == wire.TRUSTED and self.heard is None:
            self.heard = wire.parse_json(payload)
            self.link.opens(self)
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
        if self.link.main is not self or self.closed:
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
            marks = maps.unsure()
            if b"\1" in marks:
                packed = pack(marks)
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
            self.close("the own state changed during the handshake", tell=True)
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
        self.link.session_begins(self)
        session = Session(
            peer, daemon.spec.peer, unpack(bytes(self.peer_map), daemon.maps.count), role, serving,
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
            if mask & WRITABLE:
                self.writing = False
                self.daemon.poller.modify(self.sock.fileno(), READABLE)
                self.flush()
            if mask & ~WRITABLE and not self.closed:
                self.receive()
        except ProtocolError as error:
            self.link.refused(self, str(error))

    def _connected(self) -> None:
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.close(f"connect: {os.strerror(code)}")
            return
        self.writing = False
        self.daemon.poller.modify(self.sock.fileno(), READABLE)
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
            if self.daemon.latency.every:
                self.received_ns = self.daemon.latency.clock()
            self.parse()
            if not more or self.closed:
                return
            self.daemon.hand_on()

    def _receive_once(self) -> tuple[int, bool]:
        """Receive into slots where data are expected, else into the buffer; tell whether the room was filled."""
        if self.start == self.end:
            self.start = self.end = 0
            if self.slot >= 0 or (self.large and self.stage == wire.SESSION and self.daemon.pool.free):
                return self._receive_data()
        elif self.end == BUFFER_BYTES or self.start > BUFFER_BYTES // 2:
            rest = self.end - self.start
            self.view[:rest] = bytes(self.view[self.start : self.end])
            self.start, self.end = 0, rest
        room = BUFFER_BYTES - self.end
        count = self.sock.recv_into(self.view[self.end :], room)
        self.end += count
        return count, count == room

    def _receive_data(self) -> tuple[int, bool]:
        """Receive the rest of the payload under way, and behind it frames of the length of the last large one.

        Each frame goes straight into a slot, its header into the room before the data.
        """
        pool, frame = self.daemon.pool, self.frame
        whole = wire.FRAME_BYTES + self.large
        ahead = min(AHEAD_MAX, BUFFER_BYTES // whole, len(pool.free)) if self.large else 0
        slots = [pool.free.pop() for _ in range(ahead)]
        parts = [pool.framed(slot, wire.FRAME_BYTES, self.large) for slot in slots]
        room = 0
        if self.slot >= 0 and frame is not None:
            room = frame[2] - self.filled
            at = pool.starts[self.slot] + self.filled
            parts.insert(0, pool.view[at : at + room])
        try:
            count: int = self.sock.recvmsg_into(parts)[0]
        except OSError:
            pool.free.extend(slots)
            raise
        self.filled += min(count, room)
        if room and count >= room and frame is not None:
            self.arrived.append((frame, self.slot))
            self.frame, self.slot = None, -1
        self._sort(slots, max(0, count - room))
        return count, count == room + ahead * whole

    def _sort(self, slots: list[int], left: int) -> None:
        """Tell what `left` bytes in slots are: whole frames, the beginning of one, or for the buffer."""
        pool, size, expected = self.daemon.pool, wire.FRAME_BYTES, self.large
        for slot in slots:
            frame = wire.FRAME.unpack_from(pool.view, pool.starts[slot] - size) if left >= size else None
            if self.end or frame is None or frame[0] not in wire.DATA_TYPES or frame[2] != expected:
                count = min(left, size + expected)
                self.view[self.end : self.end + count] = pool.framed(slot, size, expected)[:count]
                self.end += count
                pool.give(slot)
            elif left < size + expected:
                self.frame, self.slot, self.filled = frame, slot, left - size
                count = left
            else:
                self.arrived.append((frame, slot))
                count = size + expected
            left -= count
        if self.end:
            self.large = 0

    def parse(self) -> None:
        """Act on every frame that is there whole."""
        daemon = self.daemon
        unpack, size = wire.FRAME.unpack_from, wire.FRAME_BYTES
        while self.arrived and not self.closed:
            whole, slot = self.arrived.popleft()
            mirror_frames.take_data(self, whole, slot)
        while not self.closed:
            frame = self.frame
            if frame is None:
                have = self.end - self.start
                if have < size:
                    break
                frame = unpack(self.buffer, self.start)
                if (
                    frame[0] == wire.WRITE
                    and self.stage == wire.SESSION
                    and have >= size + frame[2]
                    and self._write(frame)
                ):
                    continue
                self.frame = frame
                wire.check_header(frame, stage=self.stage, piece_max=daemon.pool.size)
                self.start += size
            kind, length = frame[0], frame[2]
            if kind in wire.DATA_TYPES:
                if not self._fill(frame):
                    break
                slot = self.slot
                self.frame, self.slot = None, -1
                mirror_frames.take_data(self, frame, slot)
                continue
            if self.end - self.start < length:
                break
            payload = self.view[self.start : self.start + length]
            self.start += length
            self.frame = None
            if kind in HANDSHAKE:
                self._on_handshake(kind, bytes(payload))
            elif kind in LINK:
                self.link.act(self, frame, bytes(payload))
            else:
                mirror_frames.act(self, frame, payload)
        if self.stage != wire.SESSION and not self.closed:
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
        mirror_frames.take_data(self, frame, slot)
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
        self.expect(frame[2])
        return self.filled == frame[2]

    def expect(self, length: int) -> None:
        """After a large payload expect another of its length: it is received without a copy."""
        if LARGE_BYTES <= length <= BUFFER_BYTES - wire.FRAME_BYTES:
            self.large = length

    # -- sending --------------------------------------------------------------------------------------

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
            self.daemon.poller.modify(self.sock.fileno(), READABLE | WRITABLE)
        except OSError as error:
            out.clear()  # `close` sends what it can before it closes: nothing can be sent any more
            self.close(f"mirror connect: {error}")
            return
        self.last_sent_ms = self.daemon.now_ms
        if self.daemon.latency.unsent and not out:
            self.daemon.latency.sent()

    def close(self, reason: str, *, tell: bool = False, quiet: bool = False) -> None:
        """End the connection; `tell` the other side why, or it takes it for lost; `quiet`: nothing was lost here."""
        if self.closed:
            return
        if tell:
            self.out.append(wire.pack(wire.END, payload=reason.encode()[: wire.END_BYTES_MAX]))
        self.flush()
        if self.closed:  # nothing could be sent
            return
        self.closed = True
        self.out.clear()
        self.daemon.forget(self.sock)
        self.sock.close()
        for slot in [self.slot] * (self.slot >= 0) + [slot for _frame, slot in self.arrived]:
            self.daemon.pool.give(slot)
        self.slot = -1
        self.arrived.clear()
        self.link.gone(self, reason, lost=not (quiet or tell))
