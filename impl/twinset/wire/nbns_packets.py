"""The packets that a node of the NetBIOS name service sends (RFC 1002 section 4.2), field by field."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from twinset.wire.nbns import (
    AA,
    ACT_ERR,
    ACTIVE,
    NAM_ERR,
    NB,
    NBSTAT,
    NULL,
    QUERY,
    RA,
    RD,
    REFRESH,
    REGISTRATION,
    RELEASE,
    B,
    Message,
    Name,
    Question,
    Record,
    owner_data,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES_MAX: Final = 255  # the count in a node status is one byte
# A node status ends with the hardware address and 40 bytes of statistics, which nobody keeps any more.
_UNIT = struct.Struct("!6s40x")
_ENTRY = struct.Struct("!16sH")


@dataclass(frozen=True, slots=True)
class Owner:
    """Who has a name: the kind of node and the address that queries are answered with."""

    address: str
    flags: int = 0  # B_NODE, H_NODE; unique

    def record(self, name: Name, ttl_s: int) -> Record:
        """Return the NB record of a name of this owner."""
        return Record(name, NB, ttl_s, owner_data(self.flags, self.address))


def claim(trn_id: int, name: Name, owner: Owner) -> Message:
    """Ask everybody on the LAN whether the name may be had (4.2.2)."""
    return _request(trn_id, REGISTRATION, RD | B, owner.record(name, 0))


def overwrite_demand(trn_id: int, name: Name, owner: Owner) -> Message:
    """Tell everybody on the LAN who has the name from now on (4.2.3)."""
    return _request(trn_id, REGISTRATION, B, owner.record(name, 0))


def registration(trn_id: int, name: Name, owner: Owner, ttl_s: int) -> Message:
    """Ask a name server for the name (4.2.2)."""
    return _request(trn_id, REGISTRATION, RD, owner.record(name, ttl_s))


def refresh(trn_id: int, name: Name, owner: Owner, ttl_s: int) -> Message:
    """Tell a name server that the name is still in use (4.2.4)."""
    return _request(trn_id, REFRESH, 0, owner.record(name, ttl_s))


def release(trn_id: int, name: Name, owner: Owner, *, broadcast: bool) -> Message:
    """Give the name back (4.2.9): a demand to everybody, which nobody answers, or a request to a name server."""
    return _request(trn_id, RELEASE, B if broadcast else 0, owner.record(name, 0))


def query(trn_id: int, name: Name, *, broadcast: bool) -> Message:
    """Ask for the address of a name (4.2.12)."""
    return Message(trn_id, QUERY, flags=RD | (B if broadcast else 0), questions=(Question(name),))


def registration_refused(request: Message, name: Name, owner: Owner) -> Message:
    """Defend a name against another node's registration (4.2.6)."""
    record = owner.record(name, 0)
    return _response(request, REGISTRATION, AA | RD | RA, ACT_ERR, record)


def found(request: Message, name: Name, owner: Owner, ttl_s: int) -> Message:
    """Answer a query with the address (4.2.13)."""
    return _response(request, QUERY, AA | RD, 0, owner.record(name, ttl_s))


def not_found(request: Message, name: Name) -> Message:
    """Answer a query that was sent to this node alone: it does not have the name (4.2.14)."""
    return _response(request, QUERY, AA | RD, NAM_ERR, Record(name, NULL, 0, b""))


def node_status(request: Message, asked: Name, names: Sequence[tuple[Name, int]], hardware: bytes) -> Message:
    """List the names of this node with their flags (4.2.18)."""
    shown = names[:NAMES_MAX]
    entries = b"".join(_ENTRY.pack(name.label, flags | ACTIVE) for name, flags in shown)
    data = bytes([len(shown)]) + entries + _UNIT.pack(hardware)
    return _response(request, QUERY, AA, 0, Record(asked, NBSTAT, 0, data))


def _request(trn_id: int, opcode: int, flags: int, record: Record) -> Message:
    return Message(trn_id, opcode, flags=flags, questions=(Question(record.name),), additional=(record,))


def _response(request: Message, opcode: int, flags: int, rcode: int, record: Record) -> Message:
    return Message(request.trn_id, opcode, response=True, flags=flags, rcode=rcode, answers=(record,))
