"""The export of the active side: NBD clients on a unix socket, in `nbd_connection.py` one by one."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final

from twinset.wire import nbd

from .nbd_connection import Connection

if TYPE_CHECKING:
    from pathlib import Path

    from twinset.mirror.operations import Flush

    from .mirror_loop import Mirrord
    from .nbd_answers import Answers, Request

CONNECTIONS_MAX: Final = 16


class NbdServer:
    """The listening socket and its clients. `exports` says at any time what may be opened."""

    def __init__(
        self, daemon: Mirrord, path: Path, exports: list[tuple[str, int, int]], block_bytes: int
    ) -> None:
        self.daemon = daemon
        self.path = path
        self._exports = exports
        self._block_bytes = block_bytes
        self.bases: dict[str, int] = {name: base for name, base, _size in exports}
        self.connections: set[Connection] = set()
        self.stalled: list[Connection] = []
        self.dirty: set[Answers] = set()
        self.retry: list[Answers] = []
        path.unlink(missing_ok=True)
        self.sock = socket.socket(
            socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        )
        old = os.umask(0o177)
        try:
            self.sock.bind(str(path))
        finally:
            os.umask(old)
        self.sock.listen(CONNECTIONS_MAX)
        daemon.watch(self.sock, self.on_connect)

    def exports(self) -> list[nbd.Export]:
        """Return the exports with the reason why they cannot be opened now, if any."""
        side = self.daemon.side
        reason = "" if side.serving else side.may_activate() or "the disk is not active on this server"
        return [
            nbd.Export(
                name, size, f"mirror set {self.daemon.spec.set}", reason, block_min_bytes=self._block_bytes
            )
            for name, _base, size in self._exports
        ]

    def on_connect(self, _mask: int) -> None:
        """Take a client, or turn it away when there are too many."""
        try:
            sock, _ = self.sock.accept()
        except OSError:
            return
        if len(self.connections) >= CONNECTIONS_MAX:
            self.daemon.log("nbd_refused", reason=f"more than {CONNECTIONS_MAX} clients")
            sock.close()
            return
        sock.setblocking(False)
        connection = Connection(self, sock)
        self.connections.add(connection)
        self.daemon.watch(sock, connection.on_event)
        handshake = connection.handshake
        if handshake is not None:
            connection.out.append((handshake.data_to_send(), -1))
            connection.flush()

    def complete_flush(self, flush: Flush) -> None:
        """Take a FLUSH that has ended."""
        request: Request = flush.request
        if request is self.daemon.latency.op:
            self.daemon.latency.ended(flush.error)
        connection = request.conn
        if not connection.closed:
            connection.unanswered -= 1
            connection.answer(request.cookie, nbd.wire_error(flush.error), nbd.NBD_CMD_FLUSH)
            connection.go_on()

    def pump(self) -> bool:
        """Send all answers of this round and wake who waited for a slot; True when there is work for another."""
        again = bool(self.retry)
        if self.retry:
            retry, self.retry = self.retry, []
            for connection in retry:
                connection.resume()
        if self.stalled and self.daemon.share.used < self.daemon.share.most:
            again = True
            stalled, self.stalled = self.stalled, []
            for connection in stalled:
                connection.resume()
        if self.dirty:
            dirty, self.dirty = self.dirty, set()
            for connection in dirty:
                if not connection.closed and not connection.writing:
                    connection.flush()
        if self.daemon.latency.unanswered:
            self.daemon.latency.answered()
        return again

    def drop_all(self, reason: str) -> None:
        """Disconnect every client: this side serves no more."""
        for connection in list(self.connections):
            connection.close(reason)
