"""What is asked of a side, and how each request ends: done, or refused with its reason (R1, R7, R8, 8.7-05)."""

from __future__ import annotations

from typing import Any

import pytest

from twinset.mirror import requests
from twinset.mirror.cluster_partition import State
from twinset.mirror.session import COPY_RUNS, FINISHING, IDLE, IN_STEP, SOURCE, TARGET

from .ports import write
from .test_attaching import attach, flushed
from .test_side import make, peer, serving

TIMEOUT_MS = 100  # the mirror time-out of `make`


def target() -> tuple[Any, Any]:
    """Return a standby side in step."""
    side, ports = make(index=1)
    side.session_up(peer(role=SOURCE))
    side.control(attach("none"))
    return side, ports


def waiting(**fields: Any) -> tuple[Any, Any]:
    """Return a side that is asked to serve and waits: what it received is not on its disk yet."""
    side, ports = make(State.SOLO, **{"base": 3, **fields})
    side.target.inflight = 1
    requests.activate(side, "activate", peer_down=True)
    assert not ports.replies
    return side, ports


# -- activation -------------------------------------------------------------------------------------------


def test_of_two_requests_to_serve_the_newer_one_counts() -> None:
    """The older is refused with that reason, not forgotten: whoever asked it is answered."""
    side, ports = waiting()
    requests.activate(side, "again", peer_down=True)
    assert ports.replies == [("activate", ("E_STATE", "a newer request took over"))]
    side.target.inflight = 0
    side.progress()
    side.tick(10)
    assert ports.replies[-1] == ("again", None)


def test_who_serves_already_says_so_at_once() -> None:
    """Asked again a serving side opens nothing a second time."""
    side, ports = serving()
    requests.activate(side, "again", peer_down=False)
    assert ports.replies[-1] == ("again", None)
    assert "open export" not in ports.calls


def test_a_request_to_serve_ends_with_whatever_ends_it() -> None:
    """Deactivation, a shutdown or a rival answers the request that waits, each with its own reason."""
    for end, reason in (
        (lambda side: requests.deactivate(side, "off"), "deactivated"),
        (lambda side: requests.close(side, "close", solo_right=False), "the cluster is being shut down"),
        (lambda side: side.session_up(peer(State.SOLO, base=3, cur=6)), "both sides were written separately"),
    ):
        side, ports = waiting()
        end(side)
        request, error = ports.replies[0]
        assert request == "activate"
        assert error is not None
        assert reason in error[1]


def test_a_side_asks_for_the_others_stale_only_after_the_time_out_and_again_after_each() -> None:
    """Without session and proof it waits for the connect first; then the daemon is asked, never flooded (R1)."""
    side, ports = make()
    side.tick(1_000)
    requests.activate(side, "activate", peer_down=False)
    for now, asked in ((1_000 + TIMEOUT_MS - 1, 0), (1_000 + TIMEOUT_MS, 1), (1_150, 1), (1_200, 2)):
        side.tick(now)
        assert len(ports.wanted) == asked, now
    assert (side.record.state, side.serving) == (State.IN_SYNC, False)
    requests.peer_stale(side, 5)
    assert (side.record.state, side.serving) == (State.SOLO, True)


# -- the other server -------------------------------------------------------------------------------------


def test_an_idle_side_goes_alone_only_when_it_is_to_serve() -> None:
    """Membership's verdict alone begins no generation on a side that holds no role: nobody writes there (R2)."""
    side, _ = make()
    requests.peer(side, down=True)
    assert side.record.state == State.IN_SYNC
    assert not side.told.rebuild


def test_with_a_session_the_verdict_is_told_before_it_ends() -> None:
    """A server declared down that still hears is asked to be STALE, and the session is over (R1, R13)."""
    side, ports = serving()
    requests.peer(side, down=True)
    assert ports.messages[-1] == {"type": "stale", "cur": 5}
    assert ports.closed == ["the other server was declared down"]
    side.session_down("closed")
    assert side.record.state == State.SOLO


