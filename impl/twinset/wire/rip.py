"""RIP version 2 (RFC 2453): the route to a virtual IP address, as routers hear it. Pure.

    0  command 2 (response)   1  version 2   2  zero
    then 1 to 25 entries of 20 bytes:
    0  address family 2   2  route tag   4  address   8  mask   12  next hop   16  metric 1 to 16

A next hop of 0.0.0.0 is the sender itself. Metric 16 withdraws the route.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from twinset.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

PORT: Final = 520
GROUP: Final = "224.0.0.9"  # all RIP version 2 routers of the LAN
RESPONSE: Final = 2
VERSION: Final = 2
FAMILY_IP: Final = 2
ENTRIES_MAX: Final = 25
INFINITY: Final = 16
_HEADER: Final = struct.Struct(">BBH")
_ENTRY: Final = struct.Struct(">HH4s4s4sI")


@dataclass(frozen=True, slots=True)
class Route:
    """A network and how far it is; a host has the prefix length 32."""

    address: str
    metric: int
    prefix: int = 32


def encode(routes: Sequence[Route]) -> list[bytes]:
    """Return the datagrams that announce routes through their sender."""
    return [_message(routes[start : start + ENTRIES_MAX]) for start in range(0, len(routes), ENTRIES_MAX)]


def decode(data: bytes) -> list[Route]:
    """Return the routes of an announcement; ProtocolError says why it is none."""
    if len(data) < _HEADER.size + _ENTRY.size or (len(data) - _HEADER.size) % _ENTRY.size:
        raise ProtocolError(f"{len(data)} bytes are no RIP announcement")
    command, version, zero = _HEADER.unpack_from(data)
    if (command, version, zero) != (RESPONSE, VERSION, 0):
        raise ProtocolError(f"RIP command {command} of version {version}, expected {RESPONSE} of {VERSION}")
    entries = list(_ENTRY.iter_unpack(data[_HEADER.size :]))
    if len(entries) > ENTRIES_MAX:
        raise ProtocolError(
            f"{len(entries)} routes in one RIP announcement, at most {ENTRIES_MAX} are allowed"
        )
    return [_route(*entry) for entry in entries]


def _message(routes: Sequence[Route]) -> bytes:
    entries = (
        _ENTRY.pack(
            FAMILY_IP,
            0,
            ipaddress.IPv4Address(route.address).packed,
            _mask(route.prefix),
            bytes(4),
            route.metric,
        )
        for route in routes
    )
    return _HEADER.pack(RESPONSE, VERSION, 0) + b"".join(entries)


def _mask(prefix: int) -> bytes:
    return ipaddress.IPv4Network((0, prefix)).netmask.packed


def _route(family: int, _tag: int, address: bytes, mask: bytes, _next_hop: bytes, metric: int) -> Route:
    if family != FAMILY_IP:
        raise ProtocolError(f"a RIP route of address family {family}")
    if not 1 <= metric <= INFINITY:
        raise ProtocolError(f"a RIP route with metric {metric}, allowed are 1 to {INFINITY}")
    try:
        prefix = ipaddress.IPv4Network((0, str(ipaddress.IPv4Address(mask)))).prefixlen
    except ValueError:
        raise ProtocolError(f"{mask.hex()} is no network mask") from None
    return Route(str(ipaddress.IPv4Address(address)), metric, prefix)
