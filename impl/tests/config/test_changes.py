"""What a new configuration changes, and what each change needs."""

import json
from typing import Any

import pytest

from twinset.config.changes import (
    ADD,
    CHANGE,
    CLUSTER,
    DELETE,
    GROUP,
    NOTHING,
    Change,
    difference,
    dropped_sets,
    needs_cluster_stopped,
    touched_groups,
)
from twinset.config.cluster import ClusterConfig

from .conftest import GOOD, good_with

OLD = ClusterConfig.model_validate_json(json.dumps(GOOD))


def changed(changes: dict[str, Any]) -> ClusterConfig:
    return ClusterConfig.model_validate_json(json.dumps(good_with(changes)))


def found(changes: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(c.action, c.path, c.needs, c.clause) for c in difference(OLD, changed(changes))]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("group[0].failback", True, (CHANGE, "group db.failback", NOTHING, "6.2.4-01")),
        ("group[0].startup", "manual", (CHANGE, "group db.startup", NOTHING, "6.2.2-01")),
        ("group[0].policy", ["server2", "server1"], (CHANGE, "group db.policy", NOTHING, "6.2.5-01")),
        ("group[0].policy", ["server1"], (CHANGE, "group db.policy", GROUP, "6.2.5-01")),
        ("cluster.auto_return", True, (CHANGE, "cluster.auto_return", NOTHING, "6.2.5-07")),
        ("cluster.fence", "/etc/fence", (CHANGE, "cluster.fence", NOTHING, "4.2.3-01")),
        ("alerts", {"hook_error": "/etc/x"}, (CHANGE, "alerts.hook_error", NOTHING, "")),
        ("trap", [{"address": "10.0.1.50"}], (CHANGE, "trap", NOTHING, "2.2.2.2-02")),
        ("cluster.fastsync", False, (CHANGE, "cluster.fastsync", CLUSTER, "6.2.5-12")),
        ("timing", {"lease_s": 20}, (CHANGE, "timing.lease_s", CLUSTER, "9.1-03")),
        ("mirror_set[0].max_io_kib", 128, (CHANGE, "mirror_set set1.max_io_kib", CLUSTER, "8.7-01")),
        ("lan[1].priority", 1, (CHANGE, "lan ic1.priority", CLUSTER, "7.2.2-04")),
        ("account", [], (DELETE, "account operator", NOTHING, "2.2.2.3-15")),
    ],
)
def test_each_change_says_what_it_needs(path: str, value: Any, expected: tuple[str, str, str, str]) -> None:
    """Attributes take effect at once; times, networks and mirror sets need the cluster stopped."""
    assert found({path: value}) == [expected]


def test_the_same_configuration_changes_nothing() -> None:
    """Also when it is spelled with its defaults written out."""
    assert difference(OLD, changed({"cluster.fastsync": True})) == []


@pytest.mark.parametrize(
    ("key", "value", "clause"),
    [
        ("script", [{"start": "/etc/a", "stop": "/etc/b"}], "5.2.2-17"),
        ("mirror_disk", [], "7.1.1-08"),
        ("registry_key", [{"key": "HKLM\\SOFTWARE\\Other"}], "6.2.7-01"),
        ("virtual_computer_name", [{"name": "OTHER"}], "7.3.1.3-01"),
    ],
)
def test_resources_change_while_their_group_is_stopped(key: str, value: Any, clause: str) -> None:
    """A group starts and stops as a unit, so what it consists of does not change under it (6-01)."""
    changes = difference(OLD, changed({f"group[0].{key}": value}))
    assert changes
    assert {(each.needs, each.group, each.clause) for each in changes} == {(GROUP, "db", clause)}
    assert touched_groups(changes) == ["db"]


def test_a_floating_ip_address_is_added_and_deleted_not_edited() -> None:
    """7.2.2-03: another value is one address more and one less; of an active group unless a name stands for it."""
    two = [{"address": "10.0.1.100"}, {"address": "10.0.1.101"}]
    assert found({"group[0].floating_ip": two}) == [(ADD, "group db.floating_ip", NOTHING, "7.2.2-03")]
    other = {"group[0].floating_ip": [{"address": "10.0.1.101"}]}
    named = (GROUP, "7.3.1.3-05")  # DBSERVER stands for the first address
    assert found(other) == [(ADD, "group db.floating_ip", *named), (DELETE, "group db.floating_ip", *named)]
    free = {**other, "group[0].virtual_computer_name": []}
    by_path = {(each[0], each[1]): each[2] for each in found(free)}
    assert by_path[ADD, "group db.floating_ip"] == GROUP  # the name went away with this very change


def test_groups_come_and_go() -> None:
    """A new group is added to a cluster at work; a deleted one has to be stopped first."""
    extra = {"name": "web", "policy": ["server1"]}
    assert found({"group": [*GOOD["group"], extra]}) == [(ADD, "group web", NOTHING, "6.2.1-01")]
    assert found({"group": []}) == [(DELETE, "group db", GROUP, "6.2.1-01")]


def test_a_set_that_goes_is_named_and_needs_the_cluster_stopped() -> None:
    """Its disk has to forget it (8.3-02)."""
    new = changed({"mirror_set": [], "group[0].mirror_disk": []})
    changes = difference(OLD, new)
    assert dropped_sets(OLD, new) == ["set1"]
    assert dropped_sets(None, new) == []
    first = needs_cluster_stopped(changes)
    assert first is not None
    assert (first.path, first.clause) == ("mirror_set set1", "8.7-01")


def test_the_order_of_servers_and_sets_is_a_change() -> None:
    """It says who is first, and fixes the ports of the mirrors."""
    assert (CHANGE, "server (order)", CLUSTER, "2.2.2.3-05") in found({"server": GOOD["server"][::-1]})


def test_a_change_can_be_written_as_json() -> None:
    """Every field is there, for programs."""
    written = Change(ADD, "group web").as_json()
    assert (written["action"], written["path"], written["needs"]) == ("add", "group web", "nothing")
    assert set(written) == {"action", "path", "before", "after", "needs", "group", "clause"}


def test_secrets_are_not_shown() -> None:
    """A difference is for eyes and logs."""
    new = changed({"trap": [{"address": "10.0.1.50", "community": "hush"}]})
    assert "hush" not in repr(difference(OLD, new))
