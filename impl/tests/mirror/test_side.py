"""Roles, sessions and records of a side: breaking, rebuilding, starting alone, closing (R1, R2, R6 to R10)."""

from __future__ import annotations

from typing import Any

import pytest

from twinset.errors import DiskError, ProtocolError
from twinset.mirror import failures, requests
from twinset.mirror.cluster_partition import Record, State
from twinset.mirror.copy_mode import View
from twinset.mirror.session import IDLE, IN_STEP, SOURCE, TARGET, Session, Settings
from twinset.mirror.side import Side

from .ports import Ports, make_maps, write

BOOT, ONE, TWO, SET = b"B" * 16, b"1" * 16, b"2" * 16, b"S" * 16


def record(state: State, **fields: Any) -> Record:
    values = {
        "set_uuid": SET,
        "disk_uuid": ONE,
        "peer_disk_uuid": TWO,
        "cur": 5,
        "boot_id": BOOT,
        "open": True,
    }
    return Record(state=state, size_bytes=128, **{**values, **fields})


def make(state: State = State.IN_SYNC, *, index: int = 0, **fields: Any) -> tuple[Side, Ports]:
    ports = Ports()
    settings = Settings("server1", index, BOOT, piece_max=16, mirror_timeout_ms=100, mark_interval_ms=20)
    side = Side(settings, record(state, **fields), make_maps(), ports)
    return side, ports


def peer(state: State = State.IN_SYNC, *, sound: bool = True, role: str = IDLE, **fields: Any) -> Session:
    view = View(
        record(state, **{"disk_uuid": TWO, "peer_disk_uuid": ONE, **fields}), sound=sound, continuous=True
    )
    return Session(view, "server2", b"", role, peer_serving=False)


def serving() -> tuple[Side, Ports]:
    """Return a side that serves, in step with the other."""
    side, ports = make()
    side.session_up(peer())
    requests.activate(side, "activate", peer_down=False)
    side.control({"type": "attached", "epoch": 1})
    assert side.session is not None
    assert side.session.phase == IN_STEP
    assert ports.replies == [("activate", None)]
    ports.calls.clear()
    return side, ports


def test_a_lost_session_alone_does_not_permit_to_go_alone() -> None:
    """Nothing is written alone on a time-out; the daemon is asked for the other side's STALE (R1)."""
    side, ports = serving()
    side.session_down("cut")
    side.path.write(write(0))
    for now in (50, 120, 200):
        side.tick(now)
    assert side.record.state == State.IN_SYNC
    assert not ports.writes
    assert ports.wanted[0] == 5


@pytest.mark.parametrize("proof", ["stale", "down"])
def test_with_the_proof_the_record_comes_before_the_first_write_alone(proof: str) -> None:
    """STALE of the other side or membership's word, then the new generation, then the write (R1, R2)."""
    side, ports = serving()
    side.path.write(write(0))
    side.session_down("cut")
    ports.calls.clear()
    if proof == "stale":
        requests.peer_stale(side, 5)
    else:
        requests.peer(side, down=True)
    assert ports.calls == ["persist SOLO", "write"]
    assert (side.record.base, side.record.cur != 5) == (5, True)
    assert list(side.maps.dirty_extents()) == [0]


def test_a_proof_for_another_generation_is_none() -> None:
    """A STALE that belongs to an older generation permits nothing (R11)."""
    side, _ = serving()
    side.session_down("cut")
    requests.peer_stale(side, 4)
    assert side.record.state == State.IN_SYNC


def test_stale_is_durable_before_it_is_confirmed() -> None:
    """The other side may go alone only after the record (R1, R2)."""
    side, ports = make()
    requests.mark_stale(side, "ask", 5)
    assert [entry.state for entry in ports.records] == [State.STALE]
    assert ports.replies == [("ask", None)]


def test_a_serving_side_refuses_to_become_stale() -> None:
    """Whoever serves is asked in vain; the refusal has a reason."""
    side, ports = serving()
    requests.mark_stale(side, "ask", 5)
    assert side.record.state == State.IN_SYNC
    assert ports.replies[-1][1] is not None


def test_a_target_that_confirms_stale_cannot_become_equal_afterwards() -> None:
    """A rebuild that is about to end is broken off with the confirmation (R1, R6)."""
    side, ports = make(State.INCONSISTENT, target_of=9)
    side.session_up(peer(State.SOLO, role=SOURCE, cur=9, base=5))
    requests.mark_stale(side, "ask", 9)
    assert ports.closed


