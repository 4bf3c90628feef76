"""Addresses of this server's interfaces: asked for, held, dropped, announced; without a program for each.

Netlink answers at once, so these calls do not wait: a server that takes over 64 addresses would otherwise start
hundreds of programs in the seconds in which it has most to do (decision record 0013). Probes take time: they run
side by side in one task, which sleeps until the next question is due.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from twinset.errors import StepFailed
from twinset.shell import clock
from twinset.wire import arp, rtnetlink

if TYPE_CHECKING:
    from collections.abc import Callable

ETH_P_ARP: Final = 0x0806
BROADCAST: Final = b"\xff" * arp.HARDWARE_BYTES
SIOCGIFHWADDR: Final = 0x8927
FRESH_MS: Final = 5_000  # an address found free may be taken for so long without asking again
KERNEL_S: Final = 10.0
DRAIN_PACKETS_MAX: Final = 256  # per readiness: a flood must not stop the daemon
PACKET_BYTES_MAX: Final = 256
IDLE_S: Final = 5.0

Where = tuple[str, str]  # interface, address


@dataclass
class Attempt:
    """A probe and whoever waits for its end."""

    probe: arp.Probe
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Ear:
    """The ARP socket of an interface, while something is probed there."""

    socket: socket.socket
    hardware: bytes


class Addresses:
    """All that the daemon does with addresses of interfaces."""

    def __init__(self, failed: Callable[[str, BaseException], None]) -> None:
        self._failed = failed
        self._seq = 0
        self._attempts: dict[Where, Attempt] = {}
        self._ears: dict[str, Ear] = {}
        self._mouth: socket.socket | None = None  # kept: closing one costs the kernel many milliseconds
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # -- the kernel's table -----------------------------------------------------------------------------

    def state(self, interface: str) -> rtnetlink.InterfaceState:
        """Return flags and addresses of an interface; StepFailed when there is none of that name."""
        index = _index(interface)
        flags = self._ask(lambda seq: rtnetlink.link(seq, index), interface).flags
        found = self._ask(rtnetlink.addresses, interface).addresses.get(index, set())
        return rtnetlink.InterfaceState(
            bool(flags & rtnetlink.IFF_UP), bool(flags & rtnetlink.IFF_LOWER_UP), frozenset(found)
        )

    def hold(self, interface: str, address: str, prefix: int, seconds: float) -> None:
        """Add the address or renew it, for so many seconds; StepFailed when the kernel refuses."""
        index = _index(interface)
        self._ask(lambda seq: rtnetlink.hold(seq, index, address, prefix, seconds), interface)

    def drop(self, interface: str, address: str, prefix: int) -> None:
        """Take the address away; fine when it is gone, or its interface is."""
        with contextlib.suppress(StepFailed):
            index = _index(interface)
            self._ask(lambda seq: rtnetlink.drop(seq, index, address, prefix), interface)

    def _ask(self, request: Callable[[int], bytes], interface: str) -> rtnetlink.Answer:
        self._seq += 1
        answer = rtnetlink.Answer(self._seq)
        try:
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
                kernel.settimeout(KERNEL_S)
                kernel.sendto(request(self._seq), (0, 0))
                while not answer.over:
                    rtnetlink.read(answer, kernel.recv(rtnetlink.ANSWER_BYTES_MAX))
        except (OSError, rtnetlink.RtnetlinkError) as error:
            raise StepFailed(f"interface {interface}: {error}") from None
        if answer.errno:
            raise StepFailed(f"interface {interface}: {os.strerror(answer.errno)}")
        return answer

    # -- the LAN ------------------------------------------------------------------------------------------

    def prepare(self, interface: str, address: str) -> None:
        """Begin to ask who has the address; nothing happens when it is asked already, or was just now."""
        known = self._attempts.get((interface, address))
        if known is not None and not _is_stale(known.probe):
            return
        ear = self._listen(interface)
        self._attempts[interface, address] = Attempt(arp.Probe(address, ear.hardware, clock.now_ms()))
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def holder(self, interface: str, address: str) -> str:
        """Return the hardware address of the host that has the address, "" when nobody has; StepFailed if abandoned."""
        self.prepare(interface, address)
        attempt = self._attempts[interface, address]
        await attempt.over.wait()
        if self._attempts.pop((interface, address), None) is not attempt:
            raise StepFailed(f"{address} is not wanted any more")
        return attempt.probe.holder

    def abandon(self, interface: str, address: str) -> None:
        """Ask no longer: the start that wanted the address failed before; fine when nobody is asked."""
        attempt = self._attempts.pop((interface, address), None)
        if attempt is not None:
            attempt.over.set()
            self._wake.set()

    def announce(self, interface: str, address: str) -> str:
        """Tell the LAN where the address is; return "" or why that was not possible."""
        try:
            if self._mouth is None:
                self._mouth = _mouth()
            _say(self._mouth, interface, arp.announcement(_hardware(self._mouth, interface), address))
        except OSError as error:
            return error.strerror or str(error)
        return ""

    async def close(self) -> None:
        """Ask nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for interface in list(self._ears):
            self._deafen(interface)
        if self._mouth is not None:
            self._mouth.close()
            self._mouth = None
        self._attempts.clear()

    def _listen(self, interface: str) -> Ear:
        ear = self._ears.get(interface)
        if ear is None:
            try:
                opened = _packet_socket(interface)
                ear = self._ears[interface] = Ear(opened, _hardware(opened, interface))
            except OSError as error:
                raise StepFailed(f"nobody can be asked on {interface}: {error.strerror or error}") from None
            asyncio.get_running_loop().add_reader(opened, self._drain, interface)
        return ear

    def _deafen(self, interface: str) -> None:
        ear = self._ears.pop(interface)
        with contextlib.suppress(RuntimeError, ValueError):
            asyncio.get_running_loop().remove_reader(ear.socket)
        ear.socket.close()

    def _drain(self, interface: str) -> None:
        for _ in range(DRAIN_PACKETS_MAX):
            try:
                packet = arp.decode(self._ears[interface].socket.recv(PACKET_BYTES_MAX))
            except arp.ArpError:  # of another kind of network
                continue
            except OSError:  # nothing more, or the interface went down: the questions then go unanswered
                break
            for (name, _), attempt in self._attempts.items():
                if name == interface:
                    attempt.probe.receive(packet, clock.now_ms())
        self._wake.set()

    async def _run(self) -> None:
        """Ask what is due; sleep until the next question is, or until something was heard."""
        while self._ears:
            self._wake.clear()
            wait_s = IDLE_S
            try:
                wait_s = self._run_due(clock.now_ms())
            except Exception as error:  # noqa: BLE001 - logged; the other addresses have to go on
                self._failed("address probes", error)
            if self._ears:
                await clock.wait_event(self._wake, wait_s)

    def _run_due(self, now: int) -> float:
        """Return for how many seconds nothing is due."""
        wakes: list[int] = []
        for (interface, _), attempt in self._attempts.items():
            packet = attempt.probe.due(now)
            if packet is not None:
                with contextlib.suppress(OSError):  # a network that is down swallows it, as networks do
                    _say(self._ears[interface].socket, interface, packet)
            if attempt.probe.wake_ms is None:
                attempt.over.set()
            else:
                wakes.append(attempt.probe.wake_ms)
        heard = {interface for (interface, _), a in self._attempts.items() if not a.over.is_set()}
        for interface in self._ears.keys() - heard:
            self._deafen(interface)
        return min(((wake - now) / 1000 for wake in wakes), default=IDLE_S)


