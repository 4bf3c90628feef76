"""Comparing both sides while they are in use: what counts, what is told, what an interruption leaves (R15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from twinset.errors import ProtocolError
from twinset.mirror import requests
from twinset.mirror.cluster_partition import State
from twinset.mirror.operations import VERIFY, Op
from twinset.mirror.session import COPY_RUNS, IN_STEP
from twinset.mirror.verify import (
    BLOCK_BYTES,
    DIGEST_BYTES,
    EVENTS_MAX,
    FEATURE,
    OPS_A_PIECE,
    SAVE_MARKS,
    digests,
    mark,
)

from .ports import Ports, write
from .test_side import SET, make, peer

if TYPE_CHECKING:
    from twinset.mirror.side import Side

PIECE = 16


def comparing(*, repair: bool = False) -> tuple[Side, Ports]:
    """Return a serving side, in step, that compares eight pieces of sixteen bytes."""
    side, ports = make(peer_disk_uuid=b"2" * 16)
    session = peer()
    session.features = frozenset({FEATURE})
    side.session_up(session)
    requests.activate(side, "activate", peer_down=False)
    side.control({"type": "attached", "epoch": 1})
    assert session.phase == IN_STEP
    side.verify.start("verify", repair=repair)
    assert ports.replies[-1] == ("verify", None)
    side.progress()
    return side, ports


def answer(side: Side, ports: Ports, content: bytes = bytes(PIECE)) -> None:
    """Let the oldest look end on both sides; the other side holds `content`."""
    token, _offset, length, block = ports.looks.pop(0)
    side.path.local_done(ports.reads.pop(0), 0)
    side.verify.digest(token, digests(content[:length], block), 0)
    side.progress()


def finish(side: Side, ports: Ports) -> None:
    while ports.looks:
        answer(side, ports)


def told(side: Side) -> dict[str, Any]:
    status = side.verify.status()
    assert status is not None
    return status


def test_equal_sides_are_told_to_be_equal() -> None:
    """Every piece is looked at once, on both sides, and the result is an event."""
    side, ports = comparing()
    finish(side, ports)
    assert told(side)["state"] == "ended"
    assert (told(side)["bytes_done"], told(side)["found_bytes"], told(side)["rechecked"]) == (128, 0, 0)
    assert ports.events[-1] == "verify_equal"
    assert not side.path.ranges


def test_an_unequal_look_is_repeated_under_the_range_lock() -> None:
    """A write may have been between the disks: the second look waits for it, and decides (rule 2)."""
    side, ports = comparing()
    side.path.write(write(0))
    answer(side, ports, b"x" * PIECE)
    assert "verify_difference" not in ports.events
    assert told(side)["rechecked"] == 1
    assert all(offset for _, offset, _, _ in ports.looks), "it looks while the write is under way"
    side.path.written(1)  # implies the receipt
    side.path.receipt(1)
    side.path.local_done(ports.writes[0], 0)
    assert ports.looks[-1][1:] == (0, PIECE, BLOCK_BYTES)
    later = write(0)
    side.path.write(later)
    assert later.seq == 0, "a write to the range waits for the look"
    ports.looks.insert(0, ports.looks.pop())
    ports.reads.insert(0, ports.reads.pop())
    answer(side, ports)
    assert later.seq == 2
    assert "verify_difference" not in ports.events


def test_a_difference_that_stays_is_told_and_not_repaired() -> None:
    """Range and event, and nothing is sent to the other side."""
    side, ports = comparing()
    answer(side, ports, b"x" * PIECE)
    ports.looks.insert(0, ports.looks.pop())
    ports.reads.insert(0, ports.reads.pop())
    answer(side, ports, b"x" * PIECE)
    finish(side, ports)
    assert told(side)["ranges"] == [[0, PIECE]]
    assert ports.events[-2:] == ["verify_difference", "verify_differs"]
    assert not ports.sent
    assert not side.maps.dirty_count


def test_the_second_look_tells_blocks() -> None:
    """A piece of several blocks is told block by block."""
    assert len(digests(bytes(2 * BLOCK_BYTES), BLOCK_BYTES)) == 2 * DIGEST_BYTES
    assert digests(b"a", 512) != digests(b"b", 512)
    assert len(digests(b"a", 512)) == 16, "as the wire protocol says"


def test_a_repair_is_difference_on_both_sides_before_it_is_copied() -> None:
    """The source marks, tells the other side, and copies when that one has marked too (rule 4)."""
    side, ports = comparing(repair=True)
    answer(side, ports, b"x" * PIECE)
    ports.looks.insert(0, ports.looks.pop())
    ports.reads.insert(0, ports.reads.pop())
    answer(side, ports, b"x" * PIECE)
    finish(side, ports)
    side.progress()
    assert ports.messages[-1] == {"type": "repair", "ranges": [[0, PIECE]]}
    assert list(side.maps.dirty_extents()) == [0]
    assert side.copy is None
    side.control({"type": "repairing"})
    side.path.local_done(ports.reads.pop(), 0)
    assert ports.sent[-1].offset == 0
    side.path.written(ports.sent[-1].seq)
    side.progress()
    side.progress()
    assert told(side)["repaired"] is True
    assert ports.events[-1] == "verify_repaired"


def test_the_other_side_marks_a_repair_before_it_agrees() -> None:
    """Whoever goes on alone meanwhile knows what the other one may lack (rule 4)."""
    side, ports = make()
    side.session_up(peer(role="source"))
    side.control(
        {"type": "attach", "mode": "none", "reason": "", "cur": 5, "set_uuid": SET.hex(), "epoch": 1}
    )
    side.control({"type": "repair", "ranges": [[20, 4], [64, 1]]})
    assert list(side.maps.dirty_extents()) == [1, 4]
    assert ports.messages[-1] == {"type": "repairing"}
    assert side.session is not None
    assert side.session.phase == COPY_RUNS
    side.control({"type": "in_step"})
    assert not side.maps.dirty_count
    with pytest.raises(ProtocolError):
        side.control({"type": "repair", "ranges": [[120, 16]]})


def test_what_the_last_comparison_found_is_repaired_without_another_one() -> None:
    """`--repair` after the report does not look at the whole disk again."""
    side, ports = comparing()
    answer(side, ports, b"x" * PIECE)
    ports.looks.insert(0, ports.looks.pop())
    ports.reads.insert(0, ports.reads.pop())
    answer(side, ports, b"x" * PIECE)
    finish(side, ports)
    side.verify.start("again", repair=True)
    side.progress()
    assert ports.messages[-1]["type"] == "repair"


def test_an_interrupted_piece_is_looked_at_again() -> None:
    """A lost session leaves no gap: what had no verdict comes again (rule 3)."""
    side, ports = comparing()
    answer(side, ports)
    begun = [offset for _, offset, _, _ in ports.looks]
    side.session_down("cut")
    side.progress()
    assert told(side)["waits"]
    for op in ports.reads:
        assert op.kind == VERIFY
        side.path.local_done(op, 0)
    ports.reads.clear()
    ports.looks.clear()
    session = peer()
    session.features = frozenset({FEATURE})
    side.session_up(session)
    ports.messages.clear()
    side.control({"type": "attached", "epoch": 2})
    side.progress()
    assert "verify_job" in [each["type"] for each in ports.messages], (
        "the other side knows it from there on (rule 5)"
    )
    assert [offset for _, offset, _, _ in ports.looks] == begun
    finish(side, ports)
    assert ports.events[-1] == "verify_equal"


def test_a_new_process_goes_on_where_the_old_one_was() -> None:
    """What was saved is taken up, by this server's next process or by the other server."""
    side, ports = comparing()
    finish(side, ports)
    half = {**ports.jobs[-1], "state": "running", "cursor": 64}
    other, its_ports = make(peer_disk_uuid=b"2" * 16)
    other.verify.restore(half)
    session = peer()
    session.features = frozenset({FEATURE})
    other.session_up(session)
    requests.activate(other, "activate", peer_down=False)
    other.control({"type": "attached", "epoch": 1})
    other.progress()
    assert its_ports.looks[0][1] == 64


