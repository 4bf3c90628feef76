"""One NBD client of the export: its requests cut into slots, its answers sent out of them.

A request of any size becomes pieces of at most the maximum I/O size, each in a slot of its own. Without a
free slot the connection is not read: that is what bounds the memory (4.5.1-02). Payloads go straight into
their slots, replies straight out of them.
"""

from __future__ import annotations

import select
from collections import deque
from typing import TYPE_CHECKING, Final

from twinset.mirror.operations import READ, WRITE, ZERO, Op
from twinset.wire import nbd
from twinset.wire.nbd_handshake import ExportChosen, Handshake

if TYPE_CHECKING:
    import socket

    from .nbd_export import NbdServer

BUFFER_BYTES: Final = 128 << 10
SEND_PARTS_MAX: Final = 64
RECEIVES_MAX: Final = 20
_READABLE, _WRITABLE = select.EPOLLIN, select.EPOLLOUT


class Request:
    """One request of a client; `left` pieces are unfinished, `rest` bytes are not yet cut."""

    __slots__ = ("command", "conn", "cookie", "error", "first", "fua", "left", "offset", "rest")

    def __init__(
        self, conn: Connection, command: int, cookie: int, offset: int, length: int, *, fua: bool
    ) -> None:
        self.conn = conn
        self.command = command
        self.cookie = cookie
        self.first = self.offset = offset
        self.rest = length
        self.left = 0
        self.error = 0
        self.fua = fua


