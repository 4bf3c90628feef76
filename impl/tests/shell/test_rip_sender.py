"""What routers hear: on a socket of this machine instead of the multicast group."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from twinset.resources.virtual_ip.plan import Place
from twinset.shell import rip_sender as module
from twinset.shell.rip_sender import RipSender
from twinset.wire import rip
from twinset.wire.rip import Route

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]
LOCAL, VIP = "127.0.0.1", "10.200.0.5"
PLACE = Place(VIP, (LOCAL,))


class Router:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.2", 0))
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        self._heard: list[list[Route]] = []

    @property
    def heard(self) -> list[list[Route]]:
        while True:
            try:
                data, (source, port) = self._socket.recvfrom(1024)
            except BlockingIOError:
                return self._heard
            assert (source, port) == (LOCAL, self.port)
            self._heard.append(rip.decode(data))

    def close(self) -> None:
        self._socket.close()


@pytest.fixture()
def router(monkeypatch: pytest.MonkeyPatch) -> Iterator[Router]:
    made = Router()
    monkeypatch.setattr(rip, "GROUP", "127.0.0.2")
    monkeypatch.setattr(module, "REPEAT_S", 0.01)
    monkeypatch.setattr(module, "WITHDRAW_PAUSE_S", 0.01)
    yield made
    made.close()


def sender(router: Router, lease_s: Callable[[], float] = lambda: 10.0, log: Any = None) -> RipSender:
    return RipSender(log or (lambda *_: None), lease_s, router.port)


def test_a_route_begins_short_and_then_leaves_room(router: Router, until: Until) -> None:
    """Metric 1 some times, to beat what a lost server said, then metric 2, so that the next one can do the same."""

    async def work() -> None:
        made = sender(router)
        made.announce(PLACE)
        made.announce(PLACE)
        await until(lambda: len(router.heard) == module.REPEATS + 1, "the announcements")
        assert router.heard == [*[[Route(VIP, 1)]] * module.REPEATS, [Route(VIP, 2)]]
        await made.close()

    asyncio.run(work())


def test_a_route_is_repeated_for_ever(router: Router, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    """A router forgets what it does not hear for three minutes."""
    monkeypatch.setattr(module, "PERIOD_S", 0.01)

    async def work() -> None:
        made = sender(router)
        made.announce(PLACE)
        await until(lambda: len(router.heard) > module.REPEATS + 5, "more announcements")
        assert router.heard[-1] == [Route(VIP, 2)]
        await made.close()

    asyncio.run(work())


def test_a_withdrawn_route_is_said_twice_and_no_more(router: Router, until: Until) -> None:
    """Metric 16; the other addresses stay announced. Also for an address that a former daemon announced."""

    async def work() -> None:
        made = sender(router)
        await made.withdraw(PLACE)
        await until(lambda: len(router.heard) == 2, "the withdrawals")
        assert router.heard == [[Route(VIP, rip.INFINITY)]] * 2
        made.announce(Place("10.200.0.6", (LOCAL,)))
        await until(lambda: len(router.heard) > 4, "the other address")
        assert router.heard[-1][0].address == "10.200.0.6"
        await made.close()

    asyncio.run(work())


def test_without_a_lease_nothing_is_said(router: Router, until: Until) -> None:
    """A server that stood still must not draw traffic back; with the lease it goes on."""
    lease = [0.0]

    async def work() -> None:
        made = sender(router, lambda: lease[0])
        made.announce(PLACE)
        await made.withdraw(Place("10.200.0.7", (LOCAL,)))
        assert router.heard == []
        lease[0] = 1.0
        await until(lambda: router.heard, "an announcement")
        assert router.heard[0] == [Route(VIP, 1)]
        await made.close()

    asyncio.run(work())


def test_a_lan_that_does_not_work_is_told_and_the_others_go_on(router: Router, until: Until) -> None:
    """One event for the LAN, no end of the announcements."""
    events: list[tuple[str, str, dict[str, Any]]] = []

    async def work() -> None:
        made = sender(router, log=lambda *entry: events.append(entry))
        made.announce(Place(VIP, ("192.0.2.1", LOCAL)))
        await until(lambda: len(router.heard) > 2, "announcements on the other LAN")
        assert [(name, fields["lan"]) for name, _, fields in events] == [("network_trouble", "192.0.2.1")]
        await made.close()

    asyncio.run(work())
