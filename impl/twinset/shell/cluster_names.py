"""No two clusters of one name on a LAN (2.2.2.3-04): twinsetd answers for its own, and asks before it takes one."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from typing import TYPE_CHECKING, Final

from twinset.config.cluster import same_name
from twinset.errors import Refusal
from twinset.shell import clock, datagrams
from twinset.wire import cluster_name
from twinset.wire.cluster_name import ASK, BYTES_MAX, HAVE, PORT, Datagram

if TYPE_CHECKING:
    from collections.abc import Callable

    from twinset.config.cluster import ClusterConfig, Endpoint

ANY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - broadcasts arrive at no other
QUESTIONS, EVERY_S = 2, 0.15  # a server that runs answers within milliseconds; one question may be lost
MOST: Final = 64  # datagrams at a time
BROADCASTS: Final = ((socket.SOL_SOCKET, socket.SO_BROADCAST, 1),)


class Answers:
    """The port at which this server is asked for the name of its cluster."""

    def __init__(self, me: str, own: Callable[[], str], problem: Callable[[str], None]) -> None:
        self._me = me
        self._own = own  # the name; "" while there is no configuration
        self._problem = problem
        self._bound: socket.socket | None = None

    def open(self, port: int = PORT) -> None:
        """Listen; without the port others may take the name, and the log says so."""
        try:
            self._bound = datagrams.bind(ANY_ADDRESS, port)
        except OSError as error:
            self._problem(f"port {port}: {error.strerror}")
            return
        asyncio.get_running_loop().add_reader(self._bound, self._read, self._bound)

    def close(self) -> None:
        """Listen no more."""
        if self._bound is not None:
            datagrams.close(self._bound)
            self._bound = None

    def _read(self, bound: socket.socket) -> None:
        for data, sender in datagrams.waiting(bound, BYTES_MAX, MOST, self._problem):
            said = cluster_name.answer(data, self._own(), self._me)
            if said:
                with contextlib.suppress(OSError):
                    bound.sendto(said, sender)


async def refuse_taken(old: ClusterConfig | None, new: ClusterConfig, me: str, port: int = PORT) -> None:
    """Refuse a cluster name that a server of another cluster on one of the public LANs answers for."""
    if old is not None and same_name(old.cluster.name, new.cluster.name):
        return
    ours = {end.ip for each in (old, new) if each for lan in each.lans for end in lan.endpoints}
    ends = [lan.endpoint(me) for lan in new.public_lans()]
    for found in await asyncio.gather(*(_ask(end, new.cluster.name, port) for end in ends)):
        for address, server in found.items():
            if address not in ours:
                text = f"{me}: {server} at {address} is a server of another cluster {new.cluster.name}"
                raise Refusal("E_DUP", text, "2.2.2.3-04", "choose another name")


async def _ask(end: Endpoint, name: str, port: int) -> dict[str, str]:
    """Return who answers on a LAN: servers by address. Where nobody can be asked, nobody answers."""
    found: dict[str, str] = {}
    try:
        bound = datagrams.bind(end.ip, 0, BROADCASTS)
    except OSError:
        return found
    everybody = str(ipaddress.ip_interface(end.address).network.broadcast_address)
    try:
        for _ in range(QUESTIONS):
            with contextlib.suppress(OSError):
                bound.sendto(Datagram(ASK, name).encode(), (everybody, port))
            await clock.pause(EVERY_S)
            for data, (address, _port) in datagrams.waiting(bound, BYTES_MAX, MOST, lambda _text: None):
                said = cluster_name.decode(data)
                if said is not None and said.kind == HAVE and same_name(said.name, name):
                    found[address] = said.server
    finally:
        datagrams.close(bound)
    return found