def test_a_target_is_inconsistent_before_it_agrees() -> None:
    """INCONSISTENT is durable before the first copied block can arrive (R6)."""
    side, ports = make(State.STALE)
    side.session_up(peer(State.SOLO, role=SOURCE, cur=9, base=5))
    side.control(
        {"type": "attach", "mode": "high-speed", "reason": "", "cur": 9, "set_uuid": SET.hex(), "epoch": 3}
    )
    assert ports.calls[-2:] == ["persist INCONSISTENT", "control attached"]
    assert side.record.target_of == 9
    assert side.role == TARGET


def test_a_full_copy_counts_everything_before_the_other_side_hears_of_it() -> None:
    """After an interruption only the map says what is missing, so it is full before the attach (R6)."""
    side, ports = make(State.SOLO, base=4)
    side.told.rebuild = True
    seen: list[int] = []
    ports.send_control = lambda _message: seen.append(side.maps.dirty_count)  # type: ignore[assignment, method-assign]
    side.session_up(peer(State.FAULTY, cur=4))
    assert seen == [side.maps.count]


def test_a_rebuild_ends_in_the_order_that_survives_a_crash() -> None:
    """FINISHING here, flush and IN_SYNC there, IN_SYNC here (R6)."""
    side, ports = make(State.SOLO, base=4)
    side.told.rebuild = True
    side.session_up(peer(State.STALE, cur=4))
    ports.calls.clear()
    side.control({"type": "attached", "epoch": 1})
    assert ports.calls == ["persist FINISHING", "control finish"]
    side.control({"type": "finished", "disk_uuid": TWO.hex(), "server_uuid": TWO.hex()})
    assert side.record.state == State.IN_SYNC
    target, there = make(State.STALE, cur=4, disk_uuid=TWO)
    target.session_up(peer(State.SOLO, role=SOURCE, base=4))
    for message in ports.messages[:1]:
        target.control(message)
    target.control(ports.messages[1])
    assert there.calls[-1] == "flush"
    target.flush_done(there.flushes[-1], 0, remote=False)
    assert there.calls[-2:] == ["persist IN_SYNC", "control finished"]


def test_each_made_the_other_stale() -> None:
    """Of one generation nobody has gone alone: the first server does now, the second stays STALE."""
    first, _ = make(State.STALE)
    second, _ = make(State.STALE, index=1)
    for side in (first, second):
        side.told.rebuild = True
        side.session_up(peer(State.STALE))
    assert first.record.state == State.SOLO
    assert second.record.state == State.STALE


def test_a_stale_side_goes_on_when_the_permitted_one_lost_its_writes() -> None:
    """The side that asked for STALE crashed before it went alone: it yields, and the other has everything."""
    crashed, ports = make(boot_id=b"0" * 16)
    crashed.session_up(peer(State.STALE))
    assert crashed.record.state == State.STALE
    assert ports.closed, "the other side has to see the new record"
    side, _ = make(State.STALE)
    side.told.rebuild = True
    side.session_up(peer(State.STALE, sound=False))
    assert side.record.state == State.SOLO


def test_both_sides_alone_is_told_and_nothing_is_served() -> None:
    """Sides that were written separately stop and wait for an operator (R9, promise 8)."""
    side, ports = make(State.SOLO, base=3)
    requests.activate(side, "activate", peer_down=True)
    assert side.serving
    side.session_up(peer(State.SOLO, base=3, cur=6))
    assert side.record.state == State.DIVERGED
    assert not side.serving
    assert "diverged" in ports.events


def test_an_idle_side_that_went_on_alone_learns_of_the_rival_from_its_record() -> None:
    """The other one said DIVERGED before this one had heard of it: both are, or no operator could name a side."""
    side, ports = make(State.SOLO, base=3)
    side.session_up(peer(State.DIVERGED, base=3, cur=6))
    assert side.record.state == State.DIVERGED
    assert "diverged" in ports.events


@pytest.mark.parametrize(
    ("base", "forced"), [(0, False), (3, True)], ids=["named by an operator", "forced there"]
)
def test_a_side_without_a_rival_does_not_diverge(base: int, forced: bool) -> None:
    """The side that an operator named begins anew, and a forced permit there is no rival."""
    side, _ = make(State.SOLO, base=base)
    side.session_up(peer(State.DIVERGED, base=3, cur=6, forced=forced))
    assert side.record.state == State.SOLO


