"""The mirror connects of one set: a TCP connection over each of them, and the session over one of those.

Server 1 listens, server 2 connects, whatever their roles; both connections are made and authenticated at once and
stand ready. Server 2 opens a session over the first connect of the configuration that works, and moves it to another
one when that is lost, or back when it has returned: `mirror/stream.py` says what is sent again. The older connection
is closed or drained of what belongs to the session before anything is read from the newer one (R11). Without any
connection the session ends; so it does when a side closes it, which ends the connections too.

The own STATE goes out only after everything received in the former session has reached the disk; if it changes
before the session begins, the connection ends and the next one tells the new state.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import ProtocolError, TwinsetError
from twinset.mirror.backoff import Backoff
from twinset.mirror.session import COPY_RUNS, COVERED, FINISHING, IN_STEP
from twinset.wire import replication as wire

from . import mirror_paths
from .mirror_connection import READABLE, WRITABLE, MirrorConnection
from .mirror_session import MirrorSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from .mirror_loop import Mirrord

SOCKET_BUFFER_BYTES: Final = 4 << 20
REFUSED_WAIT_MS_MAX: Final = 30_000
WAITING_MAX: Final = 4


class MirrorLink:
    """Listens or connects, and keeps a trusted connection on every mirror connect."""

    def __init__(self, daemon: Mirrord, read_keys: Callable[[], tuple[bytes, ...]]) -> None:
        self.daemon = daemon
        self._read_keys = read_keys
        self._keys = read_keys()
        self.paths = mirror_paths.make(daemon.spec)
        self.main: MirrorConnection | None = None  # its handshake opens a session
        self.session: MirrorSession | None = None
        self.waiting: list[MirrorConnection] = []  # not yet authenticated
        self.listeners: list[socket.socket] = []
        self.retry_at_ms = 0  # of the next session
        self.backoff = Backoff(daemon.retry_ms, int(REFUSED_WAIT_MS_MAX * daemon.spec.time_scale))
        self.chooses = bool(daemon.spec.server_index)
        self._refused_at_ms = -1 << 40
        self._unbound = [] if self.chooses else list(self.paths)

    # -- connecting ---------------------------------------------------------------------------------------

    def cluster_keys(self) -> tuple[bytes, ...]:
        """Return the cluster keys, the current one first, as they are now: they are changed while this process runs."""
        with contextlib.suppress(TwinsetError):  # those of before may still do
            self._keys = self._read_keys()
        return self._keys

    def _listen(self) -> None:
        for path in list(self._unbound):
            sock = socket.socket(
                socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
            )
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((path.local, self.daemon.spec.port))
                sock.listen(4)
            except OSError:  # the interface may still be coming up; tried again at the next tick
                sock.close()
                continue
            self._unbound.remove(path)
            self.listeners.append(sock)
            self.daemon.watch(sock, partial(self._accept, sock, path.index))

    def _accept(self, listener: socket.socket, path: int, _mask: int) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        if self.daemon.side.mute or len(self.waiting) >= WAITING_MAX:
            sock.close()
            return
        self._adopt(sock, path, connecting=False).begin()

    def _adopt(self, sock: socket.socket, path: int, *, connecting: bool) -> MirrorConnection:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
        connection = MirrorConnection(self, sock, path, connecting=connecting)
        self.waiting.append(connection)
        self.daemon.watch(sock, connection.on_event, READABLE | (WRITABLE if connecting else 0))
        return connection

    def _connect(self, path: mirror_paths.Path) -> None:
        path.retry_at_ms = self.daemon.now_ms + self.daemon.retry_ms
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            sock.bind((path.local, 0))
            code = sock.connect_ex((path.remote, self.daemon.spec.port))
        except OSError:
            sock.close()
            return
        if code not in (0, errno.EINPROGRESS):
            sock.close()
            return
        path.connection = self._adopt(sock, path.index, connecting=True)

    def trust(self, connection: MirrorConnection) -> None:
        """Let the connection stand ready; an older one of the same mirror connect is closed (R11)."""
        if connection in self.waiting:
            self.waiting.remove(connection)
        path = self.paths[connection.path]
        old, path.connection = path.connection, connection
        if old is not None and old is not connection:
            old.close("a newer connection took over", quiet=True)
        if path.lost:
            path.lost = False
            self.daemon.log("mirror_connect_back", connect=path.name, addresses=path.addresses)
        self.daemon.changed()
        self.open_session()

    # -- sessions -----------------------------------------------------------------------------------------

    def open_session(self) -> None:
        """Server 2: begin a session over the first mirror connect that works, when there is none."""
        idle = self.session is None and self.main is None and self.daemon.now_ms >= self.retry_at_ms
        if not self.chooses or not idle:
            return
        ready = mirror_paths.ready(self.paths)
        if ready:
            self.main = ready[0]
            ready[0].advance()

    def opens(self, connection: MirrorConnection) -> None:
        """Server 1: the other side opens a session over this connection; an older one is over (R4)."""
        if self.chooses:
            return
        if self.session is not None:
            self.end_session("the other side began a new session", keep=connection)
        elif self.main is not None and self.main is not connection:
            self.main.close("a newer connection took over", quiet=True)
        self.main = connection

    def session_begins(self, connection: MirrorConnection) -> None:
        """Both sides have told their states."""
        self.main = None
        connection.stage = wire.SESSION
        nonces = (connection.nonce, connection.peer_nonce)
        first, second = nonces[::-1] if self.chooses else nonces
        identity = wire.session_identity(first, second)
        self.session = self.daemon.session = MirrorSession(self, connection, identity)
        self.daemon.latency.forget()

    def end_session(
        self, reason: str, *, tell: bool = True, fruitful: bool = True, keep: MirrorConnection | None = None
    ) -> None:
        """End the session, and every connection but `keep`: the next one begins with a handshake."""
        session = self.session
        if session is None:
            return
        self.session = self.daemon.session = None
        session.closed = True
        self._wait(session if fruitful else None)
        for path in self.paths:
            connection = path.connection
            if connection is not None and connection is not keep:
                connection.close(reason, tell=tell, quiet=True)
        self.daemon.side.session_down(reason)
        self.daemon.changed()

    def too_slow(self, session: MirrorSession, limit_ms: int) -> None:
        """What was sent has not been received in time: leave the mirror connect, or end the session without another."""
        bound = session.bound
        if bound is None:
            return
        reason = f"nothing sent was received within {limit_ms} ms"
        self.daemon.log("mirror_connect_slow", connect=self.paths[bound.path].name, limit_ms=limit_ms)
        if len(mirror_paths.ready(self.paths)) > 1:
            bound.close(reason)
        else:
            self.end_session(reason, fruitful=False)

    def _wait(self, session: MirrorSession | None) -> None:
        """Say when the next session may begin: soon, or ever later where nothing came of the last ones."""
        side = self.daemon.side
        phase = side.session.phase if session is not None and side.session is not None else ""
        self.backoff.ended(fruitful=phase in (COPY_RUNS, FINISHING, IN_STEP, COVERED))
        self.retry_at_ms = self.daemon.now_ms + self.backoff.wait_ms

    def close_session(self, reason: str) -> None:
        """End the session or the handshake that runs."""
        if self.session is not None:
            self.end_session(reason)
        elif self.main is not None:
            self.main.close(reason, tell=True)

    def refused(self, connection: MirrorConnection, reason: str) -> None:
        """End what broke the protocol; log it, at most once a second."""
        if self.daemon.now_ms - self._refused_at_ms >= 1000:
            self._refused_at_ms = self.daemon.now_ms
            self.daemon.log("mirror_connect_refused", reason=reason)
        if self.session is not None and connection.stage == wire.SESSION:
            self.end_session(reason)
        connection.close(reason, tell=connection.stage != wire.NEW, quiet=True)

    def gone(self, connection: MirrorConnection, reason: str, *, lost: bool) -> None:
        """Forget a connection that has ended; a session goes on over another one."""
        daemon, path = self.daemon, self.paths[connection.path]
        if connection in self.waiting:
            self.waiting.remove(connection)
        if self.main is connection:
            self.main = None
            self._wait(None)
        if path.connection is connection:
            path.connection = None
            path.retry_at_ms = max(path.retry_at_ms, daemon.now_ms + daemon.retry_ms)
            if lost and connection.stage != wire.NEW and not path.lost:
                path.lost = True
                left = [ready.path for ready in mirror_paths.ready(self.paths)]
                daemon.log(
                    "mirror_connect_lost", connect=path.name, addresses=path.addresses, reason=reason,
                    left=[self.paths[index].name for index in left],
                )  # fmt: skip
            if connection.peer_nonce and connection.stage == wire.NEW:  # it answers, and its handshake fails
                self._wait(None)
                path.retry_at_ms = self.retry_at_ms
        session = self.session
        if session is not None and connection in (session.bound, session.pending):
            session.bound = session.pending = None
            self._move(session, reason)
        daemon.changed()

    # -- changing the connection --------------------------------------------------------------------------

    def _move(self, session: MirrorSession, reason: str) -> None:
        """The session has lost its connection: go on over the next one, or end."""
        ready = mirror_paths.ready(self.paths)
        if not ready:
            self.end_session(reason)
        elif self.chooses:
            self._resume(session, ready[0])
        else:
            session.unbound_ms = self.daemon.now_ms
            ready[0].out.append(wire.pack(wire.SWITCH))
            ready[0].flush()

    def _resume(self, session: MirrorSession, connection: MirrorConnection) -> None:
        """Server 2: ask for the session over this connection; nothing is read from the former one any more."""
        session.bound = None
        session.pending = connection
        session.stream.epoch += 1
        connection.stage = wire.SESSION
        self._tell_resume(session, connection)

    @staticmethod
    def _tell_resume(session: MirrorSession, connection: MirrorConnection) -> None:
        stream = session.stream
        frame = wire.pack(wire.RESUME, seq=stream.taken, offset=stream.epoch, payload=stream.identity)
        session.owed = 0
        connection.out.append(frame)
        connection.flush()

    def act(self, connection: MirrorConnection, frame: wire.Frame, payload: bytes) -> None:
        """Act on a frame about the session and its connection."""
        kind, session = frame[0], self.session
        if kind == wire.END:
            reason = payload.decode(errors="replace")
            if session is not None:
                self.end_session(f"the other side ended it: {reason}", tell=False)
            connection.close(reason, quiet=True)
        elif kind == wire.SWITCH:
            if self.chooses and session is not None and session.pending is None:
                self._resume(session, connection)
        elif session is None or payload != session.stream.identity:
            connection.close("the session is over", tell=True)
        elif self.chooses:
            if session.pending is connection and frame[4] == session.stream.epoch:
                self._bind(session, connection, frame)
        else:
            self._taken_over(session, connection, frame)

    def _taken_over(self, session: MirrorSession, connection: MirrorConnection, frame: wire.Frame) -> None:
        """Server 1: the other side goes on over this connection."""
        epoch = frame[4]
        if epoch <= session.stream.epoch:
            raise ProtocolError(f"epoch {epoch} of a session that is at {session.stream.epoch}")
        old, session.bound = session.bound, None
        connection.stage = wire.SESSION
        session.pending = connection  # it may break while it is told: `gone` has to find it
        session.stream.epoch = epoch
        self._tell_resume(session, connection)
        if not connection.closed:
            self._bind(session, connection, frame)
        if (
            old is not None and old.out
        ):  # what it has not sent must not go out any more: its memory is used again
            old.close("the session has left it", quiet=True)

    def _bind(self, session: MirrorSession, connection: MirrorConnection, frame: wire.Frame) -> None:
        again = session.stream.resume(frame[4], frame[3])
        connection.out.extend(again)
        session.pending, session.bound = None, connection
        connection.flush()
        self.daemon.log(
            "mirror_connect_changed", connect=self.paths[connection.path].name, frames_again=len(again)
        )
        self.daemon.changed()

    # -- time -----------------------------------------------------------------------------------------------

    def try_soon(self) -> None:
        """Something has changed here: do not wait for what was refused before."""
        if self.backoff.fruitless:
            self.backoff.reset()
            self.retry_at_ms = min(self.retry_at_ms, self.daemon.now_ms + self.backoff.wait_ms)

    def tick(self) -> None:
        """Listen, connect, keep alive and give up, as time demands."""
        daemon = self.daemon
        now = daemon.now_ms
        if self._unbound:
            self._listen()
        for connection in list(self.waiting):
            if now - connection.last_heard_ms > daemon.silence_ms:
                connection.close("no answer")
        if daemon.side.mute and daemon.side.closing is None:  # a clean close needs the session to its end
            self._close_all("this side is closed, or has no lease")
            return
        for path in self.paths:
            if path.connection is not None:
                mirror_paths.keep_alive(self, path.connection)
            elif self.chooses and now >= max(path.retry_at_ms, 0):
                self._connect(path)
        self.open_session()
        if self.main is not None:
            self.main.advance()
        session = self.session
        if session is None:
            return
        if session.bound is None:
            if not self.chooses and now - session.unbound_ms > daemon.silence_ms:
                self.end_session("no mirror connect took the session over")
        elif self.chooses and session.pending is None:
            better = mirror_paths.better(self, session.bound)
            if better is not None:
                self._resume(session, better)

    def _close_all(self, reason: str) -> None:
        self.end_session(reason)
        for path in self.paths:
            if path.connection is not None:
                path.connection.close(reason, tell=True)

    def status(self) -> list[dict[str, Any]]:
        """Return of each mirror connect whether it is in use, ready or lost."""
        session = self.session
        bound = session.bound if session is not None else self.main
        return [path.as_json(bound) for path in self.paths]
