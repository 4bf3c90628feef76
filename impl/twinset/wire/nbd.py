"""NBD, transmission phase: requests of clients as numbers, and replies as bytes.

Names are those of the protocol document. Everything is big-endian. Requests are plain tuples and replies are
packed into buffers of the caller: this is the hot path of a block server. The handshake before it is in
`nbd_handshake.py`.

How the shell reads a connection:
1. Receive into one buffer as much as there is; call `parse_requests`.
2. Each WRITE tells where its payload lies in the buffer: move it into a slot.
3. When the returned position is beyond what was received, the last request is a WRITE that lacks
   `position - end` bytes of payload: receive those straight into its slot.
4. `validate_request` before anything is done; the payload of a refused WRITE is read and thrown away.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from twinset.errors import ProtocolError

NBD_REQUEST_MAGIC: Final = 0x25609513
NBD_SIMPLE_REPLY_MAGIC: Final = 0x67446698
NBD_STRUCTURED_REPLY_MAGIC: Final = 0x668E33EF

NBD_CMD_READ, NBD_CMD_WRITE, NBD_CMD_DISC, NBD_CMD_FLUSH, NBD_CMD_TRIM = 0, 1, 2, 3, 4
NBD_CMD_CACHE, NBD_CMD_WRITE_ZEROES, NBD_CMD_BLOCK_STATUS = 5, 6, 7
COMMAND_NAMES: Final = ("READ", "WRITE", "DISC", "FLUSH", "TRIM", "CACHE", "WRITE_ZEROES", "BLOCK_STATUS")

NBD_CMD_FLAG_FUA, NBD_CMD_FLAG_NO_HOLE, NBD_CMD_FLAG_DF = 1, 2, 4
NBD_CMD_FLAG_REQ_ONE, NBD_CMD_FLAG_FAST_ZERO = 8, 16

NBD_FLAG_HAS_FLAGS: Final = 1 << 0
NBD_FLAG_READ_ONLY: Final = 1 << 1
NBD_FLAG_SEND_FLUSH: Final = 1 << 2
NBD_FLAG_SEND_FUA: Final = 1 << 3
NBD_FLAG_SEND_TRIM: Final = 1 << 5
NBD_FLAG_SEND_WRITE_ZEROES: Final = 1 << 6
NBD_FLAG_CAN_MULTI_CONN: Final = 1 << 8

NBD_REPLY_FLAG_DONE: Final = 1
NBD_REPLY_TYPE_NONE: Final = 0
NBD_REPLY_TYPE_OFFSET_DATA: Final = 1
NBD_REPLY_TYPE_OFFSET_HOLE: Final = 2
NBD_REPLY_TYPE_ERROR_BIT: Final = 1 << 15
NBD_REPLY_TYPE_ERROR: Final = NBD_REPLY_TYPE_ERROR_BIT + 1

# The errors that may stand in a reply, whatever the numbers of the system are.
NBD_SUCCESS, NBD_EPERM, NBD_EIO, NBD_ENOMEM, NBD_EINVAL, NBD_ENOSPC = 0, 1, 5, 12, 22, 28
NBD_EOVERFLOW, NBD_ENOTSUP, NBD_ESHUTDOWN = 75, 95, 108
_KNOWN_ERRORS: Final = frozenset({
    NBD_SUCCESS, NBD_EPERM, NBD_EIO, NBD_ENOMEM, NBD_EINVAL, NBD_ENOSPC,
    NBD_EOVERFLOW, NBD_ENOTSUP, NBD_ESHUTDOWN,
})  # fmt: skip
_OTHER_ERRORS: Final = {
    13: NBD_EPERM,
    30: NBD_EPERM,
    27: NBD_ENOSPC,
    122: NBD_ENOSPC,
}  # EACCES EROFS EFBIG EDQUOT

PAYLOAD_BYTES_MAX: Final = 32 << 20
"""What the protocol lets a client send or ask for in one request that carries data."""

ERROR_MESSAGE_BYTES_MAX: Final = 4096

REQUEST: Final = struct.Struct(">IHHQQI")  # magic, command flags, type, cookie, offset, length
SIMPLE_REPLY: Final = struct.Struct(">IIQ")  # magic, error, cookie
CHUNK: Final = struct.Struct(">IHHQI")  # magic, flags, type, cookie, length of the payload
_DATA_CHUNK: Final = struct.Struct(">IHHQIQ")  # ... offset; the data follow
_HOLE_CHUNK: Final = struct.Struct(">IHHQIQI")  # ... offset, length of the hole
_ERROR_CHUNK: Final = struct.Struct(">IHHQIIH")  # ... error, length of the message; the message follows

REQUEST_BYTES: Final = REQUEST.size
SIMPLE_REPLY_BYTES: Final = SIMPLE_REPLY.size
DATA_HEADER_BYTES: Final = _DATA_CHUNK.size
HOLE_CHUNK_BYTES: Final = _HOLE_CHUNK.size


@dataclass(frozen=True, slots=True)
class Export:
    """One data partition as a client sees it. `not_ready` says why it cannot be opened now (4.5.2-01)."""

    name: str
    size_bytes: int
    description: str = ""
    not_ready: str = ""
    read_only: bool = False
    block_min_bytes: int = 512
    block_preferred_bytes: int = 4096
    block_max_bytes: int = PAYLOAD_BYTES_MAX

    @property
    def transmission_flags(self) -> int:
        """What the export can do. Every connection sees the same data, so several may be used at once."""
        flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_CAN_MULTI_CONN
        if self.read_only:
            return flags | NBD_FLAG_READ_ONLY
        return flags | NBD_FLAG_SEND_TRIM | NBD_FLAG_SEND_WRITE_ZEROES


class ClientBrokeProtocol(ProtocolError):  # noqa: N818 - says who broke the rule
    """The client sent what no client may send; the connection cannot go on."""


Request = tuple[int, int, int, int, int, int]
"""flags, type, cookie, offset, length, position of the payload (-1 without one)."""


def parse_requests(
    buffer: bytes | bytearray | memoryview, start: int, end: int, most: int = 1 << 20
) -> tuple[list[Request], int]:
    """Return at most `most` requests whose headers lie whole in `buffer[start:end]`, and where to go on.

    A position beyond `end` is explained at the top of this file. Raises ClientBrokeProtocol only when the
    *first* request cannot be read, so that the ones before it have been returned.
    """
    requests: list[Request] = []
    unpack = REQUEST.unpack_from
    last = min(end, len(buffer)) - REQUEST_BYTES
    while start <= last and len(requests) < most:
        magic, flags, command, cookie, offset, length = unpack(buffer, start)
        if magic != NBD_REQUEST_MAGIC:
            if requests:
                break
            raise ClientBrokeProtocol(f"request magic is {magic:#010x} instead of {NBD_REQUEST_MAGIC:#010x}")
        if command == NBD_CMD_WRITE:
            if length > PAYLOAD_BYTES_MAX:
                if requests:
                    break
                raise ClientBrokeProtocol(f"WRITE of {length} bytes, at most {PAYLOAD_BYTES_MAX} are allowed")
            start += REQUEST_BYTES
            requests.append((flags, command, cookie, offset, length, start))
            start += length
        else:
            start += REQUEST_BYTES
            requests.append((flags, command, cookie, offset, length, -1))
    return requests, start


_ALLOWED_FLAGS: Final = {
    NBD_CMD_READ: NBD_CMD_FLAG_FUA,
    NBD_CMD_WRITE: NBD_CMD_FLAG_FUA,
    NBD_CMD_FLUSH: NBD_CMD_FLAG_FUA,
    NBD_CMD_TRIM: NBD_CMD_FLAG_FUA,
    NBD_CMD_WRITE_ZEROES: NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_NO_HOLE,
}


def validate_request(
    export: Export, flags: int, command: int, offset: int, length: int
) -> tuple[int, str] | None:
    """Return None when the request may be carried out, else the error to reply and the reason to log.

    DISC is not a request that is carried out: the shell handles it before.
    """
    if command > NBD_CMD_WRITE_ZEROES or command not in _ALLOWED_FLAGS:
        name = COMMAND_NAMES[command] if command < len(COMMAND_NAMES) else f"command {command}"
        return NBD_EINVAL, f"{name} is not supported"
    if flags & ~_ALLOWED_FLAGS[command]:
        return NBD_EINVAL, f"{COMMAND_NAMES[command]}: flags {flags:#x} are not allowed with it"
    if command == NBD_CMD_FLUSH:
        if offset or length:
            return NBD_EINVAL, f"FLUSH with offset={offset} length={length}, both have to be 0"
        return None
    if export.read_only and command != NBD_CMD_READ:
        return NBD_EPERM, f"{COMMAND_NAMES[command]}: the export is read-only"
    if not length:
        return NBD_EINVAL, f"{COMMAND_NAMES[command]} of no bytes at {offset}"
    if offset + length > export.size_bytes:
        error = NBD_ENOSPC if command in (NBD_CMD_WRITE, NBD_CMD_WRITE_ZEROES) else NBD_EINVAL
        return error, (
            f"{COMMAND_NAMES[command]}: offset={offset} length={length} is out of range, "
            f"the export has {export.size_bytes} bytes"
        )
    if (offset | length) & (export.block_min_bytes - 1):
        return NBD_EINVAL, (
            f"{COMMAND_NAMES[command]}: offset={offset} length={length} is no multiple of "
            f"{export.block_min_bytes}, the advertised minimum block size"
        )
    if length > export.block_max_bytes and command <= NBD_CMD_WRITE:
        return NBD_EINVAL, (
            f"{COMMAND_NAMES[command]}: length={length}, at most {export.block_max_bytes} are allowed"
        )
    return None


def wire_error(code: int) -> int:
    """Return the protocol's error for an errno of the system."""
    return code if code in _KNOWN_ERRORS else _OTHER_ERRORS.get(code, NBD_EIO)


