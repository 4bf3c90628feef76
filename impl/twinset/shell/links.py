"""Heartbeat datagrams: one UDP socket per LAN, bound to this server's address there.

Reading is explicit: `drain` empties every socket, because a server that was paused has to read what it missed
before its timers advance (mirror rule R13). Nothing here judges a datagram beyond its length and its sender.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from twinset.shell import datagrams

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

HEARTBEAT_PORT: Final = 24001
DATAGRAM_BYTES_MAX: Final = 2048
DRAIN_DATAGRAMS_MAX: Final = 512  # per LAN and call: a flood must not stop the clock


@dataclass(frozen=True)
class LanPath:
    """The two ends of a LAN connection."""

    lan: str
    local: str
    remote: str


class Links:
    """The heartbeat sockets of this server."""

    def __init__(
        self,
        paths: Iterable[LanPath],
        received: Callable[[str, bytes], None],
        problem: Callable[[str, str], None],
        port: int = HEARTBEAT_PORT,
    ) -> None:
        self._paths = {path.lan: path for path in paths}
        self._received = received
        self._problem = problem
        self._port = port
        self._sockets: dict[str, socket.socket] = {}

    def open(self) -> None:
        """Bind what is not bound yet; an address that cannot be bound is reported and tried again later."""
        for lan, path in self._paths.items():
            if lan not in self._sockets:
                try:
                    self._sockets[lan] = datagrams.bind(path.local, self._port)
                except OSError as error:
                    self._problem(lan, f"cannot bind {path.local}:{self._port}: {error.strerror}")
                    continue
                with contextlib.suppress(RuntimeError):  # no loop: the caller drains by itself
                    asyncio.get_running_loop().add_reader(self._sockets[lan], self._drain_lan, lan)

    def close(self) -> None:
        """Close every socket."""
        for lan in list(self._sockets):
            self._drop(lan)

    def send(self, lan: str, data: bytes) -> None:
        """Send to the other server over one LAN; a network that is down swallows it, as networks do."""
        path, sender = self._paths.get(lan), self._sockets.get(lan)
        if path is None or sender is None:
            return
        try:
            sender.sendto(data, (path.remote, self._port))
        except BlockingIOError:
            self._problem(lan, "the send queue is full, a heartbeat was dropped")
        except OSError as error:
            if error.errno in (errno.EBADF, errno.ENOTSOCK, errno.ENODEV):
                self._drop(lan)
            self._problem(lan, f"cannot send to {path.remote}: {error.strerror}")

    def drain(self) -> None:
        """Read everything that waits on every LAN."""
        for lan in list(self._sockets):
            self._drain_lan(lan)

    def _drain_lan(self, lan: str) -> None:
        receiver = self._sockets.get(lan)
        if receiver is None:
            return
        problem = partial(self._problem, lan)
        for data, sender in datagrams.waiting(receiver, DATAGRAM_BYTES_MAX, DRAIN_DATAGRAMS_MAX, problem):
            if len(data) > DATAGRAM_BYTES_MAX:
                self._problem(lan, f"a datagram from {sender[0]} longer than {DATAGRAM_BYTES_MAX} bytes")
            elif sender[0] != self._paths[lan].remote:
                self._problem(lan, f"a datagram from {sender[0]}, which is not the other server")
            else:
                self._received(lan, data)

    def _drop(self, lan: str) -> None:
        datagrams.close(self._sockets.pop(lan))
