"""The wait between attempts that the other side answers and refuses."""

from __future__ import annotations

from twinset.mirror.backoff import QUICK_TRIES, Backoff


def test_the_wait_doubles_up_to_its_limit() -> None:
    """A few quick attempts, then twice as long each time, never longer than the limit."""
    backoff = Backoff(first_ms=300, limit_ms=5000)
    waits = []
    for _ in range(100):
        backoff.ended(fruitful=False)
        waits.append(backoff.wait_ms)
    assert waits[: QUICK_TRIES + 6] == [300] * QUICK_TRIES + [600, 1200, 2400, 4800, 5000, 5000]
    assert waits[-1] == 5000


def test_success_and_change_begin_anew() -> None:
    """A session that came to something, or a change on this side, makes the next attempt quick again."""
    for begin_anew in (lambda backoff: backoff.ended(fruitful=True), Backoff.reset):
        backoff = Backoff(first_ms=300, limit_ms=5000, fruitless=20)
        begin_anew(backoff)
        assert backoff.wait_ms == 300
