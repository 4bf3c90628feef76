"""Attaching the other side, copying to it, and switching the source between the sides (R4, R6, R9).

Functions of one `Side`; the frames they answer are dispatched by its table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset.errors import ProtocolError

from . import copy_mode, failures, permits, requests
from .cluster_partition import Role, State
from .copy import Copy
from .copy_mode import Decision, View
from .session import ATTACHING, CONNECTED, COPY_RUNS, FINISHING, IDLE, IN_STEP, SOURCE, TARGET
from .write_path import COPYING, HOLD, MIRROR

if TYPE_CHECKING:
    from collections.abc import Callable

    from .session import Session
    from .side import Side


ATTACH: Final = "attach"


def adopt_source(side: Side) -> None:
    """Let the side that has to copy, or the first server of an equal pair, drive the session."""
    session = side.session
    if session is None or side.role != IDLE or not side.told.rebuild or side.closed or side.activation:
        return
    if session.peer_role == SOURCE or not side.drained or side.permitted:
        return
    if both_stale(side, session):
        return
    decision = side.decide(session)
    mine, peer = side.view, session.peer
    equal = decision.mode in (copy_mode.NONE, copy_mode.WINDOW) and side.settings.server_index == 0
    only = mine.record.state == State.IN_SYNC == peer.record.state and mine.sound and not peer.sound
    if mine.record.state == State.SOLO or equal or only:
        if decision.mode in copy_mode.NO_COPY:
            return
        side.become_source()


def both_stale(side: Side, session: Session) -> bool:
    """Solve that each side made the other STALE: of one generation, so neither has gone on alone since.

    One of them goes on alone now, the other stays STALE, so permissions on their way do no harm. A side whose
    disk failed before it used the permission is no better than STALE.
    """
    mine, peer = side.view, session.peer
    behind = peer.record.state in (State.STALE, State.FAULTY)
    if mine.record.state != State.STALE or not behind or mine.record.cur != peer.record.cur:
        return False
    first = mine if side.settings.server_index == 0 or peer.record.state == State.FAULTY else peer
    chosen = mine.sound and (first is mine or not peer.sound)
    if chosen and mine.record.set_uuid == peer.record.set_uuid:
        side.go_solo("each side had made the other STALE", from_stale=True)
        side.become_source()
    return True


def attach(side: Side) -> None:
    """Bring the other side in step, as far as rules and permissions allow; safe to call at any time."""
    session = side.session
    if session is None or side.role != SOURCE or session.phase != CONNECTED or side.failed:
        return
    if session.peer_role == SOURCE and session.peer_serving:
        return
    if side.decide(session).mode == copy_mode.APART:
        permits.met_apart(side, session)
        return
    decision = session.decision = side.decide(session)
    if decision.mode == copy_mode.DIVERGED:
        side.diverge()
        return
    if decision.mode in (copy_mode.REFUSE, copy_mode.UNDECIDED):
        if side.serving:
            side.revoke(decision.reason)
        side.leave_source()
        return
    if decision.mode in (copy_mode.FULL, copy_mode.HIGH_SPEED):
        if side.record.state != State.SOLO:
            if session.peer.record.state not in copy_mode.OUTDATED:
                if not session.asked_stale:
                    session.asked_stale = True
                    side.ports.send_control({"type": "stale", "cur": side.record.cur})
                return
            if decision.mode == copy_mode.FULL:
                side.all_differs(decision.reason)
            side.go_solo(decision.reason)
            decision = session.decision = side.decide(session)
        if not side.told.rebuild:
            return
        if decision.mode == copy_mode.FULL and not resumed(side, session):
            # Before the other side may call itself INCONSISTENT: after an interruption only the map counts.
            side.all_differs(decision.reason)
        elif decision.row == copy_mode.RESOLVED:  # before the other side forgets whose differences they are
            side.maps.add(session.peer_map)
    session.phase = ATTACHING
    side.ports.send_control(
        {
            "type": ATTACH,
            "mode": decision.mode,
            "reason": decision.reason,
            "cur": side.record.cur,
            "set_uuid": side.record.set_uuid.hex(),
            "epoch": side.maps.epoch,
        }
    )


def resumed(side: Side, session: Session) -> bool:
    """Tell whether a full copy of this side to that disk was interrupted, so only what remains is copied."""
    peer = session.peer.record
    return bool(side.full_reason) and peer.state == State.INCONSISTENT and peer.target_of == side.record.cur


def on_attach(side: Side, session: Session, message: dict[str, Any]) -> None:
    """Become the target, or refuse; INCONSISTENT is durable before the first copied block (R6)."""
    refusal = attach_refusal(side, message)
    if refusal:
        side.ports.send_control({"type": "refused", "reason": refusal, "of": ATTACH})
        return
    side.role = TARGET
    if message["mode"] in (copy_mode.FULL, copy_mode.HIGH_SPEED):
        side.persist(
            state=State.INCONSISTENT,
            target_of=int(message["cur"]),
            yielded=False,
            set_uuid=bytes.fromhex(message["set_uuid"]),
            disk_uuid=side.own_disk_uuid(),
            open=True,
            boot_id=side.settings.boot_id,
            role=Role.STANDBY,
            clean=False,
            solo_right=False,
            map_valid=False,
        )
    else:
        side.open(Role.STANDBY)
    side.maps.advance(int(message["epoch"]))
    side.target.begin_session()
    session.phase = COPY_RUNS if message["mode"] != copy_mode.NONE else IN_STEP
    session.decision = Decision(message["mode"], str(message.get("reason", "")), "told")
    side.ports.send_control({"type": "attached", "epoch": side.maps.epoch})


def attach_refusal(side: Side, message: dict[str, Any]) -> str:
    """Return why this side cannot be the target of what is asked, "" when it can."""
    if side.serving or side.role == SOURCE:
        return "this side is the source itself"
    if side.closed:
        return "this side has been closed"
    if side.failed:
        return "the disk of this side has failed"
    if not side.drained:
        return "writes of the former session are still on their way to the disk"
    if message["mode"] in (copy_mode.NONE, copy_mode.WINDOW):
        if side.record.state != State.IN_SYNC or side.record.cur != int(message["cur"]):
            return f"this side is {side.record.state.name}, not in step"
    elif side.record.state in (State.SOLO, State.DIVERGED) or (
        side.record.state == State.IN_SYNC and side.record.cur == int(message["cur"])
    ):
        return f"this side is {side.record.state.name}"
    return ""


def on_attached(side: Side, session: Session, message: dict[str, Any]) -> None:
    """Begin the copy: what differs is the union of both sides (R9)."""
    decision = session.decision
    if side.role != SOURCE or session.phase != ATTACHING or decision is None:
        side.ports.close_session(f"attached, though this side is {side.role} and {session.phase}")
        return
    side.told.refusal = ""
    side.maps.advance(int(message["epoch"]) + 1)
    side.maps.absorb_window()
    side.maps.add(session.peer_map)
    side.unsure_since_ms = -1
    session.phase = COPY_RUNS
    side.path.begin_session()
    if side.failed:  # meanwhile, and the other side was asked to go on
        return
    side.copy = Copy(
        side.maps, side.path, side.ports, decision.mode, decision.reason, side.settings.piece_max
    )
    if decision.mode == copy_mode.FULL:
        side.ports.log("full_copy", reason=decision.reason, bytes=side.maps.dirty_bytes)
    elif decision.mode == copy_mode.HIGH_SPEED:
        side.ports.log("high_speed_copy", reason=decision.reason, bytes=side.maps.dirty_bytes)
    # IN_SYNC promises that the other side has every acknowledged write, so all go to both.
    side.path.set_mode(COPYING if side.record.state == State.SOLO else MIRROR)
    side.progress()


def on_refused(side: Side, session: Session, message: dict[str, Any]) -> None:
    """The other side will not: end what was asked of it. A refusal that stays the same is told once."""
    reason = message["reason"]
    asked = session.asked_source and side.activation is not None
    if asked or reason != side.told.refusal:
        side.ports.log("attach_refused", reason=reason)
    if message.get("of") != ATTACH:  # who does the work of a failed disk is another question
        failures.give_up_disk(side)
    if asked:
        requests.refuse_activation(side, reason)
        session.asked_source = False
    else:
        side.told.refusal = reason
        side.ports.close_session(f"refused: {reason}")


def copy_ended(side: Side) -> None:
    """Nothing differs any more: finish by the order of R6."""
    session, copy = side.session, side.copy
    if session is None or copy is None:
        return
    side.told.last_copy = (copy.mode, copy.bytes_done)
    side.ports.counts.copied_bytes += copy.bytes_done
    side.end_copy()
    if side.record.state != State.SOLO:
        session.phase = IN_STEP
        side.ports.send_control({"type": "in_step"})
        side.path.close_epoch(force=True)
        side.ports.log("mirror_normal", mode=copy.mode, bytes=copy.bytes_done)
        requests.try_activate(side)
        return
    side.persist(state=State.FINISHING)
    session.phase = FINISHING
    side.path.set_mode(MIRROR)
    record = side.record
    side.ports.send_control(
        {
            "type": "finish",
            "cur": record.cur,
            "base": record.base,
            "history": list(record.history),
            "disk_uuid": record.disk_uuid.hex(),
            "server_uuid": side.settings.server_uuid.hex(),
        }
    )


def on_in_step(side: Side, session: Session, _message: dict[str, Any]) -> None:
    """A window copy has ended; what it copied is on this side's disk, if not yet durable."""
    if side.role != TARGET or side.record.state != State.IN_SYNC:
        raise ProtocolError(f"in step with a side that is {side.role} and {side.record.state.name}")
    side.maps.clear_all()  # the copy covered the union of both maps, and its extents are in the window here
    session.phase = IN_STEP


