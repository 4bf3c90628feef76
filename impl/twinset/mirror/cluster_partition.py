"""The CLUSTER partition: what a side knows about itself and its mirror, as bytes (7.1.2-01).

Layout (all numbers little-endian; details in docs/data-on-disk.md):

    offset   length   content
    0        4096     record slot A
    4096     4096     record slot B
    65536    4096     header of the persisted map
    524288   524288   bits of the persisted map, one bit an extent, least significant bit first

A record is written with a counter one above the newest, first into slot `counter % 2`, flushed, then into the
other slot, flushed. So the newest record survives the loss of either copy, and a write that a power cut tears
leaves its predecessor whole in the other slot.

Rules:
1. A record counts as durable after its first slot is flushed; the second copy only guards against damage.
2. The slot with the higher counter wins; a slot whose checksum fails does not exist, and that is reported.
3. Two damaged slots are an error. Only two slots of nothing but zeros are a disk that was never registered.
4. The map counts only while the record says `map_valid` and the map's header fits that record.
"""

from __future__ import annotations

import dataclasses
import hashlib
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from twinset import __version__
from twinset.errors import DiskError
from twinset.wire.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Mapping

# Versions of the record and of the map header that this program reads; it writes the oldest of them, so that a server
# can go back to the release before (AUX-01). History:
#   1  first version
VERSIONS: Final = Versions(1, 1)

CLUSTER_PARTITION_MIN_BYTES: Final = 1 << 20  # 4.1.3-02
RECORD_BYTES: Final = 4096
RECORD_OFFSETS: Final = (0, 4096)
MAP_HEADER_OFFSET: Final = 64 << 10
MAP_HEADER_BYTES: Final = 4096
MAP_OFFSET: Final = 512 << 10
MAP_BYTES_MAX: Final = 512 << 10

RECORD_MAGIC: Final = b"TWINSREC"
MAP_MAGIC: Final = b"TWINSMAP"
HISTORY_MAX: Final = 8
SERVER_NAME_BYTES_MAX: Final = 64
NO_ID: Final = bytes(16)  # an identity or boot id that is not known or does not apply

_DIGEST_BYTES: Final = 32
_DIGEST_OFFSET: Final = RECORD_BYTES - _DIGEST_BYTES
_U64_MAX: Final = (1 << 64) - 1
_EXTENT_SHIFT_MAX: Final = 40


class State(IntEnum):
    """What this side is, by its own knowledge. The numbers are on disk: never renumber."""

    BLANK = 0  # registered at most, never copied
    IN_SYNC = 1  # equal to the other side as of `cur`
    SOLO = 2  # written alone since `cur` was taken
    STALE = 3  # the other side has gone on alone
    INCONSISTENT = 4  # target of a copy from generation `target_of`, not finished
    FINISHING = 5  # source of a copy whose target is about to be in sync
    FAULTY = 6  # the disk has failed
    DIVERGED = 7  # both sides were written separately


class Role(IntEnum):
    """What the side was opened for. The numbers are on disk: never renumber."""

    NONE = 0
    ACTIVE = 1
    STANDBY = 2


