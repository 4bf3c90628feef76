"""How much a rebuild takes while clients work, and its floor (4.1.4.2)."""

from __future__ import annotations

from twinset.mirror import pace
from twinset.mirror.pace import FLOOR_MS, NONE, OPS_A_RUN, PIECES_MAX, QUIET_MS, STRETCHES_BUSY, Pace

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
