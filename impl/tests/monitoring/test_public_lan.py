"""When a lost public LAN is a reason to leave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.monitoring.public_lan import (
    BAD,
    COMPARE,
    COMPARISONS,
    FINE,
    GOOD,
    HOLD,
    LEAVE,
    UNKNOWN,
    WAIT,
    Streak,
)


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 5))
def test_only_an_unbroken_row_of_failures_leads_to_a_comparison(looks: list[bool], needed: int) -> None:
    """COMPARE exactly when the last `needed` looks all failed."""
    streak = Streak(needed)
    for end, good in enumerate(looks, start=1):
        verdict, streak = streak.look(good=good)
        row = looks[max(0, end - needed) : end]
        assert (verdict == COMPARE) == (len(row) == needed and not any(row))
        assert (verdict == FINE) == good
        assert verdict in (FINE, WAIT, COMPARE)


def test_only_a_good_other_server_is_a_reason_to_leave() -> None:
    """It must not fire when the other server is not better off (6.3-19)."""
    assert COMPARISONS == {GOOD: LEAVE, BAD: HOLD, UNKNOWN: HOLD}


def test_a_streak_of_nothing_is_a_bug() -> None:
    """Zero looks would act on a good LAN."""
    with pytest.raises(ValueError, match="out of 0"):
        Streak(0)
