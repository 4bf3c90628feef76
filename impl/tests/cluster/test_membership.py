"""Liveness and phases: the tables, and timers that count only while the observer runs."""

from __future__ import annotations

import pytest

from twinset.cluster.membership import (
    DOWN,
    ISOLATED,
    LEFT,
    LIVENESS,
    MEMBER,
    PHASES,
    SILENT,
    STARTING,
    STATUS_OF,
    STOPPED,
    STOPPING,
    UNHEARD,
    UP,
    PeerWatch,
    phase_after_boot,
)
from twinset.cluster.view import Timing


def watch() -> PeerWatch:
    watch = PeerWatch(Timing(), ("public", "ic1"))
    watch.tick(0)
    return watch


def pass_time(watch: PeerWatch, start_ms: int, duration_ms: int) -> list[tuple[int, str]]:
    """Tick regularly; returns when what fired."""
    fired = []
    for now_ms in range(start_ms + 500, start_ms + duration_ms + 1, 500):
        fired += [(now_ms - start_ms, trigger) for trigger in watch.tick(now_ms)]
    return fired


def test_nine_losses_do_not_trigger_ten_do() -> None:
    """The peer is silent after ten heartbeat intervals, not before [9.1-03]."""
    it = watch()
    it.heard("ic1", newest=True)
    assert pass_time(it, 0, 29_500) == []
    assert pass_time(it, 29_500, 500) == [(500, "timeout")]
    assert it.state == SILENT


def test_the_partition_phase_precedes_the_verdict() -> None:
    """Between the time-out and the verdict lies the whole partition phase [9.1-04]."""
    it = watch()
    it.heard("ic1", newest=True)
    assert pass_time(it, 0, 70_000) == [(30_000, "timeout"), (60_000, "waited")]
    assert it.state == DOWN


def test_a_pause_of_the_observer_is_no_silence_of_the_peer() -> None:
    """A gap between ticks counts at most as two ticks (R13)."""
    it = watch()
    it.heard("ic1", newest=True)
    assert it.tick(3_600_000) == []
    assert it.silent_ms == Timing().tick_gap_ms
    assert it.state == UP


def test_a_peer_never_heard_has_the_whole_time() -> None:
    """A new twinsetd grants the peer the time-out and the partition phase before it counts as down (R13)."""
    it = watch()
    assert pass_time(it, 0, 59_500) == []
    assert pass_time(it, 59_500, 500) == [(500, "waited")]


def test_one_lan_is_enough() -> None:
    """The peer lives while any LAN carries its heartbeats; the silent LAN is named once."""
    it = watch()
    lost: list[str] = []
    for now_ms in range(500, 60_000, 500):
        it.heard("ic1", newest=True)
        it.tick(now_ms)
        lost += it.newly_lost_lans()
    assert (it.state, lost) == (UP, ["public"])
    assert it.heard("public", newest=True)


def test_an_older_heartbeat_proves_no_life() -> None:
    """Only the newest word resets the silence: an older one may have been kept by somebody."""
    it = watch()
    it.heard("ic1", newest=True)
    pass_time(it, 0, 20_000)
    it.heard("ic1", newest=False)
    assert it.silent_ms == 20_000


def test_a_down_peer_that_is_heard_is_up() -> None:
    """Liveness says only whether heartbeats arrive; what the peer is, is another matter."""
    assert LIVENESS[DOWN, "heard"] == LIVENESS[UNHEARD, "heard"] == UP


def test_every_phase_has_a_status_and_a_way_in() -> None:
    """Every phase shows a status of the guide and is reached by a transition or at boot."""
    assert set(STATUS_OF.values()) == {"O", "X", "Xd", "Od"}
    assert set(STATUS_OF) == set(PHASES.values())
    assert {before for before, _ in PHASES} <= set(STATUS_OF)


@pytest.mark.parametrize(
    ("before", "was_down", "after"),
    [
        (STOPPED, False, STOPPED),
        (STARTING, False, STOPPED),
        (STARTING, True, ISOLATED),
        (MEMBER, False, ISOLATED),
        (STOPPING, False, ISOLATED),
        (LEFT, False, ISOLATED),
        (ISOLATED, True, ISOLATED),
    ],
)
def test_a_reboot_while_operating_is_a_crash(before: str, was_down: bool, after: str) -> None:
    """A server that operated when its boot ended comes back isolated, a stopped one stopped [6.2.5-07]."""
    assert phase_after_boot(before, same_boot=False, was_down=was_down) == after


@pytest.mark.parametrize("phase", [STOPPED, STARTING, MEMBER, STOPPING, ISOLATED])
def test_a_restart_of_twinsetd_changes_nothing(phase: str) -> None:
    """In the same boot a new twinsetd goes on in the phase of its predecessor."""
    assert phase_after_boot(phase, same_boot=True, was_down=False) == phase
