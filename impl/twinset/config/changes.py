"""What a new configuration changes, and what each change needs: nothing, a stopped group, a stopped cluster.

The rule of a change is a row of a table. What no row names needs the careful thing: of a group, that it is stopped;
of anything else, that the cluster is. A group is a unit (6-01): its resources are changed while it is stopped;
floating IP addresses are the exception, which are added and deleted one by one and never edited (7.2.2-03).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from twinset.config.cluster import same_name
from twinset.config.text import loads
from twinset.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from twinset.config.cluster import ClusterConfig, Group

ADD, CHANGE, DELETE = "add", "change", "delete"
NOTHING, GROUP, CLUSTER = "nothing", "group", "cluster"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `needs` is NOTHING, GROUP (stopped) or CLUSTER (stopped), by `clause`."""

    action: str
    path: str
    before: Any = None
    after: Any = None
    needs: str = NOTHING
    group: str = ""  # the group it touches
    clause: str = ""

    def as_json(self) -> dict[str, Any]:
        """The change for programs."""
        return {
            "action": self.action,
            "path": self.path,
            "before": self.before,
            "after": self.after,
            "needs": self.needs,
            "group": self.group,
            "clause": self.clause,
        }


# Attributes that take effect in a cluster at work; every other one of `cluster` and `timing` does not.
LIVE_SETTINGS: Final = {
    "cluster.auto_return": "6.2.5-07",
    "cluster.preferred_survivor": "4.2.3-01",
    "cluster.operation_form": "3.1.1-01",
    "cluster.floating_ips": "2.3.1-11",
    "cluster.ping_targets": "4.2.3-01",
    "cluster.fence": "4.2.3-01",
    "cluster.fence_timeout_s": "4.2.3-01",
    "cluster.password_hash": "2.2.2.3-14",
    "timing.script_timeout_s": "",
    "timing.startup_wait_s": "",
    "trap": "2.2.2.2-02",
}
CLUSTER_CLAUSES: Final = {
    "timing": "9.1-03",  # two servers with different time-outs could write at once
    "mirror_set": "8.7-01",
    "lan": "7.2.2-04",
    "name_service": "7.3.2.3-12",
}
LIVE_ATTRIBUTES: Final = {
    "startup": "6.2.2-01",
    "failover": "6.2.3-01",
    "failback": "6.2.4-01",
    "application": "3.1.1-01",
    "logical_service_name": "6.2-01",
    "logical_service_names": "6.2-01",
}
GROUP_CLAUSES: Final = {
    "mirror_disk": "7.1.1-08",
    "registry_key": "6.2.7-01",
    "virtual_ip": "6.1-04",
    "virtual_computer_name": "7.3.1.3-01",
    "printer": "6.1-06",
    "script": "5.2.2-17",
    "policy": "6.2.5-01",
}
SECRETS: Final = frozenset({"community", "password", "password_hash"})
FIP: Final = "floating_ip"
FIP_CLAUSE: Final = "7.2.2-03"


def difference(old: ClusterConfig, new: ClusterConfig) -> list[Change]:
    """Return every difference, in the order of the file; empty when both mean the same."""
    found: list[Change] = []
    before, after = _plain(old), _plain(new)
    for table in ("cluster", "timing", "name_service", "alerts"):
        found += _settings(table, before.pop(table, {}), after.pop(table, {}))
    for table in ("server", "lan", "mirror_set"):
        found += _tables(table, before.pop(table, []), after.pop(table, []))
    found += _groups(old, new)
    for table in ("account",):
        found += [_free(each) for each in _tables(table, before.pop(table, []), after.pop(table, []))]
    del before["group"], after["group"]
    found += _settings("", before, after)
    return found


def between(old: str, new: str) -> list[dict[str, Any]]:
    """Return the differences of two texts for programs; empty when one of them cannot be read."""
    try:
        return [each.as_json() for each in difference(loads(old), loads(new))]
    except ConfigError:
        return []


def dropped_sets(old: ClusterConfig | None, new: ClusterConfig) -> list[str]:
    """Return the mirror sets that the new configuration does not have any more."""
    known = [] if old is None else [item.name for item in old.mirror_sets]
    return [name for name in known if not any(same_name(name, item.name) for item in new.mirror_sets)]


def touched_groups(changes: Sequence[Change]) -> list[str]:
    """Return the groups that have to be stopped for the changes, each once."""
    return list(dict.fromkeys(each.group for each in changes if each.needs == GROUP))


def needs_cluster_stopped(changes: Sequence[Change]) -> Change | None:
    """Return the first change that no cluster at work takes."""
    return next((each for each in changes if each.needs == CLUSTER), None)


# -- tables ------------------------------------------------------------------------------------------------


def _plain(config: ClusterConfig) -> dict[str, Any]:
    return config.model_dump(by_alias=True, mode="json")


