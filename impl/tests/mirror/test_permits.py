"""Access to one side without its group: who gets it, what it leaves behind, what the other side makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from twinset.errors import DiskError
from twinset.mirror import copy_mode, permits, requests
from twinset.mirror.cluster_partition import State
from twinset.mirror.session import IDLE, SOURCE, Pending

from .ports import write
from .test_side import make, peer

if TYPE_CHECKING:
    from twinset.mirror.side import Side

    from .ports import Ports

ELSEWHERE = b"X" * 16  # another boot than the one that runs


def permit(
    side: Side, ports: Ports, *, forced: bool = False, peer_stale: int = 0, right: bool = False
) -> Any:
    """Ask, and return the error of the answer."""
    permits.permit(side, "permit", forced=forced, peer_stale=peer_stale, right=right)
    request, error = ports.replies[-1]
    assert request == "permit"
    return error


def test_the_side_that_went_on_alone_is_permitted_as_it_is() -> None:
    """A SOLO side is the latest: no new generation, and what is written counts as difference (8.7-07)."""
    side, ports = make(State.SOLO, base=4)
    assert permit(side, ports) is None
    assert ports.exported
    assert side.permitted
    assert (side.record.state, side.record.cur, side.record.base) == (State.SOLO, 5, 4)
    side.path.write(write(16))
    assert list(side.maps.dirty_extents()) == [1]


@pytest.mark.parametrize("proof", ["stale", "right"])
def test_an_equal_side_is_alone_by_record_before_it_opens(proof: str) -> None:
    """With the other side's STALE, or the right to start alone, SOLO is durable before the export (R2, R7, R9)."""
    side, ports = make(State.IN_SYNC, clean=True, solo_right=proof == "right")
    assert permit(side, ports, peer_stale=5 if proof == "stale" else 0, right=proof == "right") is None
    assert ports.calls.index("persist SOLO") < ports.calls.index("open export")
    assert side.record.base == 5
    assert not side.record.solo_right
    assert not side.record.clean


@pytest.mark.parametrize(
    ("state", "fields", "reason"),
    [
        (State.IN_SYNC, {"clean": True}, "nothing proves"),
        (
            State.IN_SYNC,
            {"clean": True, "solo_right": True},
            "nothing proves",
        ),  # the daemon knows of no right
        (State.IN_SYNC, {"boot_id": ELSEWHERE}, "went down while the sides were in step"),
        (State.STALE, {}, "not the latest"),
        (State.INCONSISTENT, {}, "has not ended"),
        (State.DIVERGED, {}, "written separately"),
    ],
)
def test_a_side_that_may_not_be_the_latest_is_refused_and_can_be_forced(
    state: State, fields: dict[str, Any], reason: str
) -> None:
    """Permit refuses it with the reason; forced permit opens it, DIVERGED and forced before the export (8.7-09)."""
    side, ports = make(state, **fields)
    code, text = permit(side, ports)
    assert code == "E_STATE"
    assert reason in text
    assert not ports.records
    assert permit(side, ports, forced=True) is None
    assert ports.calls.index("persist DIVERGED") < ports.calls.index("open export")
    record = side.record
    assert record.forced
    assert (record.base, record.cur != 5, record.history[0]) == (0, True, 5)
    assert "forced_permit" in ports.events
    side.path.write(write(0))
    assert ports.writes


def test_force_is_not_used_where_none_is_needed() -> None:
    """Forced permit of the latest side is a plain one: nothing diverges."""
    side, ports = make(State.SOLO, base=4)
    assert permit(side, ports, forced=True) is None
    assert side.record.state == State.SOLO
    assert not side.record.forced


@pytest.mark.parametrize(
    ("state", "reason"), [(State.BLANK, "not been created"), (State.FAULTY, "has failed")]
)
def test_nothing_opens_a_side_without_data(state: State, reason: str) -> None:
    """A side that was never created, or whose disk has failed, is refused to force too (8.4-01)."""
    side, ports = make(state)
    assert reason in permit(side, ports, forced=True)[1]


def test_a_side_that_serves_or_mirrors_is_not_permitted() -> None:
    """The group comes first: access without it is refused while the side serves, or is in step (7.1.1-02)."""
    side, ports = make(State.SOLO, base=4)
    requests.activate(side, "activate", peer_down=True)
    assert "serves its group" in permit(side, ports)[1]
    side, ports = make()
    side.told.rebuild = True
    side.session_up(peer())
    side.control({"type": "attached", "epoch": 1})
    assert "in operation" in permit(side, ports, forced=True)[1]


def test_a_permitted_side_keeps_no_session_and_cannot_be_taken() -> None:
    """Sessions end, STALE is refused, nobody attaches: what is written under a permit stays here (rule 1)."""
    side, ports = make(State.SOLO, base=4)
    side.session_up(peer(State.STALE, cur=4))
    assert permit(side, ports) is None
    assert ports.closed
    side.session_down("closed")
    assert side.mute
    assert side.path.mode == "solo"
    ports.closed.clear()
    side.told.rebuild = True
    side.session_up(peer(State.STALE, cur=4))
    assert ports.closed
    assert not ports.messages
    requests.mark_stale(side, "ask", 5)
    assert ports.replies[-1][1] is not None


def test_restrict_waits_for_what_was_asked_under_the_permit() -> None:
    """The export closes at once, the answer comes when the last write has ended, and the side has no role."""
    side, ports = make(State.SOLO, base=4)
    permit(side, ports)
    op = write(0)
    side.path.write(op)
    permits.restrict(side, "restrict")
    assert not ports.exported
    assert ports.replies[-1][0] == "permit"
    side.path.local_done(op, 0)
    side.progress()
    assert ports.replies[-1] == ("restrict", None)
    assert (side.role, side.permitted, side.mute) == (IDLE, False, False)
    permits.restrict(side, "again")
    assert ports.replies[-1] == ("again", None)