def test_a_failed_disk_does_not_go_on_alone() -> None:
    """A side whose own disk has failed begins no generation, whatever proof it has (R10)."""
    side, _ = serving()
    side.failed = True
    side.go_solo("asked")
    assert side.record.state == State.IN_SYNC


def test_only_a_side_in_step_begins_a_generation() -> None:
    """Neither a side that is alone already nor one that is behind takes a new one (promise 3)."""
    for state in (State.SOLO, State.STALE, State.INCONSISTENT, State.DIVERGED):
        side, ports = make(state, base=4)
        side.go_solo("asked")
        assert (side.record.state, ports.records) == (state, [])


# -- creation ---------------------------------------------------------------------------------------------


def test_the_target_of_a_creation_that_has_begun_agrees() -> None:
    """The source was faster and copies already: nothing is broken off for the word that came later."""
    side, ports = target()
    requests.create(side, "create", source=False)
    assert ports.replies == [("create", None)]
    assert (side.role, side.record.state) == (TARGET, State.IN_SYNC)
    assert not ports.closed


@pytest.mark.parametrize("phase", [IN_STEP, COPY_RUNS, FINISHING])
@pytest.mark.parametrize("source", [True, False])
def test_a_set_in_operation_is_not_created_anew(phase: str, source: bool) -> None:
    """A session in step or with a copy stands against it, and so does an export (8.7-05)."""
    side, ports = make()
    side.session_up(peer())
    assert side.session is not None
    side.session.phase = phase
    requests.create(side, "create", source=source)
    assert ports.replies == [("create", ("E_STATE", "the mirror set is in operation"))]
    side, ports = serving()
    side.session_down("cut")
    requests.create(side, "create", source=source)
    assert ports.replies[-1][1] == ("E_STATE", "the mirror set is in operation")


# -- orderly shutdown -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "clean"),
    [
        (State.IN_SYNC, True),
        (State.SOLO, True),
        (State.STALE, True),
        (State.DIVERGED, True),
        (State.INCONSISTENT, False),
        (State.FAULTY, False),
        (State.BLANK, False),
    ],
)
def test_clean_is_only_who_knows_how_it_stands_to_the_other_side(state: State, clean: bool) -> None:
    """Equal, alone, behind or a rival by record: CLEAN. Half a copy or a failed disk is closed without it (R7)."""
    side, ports = make(state, base=4)
    requests.close(side, "close", solo_right=True)
    side.flush_done(ports.flushes[-1], 0, remote=False)
    assert (side.record.clean, side.record.solo_right) == (clean, state == State.IN_SYNC)
    assert ports.replies == [("close", None)]
    assert side.role == IDLE


@pytest.mark.parametrize("clean", [True, False])
def test_a_close_ends_the_session_and_says_how(clean: bool) -> None:
    """The other side reads in its log whether this one was closed CLEAN; CLEAN is durable before (R7)."""
    side, ports = serving()
    flushed(side, ports)
    requests.deactivate(side, "deactivate")
    if not clean:
        side.maps.mark(0, 0, side.maps.epoch)
    requests.close(side, "close", solo_right=True)
    side.tick(TIMEOUT_MS)
    side.flush_done(ports.flushes[-1], 0, remote=False)
    assert side.record.clean is clean
    assert ports.closed == ["closed cleanly" if clean else "closed"]
    side.path.write(write(0))
    assert not (ports.sent or ports.writes), "what comes later is held"
    assert ports.replies[-1] == (
        "close", None if clean else ("E_STATE", "closed, but not CLEAN: IN_SYNC")
    )  # fmt: skip


def test_a_close_whose_flush_fails_is_an_error_and_not_clean() -> None:
    """A failed flush proves nothing (R10)."""
    side, ports = make()
    requests.close(side, "close", solo_right=True)
    side.flush_done(ports.flushes[-1], 5, remote=False)
    assert ports.replies[-1] == ("close", ("E_DISK", "the disk could not be flushed"))
    assert not side.record.clean


