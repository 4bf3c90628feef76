"""The control socket of twinset-mirrord: JSON lines from the daemon, answers and notifications to it."""

from __future__ import annotations

import json
import os
import select
import socket
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .mirror_loop import Mirrord

LINE_BYTES_MAX: Final = 64 << 10
BACKLOG_BYTES_MAX: Final = 1 << 20
CONNECTIONS_MAX: Final = 8
LATE_MAX: Final = 64


class ControlConnection:
    """One client of the control socket."""

    def __init__(self, server: ControlSocket, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.received = bytearray()
        self.out = bytearray()
        self.closed = False

    def on_event(self, mask: int) -> None:
        """Handle readiness of the socket."""
        if mask & select.EPOLLOUT:
            self.flush()
        if not mask & ~select.EPOLLOUT or self.closed:
            return
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self.received += data
        while not self.closed and (end := self.received.find(b"\n")) >= 0:
            line = bytes(self.received[:end])
            del self.received[: end + 1]
            self._line(line)
        if len(self.received) > LINE_BYTES_MAX:
            self.send(
                {
                    "ok": False,
                    "error": {"code": "E_RANGE", "message": f"a line of over {LINE_BYTES_MAX} bytes"},
                }
            )
            self.close()

    def _line(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            message = None
            reason = str(error)
        else:
            reason = "an object with a verb is expected"
        if not isinstance(message, dict) or not isinstance(message.get("verb"), str):
            self.send({"ok": False, "error": {"code": "E_SYNTAX", "message": f"bad request: {reason}"}})
            return
        self.server.handle(self, message)

    def send(self, message: dict[str, Any]) -> None:
        """Send one line; a client that does not read is dropped."""
        if self.closed:
            return
        self.out += json.dumps(message, separators=(",", ":")).encode() + b"\n"
        if len(self.out) > BACKLOG_BYTES_MAX:
            self.close()
            return
        self.flush()

    def flush(self) -> None:
        """Send what is queued."""
        try:
            while self.out:
                del self.out[: self.sock.send(self.out)]
        except BlockingIOError:
            self.server.daemon.poller.modify(self.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)
            return
        except OSError:
            self.close()
            return
        self.server.daemon.poller.modify(self.sock.fileno(), select.EPOLLIN)

    def close(self) -> None:
        """Forget the client."""
        if not self.closed:
            self.closed = True
            self.server.daemon.forget(self.sock)
            self.sock.close()
            self.server.connections.discard(self)


class ControlSocket:
    """Listens; `handle` is called with each request and answers through `ControlConnection.send`."""

    def __init__(
        self, daemon: Mirrord, path: Path, handle: Callable[[ControlConnection, dict[str, Any]], None]
    ) -> None:
        self.daemon = daemon
        self.handle = handle
        self.connections: set[ControlConnection] = set()
        self._late: list[dict[str, Any]] = []
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
        daemon.watch(self.sock, self._accept)

    def _accept(self, _mask: int) -> None:
        try:
            sock, _ = self.sock.accept()
        except OSError:
            return
        if len(self.connections) >= CONNECTIONS_MAX:
            sock.close()
            return
        sock.setblocking(False)
        connection = ControlConnection(self, sock)
        self.connections.add(connection)
        self.daemon.watch(sock, connection.on_event)

    def event(self, message: dict[str, Any]) -> None:
        """Tell what has happened, to whoever comes when nobody is there: the last LATE_MAX of it."""
        if self.connections:
            self.notify(message)
        else:
            self._late = [*self._late[1 - LATE_MAX :], message]

    def tell_late(self, connection: ControlConnection) -> None:
        """Tell what happened while nobody was there."""
        late, self._late = self._late, []
        for message in late:
            connection.send(message)

    def notify(self, message: dict[str, Any]) -> None:
        """Tell every client."""
        for connection in list(self.connections):
            connection.send(message)
