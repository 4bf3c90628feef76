"""A disk or a link slower than its bound counts as failed, says so, and nothing hangs (8.4-01, configuration.md)."""

import time

import pytest

from harness.labs import pair
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

from .test_pair_disk_errors import SERVICE, event, events, rebuild

DATA_PARTITION = 2
BOUNDED = {**SERVICE, "timing": {"disk_timeout_s": 15}}  # a second and a half, scaled
PAUSE_S = 20.0
pytestmark = pytest.mark.parametrize("running", [BOUNDED], indirect=True)


def test_slow_disks_and_links_are_bounded(running: Pair) -> None:
    """A late disk costs time only; one that does not answer is failed, on either side; so is a link too slow.

    The writer meets no error, its longest pause is bounded and printed.
    """
    active, standby = running.active, running.standby
    scribe = running.write()
    scribe.await_more(100)
    active.fail_disk("delay", delay_ms=30)
    scribe.await_more(20)
    active.fail_disk(None)
    assert not events(active, "disk_error")
    standby.fail_disk("stall")
    wait_for(lambda: events(standby, "disk_too_slow"), SOON_S, "the standby's disk to be given up")
    scribe.await_more(100)
    assert event(standby, "disk_error")["errno"] == 110
    standby.fail_disk(None)
    rebuild(running, standby)
    crawl(active, "64kbit")
    running.await_normal()
    scribe.await_more(50)
    active.fail_disk("stall")
    running.await_active_on(standby)
    scribe.await_end()
    print(f"longest write {scribe.slowest_s():.3f} s")  # noqa: T201
    assert scribe.remarks() == ["# ready"]
    assert scribe.slowest_s() < PAUSE_S
    assert events(active, "disk_too_slow")
    active.fail_disk(None)
    scribe.verify(standby)


def crawl(active: Server, rate: str) -> None:
    """A slow mirror connect: large writes end all the same, alone, after the bound; then it is fast again."""
    active.limit_rate("ic1", rate)
    began = time.monotonic()
    argv = ["dd", "if=/dev/zero", f"of={pair.MOUNT_POINT}/big", "bs=64k", "count=8", "oflag=direct"]
    active.run(argv, timeout_s=LATE_S)
    took_s = time.monotonic() - began
    active.limit_rate("ic1", None)
    print(f"512 KiB over a link of {rate}: {took_s:.1f} s")  # noqa: T201
    assert took_s < PAUSE_S
    assert events(active, "mirror_connect_slow") or events(active, "mirror_connect_lost")
    assert events(active, "mirror_break")
