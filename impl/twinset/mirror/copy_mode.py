"""What two records say of each other: who is latest, and what has to be copied (4.3.4.3).

The first row of the table that matches decides. Where a row is stricter than the guide, its reason names
the rule; the reason goes into the event and the alert of every full copy (4.3.4-02, 4.3.4.4-03).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .cluster_partition import State

if TYPE_CHECKING:
    from .cluster_partition import Record

NONE, WINDOW, HIGH_SPEED, FULL, REFUSE, DIVERGED, UNDECIDED, APART = (
    "none", "window", "high-speed", "full", "refuse", "diverged", "undecided", "apart",
)  # fmt: skip
NO_COPY = (REFUSE, DIVERGED, UNDECIDED, APART)


@dataclass(frozen=True, slots=True)
class View:
    """A record as it is to be read now.

    `sound`: closed cleanly, or opened in the boot that runs now, so no unflushed write was lost.
    `continuous`: its window and difference maps reach back to when the sides were in step (R5).
    """

    record: Record
    sound: bool
    continuous: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """A copy mode with the reason that is told, and the row of the table that gave it."""

    mode: str
    reason: str
    row: str


OUTDATED = (State.STALE, State.INCONSISTENT, State.FAULTY, State.BLANK)


def decide(source: View, target: View, *, fastsync: bool = True) -> Decision:
    """Return what `source` has to copy to `target` before both are in step; first match wins."""
    for row, rule in _TABLE:
        decision = rule(source, target)
        if decision is not None:
            mode, reason = decision
            if mode == HIGH_SPEED and not fastsync:
                return Decision(FULL, "FastSync is not in use", "fastsync-off")
            return Decision(mode, reason, row)
    return Decision(FULL, "the difference between the two sides is not known", "else")


Verdict = tuple[str, str] | None


def same_generation(one: Record, other: Record) -> bool:
    """Tell whether both sides are of one generation, so neither has been written alone since it began.

    A side that goes on alone takes a new `cur` first (R2). So this holds for STALE too: the other side was
    permitted to go on alone, but has not done so.
    """
    together = one.state in _GENERATION and other.state in _GENERATION
    return together and one.cur == other.cur and one.set_uuid == other.set_uuid


_GENERATION = (State.IN_SYNC, State.FINISHING, State.STALE)


def _forced(source: View, target: View) -> Verdict:
    if source.record.forced or target.record.forced:
        return APART, "one side was written under a forced permit; an operator names the good side"
    return None


def _rival(source: View, target: View) -> Verdict:
    one, other = source.record, target.record
    if State.DIVERGED in (one.state, other.state):
        return DIVERGED, "both sides were written separately; an operator names the good side"
    if (
        one.state == State.SOLO == other.state
    ):  # even one that was created anew meanwhile: the other has writes
        return DIVERGED, "both sides went on alone"
    return None


def _unfit(source: View, target: View) -> Verdict:
    one, other = source.record, target.record
    if one.state in OUTDATED:
        return REFUSE, f"the source is {one.state.name}: it is not the latest side"
    if other.state == State.SOLO and one.state != State.SOLO:
        return REFUSE, "the other side went on alone and is the latest"
    return None


def _replaced(source: View, target: View) -> Verdict:
    one, other = source.record, target.record
    if one.base == 0 and one.state == State.SOLO:
        return FULL, "first creation of the mirror"
    if other.state == State.BLANK or (
        one.peer_disk_uuid.strip(b"\0") and one.peer_disk_uuid != other.disk_uuid
    ):
        return FULL, "the disk of the other side was replaced"
    if one.set_uuid != other.set_uuid:
        return FULL, "the disk of the other side belonged to another mirror set"
    return None


RESOLVED = "resolved"  # the row of a side that an operator has given up


def _resolved(source: View, target: View) -> Verdict:
    """An operator has chosen: what differs is what either side wrote since both were equal (R9)."""
    if target.record.state != State.INCONSISTENT or not target.record.yielded:
        return None
    doubt = union_doubt(source, target)
    if doubt:
        return FULL, f"an operator named the good side; {doubt}"
    return HIGH_SPEED, "an operator named the good side; what both have written since the split is known"


def union_doubt(one: View, other: View) -> str:
    """Return why the two difference maps together do not cover what differs between two rivals; "" when they do.

    Both have to go back, without a gap, to the generation in which the sides were last in step.
    """
    if not one.record.base or one.record.base != other.record.base:
        return "the two sides do not go back to one generation"
    for view in (one, other):
        if not (view.sound and view.continuous):
            return f"the difference of {view.record.server_name or 'one side'} was lost"
    return ""


def _faulty(_source: View, target: View) -> Verdict:
    if target.record.state == State.FAULTY:
        return FULL, "the disk of the other side had failed"
    return None


def _in_step(source: View, target: View) -> Verdict:
    one, other = source.record, target.record
    if not same_generation(one, other):
        return None
    if not source.sound and not target.sound:
        return UNDECIDED, "both servers went down; an operator names the side to keep"
    if not source.sound:
        return REFUSE, "this side lost its unflushed writes; the other side is the better source"
    if State.IN_SYNC == one.state == other.state and target.sound:
        if one.clean and other.clean:
            return NONE, "both sides were closed cleanly"
        if source.continuous and target.continuous:
            return WINDOW, "the connection was interrupted"
        return FULL, "the map of writes in flight was lost"
    if one.state == State.STALE and other.state != State.STALE:
        return REFUSE, "the source is STALE: it is not the latest side"
    if not source.continuous:
        return FULL, "the map of writes in flight was lost"
    if not target.sound:
        return HIGH_SPEED, "the other server restarted; it lacks at most the writes in flight"
    return HIGH_SPEED, "the difference is known: the other side had been told to stay behind"


def _unsure_source(source: View, _target: View) -> Verdict:
    if not source.sound:
        return FULL, "both servers went down"
    if not source.continuous:
        return FULL, "the difference map was lost"
    return None


def _difference(source: View, target: View) -> Verdict:
    one, other = source.record, target.record
    if one.state in (State.SOLO, State.FINISHING):
        if other.state in (State.IN_SYNC, State.STALE, State.FINISHING) and other.cur == one.base:
            return HIGH_SPEED, "the difference is known"
        if other.state == State.INCONSISTENT and other.target_of in (one.cur, one.base):
            return HIGH_SPEED, "an interrupted rebuild goes on"
        if one.state == State.FINISHING and other.state == State.IN_SYNC and other.cur == one.cur:
            return HIGH_SPEED, "the rebuild had just ended"
    return None


_TABLE = (
    ("forced", _forced),
    ("rival", _rival),
    ("in-step", _in_step),
    ("source-unfit", _unfit),
    ("target-replaced", _replaced),
    (RESOLVED, _resolved),
    ("target-faulty", _faulty),
    ("source-unsure", _unsure_source),
    ("difference", _difference),
)


def outdated_by(mine: View, other: View) -> bool:
    """Tell whether the other side's record proves that this side is not the latest (worse verdict wins).

    A side that lost its unflushed writes yields to one of the same generation that was already made STALE
    for its sake: it has not gone on alone, so the other one holds more.
    """
    one, peer = mine.record, other.record
    if one.state not in (State.IN_SYNC, State.FINISHING) or one.set_uuid != peer.set_uuid:
        return False
    if peer.state in (State.SOLO, State.FINISHING) and one.cur != peer.cur:
        return True
    return same_generation(one, peer) and peer.state == State.STALE and other.sound and not mine.sound


def may_activate(view: View, *, peer_connected: bool, peer_down: bool) -> str:
    """Return "" when this side may serve, else the reason why not (4.5.2-01, R7, promise 3)."""
    record = view.record
    if record.state in _NEVER:
        return never(record)
    if record.state == State.SOLO or peer_connected:
        return ""
    if record.clean:
        if record.solo_right or (view.sound and not peer_down):
            return ""
        return (
            "the sides were equal at the last shutdown, and the other server holds the right to start alone"
        )
    if not view.sound:
        return LOST_WRITES
    return ""


def never(record: Record) -> str:
    """Return why a side in one of the states that never serve does not."""
    if record.forced:
        return "this side was written under a forced permit; an operator has to name the good side"
    return _NEVER.get(record.state, f"this side is {record.state.name}")


LOST_WRITES = "this server went down while the sides were in step; the other side may hold later writes"

_NEVER = {
    State.BLANK: "the mirror has not been created",
    State.STALE: "this side is not the latest; rebuild the mirror first",
    State.INCONSISTENT: "a rebuild of this side has not ended",
    State.FAULTY: "the disk of this side has failed",
    State.DIVERGED: "both sides were written separately; an operator has to name the good side",
}
