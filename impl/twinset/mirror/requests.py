"""What the daemon and the operator ask of a side, and how each request ends: done, or refused with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import attaching, copy_mode, failures, permits
from .cluster_partition import NO_ID, Role, State
from .maps import pack
from .session import COPY_RUNS, FINISHING, IDLE, IN_STEP, SOURCE, TARGET, Pending
from .write_path import HOLD

if TYPE_CHECKING:
    from .side import Side

EARLIER_WORK = "earlier work on this side has not ended yet; ask again"


def activate(side: Side, request: Any, *, peer_down: bool) -> None:
    """Serve the data, now or as soon as it is known that this side may."""
    side.closed = False
    if peer_down:
        side.told.peer_down = True
    if side.serving:
        side.ports.reply(request, None)
        return
    if side.activation is not None:
        refuse_activation(side, "a newer request took over")
    side.activation = Pending(request, side.now_ms)
    try_activate(side)


def refuse_activation(side: Side, reason: str) -> None:
    """End a waiting activation with the reason."""
    pending, side.activation = side.activation, None
    if pending is not None:
        side.ports.reply(pending.request, ("E_STATE", reason))


def try_activate(side: Side) -> None:
    """Serve as soon as it is known that this side may; called whenever something changed."""
    pending, session = side.activation, side.session
    if pending is None:
        return
    reason = side.may_activate()
    if reason:
        refuse_activation(side, reason)
    elif not side.drained:
        return
    elif session is None:
        activate_alone(side, pending)
    elif side.role == SOURCE:
        serve(side)
    elif session.peer_role == SOURCE or side.role == TARGET:
        if not session.asked_source:
            session.asked_source = True
            side.ports.send_control({"type": "want_source"})
    else:
        decision = side.decide(session)
        apart = decision.mode == copy_mode.APART and side.record.state == State.SOLO
        if decision.mode in copy_mode.NO_COPY and not apart:
            refuse_activation(side, decision.reason)
        else:
            serve(side)


def activate_alone(side: Side, pending: Pending) -> None:
    """Serve without the other side, when it is down or durably STALE (R1)."""
    record = side.record
    if record.state == State.SOLO or side.solo_permitted():
        if side.role != SOURCE:
            if record.state != State.SOLO:
                side.go_solo("the other server is down")
            side.become_source()
        elif record.state != State.SOLO:
            side.go_solo("the other server is down")
        serve(side)
    elif side.now_ms - max(pending.since_ms, pending.asked_ms) >= side.settings.mirror_timeout_ms:
        pending.asked_ms = side.now_ms
        side.ports.need_peer_stale(record.cur)


def serve(side: Side) -> None:
    """Open the export; OPEN is durable before (R8)."""
    if side.role != SOURCE:
        side.become_source()
    side.serving = True
    side.ports.open_export()
    pending, side.activation = side.activation, None
    if pending is not None:
        side.ports.reply(pending.request, None)
    attaching.attach(side)


def deactivate(side: Side, request: Any) -> None:
    """Close the export; answer when all that clients had asked has ended."""
    refuse_activation(side, "deactivated")
    if side.serving:
        side.serving = False
        side.ports.close_export()
    side.deactivation = Pending(request, side.now_ms)
    side.progress()


def deactivated(side: Side) -> None:
    """All that clients had asked has ended."""
    pending, side.deactivation = side.deactivation, None
    if side.permitted:
        permits.ended(side)
    if pending is not None:
        side.ports.reply(pending.request, None)


def rebuild(side: Side) -> None:
    """The other server has returned to the cluster: copying may begin and go on."""
    side.told.rebuild = True
    side.closed = False
    attaching.adopt_source(side)
    attaching.attach(side)


def create(side: Side, request: Any, *, source: bool) -> None:
    """First creation, or an operator's word which side is good: a full copy follows (8.7-05)."""
    if not source and side.role == TARGET:  # the source was faster: its copy is already running here
        side.ports.reply(request, None)
        return
    if side.serving or (side.session is not None and side.session.phase in (IN_STEP, COPY_RUNS, FINISHING)):
        side.ports.reply(request, ("E_STATE", "the mirror set is in operation"))
        return
    if source and not (side.target.idle and side.path.idle):  # an older write would land on a newer one
        side.ports.reply(request, ("E_STATE", EARLIER_WORK))
        return
    side.closed = False
    side.leave_source()
    side.role = IDLE
    if source:
        record = side.record
        side.all_differs(
            "first creation of the mirror" if not record.cur else "an operator named the good side"
        )
        persist_alone(
            side,
            base=0,
            history=(),
            set_uuid=record.set_uuid if record.set_uuid != NO_ID else side.new_uuid(),
            disk_uuid=side.own_disk_uuid(),
            peer_disk_uuid=NO_ID,
            server_name=side.settings.server,
            server_uuid=side.settings.server_uuid,
            forced=False,
        )
        side.told.rebuild = True
        side.failed = False
        side.become_source()
    elif side.record.state != State.BLANK:
        side.persist(
            state=State.INCONSISTENT, target_of=0, clean=False, peer_faulty=False, forced=False, yielded=False
        )
        side.failed = False  # it may work again; the copy will say
    side.ports.reply(request, None)
    if side.session is not None:
        side.ports.close_session("the mirror is created anew")


