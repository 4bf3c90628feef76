"""What a node that holds names says to others (RFC 1002 section 5.1.1.5): defence, queries, node status.

A held name is never given up because of a packet: anybody on a LAN can send a conflict demand or a release, and who
has the name is decided by the cluster, not by the loudest. Such packets become notes for the event log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from twinset.wire import nbns, nbns_packets
from twinset.wire.nbns import NB, NBSTAT, QUERY, REGISTRATION, RELEASE, WILDCARD, Message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twinset.wire.nbns import Name
    from twinset.wire.nbns_packets import Owner

ANSWER_TTL_S: Final = 10  # who keeps an answer may keep it for about as long as a failover takes
DEFENDED, CONFLICT, FORGED_RELEASE = "defended", "conflict", "forged release"
CLAIMS: Final = frozenset({REGISTRATION, nbns.REFRESH, nbns.REFRESH_ALT, nbns.MULTIHOMED})


@dataclass(frozen=True)
class Note:
    """Something that an operator should know."""

    what: str
    name: Name
    source: str


class Responder:
    """The names that this node holds on one LAN."""

    def __init__(self, hardware: bytes = bytes(6)) -> None:
        self.hardware = hardware
        self._held: dict[Name, Owner] = {}

    def hold(self, names: Iterable[Name], owner: Owner) -> None:
        """From now on these names are this owner's."""
        self._held.update(dict.fromkeys(names, owner))

    def drop(self, names: Iterable[Name]) -> None:
        """From now on these names are unknown here."""
        for name in names:
            self._held.pop(name, None)

    def answer(
        self, message: Message, source: str, *, to: str, broadcast: bool
    ) -> tuple[Message | None, Note | None]:
        """Return the answer to a packet from `source`, and what is worth a note.

        `to` is the address that a packet to this node alone was sent to: a node status lists the names there.
        """
        if message.response:
            return None, self._conflict(message, source)
        if not message.questions:
            return None, None
        question = message.questions[0]
        if message.opcode == QUERY and question.kind == NB:
            return self._query(message, question.name, broadcast=broadcast), None
        if message.opcode == QUERY and question.kind == NBSTAT:
            return self._status(message, question.name, to, broadcast=broadcast), None
        owner = self._held.get(question.name)
        if owner is None or self._is_own(message, owner):
            return None, None
        if message.opcode in CLAIMS:
            refusal = nbns_packets.registration_refused(message, question.name, owner)
            return refusal, Note(DEFENDED, question.name, source)
        if message.opcode == RELEASE:
            return None, Note(FORGED_RELEASE, question.name, source)
        return None, None

    def _conflict(self, message: Message, source: str) -> Note | None:
        if message.opcode == REGISTRATION and message.rcode == nbns.CFT_ERR:
            for record in message.answers:
                if record.name in self._held:
                    return Note(CONFLICT, record.name, source)
        return None

    def _query(self, message: Message, name: Name, *, broadcast: bool) -> Message | None:
        owner = self._held.get(name)
        if owner is not None:
            return nbns_packets.found(message, name, owner, ANSWER_TTL_S)
        return None if broadcast else nbns_packets.not_found(message, name)

    def _status(self, message: Message, asked: Name, to: str, *, broadcast: bool) -> Message | None:
        if asked != WILDCARD and asked not in self._held:
            return None
        if broadcast and asked == WILDCARD:
            return None
        address = to or self._held[asked].address
        names = [(name, owner.flags) for name, owner in self._held.items() if owner.address == address]
        return nbns_packets.node_status(message, asked, names, self.hardware)

    @staticmethod
    def _is_own(message: Message, owner: Owner) -> bool:
        """A claim for the very same address is no rival's: a name server of this server may repeat it."""
        addresses = {
            address
            for record in message.additional
            if record.kind == NB and not len(record.data) % 6
            for _, address in record.owners()
        }
        return addresses == {owner.address}
