"""The durations and the inequalities between them."""

from collections.abc import Callable
from typing import Any

import pytest

from twinset.config.rules import timing
from twinset.config.structure import build as build_structure

Judge = Callable[[dict[str, Any]], list[Any]]

LEASE, MIRROR, COUNT = "timing.lease_s", "timing.mirror_timeout_s", "timing.heartbeat_timeout_count"
# The longest lease that ends before a takeover after 30 s + 30 s, and the least that outlasts a restart.
TAKEOVER_S = 60
LEASE_MOST = (TAKEOVER_S - timing.SCHEDULING_GAP_S) / (1 + 2 * timing.CLOCK_DRIFT)
LEASE_LEAST = timing.DAEMON_RESTART_S + 6
MIRROR_LEAST = 2 * timing.PATH_SWITCH_S
MIRROR_MOST = 30 - timing.STALE_ROUND_TRIP_S

BAD: list[Any] = [
    *(
        (f"{name} {value}", {f"timing.{name}": value}, "E_RANGE", f"timing.{name}")
        for name in timing._DURATIONS
        for value in (0, -1, float("inf"), float("nan"))
    ),
    ("interval 2 s", {"timing.heartbeat_interval_s": 2}, "E_RANGE", "timing.heartbeat_interval_s"),
    ("count 1", {COUNT: 1}, "E_RANGE", COUNT),
    ("count 1000", {COUNT: 1000}, "E_RANGE", COUNT),
    ("count is text", {COUNT: "10"}, "E_RANGE", COUNT),
    ("lease outlasts the takeover", {LEASE: LEASE_MOST + 0.01}, "E_RANGE", LEASE),
    ("lease above advice", {LEASE: 27.5}, "W_LEASE", LEASE),
    ("lease ends in a restart", {LEASE: LEASE_LEAST}, "E_RANGE", LEASE),
    ("mirror tries one path only", {MIRROR: MIRROR_LEAST}, "E_RANGE", MIRROR),
    ("mirror outlasts the heartbeat", {MIRROR: MIRROR_MOST}, "E_RANGE", MIRROR),
    ("heartbeat shorter than the mirror", {COUNT: 4, LEASE: 20}, "E_RANGE", MIRROR),
]

GOOD = [
    ("defaults", {}),
    ("fixed interval, said", {"timing.heartbeat_interval_s": 3}),
    ("count 2 to 999", {COUNT: 999}),
    ("longest lease", {LEASE: LEASE_MOST - 0.01}),
    ("lease as advised", {LEASE: 27}),
    ("shortest lease", {LEASE: LEASE_LEAST + 0.01}),
    ("quickest mirror", {MIRROR: MIRROR_LEAST + 0.01}),
    ("slowest mirror", {MIRROR: MIRROR_MOST - 0.01}),
]


@pytest.mark.parametrize(("changes", "code", "path"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_duration_is_refused(judge: Judge, changes: dict[str, Any], code: str, path: str) -> None:
    """Each duration that is none, or breaks an inequality, is found at its place."""
    assert (code, path) in [(f.code, f.path) for f in judge(changes)]


@pytest.mark.parametrize("changes", [g[1] for g in GOOD], ids=[g[0] for g in GOOD])
def test_duration_is_accepted(judge: Judge, changes: dict[str, Any]) -> None:
    """What lies just inside an inequality has no error."""
    assert [f.message for f in judge(changes) if f.severity == "error"] == []


@pytest.mark.parametrize(("count", "allowed"), [(1, False), (2, True), (999, True), (1000, False)])
def test_range_of_the_heartbeat_count(judge: Judge, count: int, allowed: bool) -> None:
    """The count itself may be 2 to 999; a small one then needs shorter other times."""
    found = [f.path for f in judge({COUNT: count}) if f.clause == "9.1-03"]
    assert found == ([] if allowed else [COUNT])


def test_heartbeat_timeout_is_thirty_seconds_by_default(
    build: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    """Ten heartbeats of three seconds make thirty (9.1-03)."""
    assert build_structure(build({})).config.timing.heartbeat_timeout_s == 30


@pytest.mark.parametrize("rule", timing.RULES, ids=lambda rule: rule.check.__name__)
def test_each_rule_can_fail(build: Callable[[dict[str, Any]], dict[str, Any]], rule: Any) -> None:
    """Taken alone, each rule refuses at least one of the samples, so that none of them is dead."""
    assert any(list(rule.check(build_structure(build(changes)).config)) for _, changes, *_ in BAD)
