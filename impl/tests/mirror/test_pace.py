"""How much a rebuild takes while clients work, and its floor (4.1.4.2)."""

from __future__ import annotations

from twinset.mirror import pace
from twinset.mirror.pace import (
    FLOOR_MS,
    LONE_SHARE,
    NONE,
    OPS_A_RUN,
    PIECES_MAX,
    QUIET_MS,
    RELEARN_MS,
    STRETCHES_BUSY,
    WINDOW_MS,
    Pace,
)

PIECE = 64 << 10
LONG, SHORT = PIECES_MAX, PIECES_MAX // 2


def played(share: float, *, ms: int = 2_000, ops_a_ms: int = 1) -> tuple[Pace, int]:
    """A pace that has seen clients for so long, with their operations at the disk in this share of the time."""
    found = Pace(PIECE)
    for now in range(ms):
        found.room(now, int(now % 100 < share * 100), now * ops_a_ms, 0, 0)
        found.begun(now)
    return found, ms


def test_without_clients_two_long_runs_are_on_their_way() -> None:
    """The disk never waits for the next run."""
    found = Pace(PIECE)
    assert found.room(0, 0, 7, 0, 0) == (LONG, LONG), "what clients did before the copy is no load"
    assert found.room(1, 0, 7, LONG, LONG) == (LONG, LONG)
    assert found.room(1, 0, 7, LONG + 1, 0) == NONE


def test_what_clients_leave_idle_is_the_rebuilds() -> None:
    """Beside clients whose operations keep the disk a third of the time, a run follows the other."""
    found, now = played(0.3)
    assert found.room(now, 0, now, 0, 0) == (SHORT, STRETCHES_BUSY)
    assert found.room(now, 0, now, SHORT, 0) == (SHORT, STRETCHES_BUSY), "one is written, the next one read"


def test_no_run_begins_in_front_of_an_operation_that_the_disk_has() -> None:
    """Clients first; and what is read already is all that they wait for."""
    found, now = played(0.3)
    assert found.room(now, 1, now, 0, 0) == NONE
    assert found.room(now, 0, now, SHORT, 1) == NONE
    assert found.room(now, 0, now, SHORT + 1, 0) == NONE


def test_under_full_load_runs_are_paid_by_operations() -> None:
    """Clients that always wait lose one run in OPS_A_RUN of their operations."""
    found, now = played(1.0)
    assert found.room(now, 1, now + OPS_A_RUN - 2, 0, 0) == NONE
    assert found.room(now, 1, now + OPS_A_RUN - 1, 0, 0) == (SHORT, STRETCHES_BUSY)


def test_floor_holds_when_no_operation_ends() -> None:
    """However slow clients are served, a run begins every FLOOR_MS: the rebuild ends."""
    found, now = played(1.0)
    assert found.room(now + FLOOR_MS - 2, 1, now, 0, 0) == NONE
    assert found.room(now + FLOOR_MS - 1, 1, now, 0, 0) == (SHORT, STRETCHES_BUSY)


def test_clients_that_have_gone_leave_everything() -> None:
    """A moment after their last operation the copy goes as fast as it can."""
    found, now = played(1.0)
    assert found.room(now + QUIET_MS - 2, 0, now - 1, 0, 0) == NONE
    assert found.room(now + QUIET_MS, 0, now - 1, 0, 0) == (LONG, LONG)


def test_floor_is_at_least_a_mebibyte_a_second() -> None:
    """Also of a difference that is scattered: two stretches of one extent each, eight times a second."""
    assert STRETCHES_BUSY * PIECE * 1000 // FLOOR_MS >= 1 << 20


def test_large_pieces_make_short_runs() -> None:
    """A run is bounded in bytes: a maximum I/O size above it means one piece at a time."""
    assert (Pace(1 << 20).long, Pace(1 << 20).short) == (1, 1)
    assert Pace(4096).long == PIECES_MAX
    assert pace.LONG_BYTES // PIECE == PIECES_MAX


def copied(found: Pace, begin: int, ms: int, *, depth: int, run_ms: int = 2) -> int:
    """Pieces of a copy whose runs take the disk so long, beside a client with an operation every third millisecond."""
    pieces, free_at = 0, begin
    for now in range(begin, begin + ms):
        clients = depth if now % 3 == 0 else 0
        room, _ = found.room(
            now, clients, now // 3 * depth, SHORT if now < free_at else 0, int(now < free_at)
        )
        if room:
            found.begun(now)
            for _ in range(room):
                found.piece()
            pieces, free_at = pieces + room, now + run_ms
    return pieces


def test_beside_a_lone_client_a_copy_leaves_time_in_which_nothing_waits() -> None:
    """Its first window tells how fast it can be; then it takes LONE_SHARE of that, and looks anew now and then."""
    found = Pace(PIECE)
    best = copied(found, 0, WINDOW_MS, depth=1)
    then = copied(found, WINDOW_MS, WINDOW_MS, depth=1)
    assert 0.9 * LONE_SHARE <= then / best <= 1.1 * LONE_SHARE
    copied(found, 2 * WINDOW_MS, RELEARN_MS - 2 * WINDOW_MS, depth=1)
    assert copied(found, RELEARN_MS, WINDOW_MS, depth=1) > 0.9 * best
    assert copied(found, RELEARN_MS + WINDOW_MS, WINDOW_MS, depth=1) < 0.7 * best


def test_clients_that_fill_their_own_gaps_leave_all_that_they_do_not_use() -> None:
    """With several operations in flight a run delays some of them, and nothing is lost."""
    found = Pace(PIECE)
    best = copied(found, 0, WINDOW_MS, depth=4)
    assert copied(found, WINDOW_MS, WINDOW_MS, depth=4) >= 0.95 * best


def test_a_window_in_which_nobody_looked_tells_no_rate() -> None:
    """A mirror process that was stopped for a while has not learnt that its disks are slow."""
    found = Pace(PIECE)
    copied(found, 0, WINDOW_MS, depth=1)
    found.room(10 * WINDOW_MS, 0, 1, 0, 0)
    assert found.best == 0
    copied(found, 10 * WINDOW_MS, WINDOW_MS + 1, depth=1)
    assert found.best > 0
