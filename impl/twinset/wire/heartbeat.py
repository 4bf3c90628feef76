"""Heartbeat datagrams: bytes <-> messages, authenticated with the cluster key.

Version history of the format: 1 - initial.

Layout, network byte order, 185 bytes:

    0    4  magic "TSHB"
    4    1  version (1)
    5    1  status of the sender            (index into STATUSES)
    6    1  status the sender holds of the receiver
    7    1  flags (bit 0: answer to a stranger; its echo proves freshness and anchors no lease;
            bits 4 to 7: how many versions above this one the sender understands too)
    8   16  boot id of the sender
   24    8  incarnation of the sender's twinsetd (random per start)
   32    8  sequence number, strictly increasing within an incarnation over all LANs
   40    8  sent_ms, the sender's CLOCK_BOOTTIME at sending
   48   16  boot id of the receiver that the held status is about (zero: none known)
   64    8  echoed incarnation of the receiver (zero: nothing heard yet)
   72    8  echoed sequence number
   80    8  echoed sent_ms: the receiver's own clock, handed back to anchor its lease (mirror-rules R13)
   88    8  digest of the configuration (first 8 bytes of SHA-256)
   96   32  cluster name, zero padded (15 bytes at most are used) [2.2.2.3-01]
  128   25  sender's name, zero padded (15 bytes at most are used) [2.2.2.3-05]
  153   32  HMAC-SHA256 over bytes 0 to 152 with a key derived from the cluster key

In every version magic, version and flags stand where they do, and the HMAC is the last 32 bytes: of a version that it
does not speak a program knows who sent it, and says so (versions.py).

A datagram proves only that a holder of the key made it once. That it is neither repeated nor old is judged
by `twinset.cluster.heartbeat`: sequence numbers within a known incarnation, and for a new boot or
incarnation an echo of something this very incarnation of the receiver has sent.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinset.errors import ProtocolError
from twinset.wire.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Sequence

STATUSES = ("", "O", "X", "Xd", "Od")
MAGIC = b"TSHB"
VERSIONS = Versions(1, 1)
NAME_BYTES_MAX = 15
_BODY = struct.Struct("!4sBBBB16s8sQQ16s8sQQ8s32s25s")
_HEAD = struct.Struct("!4sB2xB")
_TAG_BYTES = 32
DATAGRAM_BYTES = _BODY.size + _TAG_BYTES
FLAG_ANSWER = 1
FURTHER_SHIFT = 4


class HeartbeatError(ProtocolError):
    """A datagram that is no heartbeat of this cluster; the message says which rule it breaks."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One heartbeat; ids are lower-case hex, "" where nothing is known."""

    cluster: str
    sender: str
    boot_id: str  # 32 hex digits
    incarnation: str  # 16 hex digits
    seq: int
    sent_ms: int
    status: str  # of the sender: O, X, Xd or Od
    peer_status: str = ""  # what the sender holds of the receiver
    peer_boot: str = ""  # the receiver's boot id that peer_status is about
    echo_incarnation: str = ""
    echo_seq: int = 0
    echo_sent_ms: int = 0
    config_digest: str = "0" * 16
    answer: bool = False  # to a stranger: the echo does not mean that it was heard


def derive_key(cluster_key: bytes) -> bytes:
    """The key of heartbeats; the cluster key itself never authenticates anything directly."""
    return hmac.digest(cluster_key, b"twinset heartbeat 1", "sha256")


def encode(heartbeat: Heartbeat, key: bytes) -> bytes:
    """The datagram of `heartbeat`, authenticated with `derive_key(cluster_key)`."""
    body = _BODY.pack(
        MAGIC,
        VERSIONS.oldest,
        STATUSES.index(heartbeat.status),
        STATUSES.index(heartbeat.peer_status),
        (VERSIONS.newest - VERSIONS.oldest) << FURTHER_SHIFT | (FLAG_ANSWER if heartbeat.answer else 0),
        _id_bytes(heartbeat.boot_id, 16),
        _id_bytes(heartbeat.incarnation, 8),
        heartbeat.seq,
        heartbeat.sent_ms,
        _id_bytes(heartbeat.peer_boot, 16),
        _id_bytes(heartbeat.echo_incarnation, 8),
        heartbeat.echo_seq,
        heartbeat.echo_sent_ms,
        _id_bytes(heartbeat.config_digest, 8),
        _name_bytes(heartbeat.cluster),
        _name_bytes(heartbeat.sender),
    )
    return body + hmac.digest(key, body, "sha256")