class RecordCorrupt(DiskError):  # noqa: N818 - named for the fact
    """Bytes that are no record or no map; `reason` says what is wrong with them."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One state of the CLUSTER partition. Immutable: change it with `replace` and make the result durable."""

    set_uuid: bytes = NO_ID  # the mirror set, equal on both sides
    disk_uuid: bytes = NO_ID  # this disk; drawn at registration, so a replaced disk is seen (4.3.4.3-02)
    server_uuid: bytes = NO_ID  # the server that this disk was registered on (4.3.4.3-03)
    server_name: str = ""
    peer_disk_uuid: bytes = NO_ID  # the other side, as of the last completed copy
    peer_server_uuid: bytes = NO_ID
    state: State = State.BLANK
    cur: int = 0  # generation of the data; 0 before the first copy
    base: int = 0  # generation that the difference data starts from
    history: tuple[int, ...] = ()  # former values of `cur`, newest first, at most 8
    target_of: int = 0  # while INCONSISTENT: the source's `cur`
    open: bool = False  # in use since `boot_id`; set before any role, cleared by a clean close
    boot_id: bytes = NO_ID  # of the boot that opened it last
    role: Role = Role.NONE  # while open
    clean: bool = False  # closed in order, everything flushed
    solo_right: bool = False  # closed last: may start alone (R7)
    map_valid: bool = False  # the persisted map belongs to this record
    peer_faulty: bool = False  # the other side's disk has failed (R10)
    forced: bool = False  # while DIVERGED: written under a forced permit (8.7-09)
    yielded: bool = False  # while INCONSISTENT: given up by an operator while DIVERGED, nothing copied since
    alone_since_s: int = 0  # seconds since 1970 when it went on alone last; 0: not known
    alone_last_s: int = 0  # of the last write alone, as of the last record; 0: none, or not known
    extent_shift: int = 16  # bytes an extent of the map, as a power of two
    size_bytes: int = 0  # of the mirrored area

    def __post_init__(self) -> None:
        """Refuse what could not be read back."""
        for name in ("set_uuid", "disk_uuid", "server_uuid", "peer_disk_uuid", "peer_server_uuid", "boot_id"):
            value = getattr(self, name)
            if not isinstance(value, bytes) or len(value) != 16:
                raise ValueError(f"{name}: {value!r} is not 16 bytes")
        for name in ("cur", "base", "target_of", "size_bytes", "alone_since_s", "alone_last_s"):
            value = getattr(self, name)
            if not 0 <= value <= _U64_MAX:
                raise ValueError(f"{name}: {value} does not fit 64 bits")
        if len(self.history) > HISTORY_MAX or not all(0 < past <= _U64_MAX for past in self.history):
            raise ValueError(f"history: {self.history!r} is not at most {HISTORY_MAX} generations")
        if not 9 <= self.extent_shift <= _EXTENT_SHIFT_MAX:
            raise ValueError(f"extent_shift: {self.extent_shift} is outside 9..{_EXTENT_SHIFT_MAX}")
        name_bytes = self.server_name.encode()
        if len(name_bytes) > SERVER_NAME_BYTES_MAX or b"\0" in name_bytes:
            raise ValueError(
                f"server_name: {self.server_name!r} is over {SERVER_NAME_BYTES_MAX} bytes or has a NUL"
            )

    def replace(self, **changes: Any) -> Record:
        """Return a copy with `changes`."""
        return dataclasses.replace(self, **changes)

    @property
    def lineage(self) -> tuple[int, ...]:
        """Return the history of the generation that follows this one."""
        return (self.cur, *self.history)[:HISTORY_MAX] if self.cur else self.history


# One record slot. The digest is SHA-256 over bytes 0..4063 and stands at 4064.
_RECORD = struct.Struct(
    "<"
    "8s"  # 0    magic
    "H"  # 8    version
    "H"  # 10   flags, see _FLAGS
    "B"  # 12   state
    "B"  # 13   role
    "B"  # 14   extent shift
    "B"  # 15   number of generations in the history
    "Q"  # 16   counter
    "16s"  # 24   set uuid
    "16s"  # 40   own disk uuid
    "16s"  # 56   own server uuid
    "16s"  # 72   peer's disk uuid
    "16s"  # 88   peer's server uuid
    "16s"  # 104  boot id
    "Q"  # 120  cur
    "Q"  # 128  base
    "Q"  # 136  target_of
    "Q"  # 144  size of the mirrored area in bytes
    "8Q"  # 152  history, newest first, 0 where unused
    "64s"  # 216  own server name, UTF-8, NUL padded
    "Q"  # 280  went on alone at, seconds since 1970; zero in records of older programs
    "Q"  # 288  last write alone at, likewise
)  # 296 up to the digest: zero
_FLAGS: Final = (
    ("open", 1), ("clean", 2), ("solo_right", 4), ("map_valid", 8), ("peer_faulty", 16), ("forced", 32),
    ("yielded", 64),
)  # fmt: skip
_FLAGS_KNOWN: Final = sum(bit for _, bit in _FLAGS)


def encode(record: Record, counter: int) -> bytes:
    """Return the 4096 bytes of a record slot."""
    if not 0 < counter <= _U64_MAX:
        raise ValueError(f"counter: {counter} is outside 1..2**64-1")
    history = record.history + (0,) * (HISTORY_MAX - len(record.history))
    body = _RECORD.pack(
        RECORD_MAGIC, VERSIONS.oldest, sum(bit for name, bit in _FLAGS if getattr(record, name)),
        record.state, record.role, record.extent_shift, len(record.history), counter,
        record.set_uuid, record.disk_uuid, record.server_uuid, record.peer_disk_uuid, record.peer_server_uuid,
        record.boot_id, record.cur, record.base, record.target_of, record.size_bytes, *history,
        record.server_name.encode(), record.alone_since_s, record.alone_last_s,
    ).ljust(_DIGEST_OFFSET, b"\0")  # fmt: skip
    return body + hashlib.sha256(body).digest()


