"""Two sides and a failed disk: who is asked, who agrees, who refuses (8.4-01, R10)."""

from __future__ import annotations

from typing import Any

import pytest

from twinset.mirror import failures, requests
from twinset.mirror.cluster_partition import State
from twinset.mirror.operations import COPY, READ, WRITE, Op
from twinset.mirror.session import COVERED, SOURCE, TARGET
from twinset.mirror.write_path import FAILED, REMOTE

from .ports import write
from .test_side import SET, make, peer, serving

ATTACH = {"type": "attach", "mode": "window", "reason": "", "cur": 5, "set_uuid": SET.hex(), "epoch": 3}
FAULTY = {"type": "source_faulty", "cur": 5}


def target(**options: Any) -> tuple[Any, Any]:
    """A standby side in step."""
    side, ports = make(index=1, **options)
    side.session_up(peer(role=SOURCE))
    side.control(ATTACH)
    side.control({"type": "in_step"})
    return side, ports


def covered() -> tuple[Any, Any]:
    """A serving side whose disk has failed and whose work the other side does."""
    side, ports = serving()
    op = Op(READ, 0, 4, 0, "client")
    side.path.read(op)
    assert side.path.read_failed(op, 5)
    side.control({"type": "good_solo", "fresh": False, "epoch": 7})
    assert side.path.mode == REMOTE
    return side, ports


def asking() -> tuple[Any, Any, Op]:
    """A serving side whose disk has failed a write that the other side has received: who goes on is not known."""
    side, ports = serving()
    op = write(0)
    side.path.write(op)
    side.path.receipt(op.seq)
    side.path.local_done(op, 5)
    return side, ports, op


def test_the_event_names_disk_operation_and_sector() -> None:
    """An operator learns which disk to replace, and where it failed; a second error of the same disk says nothing."""
    side, ports = serving()
    side.settings.disk, side.settings.data_start_bytes = "/dev/sdb", 4 << 20
    told: list[dict[str, Any]] = []
    ports.log = lambda name, **fields: told.append({"event": name, **fields})
    side.disk_failed(write(1024), 5)
    side.disk_failed(write(0), 5)
    errors = [each for each in told if each["event"] == "disk_error"]
    assert errors == [
        {"event": "disk_error", "errno": 5, "disk": "/dev/sdb", "server": side.settings.server,
         "operation": "write", "sector": 8194, "bytes": 4}
    ]  # fmt: skip


def test_the_good_side_records_first_and_then_does_the_work() -> None:
    """Its new generation with "peer FAULTY" is durable before it agrees; operations go on in the same numbering."""
    side, ports = target()
    side.control(FAULTY)
    assert (side.record.state, side.record.base, side.record.peer_faulty) == (State.SOLO, 5, True)
    assert ports.messages[-1] == {"type": "good_solo", "fresh": False, "epoch": side.maps.epoch}
    assert side.session.phase == COVERED
    side.target.write(write(0, request=None), 1, side.maps.epoch + 1)
    assert list(side.maps.in_window()) == [0], "what is written now is missing on the other disk"
    side.target.read(Op(READ, 0, 4, 0, None), 2)
    assert len(ports.reads) == 1


def test_in_a_new_session_it_agrees_again_and_numbers_anew() -> None:
    """A lost connection ends nothing: the work goes on in the next session."""
    side, ports = target()
    side.control(FAULTY)
    side.session_down("cut")
    side.session_up(peer(role=SOURCE, state=State.FAULTY))
    side.control(FAULTY)
    assert ports.messages[-1]["fresh"] is True
    assert side.role == TARGET
    side.target.write(write(0, request=None), 1, 9)


def test_who_has_served_since_does_not_take_old_writes() -> None:
    """Writes that were held on the other server may be older than what was written here meanwhile."""
    side, ports = target()
    side.control(FAULTY)
    side.session_down("cut")
    requests.activate(side, "activate", peer_down=True)
    assert side.serving
    requests.deactivate(side, "deactivate")
    side.leave_source()
    side.session_up(peer(role=SOURCE, state=State.FAULTY))
    side.control(FAULTY)
    assert ports.messages[-1]["type"] == "refused"


