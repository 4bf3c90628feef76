"""Addresses of interfaces: the kernel is asked; probes on the LAN run side by side, and their sockets end with them."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import Mock

import pytest

from twinset.errors import StepFailed
from twinset.shell import addresses as module
from twinset.shell import clock
from twinset.shell.addresses import Addresses
from twinset.wire import arp

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]

MINE, OTHER = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


class FakeLan:
    """A LAN on which one host has some addresses; keeps what is said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: set[str] = set()
        self.said: list[arp.Packet] = []
        self.ends: list[socket.socket] = []
        monkeypatch.setattr(module, "_packet_socket", self.open)
        monkeypatch.setattr(module, "_mouth", lambda: self.open("any"))
        monkeypatch.setattr(module, "_hardware", lambda *_: MINE)
        monkeypatch.setattr(module, "_say", self.say)

    def open(self, interface: str) -> socket.socket:
        if interface == "gone0":
            raise OSError(19, "No such device")
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        here.setblocking(False)
        self.ends += [here, there]
        return here

    def say(self, opened: socket.socket, interface: str, packet: arp.Packet) -> None:
        self.said.append(packet)
        self.hear(b"no ARP")
        if interface == "gone0":
            raise OSError(19, "No such device")
        if packet.target in self.taken:
            self.hear(arp.encode(arp.Packet(arp.REPLY, OTHER, packet.target, arp.NOBODY)))

    def hear(self, data: bytes) -> None:
        self.ends[1].send(data)

    def close(self) -> None:
        for end in self.ends:
            end.close()


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what plays a scenario on a LAN."""

    def run(work: Callable[[FakeLan, Addresses], Awaitable[None]]) -> None:
        async def whole() -> None:
            lan, addresses = FakeLan(monkeypatch), Addresses(Mock())
            await work(lan, addresses)
            await addresses.close()
            lan.close()

        asyncio.run(whole())

    return run


def test_many_addresses_are_probed_side_by_side(play) -> None:
    """Sixty-four take as long as one; one socket serves them, and none is left."""

    async def work(lan: FakeLan, addresses: Addresses) -> None:
        names = [f"10.0.1.{number}" for number in range(100, 164)]
        before = clock.now_ms()
        assert await asyncio.gather(*(addresses.holder("eth0", name) for name in names)) == [""] * 64
        assert arp.PROBE_MS <= clock.now_ms() - before < 3 * arp.PROBE_MS
        assert len(lan.said) == 64 * arp.PROBE_NUM
        assert len(lan.ends) == 2
        assert lan.ends[0].fileno() == -1

    play(work)


def test_the_holder_is_told_at_once(play) -> None:
    """A host that answers ends the probe; the next start asks again."""

    async def work(lan: FakeLan, addresses: Addresses) -> None:
        lan.taken.add("10.0.1.100")
        assert await addresses.holder("eth0", "10.0.1.100") == "02:00:00:00:00:02"
        lan.taken.clear()
        assert await addresses.holder("eth0", "10.0.1.100") == ""
        assert len(lan.said) == 1 + arp.PROBE_NUM

    play(work)


def test_a_probe_that_was_prepared_is_not_asked_twice(play, until: Until) -> None:
    """Who comes later gets the verdict without waiting, unless it is old."""

    async def work(lan: FakeLan, addresses: Addresses) -> None:
        addresses.prepare("eth0", "10.0.1.100")
        addresses.prepare("eth0", "10.0.1.100")
        await until(lambda: lan.ends[0].fileno() == -1, "the end of the probe")
        before = clock.now_ms()
        assert await addresses.holder("eth0", "10.0.1.100") == ""
        assert clock.now_ms() - before < arp.PROBE_INTERVAL_MS
        assert len(lan.said) == arp.PROBE_NUM

    play(work)


def test_an_old_verdict_counts_for_nothing(play, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that was free long ago is asked for again."""
    monkeypatch.setattr(module, "FRESH_MS", -1)

    async def work(lan: FakeLan, addresses: Addresses) -> None:
        addresses.prepare("eth0", "10.0.1.100")
        await until(lambda: lan.ends[0].fileno() == -1, "the end of the probe")
        lan.ends.clear()
        assert await addresses.holder("eth0", "10.0.1.100") == ""
        assert len(lan.said) == 2 * arp.PROBE_NUM

    play(work)


def test_a_probe_that_is_abandoned_ends(play, until: Until) -> None:
    """Its socket with it; whoever waited is told. To abandon what nobody asks is fine."""

    async def work(lan: FakeLan, addresses: Addresses) -> None:
        waiting = asyncio.create_task(addresses.holder("eth0", "10.0.1.100"))
        await until(lambda: lan.said, "the first question")
        addresses.abandon("eth0", "10.0.1.100")
        addresses.abandon("eth0", "10.0.1.101")
        with pytest.raises(StepFailed, match="not wanted any more"):
            await waiting
        await until(lambda: lan.ends[0].fileno() == -1, "the socket to be closed")
        assert len(lan.said) == 1

    play(work)


def test_an_interface_that_is_gone_is_a_failed_step(play) -> None:
    """Its name is told; an announcement there gives the reason back."""

    async def work(lan: FakeLan, addresses: Addresses) -> None:
        with pytest.raises(StepFailed, match="gone0: No such device"):
            addresses.prepare("gone0", "10.0.1.100")
        assert addresses.announce("gone0", "10.0.1.100") == "No such device"

    play(work)


def test_one_socket_serves_all_announcements(play) -> None:
    """To open and close one for each takes the kernel longer than all else of a switch (seen: 64 took 3 s)."""

    async def work(lan: FakeLan, addresses: Addresses) -> None:
        for number in (100, 101, 102):
            assert addresses.announce("eth0", f"10.0.1.{number}") == ""
        assert lan.said[0] == arp.announcement(MINE, "10.0.1.100")
        assert len(lan.ends) == 2
        await addresses.close()
        assert lan.ends[0].fileno() == -1

    play(work)


def test_the_kernel_tells_of_its_own_interfaces() -> None:
    """The loopback interface is up and has its address; a name that there is not is a failed step."""
    addresses = Addresses(Mock())
    state = addresses.state("lo")
    assert state.up
    assert "127.0.0.1" in state.addresses
    with pytest.raises(StepFailed, match="interface nothing0"):
        addresses.state("nothing0")
    addresses.drop("nothing0", "10.0.1.100", 24)