def test_another_disk_ends_a_comparison() -> None:
    """What was compared with a disk that is gone says nothing of the new one."""
    side, ports = comparing()
    finish(side, ports)
    other, its_ports = make(peer_disk_uuid=b"3" * 16)
    other.verify.restore({**ports.jobs[-1], "state": "running", "cursor": 64})
    session = peer(disk_uuid=b"3" * 16)
    session.features = frozenset({FEATURE})
    other.session_up(session)
    requests.activate(other, "activate", peer_down=False)
    other.control({"type": "attached", "epoch": 1})
    other.progress()
    assert its_ports.events[-1] == "verify_stopped"


def test_the_side_that_does_not_write_keeps_a_copy_of_the_job() -> None:
    """It goes on with it when the roles change (rule 5)."""
    side, ports = comparing()
    target, its_ports = make()
    target.session_up(peer(role="source"))
    target.control(
        {"type": "attach", "mode": "none", "reason": "", "cur": 5, "set_uuid": SET.hex(), "epoch": 1}
    )
    target.control(next(each for each in ports.messages if each["type"] == "verify_job"))
    assert target.verify.job is not None
    assert target.verify.job.number == side.verify.job.number  # type: ignore[union-attr]
    assert its_ports.jobs


@pytest.mark.parametrize(
    ("feature", "phase", "reason"),
    [("", IN_STEP, "cannot compare"), (FEATURE, COPY_RUNS, "not in sync"), (FEATURE, "", "not in sync")],
)
def test_it_is_refused_with_the_reason(feature: str, phase: str, reason: str) -> None:
    """Out of step, or with an older program on the other server, there is nothing to compare."""
    side, ports = comparing()
    side.verify.stop("stop")
    session = side.session
    assert session is not None
    session.features = frozenset({feature})
    if phase:
        session.phase = phase
    else:
        side.session_down("cut")
    side.verify.start("again", repair=False)
    assert reason in ports.replies[-1][1][1]


