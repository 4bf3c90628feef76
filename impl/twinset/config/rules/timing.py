"""The durations, and the inequalities between them without which two servers could own one disk.

h is the heartbeat interval, H its time-out, N the least network partition phase, M the mirror time-out, L the
lease of the mirror processes, R the restart of the daemon, P the change of the mirror's path, g the longest
time that a process waits for the processor, d the drift between two clocks.
"""

from collections.abc import Iterator

from twinset.config.cluster import ClusterConfig, Timing
from twinset.config.rules.common import positive
from twinset.config.rules.rule import Rule
from twinset.finding import Finding, error, warning
from twinset.guide import limits

DAEMON_RESTART_S = 10.0  # R
PATH_SWITCH_S = 3.0  # P
STALE_ROUND_TRIP_S = 3.0  # until the other server has recorded that its data is out of date
SCHEDULING_GAP_S = 2.0  # g
CLOCK_DRIFT = 0.001  # d

_DURATIONS = (
    "partition_wait_s",
    "startup_wait_s",
    "mirror_timeout_s",
    "lease_s",
    "disk_timeout_s",
    "disk_io_wait_s",
    "script_timeout_s",
)


_CLAUSES = {"partition_wait_s": "9.1-05", "disk_io_wait_s": "9.1-06"}


def durations(config: ClusterConfig) -> Iterator[Finding]:
    """Durations are positive, the heartbeat interval is fixed, and its count within the range."""
    timing = config.timing
    for name in _DURATIONS:
        yield from positive(f"timing.{name}", getattr(timing, name), clause=_CLAUSES.get(name, ""))
    interval = limits.HEARTBEAT_INTERVAL_S
    if timing.heartbeat_interval_s != interval:
        text = f"{timing.heartbeat_interval_s:g} s, but the interval is fixed to {interval} s"
        path = "timing.heartbeat_interval_s"
        yield error("E_RANGE", path, text, clause=interval.clause, value=timing.heartbeat_interval_s, limit=3)
    low, high = limits.HEARTBEAT_TIMEOUT_COUNT_MIN, limits.HEARTBEAT_TIMEOUT_COUNT_MAX
    count = timing.heartbeat_timeout_count
    if not low <= count <= high:
        text = f"{count} is not from {low} to {high}"
        path = "timing.heartbeat_timeout_count"
        yield error("E_RANGE", path, text, clause=low.clause, value=count, limit=[int(low), int(high)])


def lease(config: ClusterConfig) -> Iterator[Finding]:
    """A lease ends before the other server may take over, and survives a restart of the daemon."""
    timing = config.timing
    if not _sound(timing):
        return
    path, interval = "timing.lease_s", int(limits.HEARTBEAT_INTERVAL_S)
    longest = timing.lease_s * (1 + 2 * CLOCK_DRIFT) + SCHEDULING_GAP_S
    takeover = timing.heartbeat_timeout_s + timing.partition_wait_s
    if longest >= takeover:
        text = (
            f"a lease of {timing.lease_s:g} s may last {longest:g} s (drift, scheduling), but the other "
            f"server may take over after {takeover:g} s (heartbeat time-out and partition_wait_s)"
        )
        yield error("E_RANGE", path, text, clause="7.1.1-02", value=timing.lease_s, limit=takeover)
    elif timing.lease_s > timing.heartbeat_timeout_s - interval:
        advised = timing.heartbeat_timeout_s - interval
        text = (
            f"a lease of {timing.lease_s:g} s, advised are at most {advised:g} s (time-out less a heartbeat)"
        )
        yield warning("W_LEASE", path, text, clause="7.1.1-02", value=timing.lease_s, limit=advised)
    shortest = DAEMON_RESTART_S + 2 * interval
    if timing.lease_s <= shortest:
        text = (
            f"a lease of {timing.lease_s:g} s does not outlast a restart of the daemon: "
            f"more than {shortest:g} s are needed"
        )
        yield error("E_RANGE", path, text, clause="7.1.1-02", value=timing.lease_s, limit=shortest)


def mirror_timeout(config: ClusterConfig) -> Iterator[Finding]:
    """The mirror tries both paths before it breaks, and has broken before the other server counts as down."""
    timing = config.timing
    if not _sound(timing):
        return
    path, value = "timing.mirror_timeout_s", timing.mirror_timeout_s
    if value <= 2 * PATH_SWITCH_S:
        text = (
            f"{value:g} s are over before both mirror connects were tried: more than {2 * PATH_SWITCH_S:g} s"
        )
        yield error(
            "E_RANGE", path, f"{text} are needed", clause="2.1.5-06", value=value, limit=2 * PATH_SWITCH_S
        )
    if value + STALE_ROUND_TRIP_S >= timing.heartbeat_timeout_s:
        most = timing.heartbeat_timeout_s - STALE_ROUND_TRIP_S
        text = (
            f"{value:g} s leave no time to settle a mirror break within the heartbeat time-out of "
            f"{timing.heartbeat_timeout_s:g} s: less than {most:g} s are needed"
        )
        yield error("E_RANGE", path, text, clause="9.1-02", value=value, limit=most)


def _sound(timing: Timing) -> bool:
    """True when every number that enters an inequality is one."""
    values = (timing.lease_s, timing.partition_wait_s, timing.mirror_timeout_s)
    bad = any(True for value in values for _ in positive("", value, clause=""))
    return not bad and timing.heartbeat_timeout_count > 0


_NEEDS = (
    "timing.lease_s",
    "timing.partition_wait_s",
    "timing.mirror_timeout_s",
    "timing.heartbeat_timeout_count",
)

RULES = (
    Rule(durations, ("9.1-03", "9.1-05", "9.1-06")),
    Rule(lease, ("7.1.1-02",), needs=_NEEDS),
    Rule(mirror_timeout, ("2.1.5-06", "9.1-02"), needs=_NEEDS),
)