def test_what_arrives_while_a_close_flushes_is_flushed_too() -> None:
    """In step a late write is not forgotten by CLEAN: the close flushes once more (R7)."""
    side, ports = target()
    requests.close(side, "close", solo_right=False)
    side.maps.mark(0, 0, side.maps.epoch)
    side.flush_done(ports.flushes[-1], 0, remote=False)
    assert not ports.replies
    side.maps.set_durable(side.maps.epoch)
    side.progress()
    side.flush_done(ports.flushes[-1], 0, remote=False)
    assert (side.record.clean, ports.replies) == (True, [("close", None)])


@pytest.mark.parametrize(("wrote", "last_s"), [(True, 2_000), (False, 77)])
def test_a_close_keeps_when_the_side_was_written_last(wrote: bool, last_s: int) -> None:
    """An operator who has to choose between rivals sees that time after a restart, too (promise 8)."""
    side, ports = make(State.SOLO, base=4, alone_last_s=77)
    ports.counts.writes += wrote
    side.tick(10, 2_000)
    requests.close(side, "close", solo_right=False)
    side.flush_done(ports.flushes[-1], 0, remote=False)
    assert side.record.alone_last_s == last_s


def test_while_the_export_is_open_nothing_is_closed() -> None:
    """The group comes first (R7)."""
    side, ports = serving()
    requests.close(side, "close", solo_right=True)
    assert ports.replies[-1][1] == ("E_STATE", "the disk is active; stop its group first")
    assert not side.closed


def test_a_deactivation_ends_with_the_last_operation() -> None:
    """The export closes at once; the answer waits for what clients had asked (R11)."""
    side, ports = serving()
    flushed(side, ports)
    op = write(0)
    side.path.write(op)
    requests.deactivate(side, "deactivate")
    assert not ports.exported
    assert ports.replies[-1][0] == "activate"
    side.path.receipt(op.seq)
    side.path.local_done(op, 0)
    side.path.written(op.seq)
    side.progress()
    assert ports.replies[-1] == ("deactivate", None)


# -- marked from outside ----------------------------------------------------------------------------------


def test_a_mark_of_another_generation_is_refused() -> None:
    """A side is STALE only for the generation that it is of: an old question proves nothing (R1, R11)."""
    side, ports = make()
    requests.mark_stale(side, "ask", 4)
    assert ports.replies == [("ask", ("E_STATE", "this side is IN_SYNC in another generation"))]
    assert side.record.state == State.IN_SYNC


def test_a_proof_with_a_session_ends_it_first() -> None:
    """What the session still brings must not meet a side that goes alone: closed, then alone (R1, R4)."""
    side, ports = serving()
    requests.peer_stale(side, 5)
    assert side.record.state == State.IN_SYNC
    assert ports.closed == ["the other side was marked stale"]
    side.session_down("closed")
    assert side.record.state == State.SOLO


@pytest.mark.parametrize("known", ["", "session", "down", "stale"])
def test_the_other_side_is_marked_again_and_again_until_it_is_known_to_be_stale(known: str) -> None:
    """Whoever went alone asks at every time-out; not while both are connected, nor once it has an answer (R1)."""
    side, ports = make(State.SOLO, base=4)
    if known == "session":
        side.session = peer(State.STALE, cur=4)
    side.told.peer_down = known == "down"
    side.told.peer_outdated = 4 if known == "stale" else 0
    for now in (TIMEOUT_MS, TIMEOUT_MS + 50, 2 * TIMEOUT_MS):
        side.tick(now)
    assert ports.wanted == ([] if known else [4, 4])


def test_a_closed_side_is_no_target_and_keeps_no_session() -> None:
    """What was closed CLEAN stays as it is until the cluster starts again (R7)."""
    side, ports = make()
    requests.close(side, "close", solo_right=True)
    side.flush_done(ports.flushes[-1], 0, remote=False)
    assert side.mute
    assert not side.told.rebuild, "the word of the cluster that was shut down is over"
    side.session_up(peer(role=SOURCE))
    side.control(attach("window"))
    assert ports.messages[-1]["type"] == "refused"
    requests.rebuild(side)
    assert not side.mute