def test_a_side_is_not_named_the_good_one_over_its_own_unfinished_writes() -> None:
    """What an earlier path has submitted would land on newer writes: the operator is asked to wait."""
    side, ports = make(State.SOLO, base=3)
    requests.activate(side, "activate", peer_down=True)
    op = write(0)
    side.path.write(op)
    side.session_up(peer(State.SOLO, base=3, cur=6))
    side.session_down("DIVERGED")
    requests.create(side, "create", source=True)
    assert ports.replies[-1] == ("create", ("E_STATE", requests.EARLIER_WORK))
    side.path.local_done(op, 0)
    requests.create(side, "create", source=True)
    assert ports.replies[-1] == ("create", None)


def test_a_side_that_was_outrun_while_it_served_is_revoked() -> None:
    """A paused server learns of the other's new generation and answers nothing old (promise 5)."""
    side, ports = serving()
    side.path.write(write(0))
    side.session_down("silence")
    side.session_up(peer(State.SOLO, cur=9, base=5))
    assert side.record.state == State.STALE
    assert not side.serving
    assert ports.done[-1].error


def test_a_side_given_up_alive_is_made_stale_over_any_path() -> None:
    """After the verdict is taken back the side that went alone has the other one marked (R1)."""
    side, ports = serving()
    side.session_down("silence")
    requests.peer(side, down=True)
    assert side.record.state == State.SOLO
    requests.peer(side, down=False)
    assert ports.wanted[-1] == 5


def test_a_clean_close_waits_until_both_sides_are_durable() -> None:
    """CLEAN forgets the window, so both disks flush first (R7)."""
    side, ports = serving()
    op = write(0)
    side.path.write(op)
    side.path.receipt(op.seq)
    side.path.local_done(op, 0)
    side.path.written(op.seq)
    requests.deactivate(side, "deactivate")
    requests.close(side, "close", solo_right=True)
    assert not side.record.clean
    order = []
    for token in ports.flushes:  # grows while it is read
        order.append("both" if token > 0 else "own")
        side.flush_done(token, 0, remote=False)
        assert not side.record.clean or token < 0
        side.flush_done(token, 0, remote=True)
    assert order[-2:] == ["both", "own"]
    assert (side.record.clean, side.record.solo_right) == (True, True)
    assert ports.replies[-1] == ("close", None)


def test_without_the_other_side_a_close_is_not_clean() -> None:
    """A window that nobody can empty is not forgotten; the answer says so (R7)."""
    side, ports = serving()
    side.maps.mark(0, 0, side.maps.epoch)
    requests.deactivate(side, "deactivate")
    side.session_down("cut")
    requests.close(side, "close", solo_right=True)
    for now in (50, 150, 250):
        side.tick(now)
        if ports.flushes:
            side.flush_done(ports.flushes[-1], 0, remote=False)
    assert not side.record.clean
    assert ports.replies[-1][0] == "close"
    assert ports.replies[-1][1] is not None


def test_a_closed_side_that_was_alone_keeps_its_map() -> None:
    """The difference survives a clean shutdown, so a high-speed copy follows (R7)."""
    side, ports = make(State.SOLO, base=4)
    side.maps.set_dirty(3)
    requests.close(side, "close", solo_right=False)
    side.flush_done(ports.flushes[-1], 0, remote=False)
    assert ports.calls[-2:] == ["persist map", "persist SOLO"]
    assert ports.maps_written == [b"\x08"]
    assert side.record.map_valid


def test_a_failing_source_waits_for_the_good_side_to_record_it() -> None:
    """No success and no error before the good side's record (R10)."""
    side, ports = serving()
    op = write(0)
    side.path.write(op)
    side.path.receipt(op.seq)
    side.path.local_done(op, 5)
    assert ports.calls[-1] == "control source_faulty"
    side.path.written(op.seq)
    assert not ports.done
    side.control({"type": "good_solo", "fresh": False, "epoch": 7})
    assert side.record.state == State.FAULTY
    assert (ports.done, op.error) == ([op], 0)
    assert side.maps.epoch > 7, "what is written from now on is difference there"


def test_a_record_that_cannot_be_written_makes_the_side_faulty() -> None:
    """The verdict is kept on the system disk, and the request that needed the record fails (R10)."""
    side, ports = make()
    saved: list[State] = []

    def persist(entry: Record) -> None:
        if entry.state != State.FAULTY:
            raise DiskError("EIO")
        saved.append(entry.state)

    ports.persist = persist  # type: ignore[assignment, method-assign]
    with pytest.raises(DiskError):
        requests.mark_stale(side, "ask", 5)
    assert saved == [State.FAULTY]
    assert side.record.state == State.FAULTY


