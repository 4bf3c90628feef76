"""Announces the routes of virtual IP addresses to the routers of the public LANs (RFC 2453, 2.3.1-05).

A router keeps a route until it hears a shorter one, or nothing for three minutes. So a server that takes an address
over announces it with metric 1, at once and a few times, which beats what the lost server said; then with metric 2,
so that the next server can do the same. At a stop the route is withdrawn with metric 16.

Nothing is said without a lease: a server that stood still must not draw traffic back that has gone elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from twinset.shell import clock
from twinset.wire import rip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from twinset.resources.virtual_ip.plan import Place

FIRST_METRIC: Final = 1
METRIC: Final = 2
REPEATS: Final = 4
REPEAT_S: Final = 0.5
PERIOD_S: Final = 30.0  # RFC 2453, 3.8
WITHDRAWALS: Final = 2
WITHDRAW_PAUSE_S: Final = 0.2
NOTE_INTERVAL_S: Final = 30.0


@dataclass(slots=True)
class Announced:
    """An address that is announced."""

    place: Place
    said: int = 0  # how often

    @property
    def route(self) -> rip.Route:
        """The route as it is said next."""
        return rip.Route(self.place.address, FIRST_METRIC if self.said < REPEATS else METRIC)


class RipSender:
    """All virtual IP addresses of this server."""

    def __init__(
        self,
        log: Callable[[str, str, Mapping[str, Any]], None],
        lease_left_s: Callable[[], float],
        port: int = rip.PORT,
    ) -> None:
        self._log = log
        self._lease_left_s = lease_left_s
        self._port = port
        self._announced: dict[str, Announced] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._limit = clock.RateLimit(NOTE_INTERVAL_S)

    def announce(self, place: Place) -> None:
        """Announce from now on; nothing happens when it is announced already."""
        if place.address in self._announced:
            return
        self._announced[place.address] = Announced(place)
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def withdraw(self, place: Place) -> None:
        """Tell the routers that the route is gone, twice for one that missed it; also one of a former daemon."""
        self._announced.pop(place.address, None)
        for number in range(WITHDRAWALS):
            if number:
                await clock.pause(WITHDRAW_PAUSE_S)
            if self._lease_left_s() > 0:
                self._send([(place, rip.Route(place.address, rip.INFINITY))])

    async def close(self) -> None:
        """End; routers are told nothing, because the address may stay."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._announced.clear()

    async def _run(self) -> None:
        while self._announced:
            self._wake.clear()
            if self._lease_left_s() > 0:
                self._send([(each.place, each.route) for each in self._announced.values()])
                for each in self._announced.values():
                    each.said += 1
            # One more repeat brings the second metric out soon.
            fresh = any(each.said <= REPEATS for each in self._announced.values())
            await clock.wait_event(self._wake, REPEAT_S if fresh else PERIOD_S)

    def _send(self, routes: Iterable[tuple[Place, rip.Route]]) -> None:
        by_lan: dict[str, list[rip.Route]] = {}
        for place, route in routes:
            for local in place.lans:
                by_lan.setdefault(local, []).append(route)
        for local, found in by_lan.items():
            try:
                self._send_on(local, rip.encode(found))
            except OSError as error:
                if (more := self._limit.admit(local)) is not None:
                    reason = f"RIP: {error.strerror}"
                    self._log("network_trouble", "warning", {"lan": local, "reason": reason, "more": more})

    def _send_on(self, local: str, datagrams: Iterable[bytes]) -> None:
        """From the port of RIP and the server's own address there: routers take no other word."""
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(local))
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            sender.bind((local, self._port))
            for datagram in datagrams:
                sender.sendto(datagram, (rip.GROUP, self._port))
