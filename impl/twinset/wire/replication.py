"""The mirror connect, as bytes: frames between the two sides of one mirror set.

Everything is little-endian. A connection begins with HELLO in both directions, then AUTH (each side proves
that it knows the cluster key over both nonces), then STATE, MAP... and READY: what each side knows of
itself. After that it is a session. Data is not encrypted; a frame that breaks a rule ends the connection.

Version history of the protocol: 1 - first version; 2 - READ, DATA and FAILED, for a side without its disk;
RESUME, SWITCH, END and counts of frames taken: a session may change its connection. What only adds frames is a
feature that a side names in STATE, and that the other one uses only then: "verify" (VERIFY, DIGEST).
Details: docs/wire-protocol.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from typing import Any, Final

from twinset.errors import ProtocolError
from twinset.wire.versions import Versions

VERSIONS: Final = Versions(2, 2)
FIELD: Final = "version"  # of a HELLO

FRAME: Final = struct.Struct(
    "<"
    "B"  # type
    "B"  # flags
    "2x"
    "I"  # length of the payload that follows
    "Q"  # sequence number, token or receipt mark; frames taken in PING and RESUME
    "Q"  # offset in the mirrored area; of ZERO and READ also the length in sectors, in the upper 16 bits; epoch of a
    # RESUME, frames taken in FAILED
    "Q"  # epoch of a write, durable epoch of a MARK, errno of FLUSHED, FAILED and DIGEST, frames taken in RECEIPT and
    # WRITTEN; of a VERIFY see `pack_verify`
)
FRAME_BYTES: Final = FRAME.size

HELLO, AUTH, STATE, MAP, READY, CONTROL, RESUME, SWITCH, END = 1, 2, 3, 4, 5, 6, 7, 8, 9
WRITE, ZERO, COPY, FLUSH, MARK, PING, VERIFY, READ = 16, 17, 18, 19, 20, 21, 22, 23
RECEIPT, WRITTEN, FLUSHED, DIGEST, DATA, FAILED = 32, 33, 34, 35, 36, 37
DATA_TYPES: Final = frozenset({WRITE, COPY, DATA})

_HEADER_ONLY: Final = frozenset({ZERO, FLUSH, MARK, VERIFY, READ, RECEIPT, FLUSHED, FAILED})

FLAG_FUA: Final = 1

HANDSHAKE_BYTES_MAX: Final = 64 << 10
CONTROL_BYTES_MAX: Final = 64 << 10
WRITTEN_MAX: Final = 4096  # operations reported in one frame
DIGESTS_BYTES_MAX: Final = 16 << 10
NONCE_BYTES: Final = 32
IDENTITY_BYTES: Final = 16  # of a session
END_BYTES_MAX: Final = 200

Frame = tuple[int, int, int, int, int, int]
"""type, flags, length of the payload, seq, offset, arg."""


def pack(
    kind: int, *, flags: int = 0, seq: int = 0, offset: int = 0, arg: int = 0, payload: bytes = b""
) -> bytes:
    """Return one whole frame."""
    return FRAME.pack(kind, flags, len(payload), seq, offset, arg) + payload


def pack_json(kind: int, message: dict[str, Any]) -> bytes:
    """Return a frame whose payload is a JSON object."""
    return pack(kind, payload=json.dumps(message, separators=(",", ":")).encode())


NEW, TRUSTED, SESSION = (
    0,
    1,
    2,
)  # what a connection is: in its handshake, authenticated, or carrying a session


def check_header(frame: Frame, *, stage: int, piece_max: int) -> None:
    """Raise ProtocolError unless the header may stand at this place of a connection."""
    kind, _flags, length = frame[:3]
    if kind in (HELLO, AUTH) or kind in (STATE, MAP, READY):
        limit, allowed = HANDSHAKE_BYTES_MAX, stage < SESSION
    elif kind == CONTROL:
        limit, allowed = CONTROL_BYTES_MAX, stage == SESSION
    elif kind in (RESUME, END):
        limit, allowed = (IDENTITY_BYTES if kind == RESUME else END_BYTES_MAX), stage >= TRUSTED
    elif kind in (PING, SWITCH):
        limit, allowed = 0, stage >= TRUSTED
    elif kind in DATA_TYPES:
        limit, allowed = piece_max, stage == SESSION and length > 0
    elif kind == WRITTEN:
        limit, allowed = WRITTEN_MAX * 8, stage == SESSION and length % 8 == 0
    elif kind == DIGEST:
        limit, allowed = DIGESTS_BYTES_MAX, stage == SESSION
    elif kind in _HEADER_ONLY:
        limit, allowed = 0, stage == SESSION
    else:
        raise ProtocolError(f"frame of unknown type {kind}")
    if not allowed:
        raise ProtocolError(f"frame of type {kind} with {length} bytes is out of place")
    if length > limit:
        raise ProtocolError(f"frame of type {kind} with {length} bytes, at most {limit} are allowed")


def parse_json(payload: bytes) -> dict[str, Any]:
    """Return the JSON object of a payload; raise ProtocolError for anything else."""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"payload is no JSON: {error}") from None
    if not isinstance(message, dict):
        raise ProtocolError("payload is no JSON object")
    return message


def hello(set_name: str, server: str, nonce: bytes) -> bytes:
    """Return the first frame of a connection."""
    return pack_json(HELLO, {**VERSIONS.said(FIELD), "set": set_name, "server": server, "nonce": nonce.hex()})


def check_hello(message: dict[str, Any], set_name: str, peer: str) -> bytes:
    """Return the other side's nonce; raise ProtocolError when it is not the one that is expected."""
    VERSIONS.agreed_with("mirror connect", FIELD, message)
    if message.get("set") != set_name or message.get("server") != peer:
        raise ProtocolError(f"{message.get('server')!r} called for set {message.get('set')!r}")
    try:
        nonce = bytes.fromhex(message["nonce"])
    except (KeyError, TypeError, ValueError):
        raise ProtocolError("hello without a nonce") from None
    if len(nonce) != NONCE_BYTES:
        raise ProtocolError(f"nonce of {len(nonce)} bytes instead of {NONCE_BYTES}")
    return nonce