def _settings(table: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            path = f"{table}.{key}" if table else key
            live = path in LIVE_SETTINGS or table == "alerts"
            clause = LIVE_SETTINGS.get(path, "") if live else CLUSTER_CLAUSES.get(table, "6.2.5-12")
            needs = NOTHING if live else CLUSTER
            was, becomes = (_masked({key: each.get(key)})[key] for each in (before, after))
            yield Change(CHANGE, path, was, becomes, needs, clause=clause)


def _masked(value: Any) -> Any:
    """Secrets are not shown."""
    if isinstance(value, dict):
        return {key: "***" if key in SECRETS and each else _masked(each) for key, each in value.items()}
    return [_masked(each) for each in value] if isinstance(value, list) else value


def _tables(
    table: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[Change]:
    """Compare tables by name. An order that changed is a change: it fixes ports, priorities, and who is first."""
    old, new = _by_name(before), _by_name(after)
    clause = CLUSTER_CLAUSES.get(table, "2.2.2.3-05")

    def change(action: str, name: str, was: Any, becomes: Any) -> Change:
        return Change(action, f"{table} {name}", was, becomes, CLUSTER, clause=clause)

    found = [change(DELETE, _name(row), row, None) for key, row in old.items() if key not in new]
    for key, row in new.items():
        if key not in old:
            found.append(change(ADD, _name(row), None, row))
        elif old[key] != row:
            found += [
                change(CHANGE, f"{_name(row)}.{field_}", old[key].get(field_), row.get(field_))
                for field_ in row
                if old[key].get(field_) != row.get(field_)
            ]
    common = [key for key in old if key in new]
    if common != [key for key in new if key in old]:
        found.append(change(CHANGE, "(order)", [*old], [*new]))
    return found


def _free(change: Change) -> Change:
    """Accounts are looked at when they are used."""
    return Change(change.action, change.path, _name(change.before), _name(change.after), clause="2.2.2.3-15")


def _groups(old: ClusterConfig, new: ClusterConfig) -> list[Change]:
    found: list[Change] = []
    for group in old.groups:
        if _group_of(new, group.name) is None:
            path = f"group {group.name}"
            found.append(Change(DELETE, path, _dump(group), None, GROUP, group.name, "6.2.1-01"))
    for group in new.groups:
        former = _group_of(old, group.name)
        if former is None:
            found.append(
                Change(ADD, f"group {group.name}", None, _dump(group), clause="6.2.1-01", group=group.name)
            )
        else:
            found += _group(former, group)
    return found


def _group(old: Group, new: Group) -> list[Change]:
    before, after = _dump(old), _dump(new)
    found: list[Change] = []
    for key in dict.fromkeys([*before, *after]):
        was, becomes = before.get(key), after.get(key)
        if was == becomes or key == "name":
            continue
        path = f"group {new.name}.{key}"
        if isinstance(was, list) and isinstance(becomes, list) and key not in LIVE_ATTRIBUTES:
            rule = _FIELD_RULES.get(key, _resource)
            found += rule(path, key, old, new)
        else:
            live = key in LIVE_ATTRIBUTES
            clause = LIVE_ATTRIBUTES.get(key, "6.2-01")
            found.append(Change(CHANGE, path, was, becomes, NOTHING if live else GROUP, new.name, clause))
    if old.name != new.name:  # the same name to the guide, another spelling
        found.append(
            Change(CHANGE, f"group {new.name}.name", old.name, new.name, GROUP, new.name, "6.2.1-02")
        )
    return found


def _resource(path: str, key: str, old: Group, new: Group) -> list[Change]:
    """Any resource but an address: added, deleted or changed while the group is stopped."""
    was, becomes = [_sorted(each) for each in _dump(old)[key]], [_sorted(each) for each in _dump(new)[key]]
    clause = GROUP_CLAUSES.get(key, "6-01")
    gone = [json.loads(each) for each in was if each not in becomes]
    come = [json.loads(each) for each in becomes if each not in was]
    if not gone and not come:
        return [Change(CHANGE, f"{path} (order)", None, None, GROUP, new.name, clause)]
    return [
        *(Change(DELETE, path, each, None, GROUP, new.name, clause) for each in gone),
        *(Change(ADD, path, None, each, GROUP, new.name, clause) for each in come),
    ]


def _addresses(path: str, _key: str, old: Group, new: Group) -> list[Change]:
    """Floating IP addresses: one by one, also of an active group; not when a name stands for the first of them."""
    before, after = [x.address for x in old.floating_ips], [x.address for x in new.floating_ips]
    stands_for = old.associable_address != new.associable_address
    needs = GROUP if stands_for else NOTHING
    clause = "7.3.1.3-05" if stands_for else FIP_CLAUSE
    found = [Change(ADD, path, None, each, needs, new.name, clause) for each in after if each not in before]
    found += [
        Change(DELETE, path, each, None, needs, new.name, clause) for each in before if each not in after
    ]
    if not found:
        found.append(Change(CHANGE, f"{path} (order)", before, after, needs, new.name, clause))
    return found


def _policy(path: str, key: str, old: Group, new: Group) -> list[Change]:
    """The order of a policy may change at any time; a server leaves it while the group is stopped."""
    leaves = any(server not in new.policy for server in old.policy)
    needs = GROUP if leaves else NOTHING
    return [Change(CHANGE, path, list(old.policy), list(new.policy), needs, new.name, GROUP_CLAUSES[key])]


_FIELD_RULES: Final[Mapping[str, Callable[[str, str, Group, Group], list[Change]]]] = {
    FIP: _addresses,
    "policy": _policy,
}


def _group_of(config: ClusterConfig, name: str) -> Group | None:
    return next((group for group in config.groups if same_name(group.name, name)), None)


def _dump(group: Group) -> dict[str, Any]:
    return group.model_dump(by_alias=True, mode="json")


def _by_name(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {_name(row).casefold(): row for row in rows}


def _name(row: Mapping[str, Any] | None) -> str:
    return "" if row is None else str(row.get("name", ""))


def _sorted(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
