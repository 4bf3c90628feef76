"""Messages to the kernel's NBD driver over generic netlink: bytes and nothing else.

Layouts and numbers are those of the kernel's <linux/netlink.h>, <linux/genetlink.h> and <linux/nbd-netlink.h>; both
ends are this machine, so numbers are in native order.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from twinset.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

NETLINK_GENERIC: Final = 16
FAMILY_NAME: Final = "nbd"

_GENL_ID_CTRL, _CTRL_CMD_GETFAMILY = 0x10, 3
_CTRL_ATTR_FAMILY_ID, _CTRL_ATTR_FAMILY_NAME = 1, 2
_NLMSG_ERROR: Final = 2
_NLM_F_REQUEST, _NLM_F_ACK = 1, 4
_NLA_F_NESTED: Final = 1 << 15
_NLA_TYPE_MASK: Final = 0x3FFF

NBD_CMD_CONNECT, NBD_CMD_DISCONNECT = 1, 2
NBD_ATTR_INDEX, NBD_ATTR_SIZE_BYTES, NBD_ATTR_BLOCK_SIZE_BYTES, NBD_ATTR_TIMEOUT = 1, 2, 3, 4
NBD_ATTR_SERVER_FLAGS, NBD_ATTR_SOCKETS, NBD_ATTR_BACKEND_IDENTIFIER = 5, 7, 10
NBD_SOCK_ITEM, NBD_SOCK_FD = 1, 1

_HEADER: Final = struct.Struct("=IHHII")  # length, type, flags, sequence number, port
_GENERIC: Final = struct.Struct("=BBH")  # command, version, reserved
_ATTRIBUTE: Final = struct.Struct("=HH")  # length, type


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _attribute(kind: int, body: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(body)
    return _ATTRIBUTE.pack(length, kind) + body + b"\0" * (_aligned(length) - length)


def _message(kind: int, command: int, sequence: int, attributes: bytes) -> bytes:
    body = _GENERIC.pack(command, 1, 0) + attributes
    length = _HEADER.size + len(body)
    return _HEADER.pack(length, kind, _NLM_F_REQUEST | _NLM_F_ACK, sequence, 0) + body


def get_family(sequence: int) -> bytes:
    """Ask for the number of the driver's family."""
    name = _attribute(_CTRL_ATTR_FAMILY_NAME, FAMILY_NAME.encode() + b"\0")
    return _message(_GENL_ID_CTRL, _CTRL_CMD_GETFAMILY, sequence, name)


def connect(
    family: int,
    sequence: int,
    *,
    descriptor: int,
    size_bytes: int,
    block_bytes: int,
    flags: int,
    identifier: str,
) -> bytes:
    """Attach a free device to a socket of the calling process; requests on it never time out."""
    item = _attribute(NBD_SOCK_ITEM | _NLA_F_NESTED, _attribute(NBD_SOCK_FD, struct.pack("=I", descriptor)))
    attributes = (
        _attribute(NBD_ATTR_SIZE_BYTES, struct.pack("=Q", size_bytes))
        + _attribute(NBD_ATTR_BLOCK_SIZE_BYTES, struct.pack("=Q", block_bytes))
        + _attribute(NBD_ATTR_TIMEOUT, struct.pack("=Q", 0))
        + _attribute(NBD_ATTR_SERVER_FLAGS, struct.pack("=Q", flags))
        + _attribute(NBD_ATTR_SOCKETS | _NLA_F_NESTED, item)
        + _attribute(NBD_ATTR_BACKEND_IDENTIFIER, identifier.encode() + b"\0")
    )
    return _message(family, NBD_CMD_CONNECT, sequence, attributes)


def disconnect(family: int, sequence: int, index: int) -> bytes:
    """Take a device away; what is under way ends with an error."""
    return _message(
        family, NBD_CMD_DISCONNECT, sequence, _attribute(NBD_ATTR_INDEX, struct.pack("=I", index))
    )


class Answer:
    """What came back for one request; `done` once the kernel has acknowledged or refused it."""

    def __init__(self, sequence: int) -> None:
        self._sequence = sequence
        self.done = False
        self.errno = 0
        self.attributes: dict[int, bytes] = {}

    def receive_data(self, data: bytes) -> None:
        """Take one datagram; ProtocolError when it is no netlink message."""
        for kind, sequence, body in _messages(data):
            if sequence != self._sequence:
                continue
            if kind == _NLMSG_ERROR:
                if len(body) < 4:
                    raise ProtocolError("netlink: an acknowledgement without a status")
                self.errno = -int(struct.unpack_from("=i", body)[0])
                self.done = True
            else:
                self.attributes |= dict(_attributes(body[_GENERIC.size :]))

    @property
    def family(self) -> int:
        """The number of the family asked for; ProtocolError when it is not in the answer."""
        return self._number(_CTRL_ATTR_FAMILY_ID, "=H")

    @property
    def index(self) -> int:
        """The number of the device that was attached; ProtocolError when it is not in the answer."""
        return self._number(NBD_ATTR_INDEX, "=I")

    def _number(self, kind: int, layout: str) -> int:
        body = self.attributes.get(kind, b"")
        if len(body) != struct.calcsize(layout):
            raise ProtocolError(f"netlink: attribute {kind} is missing or has {len(body)} bytes")
        return int(struct.unpack(layout, body)[0])


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    position = 0
    while position + _HEADER.size <= len(data):
        length, kind, _, sequence, _ = _HEADER.unpack_from(data, position)
        if length < _HEADER.size or position + length > len(data):
            raise ProtocolError(f"netlink: a message of {length} bytes in {len(data) - position}")
        yield kind, sequence, data[position + _HEADER.size : position + length]
        position += _aligned(length)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, position)
        if length < _ATTRIBUTE.size or position + length > len(data):
            raise ProtocolError(f"netlink: an attribute of {length} bytes in {len(data) - position}")
        yield kind & _NLA_TYPE_MASK, data[position + _ATTRIBUTE.size : position + length]
        position += _aligned(length)
