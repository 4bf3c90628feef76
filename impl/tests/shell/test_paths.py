"""Directories and the time scale, from the environment."""

from pathlib import Path

import pytest

from twinset.shell.paths import Paths, time_scale


def test_the_directories_can_be_moved() -> None:
    """Each of the three roots follows its variable; without one it is the system's place."""
    moved = Paths.from_environment({"TWINSET_RUN": "/tmp/run"})
    assert moved.api == Path("/tmp/run/twinsetd.sock")
    assert moved.key == Path("/etc/twinset/cluster.key")
    assert moved.mirror("set1", "pid") == Path("/tmp/run/mirror-set1.pid")


def test_the_time_scale_is_read() -> None:
    """Without the variable time runs as it is."""
    assert time_scale({}) == 1.0
    assert time_scale({"TWINSET_TIME_SCALE": "0.1"}) == 0.1


@pytest.mark.parametrize("text", ["", "fast", "0", "-1", "1000", "nan", "inf"])
def test_a_senseless_time_scale_is_refused(text: str) -> None:
    """A scale that is no number, or one that no timer could keep, is refused with its value."""
    with pytest.raises(ValueError, match="TWINSET_TIME_SCALE"):
        time_scale({"TWINSET_TIME_SCALE": text})