def on_finish(side: Side, session: Session, message: dict[str, Any]) -> None:
    """Flush what was copied, then take the generation of the source."""
    if side.role != TARGET or side.record.target_of != int(message["cur"]):
        raise ProtocolError("finish of a rebuild that does not run here")
    session.phase = FINISHING
    side.adopt = message
    side.finish_token = side.own_flush()


def target_flushed(side: Side, error: int) -> None:
    """The copied data is durable: IN_SYNC is durable before the source hears of it (R6)."""
    session, message = side.session, side.adopt
    if error or session is None or side.role != TARGET:
        return
    side.persist(
        state=State.IN_SYNC,
        cur=int(message["cur"]),
        base=int(message["base"]),
        history=tuple(int(item) for item in message["history"]),
        target_of=0,
        peer_disk_uuid=bytes.fromhex(message["disk_uuid"]),
        peer_server_uuid=bytes.fromhex(message["server_uuid"]),
        peer_faulty=False,
    )
    side.maps.clear_all()
    side.maps.continuous = True
    session.phase = IN_STEP
    side.ports.send_control(
        {
            "type": "finished",
            "disk_uuid": side.record.disk_uuid.hex(),
            "server_uuid": side.settings.server_uuid.hex(),
        }
    )


def on_finished(side: Side, session: Session, message: dict[str, Any]) -> None:
    """The other side is durably IN_SYNC: so is this one now."""
    if side.role != SOURCE or session.phase != FINISHING:
        raise ProtocolError("finished, though no rebuild ends here")
    side.persist(
        state=State.IN_SYNC,
        peer_disk_uuid=bytes.fromhex(message["disk_uuid"]),
        peer_server_uuid=bytes.fromhex(message["server_uuid"]),
        peer_faulty=False,
    )
    side.full_reason = ""
    session.phase = IN_STEP
    side.path.close_epoch(force=True)  # what was copied leaves the window as soon as both have flushed
    mode, copied = side.told.last_copy
    if mode == copy_mode.FULL:
        side.ports.counts.full_copies += 1
    else:
        side.ports.counts.high_speed_copies += 1
    side.ports.log("mirror_normal", mode=mode, bytes=copied)
    requests.try_activate(side)