def test_a_serving_side_whose_record_fails_serves_no_more() -> None:
    """Going alone needs a record first: without it clients see an error and nobody is answered from here (R10)."""
    side, ports = serving()
    op = write(0)
    side.path.write(op)
    side.session_down("cut")

    def persist(entry: Record) -> None:
        if entry.state != State.FAULTY:
            raise DiskError("EIO")

    ports.persist = persist  # type: ignore[assignment, method-assign]
    with pytest.raises(DiskError):
        requests.peer(side, down=True)
    failures.record_failed(side, "EIO")
    assert (side.record.state, side.serving, side.role) == (State.FAULTY, False, IDLE)
    assert not ports.exported
    assert not ports.writes
    assert (ports.done, bool(op.error)) == ([op], True)
    assert "disk_error" in ports.events


def test_the_target_is_not_promoted_while_the_session_lives() -> None:
    """With a session the source role is handed over by the other side, never taken (R13)."""
    side, ports = make(index=1)
    side.session_up(peer(role=SOURCE))
    side.control(
        {"type": "attach", "mode": "window", "reason": "", "cur": 5, "set_uuid": SET.hex(), "epoch": 3}
    )
    requests.activate(side, "activate", peer_down=True)
    assert not side.serving
    assert ports.messages[-1]["type"] == "want_source"
    side.control({"type": "released", "epoch": 4, "in_step": True})
    assert side.serving


def test_received_writes_end_before_the_first_read() -> None:
    """A takeover waits for what was received (promise 9)."""
    side, ports = make(index=1)
    side.session_up(peer(role=SOURCE))
    side.control(
        {"type": "attach", "mode": "window", "reason": "", "cur": 5, "set_uuid": SET.hex(), "epoch": 3}
    )
    op = write(0, request=None)
    side.target.write(op, 1, 3)
    side.session_down("cut")
    requests.activate(side, "activate", peer_down=True)
    assert not side.serving
    side.target.done(op, 0)
    side.tick(10)
    assert side.serving
    assert list(side.maps.dirty_extents()) == [0]
    assert ports.exported


@pytest.mark.parametrize(
    "message", [{"type": "sing"}, {}, {"type": "finished"}, {"type": "finish", "cur": 1}]
)
def test_control_messages_out_of_place_end_the_session(message: dict[str, Any]) -> None:
    """What no side would send is an error of the protocol, never a state of ours."""
    side, _ = make()
    side.session_up(peer())
    with pytest.raises(ProtocolError):
        side.control(message)


@pytest.mark.parametrize(
    ("boot", "continuous", "reason"),
    [(b"0" * 16, True, "both servers went down"), (BOOT, False, "the difference map was lost")],
)
def test_a_side_alone_that_lost_its_difference_counts_everything_before_it_is_open(
    boot: bytes, continuous: bool, reason: str
) -> None:
    """OPEN of this boot would make a lost map look whole, so it is full before the record (R5, R8)."""
    side, ports = make(State.SOLO, base=4, boot_id=boot)
    side.maps.continuous = continuous
    seen: list[int] = []
    ports.persist = lambda _record: seen.append(side.maps.dirty_count)  # type: ignore[assignment, method-assign]
    requests.activate(side, "activate", peer_down=True)
    assert side.serving
    assert (side.full_reason, side.maps.dirty_count) == (reason, 8)
    assert seen[:1] == [8]


def test_a_side_alone_whose_difference_is_known_counts_nothing_more() -> None:
    """A restart of the process alone loses no map: a high-speed copy follows (4.3.4.3, R5)."""
    side, _ = make(State.SOLO, base=4)
    side.maps.set_dirty(2)
    requests.activate(side, "activate", peer_down=True)
    assert (side.full_reason, side.maps.dirty_count) == ("", 1)


def test_an_interrupted_rebuild_owes_its_clients_nothing() -> None:
    """A write that went to both sides ends with the own disk when the target is lost, and is difference (R1, R6)."""
    side, ports = make(State.SOLO, base=4)
    side.told.rebuild = True
    side.maps.set_dirty(5)
    ports.slots = 0
    requests.activate(side, "activate", peer_down=True)
    side.session_up(peer(State.STALE, cur=4))
    side.control({"type": "attached", "epoch": 1})
    op = write(0)
    side.path.write(op)
    assert ports.sent == [op]
    side.path.receipt(op.seq)
    side.path.local_done(op, 0)
    assert not ports.done
    side.session_down("cut")
    assert (ports.done, op.error) == ([op], 0)
    assert list(side.maps.dirty_extents()) == [0, 5]
    assert "rebuild_interrupted" in ports.events