def test_who_lost_unflushed_writes_is_no_good_side() -> None:
    """Its server went down: it refuses, and clients see the error that both sides caused."""
    side, ports = target()
    side.settings.boot_id = b"another boot id.."[:16]
    side.control(FAULTY)
    assert ports.messages[-1]["type"] == "refused"
    assert side.record.state == State.IN_SYNC


def test_without_anybody_to_go_on_clients_see_the_error_in_time() -> None:
    """The connection is lost for the mirror time-out: held until then, then every operation ends with an error."""
    side, ports = covered()
    asked = ports.sent[-1]
    side.tick(1_000)
    side.session_down("cut")
    waiting = Op(READ, 32, 4, 1, "client")
    side.path.read(waiting)
    side.tick(1_000 + side.settings.mirror_timeout_ms - 1)
    assert not ports.done
    side.tick(1_000 + side.settings.mirror_timeout_ms)
    assert side.path.mode == FAILED
    assert set(ports.done) == {asked, waiting}
    assert all(op.error for op in ports.done)


@pytest.mark.parametrize("again", [True, False])
def test_a_new_session_is_asked_or_everything_ends(again: bool) -> None:
    """The other side still covers this one by its record: it is asked; otherwise nobody will, and clients hear so."""
    side, ports = covered()
    side.session_down("cut")
    ports.messages.clear()
    state, base = (State.SOLO, 5) if again else (State.IN_SYNC, 0)
    other = peer(state=state)
    other.peer = type(other.peer)(
        other.peer.record.replace(base=base, cur=9 if again else 5, peer_faulty=again),
        sound=True, continuous=True,
    )  # fmt: skip
    assert failures.ask_cover(side, other.peer) is again
    assert (side.path.mode == FAILED) is not again
    assert [each["type"] for each in ports.messages] == (["source_faulty"] if again else [])


def test_a_daemons_question_does_not_end_the_work_of_the_other_side() -> None:
    """The good side, told to have this one marked STALE, gets its yes: FAULTY is no side to go on."""
    side, ports = covered()
    requests.mark_stale(side, "ask", 5)
    assert ports.replies[-1] == ("ask", None)
    assert side.path.mode == REMOTE


def test_a_daemons_question_that_overtakes_the_answer_ends_nothing() -> None:
    """Who agreed has the daemons ask at once: that came before "good_solo", and clients saw an error (seed 305236)."""
    side, ports, op = asking()
    requests.mark_stale(side, "ask", 5)
    assert ports.replies[-1][1][0] == "E_STATE"
    assert not ports.done
    side.path.written(op.seq)
    side.control({"type": "good_solo", "fresh": False, "epoch": 7})
    assert (ports.done, op.error) == ([op], 0)


def test_without_a_session_a_daemons_question_is_the_verdict() -> None:
    """Nobody can answer any more: the side that asks goes on, and clients here hear of the failed disk."""
    side, ports, op = asking()
    side.session_down("cut")
    requests.mark_stale(side, "ask", 5)
    assert ports.done == [op]
    assert op.error


@pytest.mark.parametrize(
    ("kind", "ended"), [(READ, False), (WRITE, False), (COPY, True)], ids=["read", "write", "copy"]
)
def test_a_side_alone_ends_its_rebuild_only_when_it_cannot_read_what_it_copies(
    kind: int, ended: bool
) -> None:
    """A client's error is the client's; an extent that cannot be read cannot become equal (8.4-01, promise 2)."""
    side, ports = make(State.SOLO, base=4)
    side.maps.set_dirty(3)
    side.told.rebuild = True
    side.session_up(peer(State.STALE, cur=4))
    side.control({"type": "attached", "epoch": 1})
    assert side.disk_failed(Op(kind, 0, 4, 0, "client"), 5) is False
    assert bool(ports.closed) is ended
    assert side.record.state == State.SOLO


@pytest.mark.parametrize(
    ("kind", "operation"), [(READ, "read"), (WRITE, "write"), (COPY, "read")], ids=["read", "write", "copy"]
)
def test_the_event_names_what_the_disk_was_asked(kind: int, operation: str) -> None:
    """A source reads what it copies; its operator hears of a read (8.4-01)."""
    side, ports = serving()
    told: list[dict[str, Any]] = []
    ports.log = lambda _name, **fields: told.append(fields)
    side.disk_failed(Op(kind, 0, 4, 0, "client"), 5)
    assert told[0]["operation"] == operation


