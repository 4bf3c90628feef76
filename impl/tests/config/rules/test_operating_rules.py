"""Rules about alerts, ping targets and fencing."""

from collections.abc import Callable
from typing import Any

import pytest

from twinset.config import Finding

Judge = Callable[[dict[str, Any]], list[Finding]]
GOOD_TRAP = {"address": "10.0.1.50"}
V3 = {"address": "10.0.1.50", "version": "3", "user": "ops", "password": "longenough"}


@pytest.mark.parametrize(
    "changes",
    [
        {"alerts": {"hook_error": "/etc/twinset/on-error", "hook_timeout_s": 5}},
        {"trap": [GOOD_TRAP, V3]},
        {"cluster.ping_targets": ["10.0.1.253", "10.0.1.254"]},
        {"cluster.fence": "/etc/twinset/fence"},
    ],
)
def test_what_is_allowed(changes: dict[str, Any], judge: Judge) -> None:
    """None of these has a finding."""
    assert judge(changes) == []


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"alerts": {"hook_error": "on-error"}}, "E_RANGE", "alerts.hook_error"),
        ({"alerts": {"hook_timeout_s": 0}}, "E_RANGE", "alerts.hook_timeout_s"),
        ({"alerts": {"hook_timeout_s": 601}}, "E_RANGE", "alerts.hook_timeout_s"),
        ({"trap": [GOOD_TRAP] * 9}, "E_LIMIT", "trap"),
        ({"trap": [{"address": "manager"}]}, "E_SUBNET", "trap[0].address"),
        ({"trap": [{**GOOD_TRAP, "port": 0}]}, "E_RANGE", "trap[0].port"),
        ({"trap": [{**GOOD_TRAP, "community": ""}]}, "E_LENGTH", "trap[0].community"),
        ({"trap": [{**V3, "password": "short"}]}, "E_LENGTH", "trap[0].password"),
        ({"trap": [{**V3, "user": "x" * 33}]}, "E_LENGTH", "trap[0].user"),
        ({"trap": [{**GOOD_TRAP, "version": "1"}]}, "E_RANGE", "trap[0].version"),
        ({"cluster.ping_targets": ["router", "10.0.1.254"]}, "E_SUBNET", "cluster.ping_targets[0]"),
        ({"cluster.ping_targets": ["10.0.1.1", "10.0.1.254"]}, "E_TOPOLOGY", "cluster.ping_targets[0]"),
        ({"cluster.ping_targets": ["10.0.1.254"]}, "W_PING_SINGLE", "cluster.ping_targets"),
        ({"cluster.ping_targets": ["10.0.1.254"] * 9}, "E_LIMIT", "cluster.ping_targets"),
        ({"cluster.fence": "fence"}, "E_RANGE", "cluster.fence"),
        ({"cluster.fence_timeout_s": 601}, "E_RANGE", "cluster.fence_timeout_s"),
    ],
)
def test_what_is_not(changes: dict[str, Any], code: str, path: str, judge: Judge) -> None:
    """Each with its class at its place, and nothing else."""
    assert [(each.code, each.path) for each in judge(changes)] == [(code, path)]
