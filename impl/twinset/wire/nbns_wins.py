"""One name at one name server (WINS): registered, refreshed at half of its life, released (RFC 1002 section 5.1.2).

A name server answers at once, or asks for patience (WACK) while it asks the former owner, or says nothing. A server
that is silent is asked again later, for ever: that it is down must not cost the name more than the remote clients.
An unassociated name has another address on each server of the cluster. A name server would ask the former address
for many seconds before it believes that it is dead, so the new owner first releases what its predecessor, which the
cluster knows to be gone, had registered (*clearing*). That changes nothing when some other host has the name.

A refused refresh means that the server has lost the name, so it is registered anew; a refused registration means
that another node has it, which is told, and tried again later.

Time is the caller's: milliseconds of any clock that does not go back. Transaction ids are the caller's, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.wire import nbns_packets
from twinset.wire.nbns import RA, REFRESH, REFRESH_ALT, REGISTRATION, RELEASE, WACK, Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from twinset.wire.nbns import Name
    from twinset.wire.nbns_packets import Owner

UCAST_REQ_RETRY_COUNT: Final = 3
UCAST_REQ_RETRY_TIMEOUT_MS: Final = 1_500  # the RFC has 5 s, MS-NBTE 3.1.2 has this
RELEASE_RETRY_TIMEOUT_MS: Final = 250  # a release that nobody confirms ends soon: the group wants to go
AGAIN_MS: Final = 30_000
WACK_MS_MAX: Final = 120_000
TTL_WANTED_S: Final = 300_000  # the server decides; the longest it may say is taken for this
INFINITE_TTL: Final = 0

CLEARING, REGISTERING, WAITING, REGISTERED, REFRESHING = (
    "clearing",
    "registering",
    "waiting",
    "registered",
    "refreshing",
)
REFUSED, UNREACHABLE, RELEASING, RELEASED = "refused", "unreachable", "releasing", "released"

STATES: Final[dict[tuple[str, str], str]] = {
    (CLEARING, "accepted"): REGISTERING,
    (CLEARING, "refused"): REGISTERING,
    (CLEARING, "wait"): REGISTERING,
    (CLEARING, "silent"): REGISTERING,
    (REGISTERING, "accepted"): REGISTERED,
    (REGISTERING, "refused"): REFUSED,
    (REGISTERING, "wait"): WAITING,
    (REGISTERING, "silent"): UNREACHABLE,
    (WAITING, "accepted"): REGISTERED,
    (WAITING, "refused"): REFUSED,
    (WAITING, "wait"): WAITING,
    (WAITING, "silent"): UNREACHABLE,
    (REGISTERED, "due"): REFRESHING,
    (REFRESHING, "accepted"): REGISTERED,
    (REFRESHING, "refused"): REGISTERING,
    (REFRESHING, "wait"): WAITING,
    (REFRESHING, "silent"): UNREACHABLE,
    (REFUSED, "due"): REGISTERING,
    (UNREACHABLE, "due"): REGISTERING,
    (RELEASING, "accepted"): RELEASED,
    (RELEASING, "refused"): RELEASED,
    (RELEASING, "wait"): RELEASING,
    (RELEASING, "silent"): RELEASED,
    (REFUSED, "release"): RELEASED,
    (UNREACHABLE, "release"): RELEASED,
    **{(state, "release"): RELEASING for state in (CLEARING, REGISTERING, WAITING, REGISTERED, REFRESHING)},
}
# The states in which a request is out: how often it is sent, and how far apart.
ASKING: Final = {
    CLEARING: (1, RELEASE_RETRY_TIMEOUT_MS),
    REGISTERING: (UCAST_REQ_RETRY_COUNT, UCAST_REQ_RETRY_TIMEOUT_MS),
    REFRESHING: (UCAST_REQ_RETRY_COUNT, UCAST_REQ_RETRY_TIMEOUT_MS),
    RELEASING: (UCAST_REQ_RETRY_COUNT, RELEASE_RETRY_TIMEOUT_MS),
}
SETTLED: Final = frozenset({REGISTERED, REFUSED, UNREACHABLE, RELEASED})
OPCODES: Final = {
    CLEARING: {RELEASE},
    REGISTERING: {REGISTRATION},
    WAITING: {REGISTRATION, REFRESH, REFRESH_ALT},
    REFRESHING: {REFRESH, REFRESH_ALT, REGISTRATION},
    RELEASING: {RELEASE},
}


class Registration:
    """A name at a name server."""

    def __init__(
        self,
        server: str,
        name: Name,
        owner: Owner,
        next_id: Callable[[], int],
        now_ms: int,
        former: Owner | None = None,
    ) -> None:
        """`former` is what a predecessor in the same cluster may have registered, under another address."""
        self.server = server
        self.name = name
        self.state = CLEARING if former else REGISTERING
        self.ttl_s = 0
        self.rcode = 0
        self._owner = owner
        self._former = former
        self._next_id = next_id
        self._trn_id = next_id()
        self._sent = 0
        self._next_ms: int | None = now_ms

    @property
    def settled(self) -> bool:
        """True when it is known how it stands, for now."""
        return self.state in SETTLED

    @property
    def wake_ms(self) -> int | None:
        """When `due` wants to be asked again; None when only `release` can change anything."""
        return self._next_ms

    def due(self, now_ms: int) -> Message | None:
        """Return what is to be sent to the server now."""
        if self._next_ms is None or now_ms < self._next_ms:
            return None
        if self.state == WAITING or (self.state in ASKING and self._sent == ASKING[self.state][0]):
            self._move("silent", now_ms)
            if self.state not in ASKING:
                return None
        elif self.state not in ASKING:
            self._move("due", now_ms)
        self._sent += 1
        self._next_ms = now_ms + ASKING[self.state][1]
        return self._request()

    def receive(self, message: Message, now_ms: int) -> bool:
        """Take a response; False when it is none to this registration."""
        if not message.response or message.trn_id != self._trn_id:
            return False
        if message.opcode == WACK and self.state in OPCODES:
            self._move("wait", now_ms)
            self._next_ms = now_ms + min(
                WACK_MS_MAX, 1000 * max((r.ttl_s for r in message.answers), default=0)
            )
            return True
        if message.opcode not in OPCODES.get(self.state, ()):
            return False
        if not any(record.name == self.name for record in message.answers):
            return False
        self.rcode = message.rcode
        if message.rcode:
            self._move("refused", now_ms)
        elif self.state in (CLEARING, RELEASING) or message.flags & RA:
            self.ttl_s = min(TTL_WANTED_S, message.answers[0].ttl_s)
            self._move("accepted", now_ms)
        else:  # an end-node challenge: the server asks us to ask the owner; the broadcast claim has done that
            self._move("wait", now_ms)
            self._next_ms = now_ms + UCAST_REQ_RETRY_TIMEOUT_MS
        return True

    def release(self, now_ms: int) -> None:
        """Give the name back to the server; `due` says how."""
        if self.state not in (RELEASING, RELEASED):
            self._move("release", now_ms)

    def _request(self) -> Message:
        if self.state in (CLEARING, RELEASING):
            former = self._former if self.state == CLEARING and self._former else self._owner
            return nbns_packets.release(self._trn_id, self.name, former, broadcast=False)
        make = nbns_packets.refresh if self.state == REFRESHING else nbns_packets.registration
        return make(self._trn_id, self.name, self._owner, TTL_WANTED_S)

    def _move(self, trigger: str, now_ms: int) -> None:
        self.state = STATES[self.state, trigger]
        if self.state in ASKING:
            self._trn_id, self._sent = self._next_id(), 0
            self._next_ms = now_ms
        elif self.state == REGISTERED:
            self._next_ms = None if self.ttl_s == INFINITE_TTL else now_ms + self.ttl_s * 500
        elif self.state == RELEASED:
            self._next_ms = None
        else:
            self._next_ms = now_ms + AGAIN_MS
