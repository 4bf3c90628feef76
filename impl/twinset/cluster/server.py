"""One server of the cluster: the stateful core that `twinsetd` drives. `step(event)` returns effects.

Theory of operation. Each server runs one `Cluster`. The two exchange heartbeats (liveness, leases, and each
one's verdict on the other) and, over the control connection, a *state* message with everything the other
has to know: it is sent at every heartbeat and at every change, so a lost one is made good by the next.
Nothing is decided by both: a group is run by the owner of its record (groups.py); a server becomes a
member by the word of the one that operates, or, at startup, of the first server (lifecycle.py); a server
that is declared down loses everything at that moment and hears of it in the next heartbeat.

The rules are spread over the modules by subject; each is a set of functions of one `Cluster`:

    heartbeat.py   numbering, replay, echoes    lifecycle.py   startup, shutdown, return
    membership.py  liveness, phases             running.py     starting, stopping, moving groups
    groups.py      records and runs of groups   mirrors.py     mirror processes: verdicts, STALE, closing
    placement.py   where a group goes           messages.py    what the servers tell each other
    failback.py    when it goes home            requests.py    what operators ask
    associations.py  what a name stands for
    partition.py   after a total partition      report.py      what operators are told
    verdicts.py    down, expelled, healed       *_requests.py  each of their verbs
    permits.py     access without a group       mirror_functions.py  the table of 8.7
    program.py     what both programs can do

Durations are counted in time this server ran (`ran_ms`), except leases, which must expire in real time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import associations, lifecycle, membership, messages, mirrors, permits, requests, running, verdicts
from .effects import GrantLease, Log, Persist, SendHeartbeat
from .events import (
    HeartbeatReceived,
    MirrordDied,
    MirrordUp,
    MirrorNeedsPeerStale,
    MirrorStatus,
    PeerMessage,
    PeerUnreachable,
    Request,
    ResourceLost,
    StepDone,
    Tick,
)
from .groups import GroupRecord, GroupRun, record_from_json
from .heartbeat import FOREIGN, NEW_BOOT, NEW_RUN, NEWEST, OLDER, REPLAYED, UNPROVEN, HeartbeatBook
from .membership import DOWN, MEMBER, OPERATING, STATUS_OF, STOPPED, UP, PeerWatch
from .mirrors import MirrorSide
from .program import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .effects import Effect
    from .events import Event
    from .requests import Pending
    from .view import ClusterView


@dataclass(slots=True)
class PeerState:
    """What the peer's last state message said."""

    seq: int = 0
    phase: str = ""
    runs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    sets: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    associations: dict[str, associations.Association] = field(default_factory=dict)
    ready: bool = False  # all its groups are stopped for the cluster shutdown
    healing: frozenset[str] | None = None  # the frozen list of what it runs, after a total partition
    program: Program = Program()  # noqa: RUF009 - frozen
    leaving: str = ""  # why it is about to leave


