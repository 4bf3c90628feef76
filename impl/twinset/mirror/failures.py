"""What a side does when a disk returns an error (8.4-01, R10)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from . import requests
from .cluster_partition import State
from .session import CONNECTED, SOURCE
from .write_path import HOLD

if TYPE_CHECKING:
    from collections.abc import Callable

    from .session import Session
    from .side import Side


def disk_failed(side: Side, where: str, errno: int) -> bool:
    """A disk has returned an error (8.4-01, R10); true while it is not known which side goes on."""
    if where == "remote":
        return False
    if not side.failed:
        side.ports.log("disk_error", errno=errno, server=side.settings.server)
    state = side.record.state
    if side.role == SOURCE:
        if state == State.IN_SYNC and not side.failed:
            side.failed = True
            side.failed_ms = side.now_ms
            side.end_copy()
            side.path.set_mode(HOLD)
            side.ports.send_control({"type": "source_faulty", "cur": side.record.cur})
        if state == State.FINISHING and side.session is not None:
            side.ports.close_session("the disk of the source failed")
        return state == State.IN_SYNC
    if not side.failed and state in (State.IN_SYNC, State.FINISHING, State.STALE, State.INCONSISTENT):
        side.failed = True
        side.persist(state=State.FAULTY)
        if side.session is not None:
            side.ports.send_control({"type": "target_faulty", "cur": side.record.cur})
            side.ports.close_session("the disk of the standby side failed")
    return False


def give_up_disk(side: Side) -> None:
    """The own disk has failed, and no other side has taken over what it owes: clients see the error."""
    if side.failed and side.record.state == State.IN_SYNC:
        side.end_copy()
        side.persist(state=State.FAULTY)
        side.path.revoke()


def record_failed(side: Side, reason: str) -> None:
    """A record could not be written, wherever that was noticed: what was going on ends here (R10).

    `Side.persist` has made the side FAULTY by then, unless it is alone: then it goes on as far as its disk does.
    """
    side.ports.log("disk_error", reason=reason, server=side.settings.server)
    side.ports.close_session("a record of this side could not be written")
    requests.refuse_activation(side, f"the disk of this side has failed: {reason}")
    if side.record.state == State.FAULTY:
        side.end_copy()
        if side.serving:
            side.revoke("the disk of this side has failed")
        side.leave_source()


def on_target_faulty(side: Side, session: Session, _message: dict[str, Any]) -> None:
    """The other side's disk has failed, and it knows: go on alone."""
    side.end_copy()
    session.phase = CONNECTED
    if side.record.state != State.SOLO:
        side.path.suspend()
        side.go_solo("the disk of the other side failed", peer_faulty=True)


def on_source_faulty(side: Side, session: Session, message: dict[str, Any]) -> None:
    """Take over as the good side, durably, before the source answers anybody (R10)."""
    known = side.record.state in (State.IN_SYNC, State.STALE) and side.record.cur == int(message["cur"])
    if side.role == SOURCE or side.failed or not known:
        side.ports.send_control({"type": "refused", "reason": f"this side is {side.record.state.name}"})
        return
    from_stale = side.record.state == State.STALE
    side.go_solo("the disk of the other side failed", peer_faulty=True, from_stale=from_stale)
    session.peer = replace(session.peer, record=replace(session.peer.record, state=State.FAULTY))
    side.ports.send_control({"type": "good_solo"})


def on_good_solo(side: Side, session: Session, _message: dict[str, Any]) -> None:
    """The other side goes on: what it has written is a success, the own disk is out."""
    if side.failed and side.record.state == State.IN_SYNC:
        side.end_copy()
        side.persist(state=State.FAULTY)
        if session.phase == CONNECTED:  # the session that knew the writes in flight is gone
            side.path.revoke()
        else:
            side.path.fail_local()


CONTROL: Final[dict[str, Callable[[Side, Session, dict[str, Any]], None]]] = {
    "target_faulty": on_target_faulty,
    "source_faulty": on_source_faulty,
    "good_solo": on_good_solo,
}
