"""Both sides written apart: what each tells, what an operator's word does, and when the union is enough (R9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from twinset.mirror import copy_mode, divergence, requests
from twinset.mirror.cluster_partition import State
from twinset.mirror.copy_mode import View
from twinset.mirror.maps import marked

from .test_side import make, peer, record

if TYPE_CHECKING:
    from twinset.mirror.session import Session
    from twinset.mirror.side import Side

    from .ports import Ports


def diverged(**fields: Any) -> tuple[Side, Ports]:
    """Return a side that went on alone from generation 4, wrote extent 1, and has met a rival that wrote 2."""
    side, ports = make(State.SOLO, **{"cur": 7, "base": 4, "alone_since_s": 1000, **fields})
    side.maps.set_dirty(1)
    side.tick(10, 1500)
    ports.counts.writes += 1
    side.tick(20, 2000)
    side.session_up(rival())
    assert side.record.state == State.DIVERGED
    return side, ports


def rival(state: State = State.SOLO, **fields: Any) -> Session:
    session = peer(state, **{"cur": 9, "base": 4, **fields})
    session.peer_map = b"\0\0\1"
    return session


def given_up(**fields: Any) -> Session:
    return rival(State.INCONSISTENT, yielded=True, **fields)


def summary(side: Side) -> dict[str, Any]:
    found = side.alone.summary(side)
    assert found is not None
    return found


def test_a_side_tells_what_it_wrote_and_when() -> None:
    """Ranges, bytes, since when it was alone and when it was written last; and that the union is enough."""
    side, _ = diverged()
    found = summary(side)
    assert (found["bytes"], found["ranges"], found["ranges_count"]) == (16, [[16, 16]], 1)
    assert (found["since_s"], found["last_s"]) == (1000, 2000)
    assert side.record.alone_last_s == 2000, "it survives a restart"
    assert found["doubt"] == ""
    assert (found["keep_scope"], found["keep_bytes"]) == ("union", 32)


def test_a_side_that_goes_alone_notes_the_time() -> None:
    """The record says since when."""
    side, _ = make()
    side.tick(1, 1234)
    requests.activate(side, "a", peer_down=True)
    assert side.record.alone_since_s == 1234


def test_a_side_whose_difference_was_lost_says_so() -> None:
    """Nobody knows what was written: everything is kept, and everything is copied."""
    side, _ = diverged()
    side.maps.continuous = False
    side.session_down("cut")
    side.session_up(rival(State.DIVERGED))
    found = summary(side)
    assert found["known"] is False
    assert "lost" in found["doubt"]
    assert (found["keep_scope"], found["keep_bytes"]) == ("all", 128)


def test_without_the_other_sides_map_only_the_own_writes_are_kept() -> None:
    """The union is not known before the sides have met."""
    side, _ = diverged()
    side.session_down("cut")
    assert divergence.to_keep(side) == ("own", marked([1], 8))
    assert summary(side)["doubt"] == "the two sides have not met"


def test_a_side_that_is_given_up_is_so_by_record_before_anything_is_copied() -> None:
    """Its data and map stay; it serves nobody; asking twice is no error."""
    side, ports = diverged()
    divergence.give_up(side, "one")
    assert (side.record.state, side.record.yielded, side.record.base) == (State.INCONSISTENT, True, 4)
    assert side.record.target_of == 0, "no copy to it was ever begun"
    assert list(side.maps.dirty_extents()) == [1]
    assert ports.closed
    assert side.may_activate()
    divergence.give_up(side, "two")
    assert ports.replies[-2:] == [("one", None), ("two", None)]
    assert ports.events.count("given_up") == 1
    assert summary(side)["given_up"] is True


def test_the_kept_side_copies_the_union_and_knows_it_before_it_asks() -> None:
    """What the other side wrote is in the own map before that one may forget it (R6, R9)."""
    side, ports = diverged()
    divergence.keep(side, "keep")
    assert ports.replies[-1] == ("keep", None)
    assert ports.closed == ["this side was named the good one"], "the other side has to see the new record"
    assert (side.record.state, side.record.base) == (State.SOLO, 4)
    assert side.record.cur not in (7, 9)
    side.session_down("closed")
    seen: list[list[int]] = []
    ports.send_control = lambda _message: seen.append(list(side.maps.dirty_extents()))  # type: ignore[assignment, method-assign]
    side.session_up(given_up())
    assert seen == [[1, 2]]
    assert side.session is not None
    assert side.session.decision is not None
    assert (side.session.decision.mode, side.session.decision.row) == (copy_mode.HIGH_SPEED, "resolved")


def test_a_target_forgets_that_it_was_given_up_when_it_agrees() -> None:
    """From then on the source alone knows what differs."""
    side, _ = diverged()
    divergence.give_up(side, "one")
    side.session_down("closed")
    side.session_up(rival(cur=11))
    side.control(
        {
            "type": "attach",
            "mode": "high-speed",
            "reason": "",
            "cur": 11,
            "set_uuid": (b"S" * 16).hex(),
            "epoch": 3,
        }
    )
    assert (side.record.target_of, side.record.yielded) == (11, False)


KEPT = record(State.SOLO, cur=11, base=4)


@pytest.mark.parametrize(
    ("kept", "other", "word"),
    [
        (View(KEPT, sound=True, continuous=True), {"base": 5}, "one generation"),
        (View(KEPT.replace(base=0), sound=True, continuous=True), {"base": 0}, "first creation"),
        (View(KEPT, sound=True, continuous=True), {"continuous": False}, "was lost"),
        (View(KEPT, sound=True, continuous=True), {"sound": False}, "was lost"),
        (View(KEPT, sound=True, continuous=False), {}, "was lost"),
        (View(KEPT, sound=True, continuous=True), {"disk_uuid": b"9" * 16}, "replaced"),
    ],
)
def test_where_the_union_is_not_known_everything_is_copied_with_the_reason(
    kept: View, other: dict[str, Any], word: str
) -> None:
    """Another origin, a lost map or another disk: a full copy (R9)."""
    fields = {"disk_uuid": b"2" * 16, "cur": 9, "base": 4, "yielded": True, **other}
    view = {"sound": True, "continuous": True} | {
        key: fields.pop(key) for key in ("sound", "continuous") if key in fields
    }
    decision = copy_mode.decide(kept, View(record(State.INCONSISTENT, **fields), **view))
    assert decision.mode == copy_mode.FULL
    assert word in decision.reason


def test_a_kept_side_whose_own_difference_was_lost_counts_everything() -> None:
    """Its map is full before it begins."""
    side, _ = diverged()
    side.maps.continuous = False
    divergence.keep(side, "keep")
    assert side.maps.dirty_count == side.maps.count
    side.session_down("closed")
    side.session_up(given_up())
    assert side.session is not None
    assert side.session.decision is not None
    assert side.session.decision.mode == copy_mode.FULL


def test_a_side_that_was_given_up_can_still_be_kept() -> None:
    """As long as nothing was copied its data is whole."""
    side, _ = diverged()
    divergence.give_up(side, "one")
    divergence.keep(side, "keep")
    assert (side.record.state, side.record.yielded) == (State.SOLO, False)


@pytest.mark.parametrize("word", [divergence.give_up, divergence.keep])
@pytest.mark.parametrize(("state", "fields"), [(State.IN_SYNC, {}), (State.DIVERGED, {"forced": True})])
def test_only_sides_that_diverged_by_themselves_are_resolved(
    word: Any, state: State, fields: dict[str, Any]
) -> None:
    """Any other is refused with what it is, or with the command for it."""
    side, ports = make(state, **fields)
    word(side, "ask")
    assert ports.replies[-1][1] is not None
    assert side.record.state == state


def test_the_difference_survives_an_orderly_shutdown() -> None:
    """A DIVERGED side is closed CLEAN with its map: the union is enough after a reboot, too."""
    side, ports = diverged()
    requests.close(side, "close", solo_right=False)
    side.flush_done(ports.flushes[-1], 0, remote=False)
    assert (side.record.clean, side.record.map_valid) == (True, True)
    assert ports.maps_written


def test_a_side_is_not_kept_over_its_own_unfinished_writes() -> None:
    """What an earlier path has submitted would land on newer writes: the operator is asked to wait (R11)."""
    side, ports = diverged()
    side.target.inflight = 1
    divergence.keep(side, "early")
    assert ports.replies[-1] == ("early", ("E_STATE", requests.EARLIER_WORK))
    assert side.record.state == State.DIVERGED
    side.target.inflight = 0
    divergence.keep(side, "late")
    assert ports.replies[-1] == ("late", None)


@pytest.mark.parametrize("obstacle", ["serving", "permitted", "in operation", "failed", "faulty"])
def test_what_stands_against_a_resolution(obstacle: str) -> None:
    """A side that is in use, or whose disk has failed, is neither kept nor given up."""
    for word in (divergence.give_up, divergence.keep):
        side, ports = diverged()
        if obstacle == "in operation":
            assert side.session is not None
            side.session.phase = "copying"
        elif obstacle == "faulty":
            side.record = side.record.replace(state=State.FAULTY)
        else:
            setattr(side, obstacle, True)
        before = side.record
        word(side, "ask")
        assert ports.replies[-1][1] is not None
        assert side.record == before


def test_a_side_that_never_wrote_alone_knows_no_time() -> None:
    """Without a clock or a write the times stay unknown instead of wrong (promise 8)."""
    side, _ = make()
    side.tick(10)
    requests.activate(side, "a", peer_down=True)
    side.tick(20)
    assert (side.record.alone_since_s, side.alone.last_s) == (0, 0)


def test_neighbouring_extents_are_one_range() -> None:
    """What an operator sees is as short as the facts allow (promise 8)."""
    side, _ = make()
    marks = marked([1, 3, 4, 5, 7], 8)
    assert list(side.maps.runs(marks)) == [(16, 16), (48, 48), (112, 16)]


@pytest.mark.parametrize("base", [0, 4], ids=["created anew", "went on alone"])
def test_a_full_copy_does_not_hide_that_both_went_on_alone(base: int) -> None:
    """Both asked to copy everything, both refused, without end and without a word of DIVERGED (R9, seed 300154)."""
    side, ports = make(State.SOLO, base=base)
    side.all_differs("the difference map was lost")
    side.told.rebuild = True
    side.session_up(peer(State.SOLO, base=4, cur=9))
    assert side.record.state == State.DIVERGED
    assert not [each for each in ports.messages if each["type"] == "attach"]
