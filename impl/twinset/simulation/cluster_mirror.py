"""A simple model of mirror sets for the simulation of the cluster: records, sessions, copies, leases, writes.

It knows the rules that the real mirror processes keep (twinset.mirror) only as far as the cluster depends on
them, and holds what no real one can see: the number of the last acknowledged write and of the last write
each side holds. With these the world judges whether a side that is activated is the latest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .cluster_side import OUTDATED, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .cluster_hosts import Host
    from .cluster_world import World

POLL_MS = 1_000
COPY_MS = 4_000


@dataclass(slots=True)
class MirrorSet:
    """Both sides of a set, and the truth about its data."""

    world: World
    name: str
    sides: list[Side]
    acked: int = 0
    forked: bool = False  # written on both sides during a total partition: no side is the latest
    copy_ends_ms: int = -1
    next_cur: int = 1
    last_told: list[dict[str, Any]] = field(default_factory=lambda: [{}, {}])

    def side(self, host: Host) -> Side:
        """The side on a host."""
        return self.sides[host.index]

    def other(self, side: Side) -> Side:
        """The side across."""
        return self.sides[1 - side.host.index]

    # -- processes -------------------------------------------------------------------------------------

    def process_up(self, host: Host) -> None:
        """The mirror process of a host starts."""
        side = self.side(host)
        side.alive, side.active, side.session, side.lease_ms = True, False, "none", -1
        side.peer_down = side.rebuild = side.closed = False
        side.outdated_cur, side.unsure_ms, side.waiting = 0, -1, None

    def process_down(self, host: Host) -> None:
        """The mirror process of a host is gone."""
        side = self.side(host)
        side.alive = side.active = False
        side.session, side.waiting = "none", None

    # -- commands of the daemon ------------------------------------------------------------------------

    def command(
        self, host: Host, verb: str, args: Mapping[str, Any], answer: Callable[[bool, str], None]
    ) -> None:
        """Carry a command of the control protocol out."""
        side = self.side(host)
        if not side.alive:
            if verb == "mark_stale" and side.state == "IN_SYNC" and side.cur == _number(args["cur"]):
                side.state = "STALE"  # the daemon writes the latch file
                answer(True, "")
            else:
                answer(False, "the mirror process does not run")
            return
        getattr(self, f"_do_{verb}")(side, args, answer)
        self.tell(host)

    def _do_activate(self, side: Side, args: Mapping[str, Any], answer: Callable[[bool, str], None]) -> None:
        side.closed = False
        side.peer_down = side.peer_down or args["peer"] == "down"
        if side.active:
            answer(True, "")
            return
        if side.waiting is not None:
            side.waiting(False, "a newer request took over")
        side.waiting, side.waiting_ms = answer, self.world.now_ms
        self._try_activate(side)

    def _do_deactivate(self, side: Side, _args: Any, answer: Callable[[bool, str], None]) -> None:
        side.active = False
        if side.waiting is not None:
            waiting, side.waiting = side.waiting, None
            waiting(False, "deactivated")
        answer(True, "")

    def _do_peer(self, side: Side, args: Mapping[str, Any], answer: Callable[[bool, str], None]) -> None:
        side.peer_down = args["state"] == "down"
        if side.peer_down:
            side.rebuild = False
            if side.active:
                self._end_session(side)
                self._leave_unsure(side)
        else:
            side.outdated_cur = 0
        answer(True, "")
        self._try_activate(side)

    def _do_rebuild(self, side: Side, _args: Any, answer: Callable[[bool, str], None]) -> None:
        side.rebuild, side.closed = True, False
        answer(True, "")

    def _do_mark_stale(
        self, side: Side, args: Mapping[str, Any], answer: Callable[[bool, str], None]
    ) -> None:
        if side.active:
            answer(False, "this side serves")
        elif side.state == "IN_SYNC" and side.cur == _number(args["cur"]):
            side.state = "STALE"
            self._end_session(side)
            answer(True, "")
        else:
            stale = side.state in OUTDATED
            answer(stale, "" if stale else f"this side is {side.state}")

    def _do_peer_stale(
        self, side: Side, args: Mapping[str, Any], answer: Callable[[bool, str], None]
    ) -> None:
        side.outdated_cur = _number(args["cur"])
        answer(True, "")
        self._leave_unsure(side)
        self._try_activate(side)

    def _do_close(self, side: Side, args: Mapping[str, Any], answer: Callable[[bool, str], None]) -> None:
        if side.active:
            answer(False, "the disk is active")
            return
        side.closed, side.rebuild = True, False
        self._end_session(side)
        if side.state in ("IN_SYNC", "SOLO", "STALE"):
            side.clean = True
            side.solo_right = bool(args["solo_right"]) and side.state == "IN_SYNC"
        answer(True, "")

    def _do_create(self, side: Side, args: Mapping[str, Any], answer: Callable[[bool, str], None]) -> None:
        if side.active or side.session in ("copying", "in_sync"):
            answer(False, "the mirror set is in operation")
            return
        side.closed = False
        if args["source"]:
            self.next_cur += 1
            side.state, side.cur, side.base, side.boot = "SOLO", self.next_cur, 0, side.host.boot
            side.rebuild, side.clean, side.solo_right = True, False, False
            self.forked, self.acked = False, side.data
        elif side.state != "BLANK":
            side.state, side.clean = "INCONSISTENT", False
        self._end_session(side)
        answer(True, "")

    def fail(self, side: Side) -> None:
        """The disk of a serving side fails while both are in step: the good side goes on alone (8.4, R10)."""
        other = self.other(side)
        other.peer_down = True
        self._go_solo(other)
        other.peer_down = False
        side.state = "FAULTY"
        side.session = other.session = "connected"

    # -- activation ------------------------------------------------------------------------------------

    def may_activate(self, side: Side) -> str:
        """Return "" or the reason why not, as the real side judges it."""
        if side.state in (*OUTDATED, "DIVERGED"):
            return f"this side is {side.state}"
        if side.state == "SOLO" or side.session != "none":
            return ""
        if side.clean:
            free = side.solo_right or (side.sound and not side.peer_down)
            return "" if free else "the other server holds the right to start alone"
        return "" if side.sound else "this server went down while the sides were in step"

    def _try_activate(self, side: Side) -> None:
        if side.waiting is None:
            return
        reason, other = self.may_activate(side), self.other(side)
        if reason:
            waiting, side.waiting = side.waiting, None
            waiting(False, reason)
            return
        if side.session == "none":
            if side.state != "SOLO" and not (side.peer_down or side.outdated_cur == side.cur):
                if self.world.now_ms - side.waiting_ms >= self.world.view.timing.mirror_timeout_ms:
                    side.waiting_ms = self.world.now_ms
                    self.world.needs_peer_stale(side.host, self.name, side.cur)
                return
            if side.state != "SOLO":
                self._go_solo(side)
        elif other.active:
            return  # the source has to release it first
        elif not side.sound and not other.sound and side.state == "IN_SYNC":
            waiting, side.waiting = side.waiting, None
            waiting(False, "both servers went down")
            return
        self._open(side)
        side.active = True
        waiting, side.waiting = side.waiting, None
        self.world.activated(self, side)
        waiting(True, "")

    def _open(self, side: Side) -> None:
        side.clean, side.solo_right, side.boot = False, False, side.host.boot

    def _go_solo(self, side: Side) -> None:
        self.next_cur += 1
        side.state, side.base, side.cur = "SOLO", side.cur, self.next_cur
        side.unsure_ms = -1
        self._open(side)

    def _leave_unsure(self, side: Side) -> None:
        permitted = side.peer_down or side.outdated_cur == side.cur
        if side.active and side.session == "none" and side.state == "IN_SYNC" and permitted:
            self._go_solo(side)

    # -- time ------------------------------------------------------------------------------------------

    def poll(self) -> None:
        """Let a second pass: sessions, copies, waiting requests, one write of the application."""
        self._sessions()
        for side in self.sides:
            if side.alive and side.host.runs:
                self._try_activate(side)
                self._unsure(side)
        self._attach()
        for side in self.sides:
            if side.can_write:
                self._write(side)
        for side in self.sides:
            self.tell(side.host)

    def _sessions(self) -> None:
        world, (one, two) = self.world, self.sides
        for side in self.sides:
            side.frozen_ms = world.now_ms if not (side.active and side.frozen) else side.frozen_ms
        works = world.mirror_link_works() and not any(self._gives_up(side) for side in self.sides)
        possible = works and all(side.alive and side.host.runs for side in self.sides)
        for side in self.sides:
            if side.session == "none" or not side.host.runs:
                continue
            gone = not self.other(side).alive and self.other(side).host.powered
            if possible and self.other(side).session != "none":
                side.lost_ms = -1
            elif side.lost_ms < 0 and not gone:
                side.lost_ms = world.now_ms
            elif gone or world.now_ms - side.lost_ms >= world.view.timing.mirror_timeout_ms:
                self._end_session(side)
        if possible and one.session == two.session == "none":
            one.session = two.session = "connected"
            one.lost_ms = two.lost_ms = -1
            self._compare(one, two)

    def _gives_up(self, side: Side) -> bool:
        """A serving side whose lease has run out for long ends its session: its twinsetd is dead."""
        return self.world.now_ms - side.frozen_ms >= self.world.view.timing.mirror_timeout_ms

    def _compare(self, one: Side, two: Side) -> None:
        if one.state == two.state == "SOLO" and one.base and two.base:
            for side in self.sides:
                side.state, side.active = "DIVERGED", False
            return
        for mine, theirs in ((one, two), (two, one)):
            if mine.state == "IN_SYNC" and theirs.state == "SOLO" and mine.cur != theirs.cur:
                mine.state, mine.active = "STALE", False

    def _end_session(self, side: Side) -> None:
        was, side.session, side.lost_ms = side.session, "none", -1
        other = self.other(side)
        if was != "none" and other.session != "none" and other.host.runs and self.world.mirror_link_works():
            other.session = "none"
        if was == "copying" or other.session == "none":
            self.copy_ends_ms = -1

    def _unsure(self, side: Side) -> None:
        if not side.active or side.session != "none" or side.state != "IN_SYNC":
            side.unsure_ms = -1
            return
        self._leave_unsure(side)
        if side.state != "IN_SYNC":
            return
        if side.unsure_ms < 0:
            side.unsure_ms = self.world.now_ms
        elif self.world.now_ms - side.unsure_ms >= self.world.view.timing.mirror_timeout_ms:
            side.unsure_ms = self.world.now_ms
            self.world.needs_peer_stale(side.host, self.name, side.cur)

    def _attach(self) -> None:
        one, two = self.sides
        if one.session == "none" or two.session == "none" or not (one.host.runs and two.host.runs):
            return
        if self.copy_ends_ms >= 0:
            self._copy_on()
            return
        if one.session == "in_sync":
            return
        source = self._source()
        if source is None or source.closed or self.other(source).closed:
            return
        target = self.other(source)
        if source.state == "IN_SYNC":
            if target.state in OUTDATED:
                self._go_solo(source)
            elif not target.sound:  # it restarted: it is outdated first, then copied to
                target.state = "STALE"
                self._go_solo(source)
            else:
                target.data = source.data
                self._open(source)
                self._open(target)
                one.session = two.session = "in_sync"
                return
        if source.rebuild and target.state in OUTDATED and target.state != "FAULTY":
            target.state, target.target_of, target.clean = "INCONSISTENT", source.cur, False
            one.session = two.session = "copying"
            self.copy_ends_ms = self.world.now_ms + COPY_MS

    def _source(self) -> Side | None:
        one, two = self.sides
        for side in self.sides:
            other = self.other(side)
            if side.active:
                return side if side.state in ("SOLO", "IN_SYNC") else None
            if side.state == "SOLO" and not other.active:
                return side
        if one.active or two.active or "DIVERGED" in (one.state, two.state):
            return None
        for side in self.sides:
            if side.state == "IN_SYNC" and side.sound and side.rebuild and self.other(side).state in OUTDATED:
                return side
        if one.state == two.state == "IN_SYNC" and one.cur == two.cur:
            able = [side for side in self.sides if side.sound and side.rebuild]
            return able[0] if able else None
        return None

    def _copy_on(self) -> None:
        source = next((side for side in self.sides if side.state == "SOLO"), None)
        if source is None or self.world.now_ms < self.copy_ends_ms:
            return
        target = self.other(source)
        self.forked, self.acked = False, source.data
        target.data, target.cur, target.state, source.state = source.data, source.cur, "IN_SYNC", "IN_SYNC"
        self._open(source)
        self._open(target)
        self.copy_ends_ms = -1
        for side in self.sides:
            side.session = "in_sync"

    def _write(self, side: Side) -> None:
        other = self.other(side)
        if side.state == "SOLO":
            # Alone in a total partition: the other server may have gone on as well, or does so later.
            self.forked = self.forked or self.world.invariants.partitioned
            side.data = self.acked = max(self.acked, side.data) + 1
        elif (
            side.session == other.session == "in_sync" and other.host.runs and self.world.mirror_link_works()
        ):
            side.data = other.data = self.acked = max(self.acked, side.data) + 1

    # -- what is told ----------------------------------------------------------------------------------

    def status(self, host: Host) -> dict[str, Any]:
        """The status object of the control protocol, as far as the cluster reads it."""
        side = self.side(host)
        reason = self.may_activate(side)
        standby = side.session in ("in_sync", "copying") and not side.active and self.other(side).active
        return {
            "role": "active" if side.active else "standby" if standby else "idle",
            "state": side.state,
            "session": side.session,
            "set_state": self._set_state(side),
            "latest": side.state == "SOLO" or (side.state == "IN_SYNC" and side.sound),
            "may_activate": {"ok": not reason, "reason": reason},
            "cur": str(side.cur),
        }

    def _set_state(self, side: Side) -> str:
        if side.state in ("BLANK", "FAULTY", "DIVERGED"):
            return {"BLANK": "UNREGISTERED", "FAULTY": "ISOLATED", "DIVERGED": "DIVERGED"}[side.state]
        if side.session == "copying":
            return "RECONSTRUCTING"
        if side.session == "in_sync":
            return "NORMAL"
        if side.state == "IN_SYNC":
            return "NORMAL" if side.clean else "INCONSISTENT" if side.sound else "UNDECIDED"
        return "INCONSISTENT"

    def tell(self, host: Host) -> None:
        """Report to the daemon when something has changed."""
        side = self.side(host)
        if not side.alive or not host.runs:
            return
        status = self.status(host)
        if status != self.last_told[host.index]:
            self.last_told[host.index] = status
            self.world.mirror_status(host, self.name, status)


def _number(text: Any) -> int:
    return int(text) if str(text).isdigit() else -1
