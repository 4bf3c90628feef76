"""SNMP notifications, versions 2c and 3: an event of the log as the datagram that a trap receiver reads. Pure.

BER (X.690): type, length, content; numbers in the fewest bytes. A version 2c message (RFC 3416, RFC 1901):

    SEQUENCE { version 1, community, [7] { request id, 0, 0, SEQUENCE OF SEQUENCE { name, value } } }

A version 3 message (RFC 3412, RFC 3414) with authentication and without privacy:

    SEQUENCE { version 3,
               SEQUENCE { message id, 65507, flags, security model 3 },
               OCTET STRING of SEQUENCE { engine id, boots, time, user, MAC, empty },
               SEQUENCE { engine id, context name, [7] ... } }

The sender of a trap is its authoritative engine, so a receiver has to know the engine id. The MAC is
HMAC-SHA-256 cut to 24 bytes (RFC 7860, usmHMAC192SHA256AuthProtocol) over the whole message, its own bytes zero.

The project has no enterprise number of its own: names lie below net-snmp's arc for experiments.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

PORT: Final = 162
BASE: Final = (1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 2004)
UP_TIME: Final = (1, 3, 6, 1, 2, 1, 1, 3, 0)
TRAP_NAME: Final = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
# Objects of a notification, below BASE.1, in this order.
OBJECTS: Final = (
    "id",
    "event",
    "severity",
    "server",
    "cluster",
    "cause",
    "evidence",
    "remedy",
    "number",
    "time",
)
TEXT_BYTES_MAX: Final = 255  # of one object: the datagram stays below every MTU's fragments of IPv4
MAC_BYTES: Final = 24
PASSWORD_BYTES_MIN: Final = 8
_KEY_BYTES: Final = 1 << 20
_INTEGER, _OCTETS, _OID, _SEQUENCE, _TICKS, _TRAP = 0x02, 0x04, 0x06, 0x30, 0x43, 0xA7
_REPORTABLE_NO_AUTH: Final = 0x01  # authenticated, not encrypted, no report wanted
_USM: Final = 3
_SIZE_MAX: Final = 65507


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notification says; texts of OBJECTS in their order, the event's number below BASE.0."""

    event_number: int
    texts: tuple[str, ...]
    up_time_cs: int  # hundredths of a second


@dataclass(frozen=True, slots=True)
class User:
    """Who signs a version 3 notification."""

    name: str
    password: str
    engine_id: bytes  # 5 to 32 bytes
    boots: int
    time_s: int


def engine_id(server: str) -> bytes:
    """Return the engine id of a server: text format (RFC 3411), made of its name, below net-snmp's number."""
    return bytes.fromhex("80001f8804") + f"twinset.{server}".encode()[:27]


def trap_v2c(notice: Notice, community: str, request_id: int) -> bytes:
    """Return the datagram of a version 2c notification."""
    return _tlv(_SEQUENCE, _integer(1) + _octets(community.encode()) + _pdu(notice, request_id))


def trap_v3(notice: Notice, user: User, request_id: int) -> bytes:
    """Return the datagram of a version 3 notification, authenticated."""
    blank = _message(notice, user, request_id, bytes(MAC_BYTES))
    mac = hmac.digest(localized_key(user.password, user.engine_id), blank, "sha256")[:MAC_BYTES]
    return _message(notice, user, request_id, mac)


def localized_key(password: str, engine: bytes) -> bytes:
    """Return the key of a user at an engine: RFC 3414 A.2 with SHA-256. ValueError for a password that is too short."""
    raw = password.encode()
    if len(raw) < PASSWORD_BYTES_MIN:
        raise ValueError(f"a password of {len(raw)} bytes, at least {PASSWORD_BYTES_MIN} are needed")
    repeated = (raw * (_KEY_BYTES // len(raw) + 1))[:_KEY_BYTES]
    key = hashlib.sha256(repeated).digest()
    return hashlib.sha256(key + engine + key).digest()


def _message(notice: Notice, user: User, request_id: int, mac: bytes) -> bytes:
    header = (
        _integer(request_id) + _integer(_SIZE_MAX) + _octets(bytes([_REPORTABLE_NO_AUTH])) + _integer(_USM)
    )
    security = _tlv(
        _SEQUENCE,
        _octets(user.engine_id)
        + _integer(user.boots)
        + _integer(user.time_s)
        + _octets(user.name.encode())
        + _octets(mac)
        + _octets(b""),
    )
    scoped = _tlv(_SEQUENCE, _octets(user.engine_id) + _octets(b"") + _pdu(notice, request_id))
    return _tlv(_SEQUENCE, _integer(3) + _tlv(_SEQUENCE, header) + _octets(security) + scoped)


def _pdu(notice: Notice, request_id: int) -> bytes:
    pairs = [
        (UP_TIME, _tlv(_TICKS, _unsigned(notice.up_time_cs & 0xFFFFFFFF))),
        (TRAP_NAME, _oid((*BASE, 0, notice.event_number))),
        *(((*BASE, 1, place + 1, 0), _octets(_cut(text))) for place, text in enumerate(notice.texts)),
    ]
    bindings = b"".join(_tlv(_SEQUENCE, _oid(name) + value) for name, value in pairs)
    return _tlv(_TRAP, _integer(request_id) + _integer(0) + _integer(0) + _tlv(_SEQUENCE, bindings))


def _cut(text: str) -> bytes:
    return text.encode()[:TEXT_BYTES_MAX].decode(errors="ignore").encode()


def _tlv(kind: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([kind, size]) + content
    digits = _unsigned(size).lstrip(b"\0")
    return bytes([kind, 0x80 | len(digits)]) + digits + content


def _octets(content: bytes) -> bytes:
    return _tlv(_OCTETS, content)


def _integer(value: int) -> bytes:
    return _tlv(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def _unsigned(value: int) -> bytes:
    """Two's complement of a number that is not negative: a leading zero byte where the first bit is set."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def _oid(parts: Sequence[int]) -> bytes:
    content = bytearray([parts[0] * 40 + parts[1]])
    for part in parts[2:]:
        digits = [part & 0x7F]
        while part := part >> 7:
            digits.append(0x80 | (part & 0x7F))
        content += bytes(reversed(digits))
    return _tlv(_OID, bytes(content))
