"""Roles, sessions and records of one side of a mirror set: who may serve, who copies, who is stale.

Rules (numbers of the mirror rules, docs/mirror-rules.md):
1. IN_SYNC means: every acknowledged write is on this side. So nothing is acknowledged while the other side
   may still believe itself IN_SYNC without having it (R1); `_go_solo` is the only way out, and its callers
   hold the proof: the other side's durable STALE, or membership's word that it is down.
2. Records are durable before what they permit: STALE of the other side, then the own new generation, then
   the first write alone (R2); INCONSISTENT before the first copied block, FINISHING before the other side's
   IN_SYNC, that before the own (R6); OPEN before any role (R8).
3. A session belongs to two incarnations; after any interruption the window is copied before NORMAL (R4).
4. The other side is never promoted from under a session that lives (R13).
5. `_open` may not make lost differences look valid: it counts the whole disk as difference instead (R5, R8).

Every method is called by the shell or the simulation and returns before the next; time enters by `tick`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from twinset.errors import DiskError, ProtocolError

from . import attaching, control_messages, copy_mode, divergence, failures, requests, verify
from .cluster_partition import NO_ID, Record, Role, State
from .copy_mode import Decision, View
from .session import (
    CONNECTED,
    COPY_RUNS,
    FINISHING,
    IDLE,
    SOURCE,
    TARGET,
    Pending,
    Session,
    Settings,
    Told,
)
from .standby_path import TargetPath
from .write_path import HOLD, SOLO, SourcePath

if TYPE_CHECKING:
    from collections.abc import Callable

    from .copy import Copy
    from .maps import Maps
    from .operations import Op, SidePorts


class Side:
    """One side of one mirror set. Attributes are read by the shell; only its methods change them."""

    def __init__(self, settings: Settings, record: Record, maps: Maps, ports: SidePorts) -> None:
        self.settings = settings
        self.record = record
        self.maps = maps
        self.ports = ports
        self.role = IDLE
        self.serving = False
        self.permitted = False  # ... without a group (permits.py)
        self.session: Session | None = None
        self.copy: Copy | None = None
        self.path = SourcePath(maps, ports, self.disk_failed)
        self.target = TargetPath(maps, ports, self.disk_failed)
        self.told = Told()
        self.now_ms = 0
        self.wall_s = 0  # seconds since 1970, for what people read; 0: not known
        self.alone = divergence.Alone()
        self.unsure_since_ms = -1
        self.outdated_ms = 0
        self.failed_ms = self.quiet_until_ms = 0
        self.covers = 0  # the generation whose other side serves without its disk, by way of this one
        # Why everything is to be copied; a process before this one may have counted the whole disk.
        whole = record.state == State.SOLO and maps.dirty_bytes == maps.size_bytes
        self.full_reason = "the whole disk was counted as difference" if whole else ""
        self.activation: Pending | None = None
        self.deactivation: Pending | None = None
        self.closing: Pending | None = None
        self.closed = False
        self.close_token = -1
        self.finish_token = -1
        self.last_mark_ms = 0
        self.failed = False
        self.frozen_ms = 0
        self.adopt: dict[str, Any] = {}
        self.flush_number = -1
        self.verify = verify.Verify(self)

    # -- views ----------------------------------------------------------------------------------------

    @property
    def view(self) -> View:
        """Return the own record as it is to be read now."""
        record = self.record
        sound = record.clean or record.boot_id == self.settings.boot_id
        return View(record, sound=sound, continuous=self.maps.continuous)

    def may_activate(self) -> str:
        """Return "" when this side may serve, else the reason."""
        return copy_mode.may_activate(
            self.view, peer_connected=self.session is not None, peer_down=self.told.peer_down
        )

    @property
    def drained(self) -> bool:
        """True when no write of a former role is on its way to the disk, where a later one could be older."""
        return self.target.idle and (self.role == SOURCE or self.path.idle)

    @property
    def mute(self) -> bool:
        """True when this side keeps no session: closed, permitted, or serving without a lease for too long.

        A session that lives keeps the other side from taking over (R13); one whose daemon is gone must not.
        """
        starved_ms = self.now_ms - self.frozen_ms if self.serving and self.told.frozen else 0
        return self.closed or self.permitted or starved_ms >= 2 * self.settings.mirror_timeout_ms

    # -- time -----------------------------------------------------------------------------------------

    def tick(self, now_ms: int, wall_s: int = 0) -> None:
        """Let time-outs pass; called at least every 100 ms (scaled)."""
        self.now_ms, self.wall_s = now_ms, wall_s
        self.alone.note(self)
        settings = self.settings
        if now_ms - self.last_mark_ms >= settings.mark_interval_ms:
            self.last_mark_ms = now_ms
            self.path.close_epoch()
        if self.record.state == State.SOLO and now_ms - self.outdated_ms >= settings.mirror_timeout_ms:
            self.tell_outdated()
        if (
            self.unsure_since_ms >= 0
            and not self.closed
            and now_ms - self.unsure_since_ms >= settings.mirror_timeout_ms
        ):
            self.unsure_since_ms = now_ms
            self.ports.need_peer_stale(self.record.cur)
        if self.failed and self.session is None and now_ms - self.failed_ms >= settings.mirror_timeout_ms:
            failures.give_up_disk(self)
        requests.try_activate(self)
        self.progress()

    def progress(self, now_ms: int = 0) -> None:
        """Do what became possible since the last call: copy on, end a copy, end waiting requests.

        `now_ms` for a caller who knows the time better than the last tick.
        """
        if self.copy is not None and self.session is not None and self.session.phase == COPY_RUNS:
            self.copy.pump(max(now_ms, self.now_ms))
            if self.copy.complete:
                attaching.copy_ended(self)
        if self.session is not None and self.session.wanted:
            attaching.release(self)
        if self.deactivation is not None and self.path.idle:
            requests.deactivated(self)
        if self.closing is not None:
            requests.try_close(self, self.closing)
        self.verify.progress()

    # -- sessions -------------------------------------------------------------------------------------

    def session_up(self, session: Session) -> None:
        """Take a new session; the shell has closed the old one and drained what it received (R4, R11)."""
        session.since_ms = self.now_ms
        self.session = session
        if self.permitted:
            self.ports.close_session("access to this side is permitted without its group")
            return
        peer = session.peer.record
        if failures.ask_cover(self, session.peer):
            return
        if copy_mode.outdated_by(self.view, session.peer):
            served = self.serving  # so the other side was told, and does not attach a side that serves
            if served:
                self.revoke("the other side has gone on alone")
            self.persist(state=State.STALE)
            self.leave_source()
            if served or peer.state == State.STALE:
                self.ports.close_session("this side yields; the other one has to know")
                return
        # Of two that are alone each is the other's rival, created anew or not: a word here does not undo writes there.
        heard = peer.state == State.DIVERGED and not peer.forced and bool(self.record.base)
        if self.record.state == State.SOLO and (heard or peer.state == State.SOLO):
            self.diverge()
            return
        two_sources = self.role == SOURCE == session.peer_role
        if two_sources and not self.serving and (session.peer_serving or self.settings.server_index):
            self.leave_source()
        attaching.adopt_source(self)
        attaching.attach(self)
        requests.try_activate(self)

    def session_down(self, reason: str) -> None:
        """The session is gone, for whatever reason."""
        session, self.session = self.session, None
        if session is None:
            return
        self.finish_token = -1
        if self.role == TARGET:
            self.target.end_session()
            self.role = IDLE
        elif self.role == SOURCE and not self.permitted:
            self.lose_target(session, reason)

    def lose_target(self, session: Session, reason: str) -> None:
        """The source has lost its target: go on alone with a proof, else hold and ask for one (R1)."""
        self.end_copy()
        self.path.suspend()
        if self.failed:
            self.failed_ms = self.now_ms
            return
        if self.record.state == State.SOLO:
            self.maps.absorb_window()
            self.path.drop_remote()
            self.path.set_mode(SOLO)
            if session.phase in (COPY_RUNS, FINISHING):
                self.ports.log("rebuild_interrupted", reason=reason, left_bytes=self.maps.dirty_bytes)
        elif self.solo_permitted():
            self.go_solo(reason)
        else:
            self.unsure_since_ms = self.now_ms

    def control(self, message: dict[str, Any]) -> None:
        """Take a control frame of the session. Raises ProtocolError for what no side would send."""
        kind = control_messages.check(message)
        if self.session is None:
            raise ProtocolError(f"control message {kind!r} outside of a session")
        self._CONTROL[kind](self, self.session, message)

    # -- becoming source and attaching the other side ---------------------------------------------------

    def become_source(self) -> None:
        """Take the source role with a fresh path; OPEN is durable before (R8)."""
        self.open(Role.ACTIVE)
        self.role = SOURCE
        self.covers = 0
        self.closed = False
        self.path = SourcePath(self.maps, self.ports, self.disk_failed)
        self.path.frozen = bool(self.told.frozen)
        self.path.set_mode(SOLO if self.record.state == State.SOLO else HOLD)

    def leave_source(self) -> None:
        """Give the source role up, unless this side serves."""
        if self.role == SOURCE and not self.serving:
            self.role = IDLE
            self.end_copy()
            self.path.set_mode(HOLD)
            if not self.path.idle:
                self.path.revoke()
            self.unsure_since_ms = -1
            if self.session is not None and self.session.phase != CONNECTED:
                self.ports.close_session("the source has given up its role")

    def decide(self, session: Session) -> Decision:
        """Return what this side, as the source, has to copy."""
        found = copy_mode.decide(self.view, session.peer, fastsync=self.settings.fastsync)
        if self.full_reason and self.record.state == State.SOLO and found.mode not in copy_mode.NO_COPY:
            return Decision(copy_mode.FULL, self.full_reason, "opened-unsure")
        return found

    # -- the end of a copy (R6) -------------------------------------------------------------------------

    def end_copy(self) -> None:
        """Stop the copy that runs; what is not copied stays difference."""
        if self.copy is not None:
            self.copy.end()
            self.copy = None

    # -- breaking (R1, R2) ------------------------------------------------------------------------------

    def solo_permitted(self) -> bool:
        """True with a proof that the other side cannot go on (R1).

        That its server is down is none during a shutdown in which it may have got the right to start alone (R7).
        """
        down = self.told.peer_down and (self.closing is None or self.closing.solo_right)
        return down or self.told.peer_outdated == self.record.cur != 0

    def go_solo(self, reason: str, *, peer_faulty: bool = False, from_stale: bool = False) -> None:
        """Begin a new generation alone; the caller holds the proof that the other side cannot (R1)."""
        self.unsure_since_ms = -1
        allowed = (State.STALE,) if from_stale else (State.IN_SYNC, State.FINISHING)
        if self.record.state not in allowed or self.failed:
            return
        if self.maps.continuous:
            self.maps.absorb_window()
        else:
            self.all_differs("the map of writes in flight was lost")
        if not self.settings.fastsync:
            # Added while the mirror is broken, it begins after one full copy [4.3.4.5-03].
            self.all_differs("FastSync was not in use when the mirror broke")
        record = self.record
        self.persist(
            state=State.SOLO,
            base=record.cur,
            cur=self.ports.new_id(),
            history=record.lineage,
            open=True,
            boot_id=self.settings.boot_id,
            role=Role.ACTIVE,
            clean=False,
            solo_right=False,
            map_valid=False,
            peer_faulty=peer_faulty,
            alone_since_s=self.wall_s,
            alone_last_s=0,
        )
        self.ports.counts.breaks += 1
        self.ports.log("mirror_break", reason=reason)
        if self.role == SOURCE:
            self.path.drop_remote()
            self.path.set_mode(SOLO)

    def tell_outdated(self) -> None:
        """Have a side that was given up while it lived learn over any path that it is STALE (R1)."""
        self.outdated_ms = self.now_ms
        record = self.record
        known = self.session is not None or self.told.peer_down or self.told.peer_outdated == record.base
        if record.state == State.SOLO and record.base and not known:
            self.ports.need_peer_stale(record.base)

    def all_differs(self, reason: str) -> None:
        """Count the whole disk as difference, for a reason that is told."""
        self.maps.set_all()
        self.maps.continuous = True
        self.full_reason = reason

    def become_stale(self, cur: int) -> bool:
        """Make STALE durable for generation `cur`; true when this side is no longer one to go on."""
        if self.record.state in (State.IN_SYNC, State.FINISHING) and self.record.cur == cur:
            self.persist(state=State.STALE)
            self.leave_source()
            self.ports.log("outdated", reason="the other side goes on alone")
        return self.record.state in copy_mode.OUTDATED or self.record.forced

    # -- requests ---------------------------------------------------------------------------------------

    def freeze(self, reason: str) -> None:
        """Hold all I/O: the lease has run out (R13)."""
        if not self.told.frozen:
            self.told.frozen = reason
            self.frozen_ms = self.now_ms
            self.path.freeze()
            if self.serving:
                self.ports.log("frozen", reason=reason)

    def thaw(self) -> None:
        """The lease is valid again."""
        if self.told.frozen:
            self.told.frozen = ""
            self.path.thaw()

    # -- failures -----------------------------------------------------------------------------------------

    def flush_done(self, token: int, error: int, *, remote: bool) -> None:
        """A flush submitted by this object or its paths has ended."""
        if remote or token > 0:
            self.path.flush_done(token, error, remote=remote)
        elif token == self.close_token:
            requests.closed(self, error)
        elif token == self.finish_token:
            self.finish_token = -1
            if error:
                self.disk_failed(None, error)
            attaching.target_flushed(self, error)
        self.progress()

    def disk_failed(self, op: Op | None, errno: int) -> bool:
        """The own disk has failed `op` or a flush (None); true while it is not known which side goes on."""
        return failures.disk_failed(self, op, errno)

    def revoke(self, reason: str) -> None:
        """Stop serving at once: another side is or may be ahead. Clients see an error, no old data."""
        self.ports.log("access_revoked", reason=reason)
        self.serving = self.permitted = False
        self.ports.close_export()
        self.path.revoke()
        self.leave_source()

    def diverge(self) -> None:
        """Both sides were written separately: tell, stop, and leave the choice to an operator (R9)."""
        if self.record.state != State.DIVERGED:
            self.persist(state=State.DIVERGED, alone_last_s=self.alone.last_s)
            self.ports.log("diverged", server=self.settings.server)
        if self.serving:
            self.revoke("both sides were written separately")
        self.leave_source()
        requests.refuse_activation(self, self.may_activate())

    # -- records ------------------------------------------------------------------------------------------

    def persist(self, **changes: Any) -> None:
        """Make the changed record durable, then go by it."""
        record = replace(self.record, **changes)
        try:
            self.ports.persist(record)
        except DiskError:
            if self.record.state in (State.IN_SYNC, State.STALE, State.INCONSISTENT, State.FINISHING):
                self.failed = True
                faulty = replace(self.record, state=State.FAULTY)
                self.ports.persist(faulty)  # kept on the system disk
                self.record = faulty
            raise
        self.record = record

    def open(self, role: Role) -> None:
        """Make OPEN durable before a role is taken; lost differences become the whole disk (R5, R8)."""
        record = self.record
        if record.state == State.SOLO and not (self.view.sound and self.maps.continuous):
            self.all_differs(
                "both servers went down" if not self.view.sound else "the difference map was lost"
            )
        if not record.open or record.boot_id != self.settings.boot_id or record.role != role or record.clean:
            self.persist(
                open=True,
                boot_id=self.settings.boot_id,
                role=role,
                clean=False,
                solo_right=False,
                map_valid=False,
            )

    def own_flush(self) -> int:
        """Flush the own disk for a purpose of the side; return the (negative) token."""
        self.flush_number -= 1
        self.ports.submit_flush(self.flush_number)
        return self.flush_number

    def own_disk_uuid(self) -> bytes:
        """Return the identity of the own disk, drawn when it has none."""
        return self.record.disk_uuid if self.record.disk_uuid != NO_ID else self.new_uuid()

    def new_uuid(self) -> bytes:
        """Draw an identity."""
        return self.ports.new_id().to_bytes(8, "big") + self.ports.new_id().to_bytes(8, "big")

    _CONTROL: ClassVar[dict[str, Callable[[Side, Session, dict[str, Any]], None]]] = {
        "stale": attaching.on_stale,
        "staled": attaching.on_staled,
        **attaching.CONTROL,
        **failures.CONTROL,
        **verify.CONTROL,
    }
