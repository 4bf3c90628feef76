"""Bringing the other side in step and changing places with it: who agrees to what, in which order (R4, R6, R8, R9)."""

from __future__ import annotations

from typing import Any

import pytest

from twinset.errors import ProtocolError
from twinset.mirror import attaching, requests
from twinset.mirror.cluster_partition import Role, State
from twinset.mirror.session import CONNECTED, COPY_RUNS, IDLE, IN_STEP, SOURCE, TARGET

from .ports import Ports, write
from .test_side import BOOT, SET, TWO, make, peer, serving

ELSEWHERE = b"X" * 16  # another boot than the one that runs


def attach(mode: str, *, cur: int = 5) -> dict[str, Any]:
    return {"type": "attach", "mode": mode, "reason": "", "cur": cur, "set_uuid": SET.hex(), "epoch": 3}


def flushed(side: Any, ports: Ports) -> None:
    """Let the flushes of both sides end."""
    for token in ports.flushes:
        side.flush_done(token, 0, remote=False)
        side.flush_done(token, 0, remote=True)


def rebuilding(*dirty: int, **fields: Any) -> tuple[Any, Ports]:
    """Return a side that is alone, wrote these extents, and has asked a STALE one to be its target."""
    side, ports = make(State.SOLO, **{"base": 4, **fields})
    for extent in dirty:
        side.maps.set_dirty(extent)
    side.told.rebuild = True
    session = peer(State.STALE, cur=4)
    session.peer_map = b"\0\0\1"
    side.session_up(session)
    return side, ports


def test_what_is_copied_is_the_union_of_both_maps() -> None:
    """What the other side may have had in flight is copied too, with the own window and difference (R9)."""
    side, _ = rebuilding(5)
    side.maps.mark(7, 7, side.maps.epoch)
    side.control({"type": "attached", "epoch": 1})
    assert list(side.maps.dirty_extents()) == [2, 5, 7]


@pytest.mark.parametrize(
    ("fields", "whole"),
    [
        ({"state": State.INCONSISTENT, "target_of": 5}, False),
        ({"state": State.INCONSISTENT, "target_of": 9}, True),
        ({"state": State.STALE, "cur": 4}, True),
        ({"state": State.FAULTY, "target_of": 5}, True),
    ],
    ids=["resumed", "half a copy of another generation", "STALE", "FAULTY"],
)
def test_only_the_interrupted_target_of_a_full_copy_is_spared_what_it_has(
    fields: dict[str, Any], whole: bool
) -> None:
    """A full copy goes on with what remains for the disk that it was interrupted on; for any other anew (R6)."""
    side, _ = make(State.SOLO, base=4)
    side.all_differs("the difference map was lost")
    for extent in range(6):
        side.maps.clear_dirty(extent)
    side.told.rebuild = True
    side.session_up(peer(**fields))
    assert side.session is not None
    assert side.session.decision is not None
    assert side.session.decision.mode == "full"
    assert side.maps.dirty_count == (8 if whole else 2)


def test_a_full_copy_whose_reason_is_not_known_here_begins_anew() -> None:
    """The map of a side that never had to copy everything says nothing of a disk that belongs to nobody (R6)."""
    side, _ = make(State.SOLO, base=4)
    side.maps.set_dirty(1)
    side.told.rebuild = True
    side.session_up(peer(State.INCONSISTENT, target_of=5, disk_uuid=b"9" * 16))
    assert side.maps.dirty_count == 8


@pytest.mark.parametrize("mode", ["none", "window"])
def test_a_target_in_step_is_open_by_record_before_it_agrees(mode: str) -> None:
    """OPEN with boot and role is durable before the first frame of a session can arrive (R8)."""
    side, ports = make(open=False, clean=True, solo_right=True, boot_id=ELSEWHERE)
    side.session_up(peer(role=SOURCE))
    ports.calls.clear()
    side.control(attach(mode))
    assert ports.calls == ["persist IN_SYNC", "control attached"]
    record = side.record
    assert (record.open, record.boot_id, record.role) == (True, BOOT, Role.STANDBY)
    side.session_down("cut")
    side.session_up(peer(role=SOURCE))
    ports.calls.clear()
    side.control(attach(mode))
    assert ports.calls == ["control attached"], "the record says so already"
    assert not (record.clean or record.solo_right), "it is spent: the sides go on from here (R7)"


