"""What a fault of a program that ARMLOAD started leads to (6.3-11 to 6.3-15). Pure.

Theory of operation. A program that was restarted `restarts_max` times may not fault once more: fault number
n + 1 is beyond the threshold. The count goes back to zero when the program has run for `reset_ms` since it
was started last (0: never). Within the threshold the program alone, or the scripts of its group, are started
again; beyond it the group fails over, or the server is shut down. Both readings are those of the notes, 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NOTHING = "nothing"  # it is not monitored
RESTART, RESTART_SCRIPTS = "restart", "restart_scripts"
FAIL_OVER, SHUT_DOWN = "fail_over", "shut_down"

RESTARTS_MAX: Final = 99
HOURS_MAX: Final = 8760  # of running, after which the count is zero

# (monitored, within the threshold, restart scope is the scripts, action is failover) -> what follows
FAULTS: Final[dict[tuple[bool, bool, bool, bool], str]] = {
    (False, False, False, False): NOTHING,
    (False, False, False, True): NOTHING,
    (False, False, True, False): NOTHING,
    (False, False, True, True): NOTHING,
    (False, True, False, False): NOTHING,
    (False, True, False, True): NOTHING,
    (False, True, True, False): NOTHING,
    (False, True, True, True): NOTHING,
    (True, True, False, False): RESTART,
    (True, True, False, True): RESTART,
    (True, True, True, False): RESTART_SCRIPTS,
    (True, True, True, True): RESTART_SCRIPTS,
    (True, False, False, False): SHUT_DOWN,
    (True, False, False, True): FAIL_OVER,
    (True, False, True, False): SHUT_DOWN,
    (True, False, True, True): FAIL_OVER,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What ARMLOAD was told."""

    monitor: bool = True
    restarts_max: int = 0
    reset_ms: int = 24 * 3_600_000  # 0: the count is never cleared
    scripts: bool = False
    failover: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.restarts_max <= RESTARTS_MAX or self.reset_ms < 0:
            raise ValueError(f"{self.restarts_max} restarts, cleared after {self.reset_ms} ms")


@dataclass(frozen=True, slots=True)
class Count:
    """How often it was restarted since the count was zero, and when it was started last."""

    restarts: int = 0
    started_ms: int = 0


def fault(policy: Policy, count: Count, now_ms: int) -> tuple[str, Count]:
    """Judge a fault; return what follows and the count to keep."""
    ran_ms = now_ms - count.started_ms
    restarts = 0 if policy.reset_ms and ran_ms >= policy.reset_ms else count.restarts
    within = restarts < policy.restarts_max
    action = FAULTS[policy.monitor, within, policy.scripts, policy.failover]
    if action in (RESTART, RESTART_SCRIPTS):
        return action, Count(restarts + 1, now_ms)
    return action, Count(restarts, count.started_ms)