def on_stale(side: Side, session: Session, message: dict[str, Any]) -> None:
    """The source asks for this side to be durably STALE (R1)."""
    if side.serving:
        side.ports.send_control({"type": "refused", "reason": "this side serves"})
        return
    side.become_stale(int(message["cur"]))
    session.phase = CONNECTED
    if side.role == TARGET:
        side.target.end_session()
        side.role = IDLE
    side.ports.send_control({"type": "staled", "cur": message["cur"]})


def on_staled(side: Side, session: Session, message: dict[str, Any]) -> None:
    """The other side is durably STALE: going on alone is sound."""
    if int(message["cur"]) == side.record.cur:
        stale = session.peer.record.replace(state=State.STALE)
        session.peer = View(stale, sound=session.peer.sound, continuous=session.peer.continuous)
        attach(side)


def on_want_source(side: Side, session: Session, _message: dict[str, Any]) -> None:
    """Give the source role away, now or when the last operation has ended; refuse while it is in use."""
    refusal = ""
    if side.serving:
        refusal = f"the disk is active on {side.settings.server}"
    elif side.role == SOURCE and session.phase != IN_STEP and not side.failed:
        refusal = "a rebuild is running; that side is not the latest yet"
    if refusal:
        side.ports.send_control({"type": "refused", "reason": refusal})
        return
    session.wanted = True
    release(side)


def release(side: Side) -> None:
    """Hand the source role over once nothing of the own path is unfinished."""
    session = side.session
    if session is None or not session.wanted or side.serving or not side.path.idle:
        return
    session.wanted = False
    in_step = side.role == SOURCE and session.phase == IN_STEP and not side.failed
    if in_step:
        side.open(Role.STANDBY)
        side.role = TARGET
        side.target.begin_session()
    else:
        side.role = IDLE
        session.phase = CONNECTED
    side.path.set_mode(HOLD)
    session.peer_role, session.peer_serving = SOURCE, True
    side.ports.send_control({"type": "released", "epoch": side.maps.epoch, "in_step": in_step})


def on_released(side: Side, session: Session, message: dict[str, Any]) -> None:
    """Take the source role over; in step, the roles merely change places."""
    in_step = bool(message["in_step"])
    if in_step and (side.role != TARGET or side.record.state != State.IN_SYNC):
        raise ProtocolError(f"released in step to a side that is {side.role} and {side.record.state.name}")
    side.target.end_session()
    session.asked_source = False
    session.peer_role, session.peer_serving = IDLE, False
    side.maps.advance(int(message["epoch"]) + 1)
    if in_step:
        side.become_source()
        session.phase = IN_STEP
        side.path.begin_session()
        side.path.set_mode(MIRROR)
    else:
        side.role = IDLE
        session.phase = CONNECTED
    requests.try_activate(side)


CONTROL: Final[dict[str, Callable[[Side, Session, dict[str, Any]], None]]] = {
    ATTACH: on_attach,
    "attached": on_attached,
    "refused": on_refused,
    "in_step": on_in_step,
    "finish": on_finish,
    "finished": on_finished,
    "want_source": on_want_source,
    "released": on_released,
}