@pytest.mark.parametrize(
    ("state", "fields", "mode", "refused"),
    [
        (State.IN_SYNC, {}, "window", False),
        (State.IN_SYNC, {"cur": 6}, "window", True),
        (State.IN_SYNC, {"cur": 6}, "none", True),
        (State.STALE, {}, "window", True),
        (State.INCONSISTENT, {}, "none", True),
        (State.IN_SYNC, {}, "high-speed", True),
        (State.IN_SYNC, {"cur": 6}, "high-speed", False),
        (State.STALE, {}, "high-speed", False),
        (State.INCONSISTENT, {}, "full", False),
        (State.BLANK, {"cur": 0}, "full", False),
        (State.FAULTY, {}, "full", False),
        (State.SOLO, {"base": 4}, "full", True),
        (State.DIVERGED, {}, "full", True),
    ],
)
def test_who_agrees_to_be_the_target_of_what(
    state: State, fields: dict[str, Any], mode: str, refused: bool
) -> None:
    """Nothing that may be ahead is overwritten, and equal is only who is in step in that generation (promise 3, R6)."""
    side, _ = make(state, **fields)
    assert bool(attaching.attach_refusal(side, attach(mode))) is refused


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"serving": True}, "source itself"),
        ({"role": SOURCE}, "source itself"),
        ({"closed": True}, "closed"),
        ({"failed": True}, "disk of this side has failed"),
    ],
)
def test_a_side_that_cannot_be_a_target_says_why(change: dict[str, Any], reason: str) -> None:
    """It is the source, closed, or its disk has failed: the other side hears the reason, nothing is recorded."""
    side, ports = make()
    side.session_up(peer(role=SOURCE))
    for name, value in change.items():
        setattr(side, name, value)
    side.control(attach("window"))
    assert ports.messages[-1]["type"] == "refused"
    assert reason in ports.messages[-1]["reason"]
    assert not ports.records


def test_a_target_takes_no_new_session_before_its_old_writes_have_ended() -> None:
    """An old write must not land on a newer one (R4, R11)."""
    side, ports = make(index=1)
    side.session_up(peer(role=SOURCE))
    side.control(attach("window"))
    op = write(0, request=None)
    side.target.write(op, 1, 3)
    side.session_down("cut")
    side.session_up(peer(role=SOURCE))
    side.control(attach("window"))
    assert "still on their way" in ports.messages[-1]["reason"]
    side.target.done(op, 0)
    side.control(attach("window"))
    assert ports.messages[-1]["type"] == "attached"


def test_a_flush_of_a_lost_session_does_not_end_the_rebuild_of_the_next() -> None:
    """Of two copies only the one whose own flush has ended makes the target IN_SYNC (R3, R6)."""
    side, ports = make(State.STALE, cur=4)
    finish = {
        "type": "finish",
        "cur": 5,
        "base": 4,
        "history": [4],
        "disk_uuid": TWO.hex(),
        "server_uuid": TWO.hex(),
    }
    side.session_up(peer(State.SOLO, role=SOURCE, base=4))
    side.control(attach("high-speed"))
    side.control(finish)
    (old,) = ports.flushes
    side.session_down("cut")
    side.session_up(peer(State.SOLO, role=SOURCE, base=4))
    side.control(attach("high-speed"))
    side.flush_done(old, 0, remote=False)
    assert side.record.state == State.INCONSISTENT
    side.control(finish)
    side.flush_done(ports.flushes[-1], 0, remote=False)
    assert side.record.state == State.IN_SYNC


