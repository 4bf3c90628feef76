"""What a side does when a disk returns an error (8.4-01, R10)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from . import copy_mode, requests, without_disk
from .cluster_partition import State
from .operations import COPY, KINDS
from .session import CONNECTED, COVERED, SOURCE, TARGET
from .write_path import FAILED, HOLD

if TYPE_CHECKING:
    from collections.abc import Callable

    from .copy_mode import View
    from .operations import Op
    from .session import Session
    from .side import Side

SECTOR_BYTES: Final = 512
QUIET_MS: Final = 1_000  # between two events of a disk that fails again and again


def disk_failed(side: Side, op: Op | None, errno: int) -> bool:
    """The own disk has failed `op` or a flush (None); true while it is not known which side goes on."""
    _tell(side, op, errno)
    state = side.record.state
    if side.role == SOURCE:
        if state == State.IN_SYNC and not side.failed:
            side.failed = True
            side.failed_ms = side.now_ms
            side.end_copy()
            side.path.set_mode(HOLD)
            side.ports.send_control({"type": "source_faulty", "cur": side.record.cur})
        unfit = state == State.FINISHING or (state == State.SOLO and op is not None and op.kind == COPY)
        if unfit and side.session is not None:
            side.ports.close_session("the disk of the source failed")
        return state == State.IN_SYNC
    if not side.failed and state in (State.IN_SYNC, State.FINISHING, State.STALE, State.INCONSISTENT):
        side.failed = True
        side.persist(state=State.FAULTY)
        if side.session is not None:
            side.ports.send_control({"type": "target_faulty", "cur": side.record.cur})
            side.ports.close_session("the disk of the standby side failed")
    return False


def _tell(side: Side, op: Op | None, errno: int) -> None:
    """Say which disk and which sector; the first error of a side that is lost, at most one a while of another."""
    if side.failed or side.now_ms < side.quiet_until_ms:
        return
    side.quiet_until_ms = side.now_ms + QUIET_MS
    settings = side.settings
    fields: dict[str, Any] = {"operation": "flush"}
    if op is not None:
        operation = "read" if op.kind == COPY and side.role == SOURCE else KINDS[op.kind]
        sector = (settings.data_start_bytes + op.offset) // SECTOR_BYTES
        fields = {"operation": operation, "sector": sector, "bytes": op.length}
    side.ports.log("disk_error", errno=errno, disk=settings.disk, server=settings.server, **fields)


def is_asking(side: Side) -> bool:
    """True while the answer is on its way over the session: yes may be what made the daemons ask something too."""
    asked = side.failed and side.role == SOURCE and side.record.state == State.IN_SYNC
    return asked and side.session is not None and side.path.mode != FAILED


def give_up_disk(side: Side) -> None:
    """The own disk has failed, and no other side does its work: clients see the error."""
    state = side.record.state
    serves = side.role == SOURCE and side.path.mode != FAILED
    if side.failed and (state == State.IN_SYNC or (state == State.FAULTY and serves)):
        if state == State.IN_SYNC:
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


def ask_cover(side: Side, other: View) -> bool:
    """In a new session, ask the other side to serve for this one, whose disk has failed; true when it was asked."""
    if not side.failed or side.role != SOURCE or side.path.mode == FAILED:
        return False
    mine, peer = side.record, other.record
    covers = peer.state == State.SOLO and peer.peer_faulty and peer.base == mine.cur
    if mine.state == State.FAULTY and not covers:
        give_up_disk(side)
    if mine.state not in (State.IN_SYNC, State.FAULTY) or side.path.mode == FAILED:
        return False
    if not covers and copy_mode.outdated_by(side.view, other):
        return False
    side.ports.send_control({"type": "source_faulty", "cur": mine.cur})
    return True


def on_source_faulty(side: Side, session: Session, message: dict[str, Any]) -> None:
    """Go on as the good side, durably, before the source answers anybody (R10), and do its I/O from now on.

    In a later session too, but only as long as nobody was served from here: else its writes would land on newer ones.
    Where both took the role of the source at once, the one that serves keeps it, and asks again in the next session.
    """
    cur, state = int(message["cur"]), side.record.state
    again = side.covers == cur and state == State.SOLO
    equal = state in (State.IN_SYNC, State.STALE) and side.record.cur == cur
    if equal and side.role == SOURCE and not side.serving:
        side.leave_source()
        if session.phase != CONNECTED:
            return
    known = again or (equal and side.view.sound)  # who lost unflushed writes is no good side
    if (
        side.role == SOURCE
        or side.failed
        or not known
        or (not side.target.idle and session.phase == CONNECTED)
    ):
        side.ports.send_control({"type": "refused", "reason": f"this side is {state.name}"})
        return
    if not again:
        reason = "the disk of the other side failed"
        side.go_solo(reason, peer_faulty=True, from_stale=state == State.STALE)
    side.covers = cur
    session.peer = replace(session.peer, record=replace(session.peer.record, state=State.FAULTY))
    fresh = session.phase == CONNECTED
    if fresh:
        side.role = TARGET
        side.target.begin_session()
    session.phase = COVERED
    side.ports.send_control({"type": "good_solo", "fresh": fresh, "epoch": side.maps.epoch})


def on_good_solo(side: Side, session: Session, message: dict[str, Any]) -> None:
    """The other side goes on: what it has written is a success, and everything is asked of it."""
    state = side.record.state
    unable = not side.failed or side.role != SOURCE or side.path.mode == FAILED
    if unable or state not in (State.IN_SYNC, State.FAULTY):
        return
    side.end_copy()
    if state == State.IN_SYNC:
        side.persist(state=State.FAULTY)
    side.maps.advance(int(message["epoch"]) + 1)  # what comes now is difference there
    if message.get("fresh"):  # the session that knew the writes in flight is gone
        side.path.begin_session()
    session.phase = COVERED
    without_disk.begin(side.path)


CONTROL: Final[dict[str, Callable[[Side, Session, dict[str, Any]], None]]] = {
    "target_faulty": on_target_faulty,
    "source_faulty": on_source_faulty,
    "good_solo": on_good_solo,
}