def decode(slot: bytes | bytearray | memoryview) -> tuple[Record, int]:
    """Return the record of a slot and its counter; raise RecordCorrupt with the reason when there is none."""
    slot = bytes(slot)
    if len(slot) != RECORD_BYTES:
        raise RecordCorrupt(f"{len(slot)} bytes instead of {RECORD_BYTES}")
    if not any(slot):
        raise RecordCorrupt("blank")
    if slot[:8] != RECORD_MAGIC:
        raise RecordCorrupt(f"magic is {slot[:8]!r}")
    if hashlib.sha256(slot[:_DIGEST_OFFSET]).digest() != slot[_DIGEST_OFFSET:]:
        raise RecordCorrupt("checksum does not match")
    (
        _, version, flags, state, role, extent_shift, generations, counter,
        set_uuid, disk_uuid, server_uuid, peer_disk_uuid, peer_server_uuid, boot_id,
        cur, base, target_of, size_bytes, *rest,
    ) = _RECORD.unpack_from(slot)  # fmt: skip
    if version not in VERSIONS:
        raise RecordCorrupt(f"version {version} is not known, twinset {__version__} reads {VERSIONS}")
    if flags & ~_FLAGS_KNOWN:
        raise RecordCorrupt(f"flags {flags:#x} are not known")
    if generations > HISTORY_MAX or not counter:
        raise RecordCorrupt(f"history of {generations} or counter {counter} is out of range")
    try:
        record = Record(
            set_uuid=set_uuid, disk_uuid=disk_uuid, server_uuid=server_uuid,
            server_name=rest[HISTORY_MAX].rstrip(b"\0").decode(),
            peer_disk_uuid=peer_disk_uuid, peer_server_uuid=peer_server_uuid, boot_id=boot_id,
            state=State(state), role=Role(role), cur=cur, base=base, target_of=target_of,
            history=tuple(rest[:generations]), extent_shift=extent_shift, size_bytes=size_bytes,
            alone_since_s=rest[HISTORY_MAX + 1], alone_last_s=rest[HISTORY_MAX + 2],
            **{name: bool(flags & bit) for name, bit in _FLAGS},
        )  # fmt: skip
    except ValueError as error:  # also an unknown State or Role and a name that is no UTF-8
        raise RecordCorrupt(str(error)) from error
    return record, counter


@dataclass(frozen=True, slots=True)
class Choice:
    """What the two slots of a CLUSTER partition say together."""

    record: Record | None  # None: never registered
    counter: int  # of `record`, 0 without
    damage: str | None  # which copy was bad and why, None when both could be read


def choose(slot_a: bytes, slot_b: bytes) -> Choice:
    """Return the newest valid record of two slots; raise RecordCorrupt when both are damaged."""
    found: list[tuple[int, Record]] = []
    reasons: list[str] = []
    for name, slot in (("A", slot_a), ("B", slot_b)):
        try:
            record, counter = decode(slot)
        except RecordCorrupt as corrupt:
            reasons.append(f"record slot {name}: {corrupt.reason}")
        else:
            found.append((counter, record))
    if not found:
        if not any(slot_a) and not any(slot_b) and len(slot_a) == len(slot_b) == RECORD_BYTES:
            return Choice(None, 0, None)
        raise RecordCorrupt("; ".join(reasons))
    if len(found) == 2 and found[0][0] == found[1][0] and found[0][1] != found[1][1]:
        raise RecordCorrupt(f"record slots A and B differ at the same counter {found[0][0]}")
    counter, record = max(found, key=lambda pair: pair[0])
    return Choice(record, counter, reasons[0] if reasons else None)


# Header of the persisted map. The digest of the header is SHA-256 over bytes 0..4063 and stands at 4064.
_MAP = struct.Struct(
    "<"
    "8s"  # 0    magic
    "H"  # 8    version
    "B"  # 10   extent shift
    "5x"
    "Q"  # 16   counter of the record that was newest when the map was written
    "16s"  # 24   set uuid
    "Q"  # 40   cur
    "Q"  # 48   number of extents
    "32s"  # 56   SHA-256 of the packed bits
)


