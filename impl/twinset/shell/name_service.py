"""The NetBIOS name service of this server: a task in twinsetd, for all virtual computer names (decision record 0008).

The protocol is pure and elsewhere (`wire/nbns_claim`, `nbns_wins`, `nbns_responder`); here are time, sockets and
transaction ids. Nothing is said without a lease: a server that stood still for too long must not speak for a name
that the other server may have by now.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from twinset.shell import clock
from twinset.shell.nbns_lans import Lans, source_of
from twinset.shell.nbns_port import PORT
from twinset.wire import nbns, nbns_claim, nbns_packets, nbns_responder, nbns_wins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twinset.resources.virtual_computer_name.plan import Attachment, Place

Make = Callable[[int, nbns.Name, nbns_packets.Owner], nbns.Message]

CLAIM_FRESH_MS: Final = 5_000  # a free name may be taken for so long without asking again
WINS_PATIENCE_S: Final = 0.5  # for the first word of a name server; what comes later is told as an event
WINS_OTHERS_S: Final = (
    0.1  # for that of the others, once one has spoken: one of them may have died with its server
)
RELEASE_PATIENCE_S: Final = 1.0
NO_LEASE_POLL_S: Final = 0.2
IDLE_S: Final = 5.0
NOTE_INTERVAL_S: Final = 30.0
TOLD: Final = (nbns_wins.REFUSED, nbns_wins.UNREACHABLE, nbns_wins.REGISTERED)  # the worst first


@dataclass
class Attempt:
    """The claims of one name, one on each of its LANs."""

    key: str
    place: Place
    claims: list[tuple[Attachment, nbns_claim.Claim]]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    held: bool = False  # the name is held already: an objection is told, not obeyed

    @property
    def holder(self) -> str:
        """Who has the name, "" when it is free."""
        return next((claim.holder for _, claim in self.claims if claim.state == nbns_claim.TAKEN), "")

    @property
    def ended_ms(self) -> int:
        """When the last claim ended."""
        return max(claim.ended_ms for _, claim in self.claims)


@dataclass
class Held:
    """A name that is served."""

    place: Place
    registrations: list[nbns_wins.Registration] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    told: dict[str, str] = field(default_factory=dict)  # name server -> state, as the event log knows it


class NameService:
    """All names of this server."""

    def __init__(
        self,
        log: Callable[[str, str, Mapping[str, Any]], None],
        lease_left_s: Callable[[], float],
        failed: Callable[[str, BaseException], None],
        port: int = PORT,
    ) -> None:
        self._log = log
        self._lease_left_s = lease_left_s
        self._failed = failed
        self._lans = Lans(self._received, self._trouble, port)
        self._attempts: dict[str, Attempt] = {}
        self._held: dict[str, Held] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._limit = clock.RateLimit(NOTE_INTERVAL_S)

    def prepare(self, key: str, place: Place) -> None:
        """Begin to claim a name, unless it is held, being claimed, or was found free just now."""
        if key in self._held:
            return
        known = self._attempts.get(key)
        if known is None or known.place != place or _is_stale(known):
            self._end_attempt(key)
            self._begin_attempt(key, place)

    async def take(self, key: str, place: Place) -> str:
        """Hold the name; return who objects, "" when nobody does."""
        if key in self._held:
            return ""
        self.prepare(key, place)
        attempt = self._attempts[key]
        await attempt.over.wait()
        self._end_attempt(key)
        if attempt.holder:
            return f"{place.name} belongs to the host at {attempt.holder}, which defends it [7.3.1.1-02]"
        held = self._hold(key, place)
        self._broadcast(place, nbns_packets.overwrite_demand)
        refused = await self._first_word(held)
        if refused is None:
            return ""
        why = nbns.RCODES.get(refused.rcode, f"code {refused.rcode}")
        await self.release(key)
        return f"name server {refused.server} refuses {place.name}: {why} [2.2.2.3-26]"

    def resume(self, key: str, place: Place) -> None:
        """Hold a name that a former twinsetd of this boot held; ask again who objects, and tell."""
        if key not in self._held:
            self._hold(key, place)
            self._begin_attempt(key, place).held = True

    def abandon(self, key: str) -> None:
        """Claim the name no longer: the start that wanted it failed before; fine when it is not being claimed."""
        if key not in self._held:
            self._end_attempt(key)

    async def release(self, key: str) -> None:
        """Give the name back, to everybody and to the name servers; nothing of it remains."""
        self._end_attempt(key)
        held = self._held.get(key)
        if held is None:
            return
        self._broadcast(held.place, lambda *a: nbns_packets.release(*a, broadcast=True))
        now = clock.now_ms()
        for registration in held.registrations:
            registration.release(now)
        self._wake.set()
        await self._wait_for(held, lambda r: r.state == nbns_wins.RELEASED, RELEASE_PATIENCE_S)
        self._drop(key)

    def holds(self, key: str) -> bool:
        """True while the name is served."""
        return key in self._held

    async def close(self) -> None:
        """Close every socket; nobody is told anything."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._lans.close_all()
        self._held.clear()
        self._attempts.clear()

    # -- names ------------------------------------------------------------------------------------------

    def _begin_attempt(self, key: str, place: Place) -> Attempt:
        self._lans.open(place.attachments, serve=False)
        now = clock.now_ms()
        attempt = self._attempts[key] = Attempt(key, place, [])
        for attachment in place.attachments:
            names = {_random_id(): name for name in place.netbios_names}
            claim = nbns_claim.Claim(names, _owner(place, attachment), now)
            attempt.claims.append((attachment, claim))
        self._work()
        return attempt

    def _end_attempt(self, key: str) -> None:
        attempt = self._attempts.pop(key, None)
        if attempt is not None:
            self._over(attempt)

    def _over(self, attempt: Attempt) -> None:
        """Nothing more is asked; what was learnt stays."""
        if not attempt.over.is_set():
            attempt.over.set()
            self._lans.close(attempt.place.attachments, serve=False)

    def _hold(self, key: str, place: Place) -> Held:
        self._lans.open(place.attachments, serve=True)
        for attachment in place.attachments:
            self._lans.responder(attachment).hold(place.netbios_names, _owner(place, attachment))
        owner, now = _owner(place, place.attachments[0]), clock.now_ms()
        former = nbns_packets.Owner(place.former, place.node_type) if place.former else None
        held = self._held[key] = Held(place)
        held.registrations = [
            nbns_wins.Registration(server, name, owner, _random_id, now, former)
            for server in place.wins_servers
            for name in place.netbios_names
        ]
        self._work()
        return held

    def _drop(self, key: str) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            for attachment in held.place.attachments:
                self._lans.responder(attachment).drop(held.place.netbios_names)
            self._lans.close(held.place.attachments, serve=True)

    def _broadcast(self, place: Place, make: Make) -> None:
        for attachment in place.attachments:
            port = self._lans.port(attachment)
            for name in place.netbios_names:
                message = make(_random_id(), name, _owner(place, attachment))
                port.ask(nbns.encode(message), port.broadcast, attachment.address)

    async def _first_word(self, held: Held) -> nbns_wins.Registration | None:
        """Wait a little for the name servers; return a refusal."""

        def one_has_spoken(_: nbns_wins.Registration) -> bool:
            return any(
                all(r.settled for r in held.registrations if r.server == server)
                for server in held.place.wins_servers
            )

        await self._wait_for(held, one_has_spoken, WINS_PATIENCE_S)
        await self._wait_for(held, lambda r: r.settled, WINS_OTHERS_S)
        return next((r for r in held.registrations if r.state == nbns_wins.REFUSED), None)

    async def _wait_for(
        self, held: Held, done: Callable[[nbns_wins.Registration], bool], seconds: float
    ) -> None:
        until = clock.now_ms() + int(seconds * 1000)
        while not all(map(done, held.registrations)):
            left_s = (until - clock.now_ms()) / 1000
            if left_s <= 0 or self._lease_left_s() <= 0:
                return
            held.changed.clear()
            await clock.wait_event(held.changed, left_s)

    def _trouble(self, interface: str, text: str) -> None:
        if (more := self._limit.admit(f"trouble {interface}")) is not None:
            self._log(
                "network_trouble", "warning", {"lan": interface, "reason": f"names: {text}", "more": more}
            )

    # -- packets ----------------------------------------------------------------------------------------

    def _received(self, interface: str, data: bytes, sender: tuple[str, int], to: str) -> None:
        lan = self._lans.get(interface)
        if lan is None or self._lease_left_s() <= 0:
            return
        try:
            message = nbns.decode(data)
            if message.response and self._response(message, sender[0]):
                self._wake.set()
                return
            answer, note = lan.responder.answer(message, sender[0], to=to, broadcast=not to)
        except nbns.NbnsError as error:
            if (more := self._limit.admit(f"packet {interface}")) is not None:
                fields = {"where": f"names on {interface}", "reason": f"{sender[0]}: {error}", "more": more}
                self._log("input_dropped", "warning", fields)
            return
        if answer is not None:
            lan.port.answer(nbns.encode(answer), sender, source_of(answer, to, lan.port.local))
        if note is not None:
            self._note(note)

    def _response(self, message: nbns.Message, source: str) -> bool:
        now = clock.now_ms()
        claims = [claim for attempt in self._attempts.values() for _, claim in attempt.claims]
        if any(claim.receive(message, source, now) for claim in claims):
            return True
        for held in self._held.values():
            for registration in held.registrations:
                if registration.server == source and registration.receive(message, now):
                    return True
        return False

    def _note(self, note: nbns_responder.Note) -> None:
        if (more := self._limit.admit(f"{note.what} {note.name.text} {note.source}")) is not None:
            fields = {"name": note.name.text, "host": note.source, "packet": note.what, "more": more}
            if note.what == nbns_responder.DEFENDED:
                self._log("virtual_computer_name_defended", "warning", fields)
            else:
                self._log("virtual_computer_name_conflict", "error", fields)

    # -- time -------------------------------------------------------------------------------------------

    def _work(self) -> None:
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Send what is due; sleep until the next is, or until something has changed."""
        while self._held or any(not attempt.over.is_set() for attempt in self._attempts.values()):
            self._wake.clear()
            wait_s = NO_LEASE_POLL_S
            try:
                if self._lease_left_s() > 0:
                    wait_s = self._run_due(clock.now_ms())
            except Exception as error:  # noqa: BLE001 - logged; the other names have to go on
                self._failed("name service", error)
            await clock.wait_event(self._wake, wait_s)

    def _run_due(self, now: int) -> float:
        """Return for how many seconds nothing is due."""
        wakes: list[int | None] = []
        for attempt in [attempt for attempt in self._attempts.values() if not attempt.over.is_set()]:
            wakes += self._run_attempt(attempt, now)
        for held in self._held.values():
            wakes += self._run_registrations(held, now)
        return min(((wake - now) / 1000 for wake in wakes if wake is not None), default=IDLE_S)

    def _run_attempt(self, attempt: Attempt, now: int) -> list[int | None]:
        for attachment, claim in attempt.claims:
            port = self._lans.port(attachment)
            for message in claim.due(now):
                port.ask(nbns.encode(message), port.broadcast, port.local)
        states = {claim.state for _, claim in attempt.claims}
        if nbns_claim.TAKEN in states or states == {nbns_claim.FREE}:
            self._over(attempt)
            if attempt.held:  # nobody waits for it
                self._end_attempt(attempt.key)
                if attempt.holder:
                    name = attempt.place.netbios_names[0]
                    self._note(nbns_responder.Note(nbns_responder.CONFLICT, name, attempt.holder))
        return [claim.wake_ms for _, claim in attempt.claims]

    def _run_registrations(self, held: Held, now: int) -> list[int | None]:
        attachment = held.place.attachments[0]
        for registration in held.registrations:
            message = registration.due(now)
            if message is not None:
                self._lans.port(attachment).ask(nbns.encode(message), registration.server, attachment.address)
        held.changed.set()
        self._tell(held)
        return [registration.wake_ms for registration in held.registrations]

    def _tell(self, held: Held) -> None:
        """One event for each change at a name server: reached, out of reach, or it refuses the name."""
        for server in held.place.wins_servers:
            states = {r.state: r for r in held.registrations if r.server == server}
            worst = next((state for state in TOLD if state in states), held.told.get(server, ""))
            if worst != held.told.get(server, ""):
                held.told[server] = worst
                fields = {"name": held.place.name, "name_server": server}
                if worst == nbns_wins.REFUSED:
                    fields["reason"] = nbns.RCODES.get(states[worst].rcode, "")
                    self._log("name_server_refused", "error", fields)
                elif worst == nbns_wins.UNREACHABLE:
                    self._log("name_server_silent", "warning", fields)
                else:
                    self._log("name_server_registered", "info", fields)


def _owner(place: Place, attachment: Attachment) -> nbns_packets.Owner:
    return nbns_packets.Owner(attachment.address, place.node_type)


def _is_stale(attempt: Attempt) -> bool:
    return attempt.over.is_set() and clock.now_ms() - attempt.ended_ms > CLAIM_FRESH_MS


def _random_id() -> int:
    return secrets.randbelow(0xFFFF) + 1