def test_a_source_about_to_be_in_step_begins_anew_with_any_error() -> None:
    """FINISHING with a bad disk would promise what it cannot keep (R6, R10)."""
    side, ports = make(State.SOLO, base=4)
    side.told.rebuild = True
    side.session_up(peer(State.STALE, cur=4))
    side.control({"type": "attached", "epoch": 1})
    assert side.record.state == State.FINISHING
    side.disk_failed(None, 5)
    assert ports.closed == ["the disk of the source failed"]


def test_a_disk_that_is_given_up_is_faulty_by_record() -> None:
    """Nobody came to go on: FAULTY is durable, every operation ends with an error, and that once (R10)."""
    side, ports, op = asking()
    side.session_down("cut")
    assert side.record.state == State.IN_SYNC
    ports.calls.clear()
    side.tick(side.settings.mirror_timeout_ms)
    assert ports.calls[0] == "persist FAULTY"
    assert (side.path.mode, ports.done, bool(op.error)) == (FAILED, [op], True)


def test_the_standby_says_that_its_disk_has_failed() -> None:
    """FAULTY is durable before the source hears of it and goes on alone; a second error says nothing new (R1, R10)."""
    side, ports = target()
    ports.calls.clear()
    for _ in range(2):
        assert side.disk_failed(write(0), 5) is False
    assert ports.calls == ["persist FAULTY", "control target_faulty"]
    assert ports.closed == ["the disk of the standby side failed"]


def test_a_failed_side_yields_to_one_that_went_on_without_it() -> None:
    """The other side is alone, and not for this one's sake: what is held ends with an error (R1)."""
    side, ports, op = asking()
    side.session_down("cut")
    ports.messages.clear()
    side.session_up(peer(State.SOLO, cur=9, base=5))
    assert (side.record.state, side.serving) == (State.STALE, False)
    assert not ports.messages
    assert (ports.done, bool(op.error)) == ([op], True)


def test_of_two_sources_the_one_that_does_not_serve_gives_way_to_the_failed_disk() -> None:
    """Both took the role at once and the disk of the one that serves fails: asked again, the other does its work.

    Found by `--disks` seed 201410: the refusal to attach ended the clients' requests with errors.
    """
    failing, ports = make(index=1)
    failing.session_up(peer())
    requests.activate(failing, "activate", peer_down=False)
    failing.path.write(write(0))
    assert failing.disk_failed(Op(COPY, 0, 16, 0, None), 5)
    failing.control({"type": "refused", "reason": "this side is the source itself", "of": "attach"})
    assert failing.record.state == State.IN_SYNC
    assert failing.path.mode != FAILED
    assert not ports.done
    other, others = make()
    other.told.rebuild = True
    other.session_up(peer())
    assert other.role == SOURCE
    other.control(FAULTY)
    assert other.role != SOURCE
    assert others.closed == ["the source has given up its role"]
    other.session_down("closed")
    other.session_up(peer(role=SOURCE))
    other.control(FAULTY)
    assert others.messages[-1]["type"] == "good_solo"


def test_a_refusal_that_stays_the_same_is_told_once() -> None:
    """The disk of the other side has failed: every new session is refused for the one reason, until one attaches.

    No rebuild was interrupted by that: none had begun.
    """
    side, ports = make(State.SOLO, base=4)
    side.told.rebuild = True

    def refused(reason: str) -> None:
        side.session_up(peer(State.STALE, cur=4))
        side.control({"type": "refused", "reason": reason, "of": "attach"})
        assert ports.closed.pop() == f"refused: {reason}"
        side.session_down("closed")

    for reason in ("its disk has failed", "its disk has failed", "it was closed", "it was closed"):
        refused(reason)
    assert ports.events.count("attach_refused") == 2
    assert "rebuild_interrupted" not in ports.events
    side.session_up(peer(State.STALE, cur=4))
    side.control({"type": "attached", "epoch": 1})
    side.session_down("cut")
    refused("it was closed")
    assert ports.events.count("attach_refused") == 3
