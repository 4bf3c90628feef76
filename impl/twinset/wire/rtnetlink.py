"""The kernel's route socket, as far as addresses of interfaces go (rtnetlink(7), RFC 3549). Pure.

Requests are bytes, answers are parsed from bytes. All numbers are in this machine's order. A message is a header
(length, type, flags, sequence number, port), a body that depends on the type, and attributes (length, type, value),
each aligned to four bytes.
"""

from __future__ import annotations

import ipaddress
import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER_BYTES_MAX: Final = 1 << 16

ERROR, DONE = 2, 3
NEW_LINK, GET_LINK = 16, 18
NEW_ADDRESS, DELETE_ADDRESS, GET_ADDRESS = 20, 21, 22
REQUEST, ACK, REPLACE, DUMP, CREATE = 0x1, 0x4, 0x100, 0x300, 0x400
IFA_ADDRESS, IFA_LOCAL, IFA_CACHEINFO = 1, 2, 6
IFF_UP, IFF_LOWER_UP = 0x1, 0x10000
AF_INET: Final = 2

_HEADER: Final = struct.Struct("=IHHII")
_ADDRESS: Final = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, interface
_LINK: Final = struct.Struct("=BxHIII")  # family, type, interface, flags, which of them change
_ATTRIBUTE: Final = struct.Struct("=HH")
_LIFE: Final = struct.Struct("=IIII")  # preferred, valid, created, updated
_ERRNO: Final = struct.Struct("=i")


class RtnetlinkError(ValueError):
    """An answer that makes no sense."""


@dataclass(frozen=True)
class InterfaceState:
    """What is known of an interface."""

    up: bool
    carrier: bool
    addresses: frozenset[str] = frozenset()


@dataclass
class Answer:
    """What has been read of the answer to one request; `over` when there is no more."""

    seq: int
    over: bool = False
    errno: int = 0
    flags: int = 0  # of the interface, after `link`
    addresses: dict[int, set[str]] = field(default_factory=dict)  # by interface, after `addresses`


def hold(seq: int, interface: int, address: str, prefix: int, seconds: float) -> bytes:
    """Add an address or renew it: it goes away by itself after so many whole seconds, at least one."""
    life = max(1, math.ceil(seconds))
    body = _ADDRESS.pack(AF_INET, prefix, 0, 0, interface) + _own(address)
    body += _attribute(IFA_CACHEINFO, _LIFE.pack(life, life, 0, 0))
    return _message(NEW_ADDRESS, REQUEST | ACK | CREATE | REPLACE, seq, body)


def drop(seq: int, interface: int, address: str, prefix: int) -> bytes:
    """Take an address away."""
    body = _ADDRESS.pack(AF_INET, prefix, 0, 0, interface) + _own(address)
    return _message(DELETE_ADDRESS, REQUEST | ACK, seq, body)


def link(seq: int, interface: int) -> bytes:
    """Ask for the flags of an interface; the answer ends with an acknowledgement."""
    return _message(GET_LINK, REQUEST | ACK, seq, _LINK.pack(0, 0, interface, 0, 0))


def addresses(seq: int) -> bytes:
    """Ask for all IPv4 addresses."""
    return _message(GET_ADDRESS, REQUEST | DUMP, seq, _ADDRESS.pack(AF_INET, 0, 0, 0, 0))


def read(answer: Answer, data: bytes) -> None:
    """Take what was received into the answer; messages to other requests are passed over."""
    for kind, seq, body in _messages(data):
        if seq != answer.seq:
            continue
        if kind == DONE:
            answer.over = True
        elif kind == ERROR:
            if len(body) < _ERRNO.size:
                raise RtnetlinkError(f"an error of {len(body)} bytes")
            answer.over, answer.errno = True, -_ERRNO.unpack_from(body)[0]
        elif kind == NEW_LINK and len(body) >= _LINK.size:
            answer.flags = _LINK.unpack_from(body)[3]
        elif kind == NEW_ADDRESS and len(body) >= _ADDRESS.size:
            found = dict(_attributes(body[_ADDRESS.size :]))
            value = found.get(IFA_LOCAL, found.get(IFA_ADDRESS, b""))
            if len(value) == 4:
                interface = _ADDRESS.unpack_from(body)[4]
                answer.addresses.setdefault(interface, set()).add(str(ipaddress.IPv4Address(value)))


def _own(address: str) -> bytes:
    packed = ipaddress.IPv4Address(address).packed
    return _attribute(IFA_LOCAL, packed) + _attribute(IFA_ADDRESS, packed)


def _message(kind: int, flags: int, seq: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, seq, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    size = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(size, kind) + value + bytes(-size % 4)


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield type, sequence number and body of each message."""
    at = 0
    while at < len(data):
        if len(data) - at < _HEADER.size:
            raise RtnetlinkError(f"{len(data) - at} bytes are no header")
        size, kind, _, seq, _ = _HEADER.unpack_from(data, at)
        if not _HEADER.size <= size <= len(data) - at:
            raise RtnetlinkError(f"a message of {size} bytes among {len(data) - at}")
        yield kind, seq, data[at + _HEADER.size : at + size]
        at += size + -size % 4


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if not _ATTRIBUTE.size <= size <= len(data) - at:
            raise RtnetlinkError(f"an attribute of {size} bytes among {len(data) - at}")
        yield kind, data[at + _ATTRIBUTE.size : at + size]
        at += size + -size % 4