@pytest.mark.parametrize("role", [SOURCE, TARGET])
def test_an_agreement_that_was_not_asked_for_ends_the_session(role: str) -> None:
    """Attached, though nothing was asked, or this side is no source: the two disagree, so they meet again."""
    side, ports = make(State.SOLO, base=4)
    side.session_up(peer(State.STALE, cur=4))
    side.role = role
    side.control({"type": "attached", "epoch": 1})
    assert "attached, though" in ports.closed[-1]
    assert side.copy is None


@pytest.mark.parametrize(("state", "role"), [(State.IN_SYNC, IDLE), (State.INCONSISTENT, TARGET)])
def test_the_source_role_in_step_goes_only_to_a_target_in_step(state: State, role: str) -> None:
    """Anybody else would serve without every acknowledged write: it breaks the protocol (promise 3)."""
    side, _ = make(state, index=1)
    side.session_up(peer(role=SOURCE))
    side.role = role
    with pytest.raises(ProtocolError, match="released in step"):
        side.control({"type": "released", "epoch": 4, "in_step": True})
    assert (side.role, side.serving) == (role, False)


@pytest.mark.parametrize(("state", "role"), [(State.IN_SYNC, IDLE), (State.INCONSISTENT, TARGET)])
def test_in_step_is_said_to_a_target_in_step_only(state: State, role: str) -> None:
    """The end of a window copy forgets the difference; said to any other side it breaks the protocol (R6)."""
    side, _ = make(state)
    side.session_up(peer(role=SOURCE))
    side.role = role
    side.maps.set_dirty(1)
    with pytest.raises(ProtocolError):
        side.control({"type": "in_step"})
    assert side.maps.dirty_count


def test_the_role_is_not_given_away_while_it_is_used_or_a_rebuild_runs() -> None:
    """The side that serves, or that alone has everything, says why the other one has to wait (R13, promise 3)."""
    side, ports = serving()
    side.control({"type": "want_source"})
    assert "active on server1" in ports.messages[-1]["reason"]
    side, ports = rebuilding(5)
    side.control({"type": "attached", "epoch": 1})
    assert side.session.phase == COPY_RUNS
    side.control({"type": "want_source"})
    assert "a rebuild is running" in ports.messages[-1]["reason"]
    assert side.role == SOURCE


def test_in_step_the_two_sides_change_places() -> None:
    """What served becomes the target by record before it says so, and without a copy (R8, R11)."""
    side, ports = serving()
    flushed(side, ports)
    requests.deactivate(side, "deactivate")
    ports.calls.clear()
    side.control({"type": "want_source"})
    assert ports.calls == ["persist IN_SYNC", "control released"]
    assert ports.messages[-1]["in_step"] is True
    assert (side.role, side.record.role, side.session.phase if side.session else "") == (
        TARGET,
        Role.STANDBY,
        IN_STEP,
    )
    side.target.write(write(0, request=None), 1, side.maps.epoch)


def test_the_role_is_given_away_when_the_last_operation_has_ended() -> None:
    """A write that is under way belongs to the old source; it ends before the new one is told (R11)."""
    side, ports = serving()
    op = write(0)
    side.path.write(op)
    requests.deactivate(side, "deactivate")
    side.control({"type": "want_source"})
    assert ports.messages[-1]["type"] != "released"
    side.path.receipt(op.seq)
    side.path.local_done(op, 0)
    side.path.written(op.seq)
    flushed(side, ports)
    assert ports.messages[-1]["type"] == "released"


def test_out_of_step_the_role_is_given_up_without_the_data() -> None:
    """A source that waits for its permission to copy yields to whoever is asked to serve; both begin anew."""
    side, ports = make()
    side.session_up(peer())
    side.control({"type": "want_source"})
    assert ports.messages[-1] == {"type": "released", "epoch": side.maps.epoch, "in_step": False}
    assert (side.role, side.session.phase if side.session else "") == (IDLE, CONNECTED)