def proof(key: bytes, server: str, own_nonce: bytes, peer_nonce: bytes) -> bytes:
    """Return what `server` sends to show that it knows the cluster key, bound to this connection."""
    text = b"twinset mirror 1\0" + server.encode() + b"\0" + own_nonce + peer_nonce
    return hmac.new(key, text, hashlib.sha256).digest()


def session_identity(first_nonce: bytes, second_nonce: bytes) -> bytes:
    """Return what names a session: from the nonces of server 1 and server 2 on the connection that began it."""
    return hashlib.sha256(b"twinset session\0" + first_nonce + second_nonce).digest()[:IDENTITY_BYTES]


def same(one: bytes, other: bytes) -> bool:
    """Compare proofs in constant time."""
    return hmac.compare_digest(one, other)


def pack_seqs(seqs: list[int]) -> bytes:
    """Return the payload of a WRITTEN frame."""
    return struct.pack(f"<{len(seqs)}Q", *seqs)


def unpack_seqs(payload: bytes | memoryview) -> tuple[int, ...]:
    """Return the sequence numbers of a WRITTEN frame."""
    return struct.unpack(f"<{len(payload) // 8}Q", payload)


def pack_verify(token: int, offset: int, length: int, block: int) -> bytes:
    """Return the frame that asks for the digests of a range, one for each `block` bytes."""
    return FRAME.pack(VERIFY, 0, 0, token, offset, block << 32 | length)


def unpack_verify(arg: int) -> tuple[int, int]:
    """Return length and block of a VERIFY; ProtocolError where they fit no slot or no answer."""
    length, block = arg & 0xFFFFFFFF, arg >> 32
    if not length or not 512 <= block <= 1 << 30:
        raise ProtocolError(f"a look at {length} bytes by {block}")
    return length, block