def test_clients_go_first() -> None:
    """While clients work, one piece is under way, and the next waits for some of their operations or a tick."""
    side, ports = comparing()
    assert len(ports.looks) == 8, "nobody else works"
    finish(side, ports)
    side.now_ms = 1000
    side.verify.start("again", repair=False)
    ports.counts.reads += 1
    side.progress()
    assert len(ports.looks) == 1
    answer(side, ports)
    assert not ports.looks
    ports.counts.reads += OPS_A_PIECE
    side.progress()
    assert len(ports.looks) == 1
    answer(side, ports)
    side.now_ms += 50
    side.progress()
    assert len(ports.looks) == 1, "it always ends"


def test_an_unreadable_range_is_a_disk_error_and_no_difference() -> None:
    """What cannot be read is told as every other error of a disk (8.4-01)."""
    side, ports = comparing()
    side.path.local_done(ports.reads.pop(0), 5)
    assert "disk_error" in ports.events
    assert "verify_difference" not in ports.events
    assert told(side)["bytes_done"] == 0


def test_digests_that_do_not_fit_end_the_connection() -> None:
    """Another number of digests than blocks breaks the protocol; those of an unknown look are late."""
    side, ports = comparing()
    with pytest.raises(ProtocolError):
        side.verify.digest(ports.looks[0][0], b"short", 0)
    side.verify.digest(999, b"late", 0)


def test_a_look_for_the_other_side_is_work_of_its_session() -> None:
    """The next session begins without it; nothing outside the disk or of no session is read (R4, R11)."""
    side, ports = make()
    side.session_up(peer(role="source"))
    with pytest.raises(ProtocolError):
        side.target.verify(Op(VERIFY, 0, 16, 0, None))
    side.control(
        {"type": "attach", "mode": "none", "reason": "", "cur": 5, "set_uuid": SET.hex(), "epoch": 1}
    )
    for offset, length in ((120, 16), (-1, 4), (0, 0)):
        with pytest.raises(ProtocolError):
            side.target.verify(Op(VERIFY, offset, length, 0, None))
    look = Op(VERIFY, 112, 16, 0, None)
    side.target.verify(look)
    assert ports.reads == [look]
    assert not side.drained
    assert side.target.done(look, 0)
    assert side.drained
    assert side.target.received == 0, "it is no operation of the mirror"


