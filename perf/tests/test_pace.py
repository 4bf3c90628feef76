import pytest

from perf.figures.pace import Pace, clock


def test_time_left_is_the_estimates_that_are_left() -> None:
    """Before anything was measured there is only the estimate."""
    pace = Pace([1, 2, 3])
    assert pace.left_s == 6
    assert str(pace) == "0/3, 0:06 left"


def test_slow_steps_stretch_what_is_left() -> None:
    """A machine that takes twice as long for the first step will for the others."""
    pace = Pace([1, 2, 3])
    pace.step(2)
    assert pace.left_s == 10
    pace.step(2)
    assert pace.left_s == pytest.approx(4)


def test_skipped_steps_say_nothing_about_speed() -> None:
    """What was measured by an earlier run is done, and took no time."""
    pace = Pace([1, 100, 3])
    pace.step(2)
    pace.skip()
    assert pace.factor == 2
    assert pace.left_s == 6


def test_what_comes_beside_the_steps_is_part_of_the_time_left() -> None:
    """A scene that is still to be made, which no step tells of."""
    pace = Pace([1, 2])
    pace.beside_s = 60
    pace.step(2)
    assert pace.left_s == 64


def test_last_step_ends_the_count() -> None:
    """More steps than were foreseen change nothing."""
    pace = Pace([1])
    pace.step(1)
    pace.step(1)
    pace.skip()
    assert str(pace) == "1/1, done"
    assert clock(3725) == "62:05"
