"""The one place of the harness that lets time pass.

Tests and faults wait for *facts*: ``wait_for(lambda: status()["..."] == "NORMAL", 60, "set1 to be NORMAL")``.
A fixed pause would be too short on a loaded machine and too long on an idle one.
"""

import os
import time
from collections.abc import Callable
from typing import TypeVar

from harness.errors import WaitTimeout

T = TypeVar("T")

# Slow machines: one factor for every deadline, so that no test carries numbers of its own for them.
PATIENCE = float(os.environ.get("TWINSET_LAB_PATIENCE", "1"))


def now_s() -> float:
    """Seconds since boot, the clock that every namespace of a lab shares."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def wait_for(predicate: Callable[[], T], timeout_s: float, what: str, *, poll_s: float = 0.05) -> T:
    """Return the predicate's first true value, or raise WaitTimeout saying what did not happen.

    The predicate is asked once more after the deadline: a machine that stood still is not an absent fact.
    """
    deadline = time.monotonic() + timeout_s * PATIENCE
    while True:
        late = time.monotonic() >= deadline
        value = predicate()
        if value:
            return value
        if late:
            raise WaitTimeout(f"waited {timeout_s * PATIENCE:g} s for {what}; last seen: {value!r}")
        time.sleep(poll_s)


def settle(duration_s: float) -> None:
    """Let a stated time pass: for "nothing happens meanwhile", which no event announces."""
    time.sleep(duration_s)


def boot_s(epoch_s: float) -> float:
    """A wall-clock time (the servers' events carry those) on the clock of ``now_s``."""
    return epoch_s - time.time() + now_s()
