"""What goes back to one NBD client: answers out of the slots, as far as its socket takes them."""

from __future__ import annotations

import select
from collections import deque
from typing import TYPE_CHECKING, Final

from twinset.wire import nbd

if TYPE_CHECKING:
    import socket

    from twinset.mirror.operations import Op

    from .nbd_export import NbdServer

SEND_PARTS_MAX: Final = 64
READABLE, WRITABLE, GONE = select.EPOLLIN, select.EPOLLOUT, select.EPOLLHUP


class Request:
    """One request of a client; `left` pieces are unfinished, `rest` bytes are not yet cut, `sent` are answered."""

    __slots__ = ("command", "conn", "cookie", "error", "first", "fua", "left", "offset", "rest", "sent")

    def __init__(
        self, conn: Answers, command: int, cookie: int, offset: int, length: int, *, fua: bool
    ) -> None:
        self.conn = conn
        self.command = command
        self.cookie = cookie
        self.first = self.offset = offset
        self.rest = length
        self.left = 0
        self.sent = 0
        self.error = 0
        self.fua = fua


class Answers:
    """One client, as who waits for answers; `current` is the request that is being cut into pieces."""

    def __init__(self, server: NbdServer, sock: socket.socket) -> None:
        self.server = server
        self.daemon = server.daemon
        self.sock = sock
        self.base = 0
        self.structured = False
        self.current: Request | None = None
        # Pieces of a large read without structured replies that have ended ahead of their turn, by offset.
        self.early: dict[int, Op] = {}
        self.stalled = False
        self.out: deque[tuple[memoryview | bytes, int]] = deque()
        self.writing = False
        self.ending = False
        self.closed = False
        self.unanswered = 0

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
        if op is self.daemon.latency.op:
            self.daemon.latency.ended(op.error)
        if self.closed:
            self.daemon.share.give(op.slot)
            return
        if request.command == nbd.NBD_CMD_READ:
            self._read_done(op, request)
            self.go_on()
            return
        self.daemon.share.give(op.slot)
        if not request.left and not request.rest:
            self.unanswered -= 1
            self.out.append((nbd.simple_reply(request.cookie, request.error), -1))
            self.server.dirty.add(self)
            if self.ending:
                self.end_if_done()
        self.go_on()

    def go_on(self) -> None:
        """Something has ended: a large read may have waited to be alone."""
        if self.current is not None and not self.structured:
            self.server.retry.append(self)

    def _read_done(self, op: Op, request: Request) -> None:
        if not self.structured:
            self._simple_read_done(op, request)
            return
        pool = self.daemon.pool
        last = not request.left and not request.rest
        if request.error:
            self.daemon.share.give(op.slot)
            if last:
                self.answer(request.cookie, request.error, nbd.NBD_CMD_READ, "the disk returned an error")
        else:
            at = pool.starts[op.slot] - nbd.DATA_HEADER_BYTES
            flags = nbd.NBD_REPLY_FLAG_DONE if last else 0
            nbd.pack_data_header(pool.view, at, request.cookie, op.offset - self.base, op.length, flags)
            self.out.append((pool.view[at : at + nbd.DATA_HEADER_BYTES + op.length], op.slot))
            self.server.dirty.add(self)
        if last:
            self._answered()

    def _simple_read_done(self, op: Op, request: Request) -> None:
        """Pieces end in any order and leave in theirs: a reply without structure has one header, before them all."""
        if request.error:
            self.daemon.share.give(op.slot)
            self._drop_early()
            request.rest = 0
            if request.sent:
                self.close("an error in the middle of a read without structured replies")
            elif not request.left:
                self.answer(request.cookie, request.error, nbd.NBD_CMD_READ)
                self._read_ended(request)
            return
        pool, early = self.daemon.pool, self.early
        early[op.offset] = op
        while (ready := early.pop(request.first + request.sent, None)) is not None:
            head = 0 if request.sent else nbd.SIMPLE_REPLY_BYTES
            at = pool.starts[ready.slot] - head
            if head:
                nbd.pack_simple_reply(pool.view, at, request.cookie)
            self.out.append((pool.view[at : at + head + ready.length], ready.slot))
            request.sent += ready.length
        self.server.dirty.add(self)
        if not request.left and not request.rest:
            self._read_ended(request)

    def _read_ended(self, request: Request) -> None:
        """A large read was alone until now."""
        if self.current is request:
            self.current = None
            self.server.retry.append(self)
        self._answered()

    def _answered(self) -> None:
        self.unanswered -= 1
        if self.ending:
            self.end_if_done()

    def _drop_early(self) -> None:
        for piece in self.early.values():
            self.daemon.share.give(piece.slot)
        self.early.clear()

    def flush(self) -> None:
        """Send what is waiting; the rest goes when the socket is writable again."""
        out = self.out
        send = self.sock.sendmsg
        give = self.daemon.share.give
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
                self.watch()
            return
        except OSError as error:
            self.close(f"client: {error}")
            return
        if self.writing:
            self.writing = False
            self.watch()
        if self.ending:
            self.end_if_done()

    def watch(self) -> None:
        """Ask the poller for what can be gone on with."""
        mask = (0 if self.stalled else READABLE) | (WRITABLE if self.writing else 0)
        self.daemon.poller.modify(self.sock.fileno(), mask)

    def end_if_done(self) -> None:
        """Close the connection of a client that has said goodbye, once everything is answered."""
        if self.ending and not self.unanswered and not self.out:
            self.close("the client disconnected")

    def close(self, reason: str) -> None:
        """End the connection; `Connection` says how."""
        raise NotImplementedError(reason)

    def resume(self) -> None:
        """Go on with what waited; `Connection` says how."""
        raise NotImplementedError
