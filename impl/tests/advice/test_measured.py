"""What the last failover took, out of an event log as twinsetd writes it."""

from typing import Any

import pytest

from twinset.advice.measured import copy_rates, last_failover


def log(*entries: tuple[float, str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"seq": number, "time": at, "event": name, "fields": fields}
        for number, (at, name, fields) in enumerate(entries, 1)
    ]


def failover(at: float) -> list[tuple[float, str, dict[str, Any]]]:
    return [
        (at - 30, "heartbeat_lost", {}),
        (at, "server_down", {"server": "server1"}),
        (at + 0.1, "group_fails_over", {"group": "db"}),
        (at + 0.1, "group_fails_over", {"group": "web"}),
        (at + 0.5, "mirror_disk_started", {"group": "db", "index": 0, "ms": 300}),
        (at + 0.9, "floating_ip_started", {"group": "db", "index": 0, "ms": 800}),
        (at + 0.9, "floating_ip_started", {"group": "web", "index": 0, "ms": 750}),
        (at + 0.9, "group_state", {"group": "web", "state": "active"}),
        (at + 1.5, "script_started", {"group": "db", "index": 0, "ms": 600}),
        (at + 1.5, "group_state", {"group": "db", "state": "active"}),
    ]


LATER = [
    (900.0, "group_state", {"group": "db", "state": "stopping"}),
    (901.0, "script_started", {"group": "db", "index": 0, "ms": 99_000}),
    (902.0, "group_state", {"group": "db", "state": "active"}),
]


def test_the_last_failover_is_read() -> None:
    """The slowest of each kind, how many there were, each group's time; what happened later is none of it."""
    found = last_failover(log(*failover(100), *failover(500), *LATER))
    assert found is not None
    assert found.at_s == 500
    assert found.partition_s == 30
    assert found.groups_s == pytest.approx({"web": 0.9, "db": 1.5})
    assert found.resources_s == {"mirror_disk": 0.3, "floating_ip": 0.8, "script": 0.6}
    assert found.counts == {"mirror_disk": 1, "floating_ip": 2, "script": 1}
    assert found.all_s == pytest.approx(1.5)


def test_a_server_that_left_was_not_silent_before() -> None:
    """Its failover counts, and the silence of a former one is none of it (6.3-02)."""
    left = [
        (at, "server_left" if name == "server_down" else name, fields)
        for at, name, fields in failover(500)[1:]
    ]
    found = last_failover(log(*failover(100), *left))
    assert found is not None
    assert (found.at_s, found.partition_s) == (500, None)
    assert found.all_s == pytest.approx(1.5)


def test_a_group_that_failed_has_no_time() -> None:
    """It ended in a state that is not active."""
    entries = [*failover(100)[:4], (101.0, "group_state", {"group": "db", "state": "start_failed"})]
    found = last_failover(log(*entries))
    assert found is not None
    assert found.groups_s == {}
    assert found.all_s is None


@pytest.mark.parametrize(
    "entries", [[], [(1.0, "server_down", {})], [(1.0, "group_fails_over", {"group": "db"})]]
)
def test_a_log_without_a_failover_tells_nothing(entries: list[tuple[float, str, dict[str, Any]]]) -> None:
    """A server that was lost without groups, and a group that moved for another reason, are none."""
    assert last_failover(log(*entries)) is None


def test_the_rate_of_the_last_whole_copy() -> None:
    """Bytes by seconds from its beginning to equal sides; an interrupted one and one of nothing do not count."""
    begin = {"set": "set1", "bytes": 1000}
    assert copy_rates(log((1, "full_copy", begin), (11, "mirror_normal", {"set": "set1"}))) == {"set1": 100.0}
    broken = log(
        (1, "full_copy", begin), (2, "rebuild_interrupted", begin), (11, "mirror_normal", {"set": "set1"})
    )
    assert copy_rates(broken) == {}
    nothing = {"set": "set1", "bytes": 0}
    assert copy_rates(log((1, "high_speed_copy", nothing), (2, "mirror_normal", {"set": "set1"}))) == {}
