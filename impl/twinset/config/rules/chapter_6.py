"""Chapter 6.2: groups, their attributes, policies, keys and scripts."""

from collections.abc import Iterator

from twinset.config.cluster import ClusterConfig, same_name
from twinset.config.rules.common import (
    absolute_path,
    as_findings,
    at_most,
    duplicates,
    positive,
    server_names,
    unknown,
)
from twinset.config.rules.rule import Rule
from twinset.config.structure import shown
from twinset.finding import Finding, error, warning
from twinset.guide import limits, names


def group_count(config: ClusterConfig) -> Iterator[Finding]:
    """At most 64 groups."""
    yield from at_most("group", len(config.groups), limits.GROUPS_MAX)


def group_names(config: ClusterConfig) -> Iterator[Finding]:
    """Groups have names of at most fifteen bytes that differ in more than case."""
    named = [(f"group[{i}].name", group.name) for i, group in enumerate(config.groups)]
    for path, name in named:
        yield from as_findings(path, name, names.name_problems(name, names.GROUP))
        if names.is_dos_device(name):
            text = f"{shown(name)} is the name of a DOS device: the group will not start"
            yield warning("W_RESERVED", path, text, clause="6.2.1-07", value=name)
    yield from duplicates(named, what="name", clause="6.2.1-06")


def policies(config: ClusterConfig) -> Iterator[Finding]:
    """A policy lists servers of the cluster, each once, and at least one."""
    for i, group in enumerate(config.groups):
        path = f"group[{i}].policy"
        if not group.policy:
            text = "the failover policy names no server"
            yield error("E_RANGE", path, text, clause="6.2.5-01", value=[], limit=1)
        for j, server in enumerate(group.policy):
            place = f"{path}[{j}]"
            yield from unknown(place, server, server_names(config), what="server", clause="6.2.5-01")
            if any(same_name(server, other) for other in group.policy[:j]):
                yield error("E_DUP", place, f"{shown(server)} stands twice", clause="6.2.5-01", value=server)


def exclusive(config: ClusterConfig) -> Iterator[Finding]:
    """Exclusive groups mostly have nowhere to go when there are two servers."""
    for i, group in enumerate(config.groups):
        if group.failover == "exclusive":
            text = "exclusive: with two servers such a group mostly does not fail over"
            yield warning(
                "W_EXCLUSIVE", f"group[{i}].failover", text, clause="6.2.3-06", value=group.failover
            )


def logical_service_names(config: ClusterConfig) -> Iterator[Finding]:
    """Logical service names are not empty and unique in the cluster."""
    named = [
        (f"group[{i}].logical_service_names[{j}]", name)
        for i, group in enumerate(config.groups)
        for j, name in enumerate(group.logical_service_names)
    ]
    for path, name in named:
        if not name:
            yield error("E_LENGTH", path, "is empty", clause="6.2-01", value=name, limit=1)
    yield from duplicates(named, what="name", clause="6.2-01")


def registry_keys(config: ClusterConfig) -> Iterator[Finding]:
    """At most sixteen keys follow a group, from two roots, and not the cluster's own."""
    for i, group in enumerate(config.groups):
        path = f"group[{i}].registry_key"
        yield from at_most(path, len(group.registry_keys), limits.REGISTRY_KEYS_PER_GROUP_MAX)
        keys = [(f"{path}[{j}].key", item.key) for j, item in enumerate(group.registry_keys)]
        for place, key in keys:
            problems = list(names.registry_key_problems(key))
            yield from as_findings(place, key, problems)
            if not problems and names.registry_depth(key) <= names.REGISTRY_DEPTH_BROAD:
                text = f"{shown(key)} is directly below its root; only what must follow should be set"
                yield warning("W_REG_BROAD", place, text, clause="6.2.7-07", value=key)
        spelled = ((place, names.canonical_registry_key(key)) for place, key in keys)
        yield from duplicates(spelled, what="key", clause="6.2.7-12")


def registry_keys_apart(config: ClusterConfig) -> Iterator[Finding]:
    """No key follows two groups: they may run on different servers, and then both would be right about it."""
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for i, group in enumerate(config.groups):
        for j, item in enumerate(group.registry_keys):
            spelled = item.store, names.canonical_registry_key(item.key)
            found.setdefault(spelled, []).append((i, f"group[{i}].registry_key[{j}].key"))
    for (store, key), places in found.items():
        parts = key.split("\\")
        above = [found.get((store, "\\".join(parts[:depth])), []) for depth in range(1, len(parts))]
        others = [place for each in above for place in each]
        for number, (group_index, place) in enumerate(places):
            before = [where for other, where in [*others, *places[:number]] if other != group_index]
            if before:
                text = f"{shown(key)} is, or lies in, {before[0]}, which follows another group"
                yield error("E_DUP", place, text, clause="6.2.7-01", value=key, limit=before[0])


def scripts(config: ClusterConfig) -> Iterator[Finding]:
    """Scripts are absolute paths, with a positive time-out."""
    for i, group in enumerate(config.groups):
        for j, script in enumerate(group.scripts):
            path = f"group[{i}].script[{j}]"
            yield from absolute_path(f"{path}.start", script.start, code="E_RANGE", clause="")
            yield from absolute_path(f"{path}.stop", script.stop, code="E_RANGE", clause="")
            if script.timeout_s is not None:
                yield from positive(f"{path}.timeout_s", script.timeout_s, clause="")


RULES = (
    Rule(group_count, ("2.2.2.3-08",), needs=("group",)),
    Rule(
        group_names,
        (
            "2.2.2.3-09",
            "2.2.2.3-10",
            "2.2.2.3-11",
            "2.2.2.3-12",
            "2.2.2.3-13",
            "6.2.1-03",
            "6.2.1-04",
            "6.2.1-05",
            "6.2.1-06",
            "6.2.1-07",
        ),
    ),
    Rule(policies, ("6.2.5-01",), needs=("server.name",)),
    Rule(exclusive, ("6.2.3-06",)),
    Rule(logical_service_names, ("6.2-01",)),
    Rule(registry_keys, ("6.2.7-07", "6.2.7-08", "6.2.7-09", "6.2.7-10", "6.2.7-11", "6.2.7-12", "6.2.7-13")),
    Rule(registry_keys_apart, ("6.2.7-01",)),
    Rule(scripts, ()),
)