def test_without_a_lease_a_side_holds_everything_and_says_so_once() -> None:
    """Nothing is sent, read or written before the lease is back; nobody sees an error (R13)."""
    side, ports = serving()
    for reason in ("the lease has run out", "still"):
        side.freeze(reason)
    side.path.write(write(0))
    assert not ports.sent
    assert ports.events.count("frozen") == 1
    assert side.told.frozen == "the lease has run out"
    side.thaw()
    assert len(ports.sent) == 1
    assert not side.told.frozen


def test_a_break_is_counted() -> None:
    """For `twinset mirror stats`: each new generation alone is one break."""
    side, ports = serving()
    side.session_down("cut")
    requests.peer(side, down=True)
    assert ports.counts.breaks == 1


@pytest.mark.parametrize("source", [True, False])
def test_a_creation_ends_the_session_it_finds(source: bool) -> None:
    """The other side has to see the new record: both meet again (8.7-05)."""
    side, ports = make(State.STALE)
    side.session_up(peer(State.STALE, cur=4))
    requests.create(side, "create", source=source)
    assert ports.replies == [("create", None)]
    assert ports.closed[-1] == "the mirror is created anew"


def test_a_serving_side_without_a_lease_for_long_keeps_no_session() -> None:
    """A session that lives keeps the other side from taking over; one whose daemon is gone must not (R13)."""
    side, _ = serving()
    side.tick(1_000)
    side.freeze("the lease has run out")
    for now, mute in ((1_000, False), (1_000 + 2 * TIMEOUT_MS - 1, False), (1_000 + 2 * TIMEOUT_MS, True)):
        side.tick(now)
        assert side.mute is mute, now
    side.thaw()
    assert not side.mute


def test_a_mark_is_tried_once_in_each_interval() -> None:
    """The window does not grow for ever, and clients are not slowed by a flush at every tick (R3)."""
    side, ports = serving()
    flushed(side, ports)
    side.tick(1_000)
    op = write(0)
    side.path.write(op)
    side.path.receipt(op.seq)
    side.path.local_done(op, 0)
    side.path.written(op.seq)
    flushes = len(ports.flushes)
    side.tick(1_000 + side.settings.mark_interval_ms - 1)
    assert len(ports.flushes) == flushes
    side.tick(1_000 + side.settings.mark_interval_ms)
    assert len(ports.flushes) == flushes + 1


def test_a_former_source_takes_no_new_role_before_its_own_writes_have_ended() -> None:
    """They could land on newer ones, as a target and as a source; the path of the present role orders its own (R11)."""
    side, ports = make(State.SOLO, base=4)
    side.become_source()
    op = write(0)
    side.path.write(op)
    assert side.drained
    side.leave_source()
    assert not side.drained
    requests.activate(side, "activate", peer_down=True)
    assert not side.serving
    side.path.local_done(op, 0)
    side.tick(10)
    assert (ports.done, bool(op.error)) == ([op], True), "nobody answers for what a given up role has written"
    assert (side.serving, ports.replies) == (True, [("activate", None)])


@pytest.mark.parametrize(("right", "state"), [(False, State.IN_SYNC), (True, State.SOLO)])
@pytest.mark.parametrize("connected", [True, False])
def test_during_a_shutdown_only_the_side_with_the_right_goes_on_alone(
    right: bool, state: State, connected: bool
) -> None:
    """The other server goes down, maybe after its side was closed with the right to start alone (R7, seed 208689)."""
    side, _ = serving()
    side.path.write(write(0))
    requests.deactivate(side, "deactivate")
    requests.close(side, "close", solo_right=right)
    if not connected:
        side.session_down("closed cleanly")
    requests.peer(side, down=True)
    if connected:
        side.session_down("closed")
    assert side.record.state == state