def test_it_is_at_work_as_long_as_something_is_left_to_do() -> None:
    """The process looks after it more often then: while pieces are open, or could be begun; not while it waits."""
    side, ports = comparing()
    assert side.verify.active
    session = side.session
    assert session is not None
    session.phase = COPY_RUNS
    assert side.verify.active, "pieces are under way"
    for op in ports.reads:
        side.path.local_done(op, 0)
    side.progress()
    assert not side.verify.active, "it waits until both are in step again"
    session.phase = IN_STEP
    assert side.verify.active
    ports.looks.clear()
    ports.reads.clear()
    side.progress()
    finish(side, ports)
    assert not side.verify.active
    assert told(side)["left_s"] == 0


def test_a_range_up_to_the_end_of_an_extent_touches_no_other() -> None:
    """What is repaired is what differs, rounded to whole extents (rule 4)."""
    side, _ = make()
    mark(side, [[16, 16], [70, 4]])
    assert list(side.maps.dirty_extents()) == [1, 4]


@pytest.mark.parametrize("restored", [False, True])
def test_the_first_differences_have_an_event_each(restored: bool) -> None:
    """As many as EVENTS_MAX of each process; the others are in the list and in the sum."""
    side, ports = comparing()
    if restored:
        job = ports.jobs[-1]
        side, ports = make()
        side.verify.restore(job)
    for number in range(EVENTS_MAX + 3):
        side.verify.found(number * 4, 2)
    assert ports.events.count("verify_difference") == EVENTS_MAX
    assert told(side)["found_bytes"] == 2 * (EVENTS_MAX + 3)


def test_a_piece_that_was_given_up_gives_its_buffer_back_once() -> None:
    """Interrupted while both look, it ends with its own read, whatever the other side still says (rule 3)."""
    side, ports = comparing()
    pieces = list(ports.reads)
    side.verify.interrupt()
    assert not ports.done, "the disk works on the buffers"
    for op in pieces:
        side.path.local_done(op, 0)
    assert ports.done == pieces
    for token, *_ in list(ports.looks):
        side.verify.digest(token, digests(bytes(PIECE), PIECE), 0)
    assert ports.done == pieces


def test_a_repair_begins_only_where_it_was_asked_for() -> None:
    """Agreed to by a side that was not asked, by one that copies already, or by a target: the protocol is broken."""
    side, _ = comparing()
    with pytest.raises(ProtocolError):
        side.control({"type": "repairing"})
    target, _ = make()
    target.session_up(peer(role="source"))
    target.control(
        {"type": "attach", "mode": "window", "reason": "", "cur": 5, "set_uuid": SET.hex(), "epoch": 1}
    )
    with pytest.raises(ProtocolError):
        target.control({"type": "repairing"})
    copying, ports = make(State.SOLO, base=4)
    copying.told.rebuild = True
    copying.maps.set_dirty(1)
    ports.slots = 0
    copying.session_up(peer(State.STALE, cur=4))
    copying.control({"type": "attached", "epoch": 1})
    with pytest.raises(ProtocolError):
        copying.control({"type": "repairing"})


def test_a_long_comparison_is_saved_now_and_then() -> None:
    """A process that dies loses some intervals of work, not all of it."""
    side, ports = comparing()
    saved = len(ports.jobs)
    side.now_ms = SAVE_MARKS * side.settings.mark_interval_ms - 1
    answer(side, ports)
    assert len(ports.jobs) == saved
    side.now_ms += 1
    answer(side, ports)
    assert [job["cursor"] for job in ports.jobs[saved:]] == [2 * PIECE]


def test_a_look_that_was_given_up_while_it_waited_ends_when_the_range_is_free() -> None:
    """Its buffer comes back then, nobody looks, and nobody waits behind it for ever (rule 3)."""
    side, ports = comparing()
    op = write(0)
    side.path.write(op)
    answer(side, ports, b"x" * PIECE)
    looks = len(ports.looks)
    side.verify.interrupt()
    side.path.receipt(1)
    side.path.local_done(op, 0)
    side.path.written(1)
    assert len(ports.looks) == looks
    assert [each.offset for each in ports.done if each.kind == VERIFY] == [0]
    later = write(0)
    side.path.write(later)
    assert later.seq == 2


def test_a_set_that_is_being_handed_over_is_not_compared() -> None:
    """The other side will write next; whoever asks hears so (rule 1)."""
    side, ports = comparing()
    side.verify.stop("stop")
    assert side.session is not None
    side.session.wanted = True
    side.verify.start("again", repair=False)
    assert "handed over or closed" in ports.replies[-1][1][1]