def simple_reply(cookie: int, error: int = 0) -> bytes:
    """Return a reply without data. `error` is one of the NBD_E... values."""
    return SIMPLE_REPLY.pack(NBD_SIMPLE_REPLY_MAGIC, error, cookie)


def pack_simple_reply(buffer: bytearray | memoryview, at: int, cookie: int, error: int = 0) -> None:
    """Put a simple reply header, SIMPLE_REPLY_BYTES long, into `buffer`; the data of a READ follow it."""
    SIMPLE_REPLY.pack_into(buffer, at, NBD_SIMPLE_REPLY_MAGIC, error, cookie)


def pack_data_header(
    buffer: bytearray | memoryview, at: int, cookie: int, offset: int, length: int, flags: int
) -> None:
    """Put the header of a chunk of `length` data bytes, DATA_HEADER_BYTES long, into `buffer`.

    `offset` is the place in the export. `flags` is NBD_REPLY_FLAG_DONE on the last chunk of a READ, else 0.
    """
    _DATA_CHUNK.pack_into(
        buffer, at, NBD_STRUCTURED_REPLY_MAGIC, flags, NBD_REPLY_TYPE_OFFSET_DATA, cookie, length + 8, offset
    )


def hole_chunk(cookie: int, offset: int, length: int, flags: int) -> bytes:
    """Return a chunk that says `length` bytes at `offset` are zero."""
    return _HOLE_CHUNK.pack(
        NBD_STRUCTURED_REPLY_MAGIC, flags, NBD_REPLY_TYPE_OFFSET_HOLE, cookie, 12, offset, length
    )


def none_chunk(cookie: int) -> bytes:
    """Return the chunk that ends a structured reply without saying more."""
    return CHUNK.pack(NBD_STRUCTURED_REPLY_MAGIC, NBD_REPLY_FLAG_DONE, NBD_REPLY_TYPE_NONE, cookie, 0)


def error_chunk(cookie: int, error: int, message: str = "") -> bytes:
    """Return the chunk that ends a structured reply with an error and a text for a human."""
    text = truncate(message, ERROR_MESSAGE_BYTES_MAX)
    return (
        _ERROR_CHUNK.pack(
            NBD_STRUCTURED_REPLY_MAGIC, NBD_REPLY_FLAG_DONE, NBD_REPLY_TYPE_ERROR, cookie, 6 + len(text),
            error, len(text),
        )
        + text
    )  # fmt: skip


def truncate(text: str, bytes_max: int) -> bytes:
    """Return `text` as UTF-8 of at most `bytes_max` bytes, not cut within a character."""
    return text.encode()[:bytes_max].decode(errors="ignore").encode()
