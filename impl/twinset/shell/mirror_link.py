"""The mirror connect of one set: one authenticated TCP connection to the other side, over one of its paths.

Server 1 listens, server 2 connects, whatever their roles. A newer connection replaces the older one, which is
closed before anything is read from the new (R11). The own STATE goes out only after everything received in
the former session has reached the disk; if it changes before the session begins, the connection ends and the
next one tells the new state.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
from functools import partial
from typing import TYPE_CHECKING, Final

from twinset.errors import TwinsetError
from twinset.mirror.backoff import Backoff
from twinset.mirror.session import COPY_RUNS, FINISHING, IN_STEP
from twinset.wire import replication as wire

from .mirror_connection import MirrorConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from .mirror_loop import Mirrord

SOCKET_BUFFER_BYTES: Final = 4 << 20
REFUSED_WAIT_MS_MAX: Final = 30_000
_READABLE, _WRITABLE = select.EPOLLIN, select.EPOLLOUT


class MirrorLink:
    """Listens or connects, and keeps at most one connection that is trusted."""

    def __init__(self, daemon: Mirrord, read_keys: Callable[[], tuple[bytes, ...]]) -> None:
        self.daemon = daemon
        self._read_keys = read_keys
        self._keys = read_keys()
        self.current: MirrorConnection | None = None
        self.waiting: list[MirrorConnection] = []
        self.listeners: list[socket.socket] = []
        self.next_path = 0
        self.retry_at_ms = 0
        self.backoff = Backoff(daemon.retry_ms, int(REFUSED_WAIT_MS_MAX * daemon.spec.time_scale))
        self._refused_at_ms = -1 << 40
        self._unbound = [] if daemon.spec.server_index else [local for local, _ in daemon.spec.paths]

    def cluster_keys(self) -> tuple[bytes, ...]:
        """Return the cluster keys, the current one first, as they are now: they are changed while this process runs."""
        with contextlib.suppress(TwinsetError):  # those of before may still do
            self._keys = self._read_keys()
        return self._keys

    def _listen(self) -> None:
        for address in list(self._unbound):
            sock = socket.socket(
                socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
            )
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((address, self.daemon.spec.port))
                sock.listen(4)
            except OSError:  # the interface may still be coming up; tried again at the next tick
                sock.close()
                continue
            self._unbound.remove(address)
            self.listeners.append(sock)
            self.daemon.watch(sock, partial(self._accept, sock))

    def _accept(self, listener: socket.socket, _mask: int) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        if self.daemon.side.mute or len(self.waiting) >= 4:
            sock.close()
            return
        self._adopt(sock, connecting=False).begin()

    def _adopt(self, sock: socket.socket, *, connecting: bool) -> MirrorConnection:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
        connection = MirrorConnection(self, sock, connecting=connecting)
        self.waiting.append(connection)
        self.daemon.watch(sock, connection.on_event, _READABLE | (_WRITABLE if connecting else 0))
        return connection

    def _connect(self) -> None:
        local, remote = self.daemon.spec.paths[self.next_path % len(self.daemon.spec.paths)]
        self.next_path += 1
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            sock.bind((local, 0))
            code = sock.connect_ex((remote, self.daemon.spec.port))
        except OSError:
            sock.close()
            return
        if code not in (0, errno.EINPROGRESS):
            sock.close()
            return
        self._adopt(sock, connecting=True)

    def trust(self, connection: MirrorConnection) -> None:
        """Replace the current connection: the other side has opened a newer one (R11)."""
        if connection in self.waiting:
            self.waiting.remove(connection)
        old, self.current = self.current, None
        if old is not None:
            old.close("a newer connection took over")
        self.current = connection

    def refused(self, reason: str) -> None:
        """Log a connection that broke the protocol, at most once a second."""
        if self.daemon.now_ms - self._refused_at_ms >= 1000:
            self._refused_at_ms = self.daemon.now_ms
            self.daemon.log("mirror_connect_refused", reason=reason)

    def gone(self, connection: MirrorConnection) -> None:
        """Forget a connection that has ended."""
        if connection in self.waiting:
            self.waiting.remove(connection)
        if self.current is connection:
            self.current = None
        session = self.daemon.side.session if connection.up else None
        if connection.peer_nonce:  # the other side is there
            self.backoff.ended(
                fruitful=session is not None and session.phase in (COPY_RUNS, FINISHING, IN_STEP)
            )
        self.retry_at_ms = self.daemon.now_ms + self.backoff.wait_ms

    def try_soon(self) -> None:
        """Something has changed here: do not wait for what was refused before."""
        if self.backoff.fruitless:
            self.backoff.reset()
            self.retry_at_ms = min(self.retry_at_ms, self.daemon.now_ms + self.backoff.wait_ms)

    def tick(self) -> None:
        """Listen, connect, keep alive and give up, as time demands."""
        daemon, current = self.daemon, self.current
        now = daemon.now_ms
        if self._unbound:
            self._listen()
        for connection in list(self.waiting):
            if now - connection.last_heard_ms > daemon.silence_ms:
                connection.close("no answer")
        if daemon.side.mute and daemon.side.closing is None:  # a clean close needs the session to its end
            if current is not None:
                current.close("this side is closed, or has no lease")
            return
        if current is None:
            if daemon.spec.server_index and not self.waiting and now >= self.retry_at_ms:
                self._connect()
            return
        current.advance()
        if current.closed:
            return
        if now - current.last_heard_ms > daemon.silence_ms:
            current.close(f"nothing heard for {daemon.silence_ms} ms")
        elif current.up and now - current.last_sent_ms > daemon.silence_ms // 5:
            current.out.append(wire.FRAME.pack(wire.PING, 0, 0, 0, 0, 0))
            current.flush()

    def close_session(self, reason: str) -> None:
        """End the session or the handshake that runs."""
        if self.current is not None:
            self.current.close(reason)
