import pytest

from harness.errors import WaitTimeout
from harness.wait import now_s, wait_for


def test_the_first_true_value_is_returned() -> None:
    """wait_for returns what the predicate found, not just that it found something."""
    answers = iter([None, "", "found", "never asked"])
    assert wait_for(lambda: next(answers), 10, "an answer", poll_s=0) == "found"


def test_a_timeout_names_what_was_awaited_and_what_was_seen_last() -> None:
    """The message of a time-out says what did not happen and what was there instead."""
    with pytest.raises(WaitTimeout, match=r"for the moon; last seen: \[\]"):
        wait_for(list, 0, "the moon", poll_s=0)


def test_the_predicate_is_asked_once_after_the_deadline() -> None:
    """A fact that came true while the machine stood still is found, whatever the clock says."""
    assert wait_for(lambda: True, 0, "the truth")


def test_the_clock_does_not_go_back() -> None:
    """The shared clock is monotonic."""
    assert now_s() <= now_s()
