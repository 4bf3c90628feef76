"""Both sides were written separately: what each wrote, and how an operator's word ends it (R9, promise 8).

Theory of operation. Two sides that both went on alone from one generation (`base`) have each a difference map that
goes back to it: the window of that moment and everything written since. What differs between them lies in the
union of the two. An operator names the side to keep:

1. The other one is given up: INCONSISTENT and `yielded` by record. Its data and its map stay as they are; nothing is
   copied yet, and it serves nobody.
2. The side to keep begins a generation alone, with the same `base`.
3. When they meet, the row "resolved" of the copy table asks whether both maps still go back to `base`. Then the kept
   side takes the union into its own map before the other one agrees to be a target, and with that forgets that it
   was given up: from there on the kept side alone knows what differs (R6). Else everything is copied, with the reason.

A side that was given up can still be kept instead, as long as nothing was copied.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from . import copy_mode
from .cluster_partition import State
from .maps import either
from .requests import EARLIER_WORK, persist_alone
from .session import CONNECTED, IDLE

if TYPE_CHECKING:
    from .copy_mode import View
    from .maps import Maps
    from .side import Side

RANGES_MAX: Final = 32  # told of a side
UNION, OWN, ALL = "union", "own", "all"


class Alone:
    """When this side was last written without the other one; and what the two differ in, once that is told."""

    def __init__(self) -> None:
        self.last_s = 0
        self._writes = 0
        self._told: tuple[Any, ...] = ()
        self._summary: dict[str, Any] | None = None

    def note(self, side: Side) -> None:
        """Remember the time when something was written alone."""
        writes = side.ports.counts.writes
        if writes != self._writes:
            self._writes = writes
            if side.record.state == State.SOLO:
                self.last_s = side.wall_s

    def summary(self, side: Side) -> dict[str, Any] | None:
        """Return what an operator has to know of a side that diverged; None of any other. Sizes in bytes."""
        session, record = side.session, side.record
        if not apart(side):
            return None
        peer = None if session is None else session.peer.record
        now = (record.state, record.cur, side.maps.dirty_count, peer)
        if now != self._told or self._summary is None:
            self._told, self._summary = now, _summary(side)
        return self._summary


def apart(side: Side) -> bool:
    """True of a side that is DIVERGED, or was given up and not yet overwritten."""
    return side.record.state == State.DIVERGED or side.record.yielded


def _summary(side: Side) -> dict[str, Any]:
    record, maps, view = side.record, side.maps, side.view
    known = view.sound and maps.continuous
    own = maps.unsure() if known else b""
    runs = maps.runs(own)
    ranges = [list(run) for run in islice(runs, RANGES_MAX)]
    scope, kept = to_keep(side)
    return {
        "given_up": record.yielded,
        "forced": record.forced,
        "since_s": record.alone_since_s or None,
        "last_s": record.alone_last_s or None,
        "known": known,
        "bytes": size(maps, own) if known else maps.size_bytes,
        "ranges": ranges,
        "ranges_count": len(ranges) + sum(1 for _ in runs),
        "doubt": doubt(side),
        "keep_scope": scope,
        "keep_bytes": size(maps, kept),
    }


def doubt(side: Side) -> str:
    """Return why only a full copy ends it, as far as this side knows; "" when the union is enough."""
    if side.session is None:
        return "the two sides have not met"
    return copy_mode.union_doubt(side.view, side.session.peer)


def to_keep(side: Side) -> tuple[str, bytes]:
    """Return what of this side is kept in a file when it is given up, in a word and as marks.

    "union": everything that will be overwritten and may differ; "own": what was written here since the split;
    "all": the whole disk, when nobody knows.
    """
    view: View = side.view
    if not (view.sound and side.maps.continuous):
        return ALL, b"\1" * side.maps.count
    own = side.maps.unsure()
    if side.session is not None and not doubt(side):
        return UNION, either(own, side.session.peer_map)[: side.maps.count]
    return OWN, own


def size(maps: Maps, marks: bytes) -> int:
    """Return the bytes of what is marked."""
    return sum(length for _offset, length in maps.runs(marks))


# -- an operator's word -----------------------------------------------------------------------------------


def _refusal(side: Side) -> str:
    session = side.session
    if side.serving or side.permitted or (session is not None and session.phase != CONNECTED):
        return "the mirror set is in operation"
    if side.failed or side.record.state == State.FAULTY:
        return "the disk of this side has failed"
    if side.record.forced:
        return "this side was written under a forced permit; twinset mirror create SET --source SERVER"
    return "" if apart(side) else f"this side is {side.record.state.name}, not DIVERGED"


def give_up(side: Side, request: Any) -> None:
    """This side's data is not the good one: it may be overwritten. Nothing is, before the other side is kept."""
    refusal = "" if side.record.yielded else _refusal(side)
    if refusal:
        side.ports.reply(request, ("E_STATE", refusal))
        return
    if not side.record.yielded:
        side.persist(state=State.INCONSISTENT, target_of=0, yielded=True, peer_faulty=False)
        side.ports.log("given_up", server=side.settings.server)
    side.closed = False
    side.ports.reply(request, None)
    if side.session is not None:
        side.ports.close_session("this side was given up by an operator")


def keep(side: Side, request: Any) -> None:
    """This side's data is the good one: it goes on alone, from the generation where both parted."""
    refusal = _refusal(side)
    if not refusal and not (side.target.idle and side.path.idle):  # an older write would land on a newer one
        refusal = EARLIER_WORK
    if refusal:
        side.ports.reply(request, ("E_STATE", refusal))
        return
    record = side.record
    if not (side.view.sound and side.maps.continuous):
        side.all_differs(
            f"an operator named the good side; the difference of {side.settings.server} was lost"
        )
    elif not record.base:
        side.all_differs("an operator named the good side; nobody knows where the two sides parted")
    side.leave_source()
    side.role = IDLE
    persist_alone(side, history=record.lineage)
    side.ports.log("kept", server=side.settings.server)
    side.told.rebuild = True
    side.become_source()
    side.ports.reply(request, None)
    if side.session is not None:
        side.ports.close_session("this side was named the good one")
