"""The one wait helper."""

import pytest

from conformance.suite.errors import WaitTimeout
from conformance.suite.wait import settled, stays, wait_for


def test_the_first_accepted_observation_is_returned() -> None:
    """Waiting ends with the fact."""
    seen = iter([1, 2, 3, 4])
    assert wait_for(lambda: next(seen), lambda n: n == 3, 60, "three", poll_s=0) == 3


def test_a_fact_that_does_not_come_is_named() -> None:
    """The failure says what was waited for and what was seen last."""
    with pytest.raises(WaitTimeout, match=r"the moon.*'cheese'"):
        wait_for(lambda: "cheese", lambda _: False, 0, "the moon", poll_s=0)


def test_the_last_look_is_after_the_deadline() -> None:
    """A machine that stood still is not an absent fact: there is one look even with no time left."""
    assert wait_for(lambda: 1, lambda _: True, 0, "one") == 1


def test_what_stays_is_watched_and_what_changes_is_returned() -> None:
    """The first observation that is not accepted ends the watch."""
    seen = iter([1, 1, 2])
    assert stays(lambda: next(seen), lambda n: n == 1, 60, poll_s=0) == 2
    assert stays(lambda: 1, lambda n: n == 1, 0, poll_s=0) == 1


def test_what_does_not_settle_is_returned_as_it_is() -> None:
    """The accepted observation when there is one, or the last: the judge says what is wrong with it."""
    seen = iter([1, 2, 3])
    assert settled(lambda: next(seen), lambda n: n == 2, 60) == 2
    assert settled(lambda: 1, lambda n: n == 2, 0) == 1