def _index(interface: str) -> int:
    try:
        return socket.if_nametoindex(interface)
    except OSError as error:
        raise StepFailed(f"interface {interface}: {error.strerror or error}") from None


def _mouth() -> socket.socket:
    """A socket that says ARP on any interface, and hears nothing."""
    return socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, 0)


def _packet_socket(interface: str) -> socket.socket:
    """A socket that hears and says ARP on one interface; the kernel adds the head of the frame."""
    opened = socket.socket(
        socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, socket.htons(ETH_P_ARP)
    )
    try:
        opened.bind((interface, ETH_P_ARP))
    except OSError:
        opened.close()
        raise
    return opened


def _hardware(opened: socket.socket, interface: str) -> bytes:
    answer = fcntl.ioctl(opened, SIOCGIFHWADDR, struct.pack("16s24x", interface.encode()))
    return answer[18 : 18 + arp.HARDWARE_BYTES]  # behind the name and the family of the address


def _say(opened: socket.socket, interface: str, packet: arp.Packet) -> None:
    opened.sendto(arp.encode(packet), (interface, ETH_P_ARP, 0, 0, BROADCAST))


def _is_stale(probe: arp.Probe) -> bool:
    return probe.state != arp.PROBING and clock.now_ms() - probe.ended_ms > FRESH_MS
