"""NetBIOS name service packets (RFC 1001, RFC 1002 section 4): bytes <-> messages.

Layout of a packet, network byte order:

    0    2  NAME_TRN_ID
    2    2  response (1 bit), OPCODE (4), AA TC RD RA 0 0 B (7), RCODE (4)
    4    8  how many questions, answers, authority and additional records follow
    question: name, type (2), class (2)
    record:   name, type (2), class (2), TTL in seconds (4), length of the data (2), the data

A name travels as one label of 32 letters, two for each of its 16 bytes (the high half first, 'A' plus its value),
then the labels of the scope, then a zero byte; a record may point back to a name that was spelt out before.
What follows the last record is not looked at. A packet that says otherwise than it holds is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from twinset.errors import ProtocolError

NAME_BYTES: Final = 16  # 15 of text, padded with blanks, and the suffix
TEXT_BYTES_MAX: Final = NAME_BYTES - 1
WORKSTATION, SERVER = 0x00, 0x20  # the suffixes of a computer name: as a machine, as a server of files
PACKET_BYTES_MAX: Final = 4096  # the RFC's own datagrams end at 576; answers of name servers may be longer
RECORDS_MAX: Final = 32
SCOPE_BYTES_MAX: Final = 255
POINTERS_MAX: Final = 4

NB, NBSTAT, NULL = 0x0020, 0x0021, 0x000A
IN: Final = 1

QUERY, REGISTRATION, RELEASE, WACK, REFRESH, REFRESH_ALT, MULTIHOMED = 0, 5, 6, 7, 8, 9, 15
AA, TC, RD, RA, B = 0x0400, 0x0200, 0x0100, 0x0080, 0x0010
FLAGS_MASK: Final = AA | TC | RD | RA | B
FMT_ERR, SRV_ERR, NAM_ERR, IMP_ERR, RFS_ERR, ACT_ERR, CFT_ERR = range(1, 8)
RCODES: Final = {
    0: "done",
    FMT_ERR: "format error",
    SRV_ERR: "server failure",
    NAM_ERR: "no such name",
    IMP_ERR: "not supported",
    RFS_ERR: "refused by policy",
    ACT_ERR: "the name is active elsewhere",
    CFT_ERR: "the name is in conflict",
}
GROUP: Final = 0x8000  # of the flags before an address
B_NODE, P_NODE, M_NODE, H_NODE = 0x0000, 0x2000, 0x4000, 0x6000
ACTIVE: Final = 0x0400  # of the flags behind a name in a node status

_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_TWO = struct.Struct("!HH")
_ADDRESS = struct.Struct("!H4s")
_LABEL_BYTES: Final = 2 * NAME_BYTES
_POINTER: Final = 0xC0
_TO_FIRST: Final = bytes([_POINTER, _HEADER.size])  # the first name stands right behind the header


class NbnsError(ProtocolError):
    """A packet that is none of the name service."""


@dataclass(frozen=True, slots=True)
class Name:
    """A NetBIOS name: 16 bytes, the last of which is the suffix; a scope, usually none."""

    label: bytes
    scope: str = ""

    def __post_init__(self) -> None:
        if len(self.label) != NAME_BYTES:
            raise NbnsError(f"a NetBIOS name has {NAME_BYTES} bytes, this one {len(self.label)}")

    @classmethod
    def of(cls, text: str, suffix: int, scope: str = "") -> Name:
        """Return the name of a computer: in capitals, as all names are compared (7.3.1.1-05)."""
        raw = text.upper().encode("latin-1", "replace")
        if not 1 <= len(raw) <= TEXT_BYTES_MAX:
            raise NbnsError(f"{text!r} has {len(raw)} bytes, 1 to {TEXT_BYTES_MAX} are allowed")
        return cls(raw.ljust(TEXT_BYTES_MAX) + bytes([suffix]), scope)

    @property
    def text(self) -> str:
        """The name as a person reads it."""
        return self.label[:TEXT_BYTES_MAX].rstrip(b" \0").decode("latin-1")

    @property
    def suffix(self) -> int:
        """What the name stands for."""
        return self.label[TEXT_BYTES_MAX]

    def __str__(self) -> str:
        return f"{self.text}<{self.suffix:02x}>" + (f".{self.scope}" if self.scope else "")


WILDCARD: Final = Name(b"*".ljust(NAME_BYTES, b"\0"))  # in a node status request: whoever you are


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for."""

    name: Name
    kind: int = NB


@dataclass(frozen=True, slots=True)
class Record:
    """A resource record; what its data mean depends on the kind."""

    name: Name
    kind: int
    ttl_s: int
    data: bytes

    def owners(self) -> tuple[tuple[int, str], ...]:
        """Return flags and address of each owner in the data of an NB record."""
        if len(self.data) % _ADDRESS.size:
            raise NbnsError(f"{len(self.data)} bytes of addresses, each entry has {_ADDRESS.size}")
        return tuple((flags, str(IPv4Address(raw))) for flags, raw in _ADDRESS.iter_unpack(self.data))


@dataclass(frozen=True, slots=True)
class Message:
    """One packet."""

    trn_id: int
    opcode: int
    response: bool = False
    flags: int = 0  # AA, TC, RD, RA, B
    rcode: int = 0
    questions: tuple[Question, ...] = ()
    answers: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()


