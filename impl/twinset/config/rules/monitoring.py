"""Chapters 6.3 and 9.4: what is watched, and which entries of logs count as faults."""

import ipaddress
import re
from collections.abc import Iterator

from twinset.config.cluster import ClusterConfig
from twinset.config.rules.common import absolute_path, duplicates, positive, unknown
from twinset.config.rules.rule import Rule
from twinset.config.structure import shown
from twinset.events_catalogue import known
from twinset.finding import Finding, error

LOOKS_MAX = 100
TARGETS_MAX = 16
RULES_MAX = 64


def monitors(config: ClusterConfig) -> Iterator[Finding]:
    """Types stand once; times are positive; targets are addresses and files are paths."""
    for i, group in enumerate(config.groups):
        path, monitor = f"group[{i}].monitor", group.monitor
        named = ((f"{path}.types[{j}]", kind) for j, kind in enumerate(monitor.types))
        yield from duplicates(named, what="type", clause="9.2-05")
        yield from positive(f"{path}.interval_s", monitor.interval_s, clause="6.3-19")
        yield from _looks(f"{path}.looks", monitor.looks)
        yield from _targets(f"{path}.public_lan_targets", monitor.public_lan_targets)
        for j, file in enumerate(monitor.pid_files):
            yield from absolute_path(f"{path}.pid_files[{j}]", file, code="E_RANGE", clause="6.3-09")


def watches(config: ClusterConfig) -> Iterator[Finding]:
    """A watch runs an executable by its absolute path, with positive times."""
    for i, group in enumerate(config.groups):
        for j, watch in enumerate(group.watches):
            path = f"group[{i}].watch[{j}]"
            yield from absolute_path(f"{path}.command", watch.command, code="E_RANGE", clause="6.3-20")
            yield from positive(f"{path}.interval_s", watch.interval_s, clause="6.3-20")
            yield from positive(f"{path}.timeout_s", watch.timeout_s, clause="6.3-20")
            yield from _looks(f"{path}.looks", watch.looks)


def event_rules(config: ClusterConfig) -> Iterator[Finding]:
    """A rule has a name, one source, an expression that can be read, and a group that exists."""
    if len(config.event_rules) > RULES_MAX:
        text = f"{len(config.event_rules)} rules, at most {RULES_MAX} are possible"
        yield error(
            "E_LIMIT", "event_rule", text, clause="9.4-01", value=len(config.event_rules), limit=RULES_MAX
        )
    named = [(f"event_rule[{i}].name", rule.name) for i, rule in enumerate(config.event_rules)]
    for path, name in named:
        if not name:
            yield error("E_LENGTH", path, "is empty", clause="9.4-01", value=name, limit=1)
    yield from duplicates(named, what="name", clause="9.4-01")
    for i, rule in enumerate(config.event_rules):
        path = f"event_rule[{i}]"
        if [bool(rule.file), bool(rule.journal), bool(rule.event)].count(True) != 1:
            text = "needs one of file, journal and event"
            yield error("E_RANGE", path, text, clause="9.4-01", value=rule.name)
        elif not rule.event and not rule.match:
            yield error("E_LENGTH", f"{path}.match", "is empty", clause="9.4-01", value="", limit=1)
        if rule.file:
            yield from absolute_path(f"{path}.file", rule.file, code="E_RANGE", clause="9.4-01")
        if rule.event and not known(rule.event):
            text = (
                f"{shown(rule.event)} is neither the id nor the name of an event; twinset events shows them"
            )
            yield error("E_NOTFOUND", f"{path}.event", text, clause="9.4-01", value=rule.event)
        yield from _expression(f"{path}.match", rule.match)
        yield from positive(f"{path}.pause_s", rule.pause_s, clause="9.4-01")
        if rule.group:
            groups = [group.name for group in config.groups]
            yield from unknown(f"{path}.group", rule.group, groups, what="group", clause="9.4-01")


def _looks(path: str, looks: int) -> Iterator[Finding]:
    if not 1 <= looks <= LOOKS_MAX:
        yield error(
            "E_RANGE",
            path,
            f"{looks} is not from 1 to {LOOKS_MAX}",
            clause="6.3-19",
            value=looks,
            limit=LOOKS_MAX,
        )


def _targets(path: str, targets: tuple[str, ...]) -> Iterator[Finding]:
    if len(targets) > TARGETS_MAX:
        text = f"{len(targets)} targets, at most {TARGETS_MAX} are possible"
        yield error("E_LIMIT", path, text, clause="6.3-19", value=len(targets), limit=TARGETS_MAX)
    for j, target in enumerate(targets):
        try:
            ipaddress.IPv4Address(target)
        except ValueError:
            text = f"{shown(target)} is no IPv4 address"
            yield error("E_SUBNET", f"{path}[{j}]", text, clause="6.3-19", value=target)


def _expression(path: str, text: str) -> Iterator[Finding]:
    try:
        re.compile(text)
    except re.error as cause:
        yield error(
            "E_SYNTAX", path, f"{shown(text)} is no regular expression: {cause}", clause="9.4-01", value=text
        )


RULES = (
    Rule(monitors, ("6.3-19", "9.2-05")),
    Rule(watches, ("6.3-20",)),
    Rule(event_rules, ("6.3-16", "9.4-01"), needs=("group.name",)),
)
