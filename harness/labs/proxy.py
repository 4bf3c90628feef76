"""A TCP proxy that can be cut: a mirror connect of tests without networks of their own."""

import contextlib
import selectors
import socket
import threading
from typing import Final

PASS, SILENT, CUT = "pass", "silent", "cut"
CHUNK_BYTES: Final = 64 << 10


class Proxy:
    """Forwards `listen` to `target` (address, port). "silent" delivers nothing more, "cut" resets what is open."""

    def __init__(self, listen: tuple[str, int], target: tuple[str, int]) -> None:
        self._target = target
        self._mode = PASS
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._listener = socket.create_server(listen)
        self._wake, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for sock in (self._listener, self._wake):
            self._selector.register(sock, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def set(self, mode: str) -> None:
        """Change what happens to traffic; back to "pass", only new connections work."""
        self._mode = mode
        self._waker.send(b"x")

    def end(self) -> None:
        """Close everything."""
        self.set("end")
        self._thread.join(10)

    def _run(self) -> None:
        while self._mode != "end":
            for key, _ in self._selector.select():
                if key.fileobj is self._wake:
                    self._wake.recv(100)
                    if self._mode != SILENT:
                        self._close_all()
                elif key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket) and self._mode != SILENT:
                    self._forward(key.fileobj)
            if self._mode == SILENT:  # what arrives waits, unread
                for sock in self._pairs:
                    with contextlib.suppress(KeyError):
                        self._selector.unregister(sock)
        self._close_all()
        self._listener.close()

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        if self._mode != PASS:
            near.close()
            return
        try:
            far = socket.create_connection(self._target, 5)
        except OSError:
            near.close()
            return
        self._pairs[near], self._pairs[far] = far, near
        for sock in (near, far):
            self._selector.register(sock, selectors.EVENT_READ)

    def _forward(self, sock: socket.socket) -> None:
        other = self._pairs.get(sock)
        if other is None:
            return
        try:
            data = sock.recv(CHUNK_BYTES)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        self._close(sock)
        self._close(other)

    def _close_all(self) -> None:
        for sock in list(self._pairs):
            self._close(sock)

    def _close(self, sock: socket.socket) -> None:
        if self._pairs.pop(sock, None) is not None:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(sock)
            sock.close()
