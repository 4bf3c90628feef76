"""A server that stands still: its access is gone when it wakes up."""

from harness.labs import pair
from harness.labs.running import LATE_S, Pair


def test_a_paused_active_server_wakes_up_without_access(running: Pair) -> None:
    """The active server is paused past every time-out: the other takes over, the sleeper writes nothing."""
    sleeper, standby = running.active, running.standby
    scribe = running.write()
    scribe.await_more(200)
    sleeper.pause()
    running.await_active_on(standby)
    scribe.verify(standby)
    after = running.write()
    after.await_more(100)
    sleeper.resume()
    running.await_one_active()
    after.await_more(100)
    pair.await_server(standby, sleeper.name, "Od", LATE_S)
    running.give_back(sleeper)
    after.stop()
    after.verify(standby)
    running.stop_and_compare()


def test_a_short_pause_is_no_failure(running: Pair) -> None:
    """A pause shorter than the heartbeat time-out: no failover, no break that stays, no lost write."""
    active = running.active
    scribe = running.write()
    scribe.await_more(100)
    active.pause()
    active.resume()
    scribe.await_more(100)
    scribe.stop()
    assert running.active is active
    running.await_normal()
    scribe.verify(active)
    running.stop_and_compare()