def test_a_forced_permit_whose_record_cannot_be_written_opens_nothing() -> None:
    """The record is what keeps copies away: without it on the disk the side is FAULTY, and closed (R2, R10)."""
    side, ports = make(State.STALE)
    persist = ports.persist

    def refuse(record: Any) -> None:
        if record.forced:
            raise DiskError("EIO")
        persist(record)

    ports.persist = refuse  # type: ignore[method-assign]
    with pytest.raises(DiskError):
        permits.permit(side, "permit", forced=True, peer_stale=0)
    assert not ports.exported
    assert not side.permitted
    assert side.record.state == State.FAULTY


def test_a_forced_side_is_found_again_after_its_process() -> None:
    """The access goes on with the record that stands: no second generation, no second event."""
    side, ports = make(State.DIVERGED, forced=True, cur=9)
    assert permit(side, ports, forced=True) is None
    assert side.record.cur == 9
    assert "forced_permit" not in ports.events


@pytest.mark.parametrize("serving", [True, False])
def test_the_other_side_of_a_forced_one_goes_on_and_says_so(serving: bool) -> None:
    """It was written by nobody else: it serves on, nothing is copied, and the event says that they differ (rule 4)."""
    side, ports = make(State.SOLO, base=4)
    side.told.rebuild = True
    if serving:
        requests.activate(side, "activate", peer_down=True)
    ports.calls.clear()
    side.session_up(peer(State.DIVERGED, forced=True, cur=9))
    assert side.serving == serving
    assert ports.events.count("copies_differ") == int(serving)
    assert not ports.messages
    requests.activate(side, "activate", peer_down=False)
    assert side.serving
    assert "copies_differ" in ports.events


def test_a_forced_record_ends_the_wait_of_a_side_that_holds_writes() -> None:
    """Whoever lost its partner in step may go on alone: that side serves nobody as its equal any more (R1)."""
    side, ports = make()
    side.session_up(peer())
    requests.activate(side, "activate", peer_down=False)
    side.control({"type": "attached", "epoch": 1})
    side.session_down("cut")
    op = write(0)
    side.path.write(op)
    assert not ports.writes
    side.session_up(peer(State.DIVERGED, forced=True, cur=9))
    assert side.record.state == State.SOLO
    assert ports.writes == [op]


def test_a_forced_side_confirms_that_it_is_outdated() -> None:
    """Asked by way of the daemons it answers as a STALE one would: the other side need not hold its writes (R1)."""
    side, ports = make(State.DIVERGED, forced=True, cur=9)
    requests.mark_stale(side, "ask", 5)
    assert ports.replies == [("ask", None)]
    side, ports = make(State.DIVERGED, cur=5)
    requests.mark_stale(side, "ask", 5)
    assert ports.replies[0][1] is not None


def test_an_equal_side_does_not_start_beside_a_forced_one() -> None:
    """Nothing tells which of both is the better one: the start is refused until an operator has chosen."""
    side, ports = make(State.IN_SYNC, clean=True)
    side.session_up(peer(State.DIVERGED, forced=True, cur=9))
    requests.activate(side, "activate", peer_down=False)
    assert "an operator names the good side" in ports.replies[-1][1][1]
    assert side.role != SOURCE


def test_nothing_is_copied_over_a_forced_side_or_from_it() -> None:
    """The first row of the copy table: apart, whatever the records would say otherwise (R9, promise 8)."""
    forced, _ = make(State.DIVERGED, forced=True, cur=9)
    for state in (State.SOLO, State.IN_SYNC, State.STALE, State.INCONSISTENT, State.FAULTY):
        other = peer(state, base=4).peer
        assert copy_mode.decide(forced.view, other).mode == copy_mode.APART
        assert copy_mode.decide(other, forced.view).mode == copy_mode.APART


@pytest.mark.parametrize("source", [True, False])
def test_an_operators_word_ends_it(source: bool) -> None:
    """Creating the mirror anew, in either direction, takes the mark away; a full copy follows (8.2-02)."""
    side, _ = make(State.DIVERGED, forced=True, cur=9)
    requests.create(side, "create", source=source)
    assert not side.record.forced
    assert side.record.state == (State.SOLO if source else State.INCONSISTENT)


def test_a_permit_that_was_interrupted_leaves_a_full_copy() -> None:
    """The server went down during the access: all of it counts as difference, or the sides are apart (8.2-01)."""
    side, ports = make(State.SOLO, base=4)
    permit(side, ports)
    again, _ = make(State.SOLO, base=4, boot_id=ELSEWHERE)
    again.record = side.record.replace(boot_id=ELSEWHERE)
    decision = copy_mode.decide(again.view, peer(State.STALE, cur=4).peer)
    assert (decision.mode, decision.row) == (copy_mode.FULL, "source-unsure")


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("work", ["closing", "deactivation", "received", "own"])
def test_earlier_work_ends_before_anybody_else_is_let_in(work: str, forced: bool) -> None:
    """A shutdown, the end of a group, or writes on their way: each by itself refuses the access, force too (R11)."""
    side, ports = make(State.SOLO, base=4)
    if work == "received":
        side.target.inflight = 1
    elif work == "own":
        side.become_source()
        side.path.write(write(0))
    else:
        setattr(side, work, Pending("earlier", 0))
    assert permit(side, ports, forced=forced) == ("E_STATE", requests.EARLIER_WORK)
    assert not ports.exported
