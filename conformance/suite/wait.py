"""The one place of the suite that lets time pass. Cases wait for facts, never for durations."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

from conformance.suite.errors import WaitTimeout

T = TypeVar("T")

# Deadlines are generous and cost nothing when the fact comes early; a slow machine may stretch them all.
PATIENCE = float(os.environ.get("CONFORMANCE_PATIENCE", "1"))


def wait_for(
    observe: Callable[[], T],
    accept: Callable[[T], bool],
    timeout_s: float,
    what: str,
    *,
    poll_s: float = 0.1,
) -> T:
    """Return the first observation that is accepted; raise WaitTimeout naming the last one otherwise.

    The last look happens after the deadline, so that a machine that stood still is not taken for a port
    that did not act.
    """
    deadline = time.monotonic() + timeout_s * PATIENCE
    while True:
        late = time.monotonic() >= deadline
        seen = observe()
        if accept(seen):
            return seen
        if late:
            raise WaitTimeout(f"waited {timeout_s * PATIENCE:g} s for {what}; last observed: {seen!r}")
        time.sleep(poll_s)


def stays(
    observe: Callable[[], T], accept: Callable[[T], bool], duration_s: float, *, poll_s: float = 0.1
) -> T:
    """Return the first observation in the given time that is *not* accepted, else the last one.

    For "it does not happen": no event announces what does not happen, so a stated time has to pass.
    """
    deadline = time.monotonic() + duration_s
    while True:
        seen = observe()
        if not accept(seen) or time.monotonic() >= deadline:
            return seen
        time.sleep(poll_s)


def settled(observe: Callable[[], T], accept: Callable[[T], bool], timeout_s: float) -> T:
    """Return the first observation that is accepted, else the last one: for a judge, who tells that it did not come."""
    return stays(observe, lambda seen: not accept(seen), timeout_s * PATIENCE)