class Connection:
    """One client. `current` is the request that is being cut into pieces; others are on their way."""

    def __init__(self, server: NbdServer, sock: socket.socket) -> None:
        self.server = server
        self.daemon = server.daemon
        self.sock = sock
        self.handshake: Handshake | None = Handshake(server.exports)
        self.export: nbd.Export | None = None
        self.base = 0
        self.structured = False
        self.buffer = bytearray(BUFFER_BYTES)
        self.view = memoryview(self.buffer)
        self.start = self.end = 0
        self.current: Request | None = None
        self.slot = -1
        self.filled = self.piece = self.skip = 0
        self.stalled = False
        self.out: deque[tuple[memoryview | bytes, int]] = deque()
        self.writing = False
        self.ending = False
        self.closed = False
        self.unanswered = 0
        self.reason = ""

    # -- receiving ------------------------------------------------------------------------------------

    def on_event(self, mask: int) -> None:
        """Handle readiness of the socket."""
        if mask & _WRITABLE:
            self.flush()
        if mask & ~_WRITABLE and not self.closed:
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
            self.cut()
            if not more or self.closed or self.stalled:
                return

    def _receive_once(self) -> tuple[int, bool]:
        """Receive into the slot of the payload under way, else into the buffer; tell whether it got full."""
        if self.slot >= 0 and self.start == self.end:
            room = self.piece - self.filled
            count = self.sock.recv_into(self.daemon.pool.data(self.slot, self.piece)[self.filled :], room)
            self.filled += count
            return count, count == room
        if self.start == self.end:
            self.start = self.end = 0
        elif self.end == BUFFER_BYTES or self.start > BUFFER_BYTES // 2:
            rest = self.end - self.start
            self.view[:rest] = bytes(self.view[self.start : self.end])
            self.start, self.end = 0, rest
        room = BUFFER_BYTES - self.end
        count = self.sock.recv_into(self.view[self.end :], room)
        self.end += count
        return count, count == room

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
        slot = daemon.client_slot()
        if slot < 0:
            return False
        request = Request(self, command, cookie, self.base + offset, 0, fua=bool(flags))
        request.left = 1
        self.unanswered += 1
        op = Op(command, request.first, length, slot, request, fua=request.fua)
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
            self._end_if_done()
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
        self.unanswered += 1
        self.current = Request(self, command, cookie, self.base + offset, length, fua=fua)
        return True

    def _fill(self, request: Request) -> bool:
        """Move payload into slots; False when bytes or slots are missing."""
        daemon = self.daemon
        pool = daemon.pool
        if self.slot < 0:
            slot = daemon.client_slot()
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
        op = Op(WRITE, request.offset, self.piece, self.slot, request, fua=request.fua)
        self.slot = -1
        request.left += 1
        request.offset += self.piece
        request.rest -= self.piece
        if not request.rest:
            self.current = None
        daemon.side.path.write(op)
        return True

    def _issue(self, request: Request) -> bool:
        """Start the pieces of a request without payload; False when slots are missing."""
        daemon = self.daemon
        command = request.command
        if command == nbd.NBD_CMD_FLUSH:
            self.current = None
            daemon.side.path.flush(request)
            return True
        reading = command == nbd.NBD_CMD_READ
        while request.rest:
            # Without structured replies a large read leaves in one run: alone, piece after piece.
            large = request.offset != request.first or request.rest > daemon.pool.size
            if reading and large and not self.structured and (request.left or self.unanswered > 1):
                return False
            slot = daemon.client_slot()
            if slot < 0:
                self._stall()
                return False
            length = min(request.rest, daemon.pool.size)
            kind = READ if reading else ZERO
            op = Op(kind, request.offset, length, slot, request, fua=request.fua)
            request.left += 1
            request.offset += length
            request.rest -= length
            if not request.rest:
                self.current = None
            if reading:
                daemon.side.path.read(op)
            else:
                daemon.side.path.write(op)
        return True

    def _stall(self) -> None:
        if self not in self.server.stalled:
            self.server.stalled.append(self)
        self._stop_reading()

    def _stop_reading(self) -> None:
        if not self.stalled:
            self.stalled = True
            self._watch()

    def resume(self) -> None:
        """Go on after a slot became free, or what a read waited for has ended."""
        if self.stalled and not self.closed:
            self.stalled = False
            self._watch()
        self.cut()

    # -- answering ------------------------------------------------------------------------------------

    def answer(self, cookie: int, error: int, command: int, message: str = "") -> None:
        """Reply without data."""
        if error and self.structured and command == nbd.NBD_CMD_READ:
            self.out.append((nbd.error_chunk(cookie, error, message), -1))
        else:
            self.out.append((nbd.simple_reply(cookie, error), -1))
        self.server.dirty.add(self)

    def piece_done(self, op: Op, request: Request) -> None:
        """One piece has ended; answer when it was the last one."""
        request.left -= 1
        if op.error:
            request.error = request.error or nbd.wire_error(op.error)
        if self.closed:
            self.daemon.give_client_slot(op.slot)
            return
        if request.command == nbd.NBD_CMD_READ:
            self._read_done(op, request)
            self.go_on()
            return
        self.daemon.give_client_slot(op.slot)
        if not request.left and not request.rest:
            self.unanswered -= 1
            self.out.append((nbd.simple_reply(request.cookie, request.error), -1))
            self.server.dirty.add(self)
            if self.ending:
                self._end_if_done()
        self.go_on()

    def go_on(self) -> None:
        """Something has ended: a large read may have waited to be alone."""
        if self.current is not None and not self.structured:
            self.server.retry.append(self)

    def _read_done(self, op: Op, request: Request) -> None:
        pool = self.daemon.pool
        last = not request.left and not request.rest
        if request.error:
            self.daemon.give_client_slot(op.slot)
            if self.structured:
                if last:
                    self.answer(request.cookie, request.error, nbd.NBD_CMD_READ, "the disk returned an error")
            elif op.offset != request.first:
                self.close("an error in the middle of a read without structured replies")
                return
            else:
                request.rest = 0
                self.answer(request.cookie, request.error, nbd.NBD_CMD_READ)
                last = True
                if self.current is request:
                    self.current = None
        elif self.structured:
            at = pool.starts[op.slot] - nbd.DATA_HEADER_BYTES
            flags = nbd.NBD_REPLY_FLAG_DONE if last else 0
            nbd.pack_data_header(pool.view, at, request.cookie, op.offset - self.base, op.length, flags)
            self.out.append((pool.view[at : at + nbd.DATA_HEADER_BYTES + op.length], op.slot))
            self.server.dirty.add(self)
        else:
            head = nbd.SIMPLE_REPLY_BYTES if op.offset == request.first else 0
            at = pool.starts[op.slot] - head
            if head:
                nbd.pack_simple_reply(pool.view, at, request.cookie)
            self.out.append((pool.view[at : at + head + op.length], op.slot))
            self.server.dirty.add(self)
        if last:
            self.unanswered -= 1
            if self.ending:
                self._end_if_done()

    def flush(self) -> None:
        """Send what is waiting; the rest goes when the socket is writable again."""
        out = self.out
        send = self.sock.sendmsg
        give = self.daemon.give_client_slot
        try:
            while out:
                if len(out) == 1:
                    sent = self.sock.send(out[0][0])
                else:
                    sent = send([out[index][0] for index in range(min(len(out), SEND_PARTS_MAX))])
                while sent:
                    part, slot = out[0]
                    size = len(part)
                    if sent < size:
                        out[0] = (memoryview(part)[sent:], slot)
                        break
                    sent -= size
                    out.popleft()
                    if slot >= 0:
                        give(slot)
        except BlockingIOError:
            if not self.writing:
                self.writing = True
                self._watch()
            return
        except OSError as error:
            self.close(f"client: {error}")
            return
        if self.writing:
            self.writing = False
            self._watch()
        if self.ending:
            self._end_if_done()

    def _watch(self) -> None:
        mask = (0 if self.stalled else _READABLE) | (_WRITABLE if self.writing else 0)
        self.daemon.poller.modify(self.sock.fileno(), mask)

    def _end_if_done(self) -> None:
        if self.ending and not self.unanswered and not self.out:
            self.close("the client disconnected")

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
                self.daemon.give_client_slot(slot)
        self.out.clear()
        if self.slot >= 0:
            self.daemon.give_client_slot(self.slot)
            self.slot = -1
        self.reason = reason
