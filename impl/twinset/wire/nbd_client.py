"""NBD handshake, client side, sans I/O: fixed newstyle, one GO for one export, simple replies only.

The caller's duties: send `data_to_send()` after every call; close after ProtocolError.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from twinset.errors import ProtocolError
from twinset.wire.nbd_handshake import (
    IHAVEOPT,
    NBD_FLAG_FIXED_NEWSTYLE,
    NBD_FLAG_NO_ZEROES,
    NBD_INFO_EXPORT,
    NBD_OPT_GO,
    NBD_REP_ACK,
    NBD_REP_INFO,
    NBDMAGIC,
    OPTION_REPLY_MAGIC,
)

_GREETING: Final = struct.Struct(">8s8sH")
_REPLY: Final = struct.Struct(">QIII")
_INFO_EXPORT: Final = struct.Struct(">HQH")
_ERROR_BIT: Final = 1 << 31
REPLY_BYTES_MAX: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class OpenExport:
    """The export is open: requests may be sent."""

    size_bytes: int
    flags: int


class ClientHandshake:
    """One attempt to open an export."""

    def __init__(self, export: str) -> None:
        self._export = export.encode()
        self._in = bytearray()
        self._out = bytearray()
        self._greeted = False
        self._size = self._flags = -1
        self.opened: OpenExport | None = None

    def data_to_send(self) -> bytes:
        """Return the bytes that have to be sent now."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive_data(self, data: bytes) -> None:
        """Take what arrived (nothing: the end); ProtocolError carries the reason of a refusal."""
        if not data:
            raise ProtocolError("closed during the handshake")
        self._in += data
        if not self._greeted and not self._greeting():
            return
        while self.opened is None and self._reply():
            pass

    def _greeting(self) -> bool:
        if len(self._in) < _GREETING.size:
            return False
        magic, option_magic, flags = _GREETING.unpack_from(self._in)
        del self._in[: _GREETING.size]
        if magic != NBDMAGIC or option_magic != IHAVEOPT or not flags & NBD_FLAG_FIXED_NEWSTYLE:
            raise ProtocolError("the server does not speak fixed newstyle NBD")
        self._greeted = True
        self._out += struct.pack(">I", NBD_FLAG_FIXED_NEWSTYLE | (flags & NBD_FLAG_NO_ZEROES))
        body = struct.pack(">I", len(self._export)) + self._export + struct.pack(">H", 0)
        self._out += struct.pack(">8sII", IHAVEOPT, NBD_OPT_GO, len(body)) + body
        return True

    def _reply(self) -> bool:
        if len(self._in) < _REPLY.size:
            return False
        magic, option, kind, length = _REPLY.unpack_from(self._in)
        if magic != OPTION_REPLY_MAGIC or option != NBD_OPT_GO or length > REPLY_BYTES_MAX:
            raise ProtocolError("the server sent something that is no reply to GO")
        if len(self._in) < _REPLY.size + length:
            return False
        body = bytes(self._in[_REPLY.size : _REPLY.size + length])
        del self._in[: _REPLY.size + length]
        if kind & _ERROR_BIT:
            raise ProtocolError(body.decode(errors="replace") or f"refused with error {kind & ~_ERROR_BIT}")
        if kind == NBD_REP_INFO and len(body) >= 2 and int.from_bytes(body[:2], "big") == NBD_INFO_EXPORT:
            if len(body) != _INFO_EXPORT.size:
                raise ProtocolError("the server described the export with a wrong length")
            _, self._size, self._flags = _INFO_EXPORT.unpack(body)
        elif kind == NBD_REP_ACK:
            if self._size < 0:
                raise ProtocolError("the server opened the export without telling its size")
            self.opened = OpenExport(self._size, self._flags)
        return True