def decode(datagram: bytes, key: bytes) -> Heartbeat:
    """The heartbeat in `datagram`; raises `HeartbeatError` or `VersionsApart` for anything else."""
    body, tag = datagram[:-_TAG_BYTES], datagram[-_TAG_BYTES:]
    authentic = len(body) >= _HEAD.size and hmac.compare_digest(tag, hmac.digest(key, body, "sha256"))
    if not authentic and len(datagram) != DATAGRAM_BYTES:
        raise HeartbeatError(f"datagram of {len(datagram)} bytes, a heartbeat has {DATAGRAM_BYTES}")
    if not authentic:
        raise HeartbeatError("authentication failed: the sender does not hold this cluster's key")
    magic, version, flags = _HEAD.unpack_from(body)
    if magic != MAGIC or not version:
        raise HeartbeatError(f"magic {magic!r} version {version}, expected {MAGIC!r}")
    VERSIONS.agreed("heartbeat", Versions(version, version + (flags >> FURTHER_SHIFT)))
    if len(body) != _BODY.size:
        raise HeartbeatError(f"datagram of {len(datagram)} bytes, a heartbeat has {DATAGRAM_BYTES}")
    (_, _, status, peer_status, _, boot_id, incarnation, seq, sent_ms, peer_boot,
     echo_incarnation, echo_seq, echo_sent_ms, digest, cluster, sender) = _BODY.unpack(body)  # fmt: skip
    if not 1 <= status < len(STATUSES) or peer_status >= len(STATUSES):
        raise HeartbeatError(f"status codes {status} and {peer_status} are not among {STATUSES}")
    return Heartbeat(
        cluster=_name(cluster),
        sender=_name(sender),
        boot_id=boot_id.hex(),
        incarnation=incarnation.hex(),
        seq=seq,
        sent_ms=sent_ms,
        status=STATUSES[status],
        peer_status=STATUSES[peer_status],
        peer_boot=_optional_id(peer_boot),
        echo_incarnation=_optional_id(echo_incarnation),
        echo_seq=echo_seq,
        echo_sent_ms=echo_sent_ms,
        config_digest=digest.hex(),
        answer=bool(flags & FLAG_ANSWER),
    )


def decode_by_any(datagram: bytes, keys: Sequence[bytes]) -> Heartbeat:
    """The heartbeat in `datagram`, authenticated with one of the keys; raises as `decode` does."""
    for key in keys[:-1]:
        with contextlib.suppress(HeartbeatError):
            return decode(datagram, key)
    return decode(datagram, keys[-1])


def config_digest(text: bytes) -> str:
    """The digest both servers compare: equal text, equal configuration."""
    return hashlib.sha256(text).hexdigest()[:16]


def _id_bytes(text: str, size: int) -> bytes:
    if not text:
        return bytes(size)
    raw = bytes.fromhex(text)
    if len(raw) != size:
        raise HeartbeatError(f"id {text!r} has {len(raw)} bytes, {size} are needed")
    return raw


def _optional_id(raw: bytes) -> str:
    return raw.hex() if any(raw) else ""


def _name_bytes(name: str) -> bytes:
    raw = name.encode()
    if not 1 <= len(raw) <= NAME_BYTES_MAX:
        raise HeartbeatError(f"name {name!r} is {len(raw)} bytes, 1 to {NAME_BYTES_MAX} are allowed")
    return raw


def _name(raw: bytes) -> str:
    text = raw.rstrip(b"\0")
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise HeartbeatError(f"name {text!r} is not UTF-8") from error
