"""NBD handshake, client side, sans I/O: fixed newstyle, structured replies where the server has them, one GO.

The caller's duties: send `data_to_send()` after every call; close after ProtocolError.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from twinset.errors import ProtocolError
from twinset.wire import nbd
from twinset.wire.nbd_handshake import (
    IHAVEOPT,
    NBD_FLAG_FIXED_NEWSTYLE,
    NBD_FLAG_NO_ZEROES,
    NBD_INFO_EXPORT,
    NBD_OPT_GO,
    NBD_OPT_STRUCTURED_REPLY,
    NBD_REP_ACK,
    NBD_REP_INFO,
    NBDMAGIC,
    OPTION_REPLY_MAGIC,
)

_GREETING: Final = struct.Struct(">8s8sH")
_REPLY: Final = struct.Struct(">QIII")
_INFO_EXPORT: Final = struct.Struct(">HQH")
_ERROR_BIT: Final = 1 << 31
_OFFSET: Final = struct.Struct(">Q")
_HOLE: Final = struct.Struct(">QI")
_ERROR: Final = struct.Struct(">IH")
REPLY_BYTES_MAX: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class OpenExport:
    """The export is open: requests may be sent."""

    size_bytes: int
    flags: int
    structured: bool


class ClientHandshake:
    """One attempt to open an export."""

    def __init__(self, export: str) -> None:
        self._export = export.encode()
        self._in = bytearray()
        self._out = bytearray()
        self._greeted = False
        self._size = self._flags = -1
        self._structured: bool | None = None  # not yet answered
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
        self._out += struct.pack(">8sII", IHAVEOPT, NBD_OPT_STRUCTURED_REPLY, 0)
        self._out += struct.pack(">8sII", IHAVEOPT, NBD_OPT_GO, len(body)) + body
        return True

    def _reply(self) -> bool:
        if len(self._in) < _REPLY.size:
            return False
        magic, option, kind, length = _REPLY.unpack_from(self._in)
        asked = NBD_OPT_STRUCTURED_REPLY if self._structured is None else NBD_OPT_GO
        if magic != OPTION_REPLY_MAGIC or option != asked or length > REPLY_BYTES_MAX:
            raise ProtocolError("the server sent something that is no reply to what was asked")
        if len(self._in) < _REPLY.size + length:
            return False
        body = bytes(self._in[_REPLY.size : _REPLY.size + length])
        del self._in[: _REPLY.size + length]
        if self._structured is None:
            if kind != NBD_REP_ACK and not kind & _ERROR_BIT:
                raise ProtocolError(f"reply {kind} to the wish for structured replies")
            self._structured = kind == NBD_REP_ACK
            return True
        if kind & _ERROR_BIT:
            raise ProtocolError(body.decode(errors="replace") or f"refused with error {kind & ~_ERROR_BIT}")
        if kind == NBD_REP_INFO and len(body) >= 2 and int.from_bytes(body[:2], "big") == NBD_INFO_EXPORT:
            if len(body) != _INFO_EXPORT.size:
                raise ProtocolError("the server described the export with a wrong length")
            _, self._size, self._flags = _INFO_EXPORT.unpack(body)
        elif kind == NBD_REP_ACK:
            if self._size < 0:
                raise ProtocolError("the server opened the export without telling its size")
            self.opened = OpenExport(self._size, self._flags, bool(self._structured))
        return True


class Chunk(NamedTuple):
    """One chunk of a structured reply: `length` bytes of data at `start` of the buffer; -1, they are zeros."""

    size: int  # of the chunk itself
    cookie: int
    done: bool
    error: int = 0  # as the protocol counts
    offset: int = 0  # in the export
    start: int = 0
    length: int = 0


def parse_chunk(buffer: bytearray, at: int, end: int, bytes_max: int) -> Chunk | None:
    """Return the chunk that begins at `at`, None while it is not there whole. ProtocolError: no server sends that."""
    if end - at < nbd.CHUNK.size:
        return None
    magic, flags, kind, cookie, length = nbd.CHUNK.unpack_from(buffer, at)
    if magic != nbd.NBD_STRUCTURED_REPLY_MAGIC or length > bytes_max:
        raise ProtocolError(f"{magic:#x} begins no reply, or one of {length} bytes is too long")
    size = nbd.CHUNK.size + length
    if end - at < size:
        return None
    done = bool(flags & nbd.NBD_REPLY_FLAG_DONE)
    if kind == nbd.NBD_REPLY_TYPE_OFFSET_DATA and length > _OFFSET.size:
        (offset,) = _OFFSET.unpack_from(buffer, at + nbd.CHUNK.size)
        data = length - _OFFSET.size
        return Chunk(size, cookie, done, 0, offset, at + size - data, data)
    if kind == nbd.NBD_REPLY_TYPE_OFFSET_HOLE and length == _HOLE.size:
        offset, data = _HOLE.unpack_from(buffer, at + nbd.CHUNK.size)
        return Chunk(size, cookie, done, 0, offset, -1, data)
    if kind & nbd.NBD_REPLY_TYPE_ERROR_BIT and length >= _ERROR.size:
        return Chunk(size, cookie, done, _ERROR.unpack_from(buffer, at + nbd.CHUNK.size)[0] or nbd.NBD_EIO)
    if kind == nbd.NBD_REPLY_TYPE_NONE and done and not length:
        return Chunk(size, cookie, done)
    raise ProtocolError(f"a chunk of type {kind} with {length} bytes")
