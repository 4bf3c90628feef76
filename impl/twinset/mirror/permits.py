"""Access to the data of one side without its group: permit, forced permit, restrict (8.2, 8.7-07 to 8.7-09).

Rules:
1. A permitted side keeps no session: nothing that is written there reaches the other side before `restrict`.
2. `permit` is for the latest side only. It is alone by record before its export opens, with a proof that the
   other side cannot go on: its durable STALE, or the right to start alone (R1, R2, R7, R9).
3. `forced permit` opens any other side too. Before its export opens it is DIVERGED and `forced`, of a
   generation that no other record knows: whatever was written there, no copy, and least of all one of the
   difference, overwrites it or spreads it before an operator has named the good side (R9, promise 8).
4. The other side is not drawn into that. It has not been written by anybody else: it goes on as it is, and
   says that the copies differ (`copy_mode.APART`). For one that holds writes for want of a proof, a forced
   record is as good as STALE: it is durable, and serves nobody but who forced it.
5. A permit ends with the boot. What the record says is left: alone and not closed, so everything is copied
   (8.2-01, R8), or DIVERGED.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import copy_mode, requests
from .cluster_partition import Role, State
from .session import CONNECTED, IDLE
from .write_path import HOLD, SOLO

if TYPE_CHECKING:
    from .session import Session
    from .side import Side


def permit(side: Side, request: Any, *, forced: bool, peer_stale: int, right: bool = False) -> None:
    """Open this side for whoever administers the server.

    `peer_stale` is the generation in which the other side is STALE. `right`: the daemon, too, remembers that this
    side was closed with the right to start alone; the record by itself may be that of a shutdown that broke off.
    """
    if side.permitted and side.serving:
        side.ports.reply(request, None)
        return
    refusal = _refusal(side)
    doubt = "" if refusal else _doubt(side, peer_stale, right=right)
    if refusal or (doubt and not forced):
        side.ports.reply(request, ("E_STATE", refusal or doubt))
        return
    side.told.rebuild = False
    if side.session is not None:
        side.ports.close_session("access to this side is permitted without its group")
    if doubt and not side.record.forced:
        _force(side, doubt)
    elif not doubt and side.record.state != State.SOLO:
        side.go_solo("access was permitted without the other side")
    _open(side)
    side.ports.reply(request, None)


def _refusal(side: Side) -> str:
    """Return what stands against any access, "" when nothing does."""
    session = side.session
    if side.record.state == State.BLANK:
        return "the mirror has not been created, there is nothing to give access to"
    if side.failed or side.record.state == State.FAULTY:
        return "the disk of this side has failed"
    if side.serving:
        return "this side serves its group"
    if session is not None and session.phase != CONNECTED:
        return "the mirror set is in operation"
    if side.closing is not None or side.deactivation is not None or not (side.drained and side.path.idle):
        return requests.EARLIER_WORK
    return ""


def _doubt(side: Side, peer_stale: int, *, right: bool) -> str:
    """Return why this side is not known to be the latest, "" when it is (promise 3)."""
    record, view = side.record, side.view
    if record.state == State.SOLO:
        return ""
    if record.state not in (State.IN_SYNC, State.FINISHING):
        return copy_mode.never(record)
    if not view.sound:
        return copy_mode.LOST_WRITES
    alone = right and record.clean and record.solo_right
    proven = alone or record.cur in (peer_stale, side.told.peer_outdated)
    return "" if proven else "nothing proves that the other side cannot be the latest too"


def _force(side: Side, doubt: str) -> None:
    """Record that what follows belongs to no generation of the mirror; durable before anything is served."""
    record = side.record
    side.persist(
        state=State.DIVERGED,
        forced=True,
        cur=side.ports.new_id(),
        base=0,
        history=record.lineage,
        target_of=0,
        open=True,
        boot_id=side.settings.boot_id,
        role=Role.ACTIVE,
        clean=False,
        solo_right=False,
        map_valid=False,
        peer_faulty=False,
    )
    side.ports.log("forced_permit", state=record.state.name, reason=doubt, server=side.settings.server)


def _open(side: Side) -> None:
    side.permitted = True
    side.become_source()
    side.path.set_mode(SOLO)
    side.serving = True
    side.ports.open_export()


def restrict(side: Side, request: Any) -> None:
    """Withdraw the access; answered when what was asked under it has ended."""
    if side.permitted:
        requests.deactivate(side, request)
    else:
        side.ports.reply(request, None)


def ended(side: Side) -> None:
    """The last operation under a permit has ended: this side has no role any more."""
    side.permitted = False
    side.role = IDLE
    side.path.set_mode(HOLD)


def met_apart(side: Side, session: Session) -> None:
    """The other side was written under a forced permit, or this one was: nothing is copied."""
    if session.decision is None:
        side.ports.log("copies_differ", reason=side.decide(session).reason)
    session.decision = side.decide(session)
    if side.role != IDLE and side.record.state in (State.IN_SYNC, State.FINISHING):
        side.go_solo("the other side was written under a forced permit")
