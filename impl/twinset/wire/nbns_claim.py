"""The claim of a name by broadcast (RFC 1002 section 5.1.1.1): who has it says so, or it is free.

A request for each NetBIOS name of the computer is sent BCAST_REQ_RETRY_COUNT times, BCAST_REQ_RETRY_TIMEOUT apart.
A negative response ends the claim at once; silence until the last interval is over makes the names free. They are
taken by an overwrite demand (`nbns_packets.overwrite_demand`), which is the caller's: a free name is not held yet.

Time is the caller's: milliseconds of any clock that does not go back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.wire import nbns_packets
from twinset.wire.nbns import REGISTRATION, Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twinset.wire.nbns import Name
    from twinset.wire.nbns_packets import Owner

BCAST_REQ_RETRY_TIMEOUT_MS: Final = 250
BCAST_REQ_RETRY_COUNT: Final = 3

CLAIMING, FREE, TAKEN = "claiming", "free", "taken"
STATES: Final[dict[tuple[str, str], str]] = {
    (CLAIMING, "unopposed"): FREE,
    (CLAIMING, "opposed"): TAKEN,
}


class Claim:
    """One attempt at the names of one computer on one LAN."""

    def __init__(self, names: Mapping[int, Name], owner: Owner, now_ms: int) -> None:
        """`names` by the transaction id of their requests."""
        self.state = CLAIMING
        self.holder = ""  # who defends it
        self.ended_ms = 0
        self._names = dict(names)
        self._owner = owner
        self._sent = 0
        self._next_ms = now_ms

    @property
    def wake_ms(self) -> int | None:
        """When `due` wants to be asked again; None when the claim is over."""
        return self._next_ms if self.state == CLAIMING else None

    def due(self, now_ms: int) -> list[Message]:
        """Return what is to be broadcast now."""
        if self.state != CLAIMING or now_ms < self._next_ms:
            return []
        if self._sent == BCAST_REQ_RETRY_COUNT:
            self._move("unopposed", now_ms)
            return []
        self._sent += 1
        self._next_ms = now_ms + BCAST_REQ_RETRY_TIMEOUT_MS
        return [nbns_packets.claim(trn_id, name, self._owner) for trn_id, name in self._names.items()]

    def receive(self, message: Message, source: str, now_ms: int) -> bool:
        """Take a response; False when it is none to this claim."""
        name = self._names.get(message.trn_id)
        if name is None or not message.response or message.opcode != REGISTRATION:
            return False
        if not any(record.name == name for record in message.answers):
            return False
        if message.rcode and self.state == CLAIMING:
            self.holder = source
            self._move("opposed", now_ms)
        return True

    def _move(self, trigger: str, now_ms: int) -> None:
        self.state = STATES[self.state, trigger]
        self.ended_ms = now_ms