def persist_alone(side: Side, **others: Any) -> None:
    """Record, by an operator's word, a new generation that this side begins alone, in use and as the active one."""
    side.persist(
        state=State.SOLO,
        cur=side.ports.new_id(),
        target_of=0,
        peer_faulty=False,
        yielded=False,
        clean=False,
        solo_right=False,
        map_valid=False,
        open=True,
        boot_id=side.settings.boot_id,
        role=Role.ACTIVE,
        **others,
    )


def close(side: Side, request: Any, *, solo_right: bool) -> None:
    """Clean shutdown: make both disks equal and durable, then CLEAN is durable, then the answer (R7)."""
    if side.serving:
        side.ports.reply(request, ("E_STATE", "the disk is active; stop its group first"))
        return
    refuse_activation(side, "the cluster is being shut down")
    side.closed = True
    side.told.rebuild = False
    side.end_copy()
    side.closing = Pending(request, side.now_ms, solo_right=solo_right)
    side.progress()


def try_close(side: Side, pending: Pending) -> None:
    """Flush the own disk once nothing is on its way and, in step, both sides are known to be equal.

    CLEAN forgets the window, so it is only for a side whose window is empty: both disks have flushed, and a
    crash of the other side loses nothing that this one would not copy. After the mirror time-out the side
    closes without CLEAN.
    """
    late = side.now_ms - pending.since_ms >= side.settings.mirror_timeout_ms
    if side.close_token != -1 or not side.target.idle or not (side.path.idle or late):
        return
    if side.record.state == State.IN_SYNC and not side.maps.settled and not late:
        side.path.close_epoch(force=True)
        return
    side.close_token = side.own_flush()


def closed(side: Side, error: int) -> None:
    """The flush of a clean shutdown has ended."""
    pending = side.closing
    side.close_token = -1
    if pending is None:
        return
    state = side.record.state
    known_apart = state in (State.SOLO, State.STALE) or (state == State.DIVERGED and not side.record.forced)
    clean = known_apart or (state == State.IN_SYNC and side.maps.settled)
    clean = clean and side.view.sound and side.path.idle and side.target.idle and not error
    late = side.now_ms - pending.since_ms >= side.settings.mirror_timeout_ms
    if state == State.IN_SYNC and not (clean or late or error):
        return  # something arrived meanwhile: flush again
    side.closing = None
    if error:
        side.ports.reply(pending.request, ("E_DISK", "the disk could not be flushed"))
        return
    alone = state in (State.SOLO, State.DIVERGED)
    known = clean and alone and side.maps.continuous and not side.full_reason
    if known:
        side.maps.absorb_window()
        side.ports.persist_map(pack(side.maps.difference()))
    if clean:
        right = pending.solo_right and state == State.IN_SYNC
        last_s = side.alone.last_s or side.record.alone_last_s
        side.persist(clean=True, solo_right=right, map_valid=known, alone_last_s=last_s)
    if side.session is not None:
        side.ports.close_session("closed cleanly" if clean else "closed")
    side.role = IDLE
    side.path.set_mode(HOLD)
    side.unsure_since_ms = -1
    unclean = not clean and state in (State.IN_SYNC, State.FINISHING)
    side.ports.reply(
        pending.request, ("E_STATE", f"closed, but not CLEAN: {state.name}") if unclean else None
    )


def mark_stale(side: Side, request: Any, cur: int) -> None:
    """The other side asks, by way of the daemons, that this side be durably STALE."""
    if failures.is_asking(side):
        side.ports.reply(
            request, ("E_STATE", "the disk of this side has failed: the other side is being asked")
        )
        return
    if side.record.state != State.FAULTY:  # which the other side knows: it does the I/O of this one, perhaps
        failures.give_up_disk(side)
    if side.serving and side.record.state != State.FAULTY:
        side.ports.reply(request, ("E_STATE", "this side serves; it cannot be made stale"))
        return
    before = side.record.state
    if side.become_stale(cur):
        # A rebuild that is about to end would make this side IN_SYNC after the answer.
        ending = side.record.target_of == cur or before != side.record.state
        if side.session is not None and ending:
            side.ports.close_session("this side was marked stale")
        side.ports.reply(request, None)
    else:
        state = side.record.state.name
        side.ports.reply(request, ("E_STATE", f"this side is {state} in another generation"))


def peer_stale(side: Side, cur: int) -> None:
    """The other side's STALE of generation `cur` is durable: going on alone is sound."""
    side.told.peer_outdated = cur
    if cur == side.record.cur and side.role == SOURCE and side.record.state != State.SOLO:
        if side.session is not None:
            side.ports.close_session("the other side was marked stale")
        else:
            side.go_solo("the mirror connect is lost")
    try_activate(side)


def peer(side: Side, *, down: bool) -> None:
    """Membership's verdict on the other server."""
    side.told.peer_down = down
    if not down:
        side.told.peer_outdated = 0
        side.tell_outdated()
        return
    side.told.rebuild = False
    if side.role == SOURCE and side.record.state != State.BLANK:
        if side.session is not None:
            side.ports.send_control({"type": "stale", "cur": side.record.cur})
            side.ports.close_session("the other server was declared down")
        elif side.failed:
            failures.give_up_disk(side)
        elif side.record.state != State.SOLO and side.solo_permitted():
            side.go_solo("the other server is down")
    try_activate(side)