def map_bytes(size_bytes: int, extent_shift: int) -> int:
    """Return the length of the packed map of a mirrored area."""
    extents = (size_bytes + (1 << extent_shift) - 1) >> extent_shift
    return (extents + 7) // 8


def encode_map(record: Record, counter: int, packed: bytes) -> bytes:
    """Return the 4096 bytes of the map header for `packed`, written after the record `counter`."""
    _check_map_length(record, packed)
    extents = (record.size_bytes + (1 << record.extent_shift) - 1) >> record.extent_shift
    body = _MAP.pack(
        MAP_MAGIC, VERSIONS.oldest, record.extent_shift, counter, record.set_uuid, record.cur, extents,
        hashlib.sha256(packed).digest(),
    ).ljust(_DIGEST_OFFSET, b"\0")  # fmt: skip
    return body + hashlib.sha256(body).digest()


def check_map(header: bytes, packed: bytes, record: Record, counter: int) -> None:
    """Raise RecordCorrupt unless `packed` is the map that the record `counter` calls valid."""
    if not record.map_valid:
        raise RecordCorrupt("the record does not call the map valid")
    if len(header) != MAP_HEADER_BYTES:
        raise RecordCorrupt(f"map header: {len(header)} bytes instead of {MAP_HEADER_BYTES}")
    if header[:8] != MAP_MAGIC:
        raise RecordCorrupt(f"map header: magic is {header[:8]!r}")
    if hashlib.sha256(header[:_DIGEST_OFFSET]).digest() != header[_DIGEST_OFFSET:]:
        raise RecordCorrupt("map header: checksum does not match")
    _, version, extent_shift, written_at, set_uuid, cur, extents, digest = _MAP.unpack_from(header)
    expected = (record.size_bytes + (1 << record.extent_shift) - 1) >> record.extent_shift
    if version not in VERSIONS:
        raise RecordCorrupt(
            f"map header: version {version} is not known, twinset {__version__} reads {VERSIONS}"
        )
    if set_uuid != record.set_uuid or cur != record.cur:
        raise RecordCorrupt("map header: belongs to another mirror set or generation")
    if written_at >= counter:
        raise RecordCorrupt(f"map header: counter {written_at} is not below the record's {counter}")
    if extent_shift != record.extent_shift or extents != expected:
        raise RecordCorrupt(f"map header: {extents} extents of 2**{extent_shift} bytes instead of {expected}")
    _check_map_length(record, packed)
    if hashlib.sha256(packed).digest() != digest:
        raise RecordCorrupt("map: checksum does not match")


def _check_map_length(record: Record, packed: bytes) -> None:
    expected = map_bytes(record.size_bytes, record.extent_shift)
    if len(packed) != expected or expected > MAP_BYTES_MAX:
        raise RecordCorrupt(f"map: {len(packed)} bytes instead of {expected} (at most {MAP_BYTES_MAX})")


def to_json(record: Record) -> dict[str, Any]:
    """Return the record as JSON values: identities and generations in hexadecimal, states by name."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if isinstance(value, bytes):
            values[field.name] = value.hex()
        elif isinstance(value, (State, Role)):
            values[field.name] = value.name
        elif field.name in _GENERATIONS:
            values[field.name] = f"{value:016x}"
        elif field.name == "history":
            values[field.name] = [f"{past:016x}" for past in value]
        else:
            values[field.name] = value
    return values


_GENERATIONS: Final = frozenset({"cur", "base", "target_of"})


def from_json(values: Mapping[str, Any]) -> Record:
    """Return the record of `to_json`; raise RecordCorrupt for anything else. Unknown keys are ignored."""
    arguments: dict[str, Any] = {}
    try:
        for field in dataclasses.fields(Record):
            value = values[field.name]
            if field.name.endswith(("_uuid", "boot_id")):
                value = bytes.fromhex(value)
            elif field.name in _GENERATIONS:
                value = int(value, 16)
            elif field.name == "history":
                value = tuple(int(past, 16) for past in value)
            elif field.name in {"state", "role"}:
                value = (State if field.name == "state" else Role)[value]
            elif type(value) is not type(field.default):
                raise TypeError(f"{value!r} is not {type(field.default).__name__}")  # noqa: TRY301
            arguments[field.name] = value
        return Record(**arguments)
    except (KeyError, TypeError, ValueError) as error:
        raise RecordCorrupt(f"record as JSON: {error!r}") from error
