"""Port 137 of one LAN: which sockets hear and say what (decision record 0008).

- Broadcasts are heard by two sockets, bound to the LAN's broadcast address and to 255.255.255.255: every socket that
  matches gets a copy of a broadcast, so a Samba `nmbd` on this server goes on hearing them, too.
- Packets to a floating IP address are heard, and answers sent, by a socket bound to that address and port 137.
- On this server's own address `nmbd` may be at home. A second socket there would take its packets away, so when the
  port is in use ours only sends: it is connected to nowhere, and the kernel passes it over.
- Requests of our own go out from an ephemeral port (a response goes to the port of its request) or from the floating
  IP address. Responses are recognised by their transaction id, on whatever socket they arrive.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import socket
import struct
from typing import TYPE_CHECKING, Final

from twinset.shell import datagrams

if TYPE_CHECKING:
    from collections.abc import Callable

PORT: Final = 137
DATAGRAM_BYTES_MAX: Final = 4096
DRAIN_DATAGRAMS_MAX: Final = 256  # per readiness: a flood must not stop the daemon
LIMITED_BROADCAST: Final = "255.255.255.255"
SIOCGIFHWADDR: Final = 0x8927
HARDWARE_BYTES: Final = 6
NOWHERE: Final = ("127.0.0.1", 9)


class LanPort:
    """The sockets of one LAN."""

    def __init__(
        self,
        interface: str,
        local: str,
        broadcast: str,
        received: Callable[[bytes, tuple[str, int], str], None],
        problem: Callable[[str], None],
        port: int = PORT,
    ) -> None:
        """`received` gets the packet, its sender, and the address it was sent to ("": a broadcast)."""
        self.local = local
        self.broadcast = broadcast
        self._received = received
        self._problem = problem
        self._interface = interface
        self._port = port
        self._users: dict[str, int] = {}
        self._sockets: dict[str, socket.socket] = {}
        self._own: set[tuple[str, int]] = set()  # from where our requests go out: broadcasts come back
        try:
            for address in (broadcast, LIMITED_BROADCAST):
                self._listen(address, self._bound(address, port, device=interface), "")
            self._listen("ask", self._bound(local, 0), local)
            self._own.add(self._sockets["ask"].getsockname())
        except OSError:
            self.close()
            raise

    @property
    def hardware_address(self) -> bytes:
        """The hardware address of the interface; zeros when it has none."""
        request = struct.pack("16s24x", self._interface.encode())
        try:
            answer = fcntl.ioctl(self._sockets["ask"], SIOCGIFHWADDR, request)
        except OSError:
            return bytes(HARDWARE_BYTES)
        return answer[18 : 18 + HARDWARE_BYTES]  # behind the name and the family of the address

    def close(self) -> None:
        """Close every socket."""
        for name in list(self._sockets):
            self._drop(name)

    def add(self, address: str) -> None:
        """Answer from this address; as often as `remove` is called."""
        if not self._users.get(address):
            if address == self.local and self._in_use(address):
                silent = self._bound(address, self._port)
                silent.connect(NOWHERE)
                self._sockets[address] = silent
            else:
                self._listen(address, self._bound(address, self._port), address)
            if address != self.local:  # from there, a packet of port 137 may be `nmbd`'s
                self._own.add((address, self._port))
        self._users[address] = self._users.get(address, 0) + 1

    def remove(self, address: str) -> None:
        """Undo an `add`."""
        left = self._users.get(address, 0) - 1
        self._users[address] = left
        if left <= 0:
            self._users.pop(address)
            self._own.discard((address, self._port))
            self._drop(address)

    def ask(self, data: bytes, to: str, source: str) -> None:
        """Send a request to an address or the LAN, from `source` when that is a floating IP address."""
        name = source if source != self.local and source in self._sockets else "ask"
        self._send(name, data, (to, self._port))

    def answer(self, data: bytes, to: tuple[str, int], source: str) -> None:
        """Send a response from `source`."""
        self._send(source if source in self._sockets else "ask", data, to)

    def _send(self, name: str, data: bytes, to: tuple[str, int]) -> None:
        try:
            self._sockets[name].sendto(data, to)
        except OSError as error:  # a network that is down swallows it, as networks do
            self._problem(f"cannot send to {to[0]}: {error.strerror}")

    def _listen(self, name: str, bound: socket.socket, address: str) -> None:
        self._sockets[name] = bound
        asyncio.get_running_loop().add_reader(bound, self._drain, bound, address)

    def _drain(self, bound: socket.socket, address: str) -> None:
        for data, sender in datagrams.waiting(bound, DATAGRAM_BYTES_MAX, DRAIN_DATAGRAMS_MAX, self._problem):
            if sender not in self._own:
                self._received(data, sender, address)

    def _drop(self, name: str) -> None:
        gone = self._sockets.pop(name, None)
        if gone is not None:
            datagrams.close(gone)

    def _in_use(self, address: str) -> bool:
        """True when another process of this server has the port of the address, or of all addresses."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
            try:
                trial.bind((address, self._port))
            except OSError as error:
                return error.errno == errno.EADDRINUSE
        return False

    @staticmethod
    def _bound(address: str, port: int, device: str = "") -> socket.socket:
        options: list[tuple[int, int, int | bytes]] = [
            (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
            (socket.SOL_SOCKET, socket.SO_BROADCAST, 1),
        ]
        if device:
            options.append((socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode()))
        return datagrams.bind(address, port, options)