class Cluster:
    """The core of one server. Attributes are read by tests and the functions of this package only."""

    def __init__(
        self,
        view: ClusterView,
        me: str,
        boot_id: str,
        incarnation: str,
        memory: Mapping[str, Any] | None = None,
    ) -> None:
        memory = memory or {}
        self.view = view
        self.me = me
        self.peer = view.peer_of(me)
        self.boot_id = boot_id
        self.now_ms = -1
        self.ran_ms = 0
        self.out: list[Effect] = []
        self.book = HeartbeatBook(view, me, boot_id, incarnation)
        self.watch = PeerWatch(view.timing, view.lans)
        self.records = {group.name: GroupRecord(group.policy[0]) for group in view.groups}
        self.runs = {group.name: GroupRun(group) for group in view.groups}
        self.associations = associations.resumed(memory, view)
        self.mirrors = {name: MirrorSide(name) for name in view.sets}
        self.told = PeerState()
        self.heard_program: Program | None = None  # of the peer, also of its former runs
        self.actions: dict[int, Callable[[StepDone], None]] = {}
        self.action_id = 0
        self.pending: list[Pending] = []
        self.forwarded: dict[int, int] = {}  # number of the forwarded request -> request_id here
        self.creations: dict[int, Callable[[bool, str], None]] = {}  # creations asked of the peer
        self.permissions: dict[int, Callable[[Mapping[str, Any]], None]] = {}  # asked of the peer
        self.permitting: set[str] = set()  # sets whose access is being permitted here
        self.failback: set[str] = set()
        self.healing: frozenset[str] | None = None  # what ran here when a total partition healed
        self.healed = False  # ... and the verdict on it is carried out, but the peer may not know yet
        self.granted_until_ms = -1
        self.next_heartbeat_ms = -1
        self.answered_ms = -1
        self.fence_again_ms = -1  # ran_ms when a fence that failed is tried again
        self.dirty = False
        self.told_dirty = False
        self.life = lifecycle.Life.from_memory(memory, boot_id, view)
        at_rest = self.life.phase in permits.AT_REST
        self.permits = permits.resumed(memory, boot_id, view.sets) if at_rest else {}
        self._resume(memory)

    # -- the seam ---------------------------------------------------------------------------------------

    def step(self, event: Event) -> list[Effect]:
        """Take one event and return what has to be done, in order (duties: events.py, effects.py)."""
        self._HANDLERS[type(event)](self, event)
        messages.settle(self)
        out, self.out = self.out, []
        return out

    @property
    def phase(self) -> str:
        """The phase of this server (membership.PHASES)."""
        return self.life.phase

    @property
    def status(self) -> str:
        """The status this server shows: O, X or Od (Xd once it has left)."""
        if self.life.phase == membership.STARTING and self.life.was_down:
            return "Od"
        return STATUS_OF[self.life.phase]

    @property
    def frozen(self) -> bool:
        """True while no group may begin to start: what ran in a total partition is being settled."""
        return self.healing is not None and not self.healed

    @property
    def held(self) -> tuple[str, str]:
        """What the peer is told of this server's verdict on it: status, and the boot it is about.

        A server that operates no more has no opinion, but keeps the verdict of the time when it did: a peer
        that slept through it must not mistake this server's end for a reason to take over.
        """
        life = self.life
        if life.phase in OPERATING:
            return life.peer_status, life.peer_boot
        return ("Xd", life.verdict_boot) if life.verdict_boot else ("", "")

    @property
    def peer_operates(self) -> bool:
        """True while the peer counts as an operating member (O)."""
        return self.life.peer_status == "O"

    @property
    def peer_reachable(self) -> bool:
        """True while heartbeats of the peer arrive."""
        return self.watch.state == UP

    # -- tools of the functions ---------------------------------------------------------------------------

    def log(self, name: str, severity: str = "info", **fields: Any) -> None:
        """Add an entry to the event log."""
        self.out.append(Log(name, severity, fields))

    def persist(self, key: str, value: Any) -> None:
        """Make a value durable before anything that follows."""
        self.out.append(Persist(key, value))

    def action(self, then: Callable[[StepDone], None]) -> int:
        """A new action id; `then` gets its StepDone."""
        self.action_id += 1
        self.actions[self.action_id] = then
        return self.action_id

    def set_record(self, name: str, **changes: Any) -> GroupRecord:
        """Replace the record of a group by its next version; durable and told before it takes effect."""
        record = self.records[name]
        record = GroupRecord(
            owner=changes.get("owner", record.owner),
            version=changes.get("version", record.version + 1),
            wanted=changes.get("wanted", record.wanted),
            event=changes.get("event", record.event),
        )
        self.records[name] = record
        self.save_records()
        return record

    def save_records(self) -> None:
        """Persist all records and tell the peer."""
        self.persist("groups", {name: record.to_json() for name, record in self.records.items()})
        messages.send_state(self)
        self.dirty = True

    def save_runs(self) -> None:
        """Persist what runs here; a restarted twinsetd of this boot goes on from it."""
        runs = {name: run.to_json() for name, run in self.runs.items()}
        self.persist("runs", {"boot": self.boot_id, "runs": runs})

    # -- events -------------------------------------------------------------------------------------------

    def _tick(self, event: Tick) -> None:
        timing = self.view.timing
        first = self.now_ms < 0
        ran_ms = 0 if first else max(0, min(event.now_ms - self.now_ms, timing.tick_gap_ms))
        if not first:
            verdicts.notice_gap(self, self.now_ms, event.now_ms)
        self.now_ms = max(self.now_ms, event.now_ms)
        self.ran_ms += ran_ms
        if first:
            lifecycle.boot(self)
        for trigger in self.watch.tick(event.now_ms):
            verdicts.silence(self, trigger)
        if self.watch.state == UP:
            for lan in self.watch.newly_lost_lans():
                self.log("interconnect_lost", "warning", lan=lan)
        if self.now_ms >= self.next_heartbeat_ms:
            self.next_heartbeat_ms = self.now_ms + timing.heartbeat_ms
            self.send_heartbeats()
            messages.send_state(self)
            mirrors.repeat_needs(self)
            lifecycle.every_heartbeat(self)
        lifecycle.tick(self)
        self.dirty = True
        self.grant_lease()

    def send_heartbeats(self) -> None:
        """One heartbeat on every LAN."""
        for lan in self.view.lans:
            heartbeat = self.book.compose(self.now_ms, self.status, *self.held)
            self.out.append(SendHeartbeat(lan, heartbeat))

    def grant_lease(self) -> None:
        """Let the mirror processes do I/O for as long as the peer cannot have taken over (R13)."""
        permitted = permits.leased(self)
        if self.phase not in OPERATING and not mirrors.creating(self) and not permitted:
            return
        lease_ms = self.view.timing.lease_ms
        if permitted or (self.phase in OPERATING and self.life.peer_status in ("X", "Xd", "Od")):
            # Not a member: it comes back only by this server's word. Renewed with every heartbeat.
            step_ms = self.view.timing.heartbeat_ms // 2
            until_ms = self.now_ms + lease_ms
            if until_ms < self.granted_until_ms + step_ms:
                return
        elif self.book.echoed_ms >= 0:
            until_ms = self.book.echoed_ms + lease_ms
        else:
            return
        if until_ms > self.granted_until_ms:
            self.granted_until_ms = until_ms
            self.out.append(GrantLease(until_ms))

    def _heartbeat(self, event: HeartbeatReceived) -> None:
        heartbeat = event.heartbeat
        if self.now_ms < 0 or event.lan not in self.view.lans:
            return
        verdict = self.book.accept(heartbeat, self.now_ms)
        if verdict in (FOREIGN, REPLAYED):
            return
        if verdict == UNPROVEN:
            if heartbeat.status == "O":
                self.life.stranger_ran_ms = self.ran_ms
            if self.answered_ms != self.now_ms:  # at most one answer a tick
                self.answered_ms = self.now_ms
                answer = self.book.compose(self.now_ms, self.status, *self.held, answer=heartbeat)
                self.out.append(SendHeartbeat(event.lan, answer))
            return
        was = self.watch.state
        if self.watch.heard(event.lan, newest=verdict != OLDER):
            self.log("interconnect_restored", lan=event.lan)
        if verdict in (NEW_BOOT, NEW_RUN):
            verdicts.new_run(self, heartbeat, new_boot=verdict == NEW_BOOT)
            self.next_heartbeat_ms = self.now_ms  # so that the peer knows this server as soon
        elif was == DOWN:
            self.log("peer_heard_again", "warning", server=self.peer)
        if verdict in (NEWEST, NEW_BOOT, NEW_RUN):
            held = heartbeat.peer_status if heartbeat.peer_boot == self.boot_id else ""
            verdicts.judge(self, heartbeat.seq, heartbeat.status, held)
            verdicts.compare_configuration(self, heartbeat.config_digest)
        self.grant_lease()

    def _peer_message(self, event: PeerMessage) -> None:
        messages.receive(self, event.message)

    def _peer_unreachable(self, _event: PeerUnreachable) -> None:
        requests.fail_forwarded(self, "the control connection to the other server was lost")

    def _mirror_status(self, event: MirrorStatus) -> None:
        mirrors.on_status(self, event.set, event.status)

    def _mirror_needs_peer_stale(self, event: MirrorNeedsPeerStale) -> None:
        mirrors.on_needs_peer_stale(self, event.set, event.cur)

    def _mirrord_up(self, event: MirrordUp) -> None:
        mirrors.on_up(self, event.set)

    def _mirrord_died(self, event: MirrordDied) -> None:
        mirrors.on_died(self, event.set, event.reason)

    def _step_done(self, event: StepDone) -> None:
        then = self.actions.pop(event.action_id, None)
        if then is not None:
            then(event)
            self.dirty = True

    def _resource_lost(self, event: ResourceLost) -> None:
        running.resource_lost(self, event)

    def _request(self, event: Request) -> None:
        requests.receive(self, event)

    def _resume(self, memory: Mapping[str, Any]) -> None:
        """Take over what the former twinsetd made durable; runs only when the boot is the same."""
        saved = memory.get("groups", {})
        for name, value in saved.items():
            record = record_from_json(value, self.view.servers)
            if name in self.records and record is not None:
                self.records[name] = record
        runs = memory.get("runs", {})
        if runs.get("boot") == self.boot_id and self.phase != STOPPED:
            for name, value in runs.get("runs", {}).items():
                if name in self.runs:
                    self.runs[name].resume(value)
        if self.phase == MEMBER:
            self.failback = {name for name in memory.get("failback", ()) if name in self.runs}
        self.dirty = True

    _HANDLERS: Mapping[type, Callable[[Cluster, Any], None]] = {
        Tick: _tick,
        HeartbeatReceived: _heartbeat,
        PeerMessage: _peer_message,
        PeerUnreachable: _peer_unreachable,
        MirrorStatus: _mirror_status,
        MirrorNeedsPeerStale: _mirror_needs_peer_stale,
        MirrordUp: _mirrord_up,
        MirrordDied: _mirrord_died,
        StepDone: _step_done,
        ResourceLost: _resource_lost,
        Request: _request,
    }