def test_of_two_that_made_each_other_stale_the_whole_one_goes_on() -> None:
    """The first server, unless it lost unflushed writes or its disk failed; of another set neither does (R1)."""
    cases = [
        (0, State.STALE, {}, State.SOLO),
        (1, State.STALE, {}, State.STALE),
        (1, State.FAULTY, {}, State.SOLO),
        (0, State.STALE, {"set_uuid": b"T" * 16}, State.STALE),
        (0, State.STALE, {"cur": 6}, State.STALE),
        (0, State.INCONSISTENT, {}, State.STALE),
    ]
    for index, state, fields, after in cases:
        side, _ = make(State.STALE, index=index)
        side.told.rebuild = True
        side.session_up(peer(state, **fields))
        assert side.record.state == after, (index, state, fields)
    for index, mine, sound, after in [
        (0, ELSEWHERE, True, State.STALE),
        (1, BOOT, False, State.SOLO),
        (1, ELSEWHERE, False, State.STALE),
    ]:
        side, _ = make(State.STALE, index=index, boot_id=mine)
        side.told.rebuild = True
        side.session_up(peer(State.STALE, sound=sound))
        assert side.record.state == after, (index, sound)


@pytest.mark.parametrize(
    ("index", "mine", "other", "source"),
    [
        (0, State.IN_SYNC, State.IN_SYNC, True),
        (1, State.IN_SYNC, State.IN_SYNC, False),
        (1, State.SOLO, State.STALE, True),
        (0, State.STALE, State.SOLO, False),
        (0, State.IN_SYNC, State.BLANK, False),
    ],
)
def test_who_drives_a_session_without_a_group(index: int, mine: State, other: State, source: bool) -> None:
    """The side that is alone copies; of an equal pair the first server does; nobody else takes the role (R6, R13)."""
    side, _ = make(mine, index=index, **({"base": 4} if mine == State.SOLO else {}))
    side.told.rebuild = True
    side.session_up(peer(other, cur=4 if other == State.STALE else 5))
    assert (side.role == SOURCE) is source


@pytest.mark.parametrize("obstacle", ["no word", "closed", "source there", "unfinished writes"])
def test_a_role_is_taken_only_where_nothing_is_against_it(obstacle: str) -> None:
    """Without the cluster's word, closed, beside another source or over old writes a side stays idle (R7, R11)."""
    side, _ = make(State.SOLO, base=4)
    side.told.rebuild = obstacle != "no word"
    side.closed = obstacle == "closed"
    if obstacle == "unfinished writes":
        side.target.inflight = 1
    side.session_up(peer(State.STALE, cur=4, role=SOURCE if obstacle == "source there" else IDLE))
    assert side.role == IDLE


def test_a_copy_waits_for_the_clusters_word() -> None:
    """A side that serves alone copies nothing before the other server has returned to the cluster."""
    side, ports = make(State.SOLO, base=4)
    requests.activate(side, "activate", peer_down=True)
    side.session_up(peer(State.STALE, cur=4))
    assert not ports.messages
    requests.rebuild(side)
    assert ports.messages[-1]["type"] == "attach"


def test_before_a_full_copy_the_other_side_is_stale_by_its_own_record() -> None:
    """A source in step asks once, goes alone with the answer, and asks it to be the target only then (R1, R2, R6)."""
    side, ports = make()
    side.maps.continuous = False
    side.told.rebuild = True
    side.session_up(peer())
    requests.activate(side, "activate", peer_down=False)
    attaching.attach(side)
    assert [each["type"] for each in ports.messages] == ["stale"]
    side.control({"type": "staled", "cur": 4})
    assert side.record.state == State.IN_SYNC, "of another generation"
    ports.calls.clear()
    side.control({"type": "staled", "cur": 5})
    assert ports.calls == ["persist SOLO", "control attach"]
    assert side.maps.dirty_count == 8


