"""kill -9 of each daemon on each side under a verifying writer: the application notices nothing."""

import pytest

from harness.labs import pair
from harness.labs.running import SOON_S, Pair
from harness.wait import wait_for

SIDES = ["active", "standby"]


@pytest.mark.parametrize("side", SIDES)
def test_a_killed_twinsetd_is_restarted_and_the_group_stays(running: Pair, side: str) -> None:
    """twinsetd dies on one side: I/O goes on, no failover, and the new one finds its mirror process."""
    active = running.active
    victim = getattr(running, side)
    scribe = running.write()
    scribe.await_more(200)
    mirrords = victim.pids_of("twinset-mirrord")
    victim.kill_program("twinsetd")
    wait_for(
        lambda: victim.daemon_status()["starts"] >= 2 and victim.status(),
        SOON_S,
        "the new twinsetd to answer",
    )
    running.await_normal()
    scribe.await_more(200)
    assert running.active is active
    assert victim.pids_of("twinset-mirrord") == mirrords
    scribe.stop()
    scribe.verify(active)
    running.stop_and_compare()


@pytest.mark.parametrize("side", SIDES)
def test_a_killed_mirrord_is_restarted_and_no_write_fails(running: Pair, side: str) -> None:
    """twinset-mirrord dies on one side: requests wait instead of failing, and the sides end up equal."""
    active = running.active
    victim = getattr(running, side)
    scribe = running.write()
    scribe.await_more(200)
    victim.kill_program("twinset-mirrord")
    wait_for(lambda: victim.pids_of("twinset-mirrord"), SOON_S, "a new mirror process")
    running.await_normal()
    scribe.await_more(200)
    scribe.stop()
    assert running.active is active
    scribe.verify(active)
    running.stop_and_compare()


def test_both_daemons_of_the_standby_die_at_once(running: Pair) -> None:
    """The standby loses both processes: the active side goes on, and the set becomes whole again."""
    scribe = running.write()
    scribe.await_more(200)
    standby = running.standby
    standby.kill_program("twinsetd")
    standby.kill_program("twinset-mirrord")
    scribe.await_more(200)
    running.await_normal()
    scribe.stop()
    scribe.verify(running.active)
    running.stop_and_compare()


def test_a_power_cut_of_the_active_server_loses_no_acknowledged_write(running: Pair) -> None:
    """The standby takes over with every acknowledged write; the returned server gets only the difference."""
    active, standby = running.active, running.standby
    scribe = running.write()
    scribe.await_more(300)
    running.lab.power_off(active)
    running.await_active_on(standby)
    scribe.verify(standby)
    after = running.write()
    after.await_more(100)
    running.lab.power_on(active)
    running.give_back(active)
    copied = standby.status_of_set(pair.SET)
    assert copied["copy_mode_last"] == "high-speed"
    assert copied["copied_bytes_last"] < copied["size_bytes"]
    after.stop()
    after.verify(standby)
    running.stop_and_compare()


def test_a_power_cut_of_the_standby_is_a_mirror_break_and_no_more(running: Pair) -> None:
    """The standby loses power: writes go on after the break, and the returned standby catches up."""
    active, standby = running.active, running.standby
    scribe = running.write()
    scribe.await_more(200)
    running.lab.power_off(standby)
    scribe.await_more(200)
    pair.await_server(active, standby.name, "Xd", SOON_S)
    running.lab.power_on(standby)
    running.give_back(standby)
    scribe.await_more(50)
    scribe.stop()
    assert running.active is active
    scribe.verify(active)
    running.stop_and_compare()
