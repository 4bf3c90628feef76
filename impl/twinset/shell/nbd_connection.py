"""One NBD client of the export: its requests cut into slots, its answers sent out of them.

A request of any size becomes pieces of at most the maximum I/O size, each in a slot of its own. Without a
free slot the connection is not read: that is what bounds the memory (4.5.1-02). Payloads go straight into
their slots, replies straight out of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.mirror import latency
from twinset.mirror.operations import READ, WRITE, ZERO, Op
from twinset.mirror.pace import PIECES_MAX
from twinset.wire import nbd
from twinset.wire.nbd_handshake import ExportChosen, Handshake

from .nbd_answers import GONE, WRITABLE, Answers, Request

if TYPE_CHECKING:
    import socket

    from .nbd_export import NbdServer

BUFFER_BYTES: Final = 128 << 10
RECEIVES_MAX: Final = 20
LARGE_BYTES: Final = 32 << 10
AHEAD_MAX: Final = 4  # pieces that are received at once: about what a client's socket holds


class Connection(Answers):
    """One client, as what receives from it."""

    def __init__(self, server: NbdServer, sock: socket.socket) -> None:
        super().__init__(server, sock)
        self.handshake: Handshake | None = Handshake(server.exports)
        self.export: nbd.Export | None = None
        self.buffer = bytearray(BUFFER_BYTES)
        self.view = memoryview(self.buffer)
        self.start = self.end = 0
        self.slot = -1
        self.filled = self.piece = self.skip = 0
        self.large = False  # the last request was a large WRITE: its like is received without a copy
        self.reason = ""
        self.received_ns = 0  # only while latencies are sampled

    # -- receiving ------------------------------------------------------------------------------------

    def on_event(self, mask: int) -> None:
        """Handle readiness of the socket.

        What a client has asked that has gone is not begun any more: the helper process of a block device is killed to
        end what hangs, and the next one's requests may come before those that lie in the old socket.
        """
        if mask & GONE:
            self.close("the client has gone")
            return
        if mask & WRITABLE:
            self.flush()
        if mask & ~WRITABLE and not self.closed:
            self.receive()

    def receive(self) -> None:
        """Read what there is, a bounded number of times, and cut it."""
        for _ in range(RECEIVES_MAX):
            if self.end - self.start == BUFFER_BYTES:  # a read that waits to be alone holds all this up
                self._stop_reading()
                return
            try:
                if self.handshake is not None:
                    self._negotiate(self.sock.recv(16384))
                    return
                count, more = self._receive_once()
            except BlockingIOError:
                return
            except OSError as error:
                self.close(f"client: {error}")
                return
            if not count:
                self.close("the client closed the connection")
                return
            if self.daemon.latency.every:
                self.received_ns = self.daemon.latency.clock()
            self.cut()
            if not more or self.closed or self.stalled:
                return

    def _receive_once(self) -> tuple[int, bool]:
        """Receive into the slot of the payload under way, else into the buffer; tell whether it got full."""
        if self.start == self.end:
            self.start = self.end = 0
            if self.slot >= 0 and self.current is not None:
                return self._receive_payload(self.current)
        elif self.end == BUFFER_BYTES or self.start > BUFFER_BYTES // 2:
            rest = self.end - self.start
            self.view[:rest] = bytes(self.view[self.start : self.end])
            self.start, self.end = 0, rest
        room, have = BUFFER_BYTES - self.end, self.end - self.start
        if self.large and have < nbd.REQUEST_BYTES:
            room = nbd.REQUEST_BYTES - have  # the header alone: what follows goes straight into slots
        count = self.sock.recv_into(self.view[self.end : self.end + room], room)
        self.end += count
        return count, count == room

    def _receive_payload(self, request: Request) -> tuple[int, bool]:
        """Receive into the slot of the piece under way, into slots of the next ones, and the header of what follows."""
        daemon, pool = self.daemon, self.daemon.pool
        at = pool.starts[self.slot]
        parts = [pool.view[at + self.filled : at + self.piece]]
        room, rest = self.piece - self.filled, request.rest - self.piece
        slots: list[int] = []
        while rest and len(slots) < AHEAD_MAX and (slot := daemon.share.take()) >= 0:
            length = min(rest, pool.size)
            slots.append(slot)
            parts.append(pool.data(slot, length))
            rest -= length
        if not rest:
            parts.append(self.view[: nbd.REQUEST_BYTES])
        try:
            count: int = self.sock.recvmsg_into(parts)[0]
        except OSError:
            for slot in slots:
                daemon.share.give(slot)
            raise
        self.filled += min(count, room)
        left = max(0, count - room)
        for slot in slots:
            if left:
                self._write_piece(request)
            if not left or self.closed:
                daemon.share.give(slot)
                continue
            self.slot, self.piece = slot, min(request.rest, pool.size)
            self.filled = min(left, self.piece)
            left -= self.filled
        self.end = left
        return count, count == sum([len(part) for part in parts])

    def _negotiate(self, data: bytes) -> None:
        handshake = self.handshake
        if handshake is None:
            return
        if data:
            handshake.receive_data(data)
        else:
            handshake.receive_eof()
        output = handshake.data_to_send()
        if output:
            self.out.append((output, -1))
            self.flush()
        for event in handshake.events_received():
            if isinstance(event, ExportChosen):
                self.handshake = None
                self.export = event.export
                self.base = self.server.bases[event.export.name]
                self.structured = event.structured_replies
                self.buffer[: len(event.trailing)] = event.trailing
                self.end = len(event.trailing)
                self.cut()
            else:
                if event.broken:
                    self.daemon.log("nbd_refused", reason=event.reason)
                self.close(event.reason)
                return

    def cut(self) -> None:
        """Turn the bytes received into operations, as far as slots allow."""
        while not self.closed:
            request = self.current
            if request is None:
                if not self.skip and not self.ending and self._cut_small():
                    continue
                if self.skip:
                    count = min(self.skip, self.end - self.start)
                    self.skip -= count
                    self.start += count
                    if self.skip:
                        return
                if self.ending or self.end - self.start < nbd.REQUEST_BYTES:
                    return
                if not self._begin():
                    continue
                request = self.current
                if request is None:
                    continue
            if request.command == nbd.NBD_CMD_WRITE:
                if not self._fill(request):
                    return
            elif not self._issue(request):
                return

    def _cut_small(self) -> bool:
        """Take one whole small request in the shortest way; False leaves it to the general one."""
        start, export, daemon = self.start, self.export, self.daemon
        at = start + nbd.REQUEST_BYTES
        if at > self.end or export is None:
            return False
        magic, flags, command, cookie, offset, length = nbd.REQUEST.unpack_from(self.buffer, start)
        if (
            magic != nbd.NBD_REQUEST_MAGIC
            or command > nbd.NBD_CMD_WRITE
            or flags > command  # FUA, and only with a WRITE
            or not 0 < length <= daemon.pool.size
            or (offset | length) & (export.block_min_bytes - 1)
            or offset + length > export.size_bytes
            or (command and at + length > self.end)
        ):
            return False
        slot = daemon.share.take()
        if slot < 0:
            return False
        self.large = False
        request = Request(self, command, cookie, self.base + offset, 0, fua=bool(flags))
        request.left = 1
        self.unanswered += 1
        op = Op(command, request.first, length, slot, request, fua=request.fua)
        if daemon.latency.every:
            daemon.latency.begin(op, command, self.received_ns)
        self.start = at
        if command:
            pool = daemon.pool
            to = pool.starts[slot]
            pool.view[to : to + length] = self.view[at : at + length]
            self.start = at + length
            daemon.side.path.write(op)
        else:
            daemon.side.path.read(op)
        daemon.hand_on()
        return True

    def _begin(self) -> bool:
        """Read one header; `current` is set when there are pieces to cut."""
        magic, flags, command, cookie, offset, length = nbd.REQUEST.unpack_from(self.buffer, self.start)
        self.start += nbd.REQUEST_BYTES
        if magic != nbd.NBD_REQUEST_MAGIC or (
            command == nbd.NBD_CMD_WRITE and length > nbd.PAYLOAD_BYTES_MAX
        ):
            self.daemon.log("nbd_refused", reason=f"bad request: magic {magic:#x}, {length} bytes")
            self.close("the client broke the protocol")
            return False
        if command == nbd.NBD_CMD_DISC:
            self.ending = True
            self.end_if_done()
            return False
        export = self.export
        if export is None:
            raise RuntimeError("transmission without an export")
        refusal = nbd.validate_request(export, flags, command, offset, length)
        if refusal is not None:
            if command == nbd.NBD_CMD_WRITE:
                self.skip = length
            self.answer(cookie, refusal[0], command, refusal[1])
            return False
        fua = bool(flags & nbd.NBD_CMD_FLAG_FUA)
        self.large = command == nbd.NBD_CMD_WRITE and length > LARGE_BYTES
        self.unanswered += 1
        self.current = Request(self, command, cookie, self.base + offset, length, fua=fua)
        return True

    def _fill(self, request: Request) -> bool:
        """Move payload into slots; False when bytes or slots are missing."""
        daemon = self.daemon
        pool = daemon.pool
        if self.slot < 0:
            slot = daemon.share.take()
            if slot < 0:
                self._stall()
                return False
            self.slot = slot
            self.filled = 0
            self.piece = min(request.rest, pool.size)
        have = self.end - self.start
        if have:
            count = min(have, self.piece - self.filled)
            at = pool.starts[self.slot] + self.filled
            pool.view[at : at + count] = self.view[self.start : self.start + count]
            self.start += count
            self.filled += count
        if self.filled < self.piece:
            return False
        self._write_piece(request)
        return True

    def _write_piece(self, request: Request) -> None:
        """Start the piece whose payload lies whole in its slot."""
        daemon = self.daemon
        op = Op(WRITE, request.offset, self.piece, self.slot, request, fua=request.fua)
        if daemon.latency.every:
            daemon.latency.begin(op, latency.WRITE, self.received_ns)
        self.slot = -1
        request.left += 1
        request.offset += self.piece
        request.rest -= self.piece
        if not request.rest:
            self.current = None
        daemon.side.path.write(op)
        if request.rest:  # the other side gets a run at once: its disk may be paid by the request
            daemon.hand_on(PIECES_MAX)
        else:
            daemon.hand_on()

    def _issue(self, request: Request) -> bool:
        """Start the pieces of a request without payload; False when slots are missing."""
        daemon = self.daemon
        command = request.command
        if command == nbd.NBD_CMD_FLUSH:
            self.current = None
            if daemon.latency.every:
                daemon.latency.begin(request, latency.FLUSH, self.received_ns)
            daemon.side.path.flush(request)
            return True
        reading = command == nbd.NBD_CMD_READ
        # Without structured replies a large read leaves in one run: it is alone until its last piece has left.
        large = request.rest > daemon.pool.size or bool(request.left) or bool(request.sent)
        alone = reading and large and not self.structured
        if alone and (self.unanswered > 1 or not request.rest):
            return False
        while request.rest:
            slot = daemon.share.take()
            if slot < 0:
                self._stall()
                return False
            length = min(request.rest, daemon.pool.size)
            kind = READ if reading else ZERO
            op = Op(kind, request.offset, length, slot, request, fua=request.fua)
            if reading and daemon.latency.every:
                daemon.latency.begin(op, latency.READ, self.received_ns)
            request.left += 1
            request.offset += length
            request.rest -= length
            if not request.rest and not alone:
                self.current = None
            if reading:
                daemon.side.path.read(op)
            else:
                daemon.side.path.write(op)
        return not alone

    def _stall(self) -> None:
        if self not in self.server.stalled:
            self.server.stalled.append(self)
        self._stop_reading()

    def _stop_reading(self) -> None:
        if not self.stalled:
            self.stalled = True
            self.watch()

    def resume(self) -> None:
        """Go on after a slot became free, or what a read waited for has ended."""
        if self.stalled and not self.closed:
            self.stalled = False
            self.watch()
        self.cut()

    # -- the end ------------------------------------------------------------------------------------------

    def close(self, reason: str) -> None:
        """End the connection; operations on their way finish without an answer."""
        if self.closed:
            return
        self.closed = True
        self.daemon.forget(self.sock)
        self.sock.close()
        self.server.connections.discard(self)
        self.server.dirty.discard(self)
        for _part, slot in self.out:
            if slot >= 0:
                self.daemon.share.give(slot)
        self.out.clear()
        if self.slot >= 0:
            self.daemon.share.give(self.slot)
            self.slot = -1
        self._drop_early()
        self.reason = reason
