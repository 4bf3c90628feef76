"""What a side says of itself: the words of the guide over the facts of `Side` (4.3.1, 6.2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .cluster_partition import State, to_json
from .session import COPY_RUNS, FINISHING, IN_STEP, SOURCE, TARGET

if TYPE_CHECKING:
    from .side import Side

_SESSION_WORDS = {COPY_RUNS: "copying", FINISHING: "copying", IN_STEP: "in_sync"}


def set_state(side: Side) -> str:
    """Return the state of the mirror set as this side knows it."""
    state, session = side.record.state, side.session
    first = state == State.SOLO and not side.record.base
    if state in _PLAIN:
        return _PLAIN[state]
    if session is not None and session.phase in (COPY_RUNS, FINISHING):
        return "UNDER_CONSTRUCTION" if first else "RECONSTRUCTING"
    if session is not None and session.phase == IN_STEP:
        return "NORMAL"
    if state == State.IN_SYNC:
        if not side.view.sound:
            return "UNDECIDED"
        return "NORMAL" if side.record.clean else "INCONSISTENT"
    return "UNDER_CONSTRUCTION" if first else "INCONSISTENT"


_PLAIN = {State.BLANK: "UNREGISTERED", State.FAULTY: "ISOLATED", State.DIVERGED: "DIVERGED"}


def latest(side: Side) -> bool | None:
    """Tell whether this side holds every acknowledged write; None when it cannot know."""
    state = side.record.state
    if state in (State.SOLO, State.FINISHING):
        return True
    if state == State.IN_SYNC:
        return True if side.view.sound else None
    return None if state == State.DIVERGED else False


def role(side: Side) -> str:
    """Return what this side does, in one word."""
    if side.permitted:
        return "permitted"
    if side.serving:
        return "active"
    return "standby" if side.role == TARGET else "idle"


def status(side: Side, inflight: int) -> dict[str, Any]:
    """Return the status of the control protocol; sizes in bytes, generations in hexadecimal."""
    session, record = side.session, side.record
    mode, copied = side.told.last_copy
    reason = side.may_activate()
    return {
        "role": role(side),
        "source": side.role == SOURCE,
        "state": record.state.name,
        "session": "none" if session is None else _SESSION_WORDS.get(session.phase, "connected"),
        "set_state": set_state(side),
        "latest": latest(side),
        "sound": side.view.sound,
        "permitted": side.permitted,
        "may_activate": {"ok": not reason, "reason": reason},
        "dirty_bytes": side.maps.dirty_bytes,
        "size_bytes": side.maps.size_bytes,
        "copy": None if side.copy is None else side.copy.progress(side.now_ms),
        "verify": side.verify.status(),
        "diverged": side.alone.summary(side),
        "copy_mode_last": mode,
        "copied_bytes_last": copied,
        "cur": f"{record.cur:016x}",
        "base": f"{record.base:016x}",
        "frozen": side.told.frozen or None,
        "peer": None if session is None else to_json(session.peer.record),
        "inflight": inflight,
        "counts": side.ports.counts.as_json(),
    }
