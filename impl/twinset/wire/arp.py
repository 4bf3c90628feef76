"""ARP as a floating IP address needs it (RFC 826, RFC 5227): probes, who answers them, announcements. Pure.

A server that takes an address over asks the LAN first, three times, and believes any host that answers. RFC 5227
spaces the questions by one to two seconds and waits two more, at least four seconds in all, because a host that has
just been plugged in may not be heard at once. Here the LAN is in use already (heartbeats go over it), and a host
that holds the address answers within milliseconds, so the pace is that of the NetBIOS claims beside it:
decision record 0013.

Layout of a packet, from RFC 826, in network order: hardware space (1: Ethernet), protocol space (0x0800), their
lengths (6, 4), operation, sender's hardware address and address, target's hardware address and address.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import Final

PROBE_NUM: Final = 3
PROBE_INTERVAL_MS: Final = 250
PROBE_MS: Final = PROBE_NUM * PROBE_INTERVAL_MS  # from the first question to the verdict

ETHERNET, IPV4 = 1, 0x0800
HARDWARE_BYTES, ADDRESS_BYTES = 6, 4
REQUEST, REPLY = 1, 2
NOBODY: Final = "0.0.0.0"  # noqa: S104 - the sender of a probe has no address yet

_LAYOUT: Final = struct.Struct("!HHBBH6s4s6s4s")

PROBING, FREE, TAKEN = "probing", "free", "taken"
STATES: Final[dict[tuple[str, str], str]] = {
    (PROBING, "unanswered"): FREE,
    (PROBING, "answered"): TAKEN,
}


class ArpError(ValueError):
    """A packet that is no ARP for IPv4 on Ethernet."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet; `hardware` is the sender's."""

    operation: int
    hardware: bytes
    sender: str
    target: str


def encode(packet: Packet) -> bytes:
    """Return the 28 bytes of a packet. The target's hardware address is what is asked for: zeros."""
    return _LAYOUT.pack(
        ETHERNET, IPV4, HARDWARE_BYTES, ADDRESS_BYTES, packet.operation,
        packet.hardware, ipaddress.IPv4Address(packet.sender).packed,
        bytes(HARDWARE_BYTES), ipaddress.IPv4Address(packet.target).packed,
    )  # fmt: skip


def decode(data: bytes) -> Packet:
    """Read a packet; what the link added behind it, to reach its shortest frame, is passed over."""
    if len(data) < _LAYOUT.size:
        raise ArpError(f"{len(data)} bytes, an ARP packet has {_LAYOUT.size}")
    hardware_space, protocol, size, length, operation, hardware, sender, _, target = _LAYOUT.unpack_from(data)
    found = (hardware_space, protocol, size, length)
    if found != (ETHERNET, IPV4, HARDWARE_BYTES, ADDRESS_BYTES) or operation not in (REQUEST, REPLY):
        raise ArpError(f"spaces and lengths {found}, operation {operation}")
    return Packet(operation, hardware, str(ipaddress.IPv4Address(sender)), str(ipaddress.IPv4Address(target)))


def announcement(hardware: bytes, address: str) -> Packet:
    """Gratuitous ARP: everybody on the LAN learns who has the address now (RFC 5227, 2.3)."""
    return Packet(REQUEST, hardware, address, address)


class Probe:
    """One attempt at an address on one LAN."""

    def __init__(self, address: str, hardware: bytes, now_ms: int) -> None:
        """`hardware` is this server's own address there: what it sends itself is no answer."""
        self.address = address
        self.state = PROBING
        self.holder = ""  # the hardware address of who answered
        self.ended_ms = 0
        self._hardware = hardware
        self._sent = 0
        self._next_ms = now_ms

    @property
    def wake_ms(self) -> int | None:
        """When `due` wants to be asked again; None when the probe is over."""
        return self._next_ms if self.state == PROBING else None

    def due(self, now_ms: int) -> Packet | None:
        """Return what is to be broadcast now."""
        if self.state != PROBING or now_ms < self._next_ms:
            return None
        if self._sent == PROBE_NUM:
            self._move("unanswered", now_ms)
            return None
        self._sent += 1
        self._next_ms = now_ms + PROBE_INTERVAL_MS
        return Packet(REQUEST, self._hardware, NOBODY, self.address)

    def receive(self, packet: Packet, now_ms: int) -> None:
        """Any packet from the address, or another host's probe for it, is a conflict (RFC 5227, 2.1.1)."""
        if self.state != PROBING or packet.hardware == self._hardware:
            return
        probes = packet.operation == REQUEST and packet.sender == NOBODY and packet.target == self.address
        if packet.sender == self.address or probes:
            self.holder = packet.hardware.hex(":")
            self._move("answered", now_ms)

    def _move(self, trigger: str, now_ms: int) -> None:
        self.state = STATES[self.state, trigger]
        self.ended_ms = now_ms