def test_an_attach_that_is_refused_ends_what_was_asked() -> None:
    """A wish to serve is refused with the other side's reason; without one the session is over."""
    side, ports = make(index=1)
    side.session_up(peer(role=SOURCE))
    requests.activate(side, "activate", peer_down=False)
    side.control({"type": "refused", "reason": "the disk is active on server1"})
    assert ports.replies[-1] == ("activate", ("E_STATE", "the disk is active on server1"))
    assert not ports.closed
    side.control({"type": "refused", "reason": "again"})
    assert ports.closed == ["refused: again"]


def test_a_rival_that_was_never_heard_of_is_one() -> None:
    """Both are alone and the other generation is none that this side knows: DIVERGED, and nothing is copied (R9)."""
    side, ports = make(State.SOLO, base=3)
    requests.activate(side, "activate", peer_down=True)
    side.session_up(peer(State.SOLO, base=0, cur=9))
    assert (side.record.state, side.serving) == (State.DIVERGED, False)
    assert not ports.messages


@pytest.mark.parametrize(("continuous", "event"), [(True, "high_speed_copy"), (False, "full_copy")])
def test_every_copy_is_announced_by_its_kind(continuous: bool, event: str) -> None:
    """The event with the reason comes when the other side has agreed (4.3.4-02, promise 6)."""
    side, ports = make(State.SOLO, base=4)
    side.maps.continuous = continuous
    side.maps.set_dirty(1)
    side.told.rebuild = True
    side.session_up(peer(State.STALE, cur=4))
    assert event not in ports.events
    side.control({"type": "attached", "epoch": 1})
    assert [name for name in ports.events if name.endswith("_copy")] == [event]


def test_a_source_that_gives_up_its_role_ends_what_it_began() -> None:
    """A session in which a copy was agreed is over; one in which nothing was asked yet goes on (R4)."""
    side, ports = rebuilding(5)
    side.leave_source()
    assert ports.closed == ["the source has given up its role"]
    side, ports = make()
    side.session_up(peer())
    side.become_source()
    side.leave_source()
    assert (side.role, ports.closed) == (IDLE, [])


@pytest.mark.parametrize("mode", ["full", "high-speed"])
def test_the_target_of_a_copy_has_spent_what_it_was_closed_with(mode: str) -> None:
    """INCONSISTENT is open in this boot, not CLEAN, without the right to start alone or a map of its own (R6, R7)."""
    side, _ = make(
        State.STALE, cur=4, open=False, clean=True, solo_right=True, map_valid=True, boot_id=ELSEWHERE
    )
    side.session_up(peer(State.SOLO, role=SOURCE, base=4))
    side.control(attach(mode))
    record = side.record
    assert (record.state, record.target_of, record.open, record.boot_id) == (
        State.INCONSISTENT,
        5,
        True,
        BOOT,
    )
    assert record.role == Role.STANDBY
    assert not (record.clean or record.solo_right or record.map_valid)


def test_a_rebuild_does_not_take_its_own_pieces_for_the_work_of_clients() -> None:
    """Only operations beside its own make it keep to few pieces at a time (4.1.4.2)."""
    side, ports = rebuilding(0, 1, 3, 4, 5, 6, 7)
    ports.slots = 4
    side.control({"type": "attached", "epoch": 1})
    for op in list(ports.reads):
        side.path.local_done(op, 0)
    assert len(side.path.outstanding) == len(ports.reads) == 4
    ports.slots = 100
    side.progress()
    assert len(ports.reads) == 8


def test_a_source_that_has_nothing_to_give_is_none() -> None:
    """The other side is alone, of a set that this one does not know: the role is given up, nobody is told to copy."""
    side, ports = make()
    side.become_source()
    side.session_up(peer(State.SOLO, base=4, cur=6, set_uuid=b"T" * 16))
    assert (side.role, ports.messages) == (IDLE, [])