def owner_data(flags: int, address: str) -> bytes:
    """Return the data of an NB record with one owner."""
    return _ADDRESS.pack(flags, IPv4Address(address).packed)


def encode(message: Message) -> bytes:
    """Return the packet of a message; each name is spelt out, but a record that repeats the first points to it."""
    sections = (message.answers, message.authority, message.additional)
    word = message.response << 15 | message.opcode << 11 | message.flags | message.rcode
    parts = [_HEADER.pack(message.trn_id, word, len(message.questions), *map(len, sections))]
    for question in message.questions:
        parts += [_name_bytes(question.name), _TWO.pack(question.kind, IN)]
    first = message.questions[0].name if message.questions else None
    for record in (record for section in sections for record in section):
        parts += [_TO_FIRST if record.name == first else _name_bytes(record.name)]
        parts += [_RECORD.pack(record.kind, IN, record.ttl_s, len(record.data)), record.data]
    packet = b"".join(parts)
    if len(packet) > PACKET_BYTES_MAX:
        raise NbnsError(f"a packet of {len(packet)} bytes, at most {PACKET_BYTES_MAX} are sent")
    return packet


def decode(packet: bytes) -> Message:
    """Return the message in a packet; NbnsError says what is wrong with it."""
    if not _HEADER.size <= len(packet) <= PACKET_BYTES_MAX:
        raise NbnsError(f"{len(packet)} bytes, a packet has {_HEADER.size} to {PACKET_BYTES_MAX}")
    trn_id, word, *counts = _HEADER.unpack_from(packet)
    if sum(counts) > RECORDS_MAX:
        raise NbnsError(f"{sum(counts)} questions and records, at most {RECORDS_MAX} are read")
    reader = _Reader(packet, _HEADER.size)
    questions = tuple(reader.question() for _ in range(counts[0]))
    answers, authority, additional = (tuple(reader.record() for _ in range(count)) for count in counts[1:])
    return Message(
        trn_id,
        opcode=word >> 11 & 0x0F,
        response=bool(word >> 15),
        flags=word & FLAGS_MASK,
        rcode=word & 0x0F,
        questions=questions,
        answers=answers,
        authority=authority,
        additional=additional,
    )


def _name_bytes(name: Name) -> bytes:
    halves = bytes(ord("A") + half for byte in name.label for half in (byte >> 4, byte & 0x0F))
    scope = name.scope.encode("latin-1", "replace")
    labels = [label for label in scope.split(b".") if label] if scope else []
    if len(scope) > SCOPE_BYTES_MAX or any(len(label) >= 64 for label in labels):
        raise NbnsError(f"scope {name.scope!r} is too long")
    return b"".join(bytes([len(label)]) + label for label in (halves, *labels)) + b"\0"


class _Reader:
    """A position in a packet."""

    def __init__(self, packet: bytes, at: int) -> None:
        self._packet = packet
        self._at = at

    def question(self) -> Question:
        name = self._name()
        kind, cls = _TWO.unpack(self._take(_TWO.size))
        _require_internet(cls)
        return Question(name, kind)

    def record(self) -> Record:
        name = self._name()
        kind, cls, ttl_s, length = _RECORD.unpack(self._take(_RECORD.size))
        _require_internet(cls)
        return Record(name, kind, ttl_s, self._take(length))

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._packet):
            raise NbnsError(f"the packet ends at byte {len(self._packet)}, byte {end} is needed")
        part = self._packet[self._at : end]
        self._at = end
        return part

    def _name(self) -> Name:
        labels = self._labels()
        if not labels or len(labels[0]) != _LABEL_BYTES:
            raise NbnsError(f"a name begins with a label of {_LABEL_BYTES} letters")
        halves = [letter - ord("A") for letter in labels[0].upper()]
        if any(not 0 <= half <= 0x0F for half in halves):
            raise NbnsError("a name is spelt with the letters A to P")
        pairs = zip(halves[::2], halves[1::2], strict=True)
        scope = b".".join(labels[1:]).decode("latin-1")
        return Name(bytes(high << 4 | low for high, low in pairs), scope)

    def _labels(self) -> list[bytes]:
        """Read labels up to the zero byte, along pointers: only backwards, only so many, so it ends."""
        labels: list[bytes] = []
        total, back_to, pointers = 0, None, 0
        while length := self._take(1)[0]:
            if length & _POINTER == _POINTER:
                target = (length & ~_POINTER) << 8 | self._take(1)[0]
                pointers += 1
                if target >= self._at - 2 or target < _HEADER.size or pointers > POINTERS_MAX:
                    raise NbnsError(f"a pointer to byte {target} leads nowhere")
                back_to = self._at if back_to is None else back_to
                self._at = target
                continue
            if length & _POINTER:
                raise NbnsError(f"a label of kind {length >> 6}")
            total += length + 1
            if total > _LABEL_BYTES + SCOPE_BYTES_MAX:
                raise NbnsError("a name that is too long")
            labels.append(self._take(length))
        if back_to is not None:
            self._at = back_to
        return labels


def _require_internet(cls: int) -> None:
    if cls != IN:
        raise NbnsError(f"class {cls}, only {IN} (Internet) exists")
