from pathlib import Path

import pytest

from harness.faults.controllers import Controller
from perf.errors import PerfError
from perf.figures.throttling import controller, proved, settings

V1 = "30 25 0:26 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio"
V2 = "33 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"
OTHER = "31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"


def test_version_one_has_the_controller_where_both_are_mounted() -> None:
    """A controller belongs to one hierarchy; version 2 has it only where version 1 has not."""
    assert controller(f"{V2}\n{OTHER}\n{V1}") == Controller(Path("/sys/fs/cgroup/blkio"), 1)
    assert controller(f"{OTHER}\n{V2}") == Controller(Path("/sys/fs/cgroup/unified"), 2)
    with pytest.raises(PerfError, match="cannot be throttled"):
        controller(OTHER)


def test_limits_are_written_for_reads_and_writes() -> None:
    """Version 1: a file each; 0 takes the limit away."""
    assert settings(1, "254:0", 500, 200) == {
        "blkio.throttle.read_iops_device": "254:0 500",
        "blkio.throttle.write_iops_device": "254:0 500",
        "blkio.throttle.read_bps_device": "254:0 209715200",
        "blkio.throttle.write_bps_device": "254:0 209715200",
    }
    assert set(settings(1, "8:0", 0, 0).values()) == {"8:0 0"}


def test_version_two_has_one_line() -> None:
    """io.max; ``max`` takes the limit away."""
    assert settings(2, "8:0", 500, 200) == {"io.max": "8:0 riops=500 rbps=209715200 wiops=500 wbps=209715200"}
    assert settings(2, "8:0", 0, 0) == {"io.max": "8:0 riops=max rbps=max wiops=max wbps=max"}


@pytest.mark.parametrize(
    ("measured", "good"), [(500, True), (475, True), (525, True), (474, False), (526, False)]
)
def test_throttle_is_proved_within_five_percent(measured: float, good: bool) -> None:
    """Either way: a disk that is too fast proves as little as one that is too slow."""
    assert proved(measured, 500) is good
