"""Clauses 6.3 and 9.4: monitors, watches, rules about logs."""

from collections.abc import Callable
from typing import Any

import pytest

Judge = Callable[[dict[str, Any]], list[Any]]

MONITOR, WATCH, RULE = "group[0].monitor", "group[0].watch", "event_rule"
COMMAND = {"command": "/etc/alive"}
FILE = {"name": "r", "file": "/var/log/syslog", "match": "I/O error"}
EVENT = {"name": "r", "event": "disk_lost"}

BAD: list[Any] = [
    ("type twice", {MONITOR: {"types": ["mount", "mount"]}}, "E_DUP", f"{MONITOR}.types[1]"),
    ("unknown type", {MONITOR: {"types": ["moon"]}}, "E_RANGE", f"{MONITOR}.types[0]"),
    ("no interval", {MONITOR: {"interval_s": 0.0}}, "E_RANGE", f"{MONITOR}.interval_s"),
    ("no look", {MONITOR: {"looks": 0}}, "E_RANGE", f"{MONITOR}.looks"),
    ("101 looks", {MONITOR: {"looks": 101}}, "E_RANGE", f"{MONITOR}.looks"),
    (
        "target name",
        {MONITOR: {"public_lan_targets": ["gw"]}},
        "E_SUBNET",
        f"{MONITOR}.public_lan_targets[0]",
    ),
    (
        "17 targets",
        {MONITOR: {"public_lan_targets": ["10.0.1.9"] * 17}},
        "E_LIMIT",
        f"{MONITOR}.public_lan_targets",
    ),
    ("pid file", {MONITOR: {"pid_files": ["x.pid"]}}, "E_RANGE", f"{MONITOR}.pid_files[0]"),
    ("command", {WATCH: [{"command": "alive"}]}, "E_RANGE", f"{WATCH}[0].command"),
    ("action", {WATCH: [{**COMMAND, "action": "weep"}]}, "E_RANGE", f"{WATCH}[0].action"),
    ("time-out", {WATCH: [{**COMMAND, "timeout_s": -1.0}]}, "E_RANGE", f"{WATCH}[0].timeout_s"),
    ("watch interval", {WATCH: [{**COMMAND, "interval_s": 0.0}]}, "E_RANGE", f"{WATCH}[0].interval_s"),
    ("watch looks", {WATCH: [{**COMMAND, "looks": 0}]}, "E_RANGE", f"{WATCH}[0].looks"),
    ("no source", {RULE: [{"name": "r"}]}, "E_RANGE", f"{RULE}[0]"),
    ("two sources", {RULE: [{**FILE, **EVENT}]}, "E_RANGE", f"{RULE}[0]"),
    ("file and journal", {RULE: [{**FILE, "journal": "*"}]}, "E_RANGE", f"{RULE}[0]"),
    ("journal, no expression", {RULE: [{"name": "r", "journal": "*"}]}, "E_LENGTH", f"{RULE}[0].match"),
    ("relative", {RULE: [{**FILE, "file": "syslog"}]}, "E_RANGE", f"{RULE}[0].file"),
    ("no expression", {RULE: [{**FILE, "match": ""}]}, "E_LENGTH", f"{RULE}[0].match"),
    ("expression", {RULE: [{**FILE, "match": "("}]}, "E_SYNTAX", f"{RULE}[0].match"),
    ("event", {RULE: [{"name": "r", "event": "moon"}]}, "E_NOTFOUND", f"{RULE}[0].event"),
    ("rule twice", {RULE: [EVENT, {**FILE, "name": "R"}]}, "E_DUP", f"{RULE}[1].name"),
    ("no name", {RULE: [{**EVENT, "name": ""}]}, "E_LENGTH", f"{RULE}[0].name"),
    ("rule group", {RULE: [{**EVENT, "group": "moon"}]}, "E_NOTFOUND", f"{RULE}[0].group"),
    ("rule pause", {RULE: [{**EVENT, "pause_s": 0.0}]}, "E_RANGE", f"{RULE}[0].pause_s"),
    ("65 rules", {RULE: [{**EVENT, "name": f"r{n}"} for n in range(65)]}, "E_LIMIT", RULE),
]


@pytest.mark.parametrize(("what", "changes", "code", "path"), BAD, ids=lambda value: str(value)[:20])
def test_what_breaks_a_rule(judge: Judge, what: str, changes: dict[str, Any], code: str, path: str) -> None:
    """One finding, at its place, with a clause of 6.3, 9.2 or 9.4."""
    [finding] = judge(changes)
    assert (finding.code, finding.path) == (code, path)
    assert finding.clause in {"6.3-09", "6.3-16", "6.3-19", "6.3-20", "9.2-05", "9.4-01"}


GOOD: list[dict[str, Any]] = [
    {MONITOR: {"types": []}},
    {MONITOR: {"types": ["public_lan"], "public_lan_targets": ["10.0.1.254"], "looks": 100}},
    {MONITOR: {"pid_files": ["/run/x.pid"]}},
    {WATCH: [{**COMMAND, "action": "shutdown"}]},
    {RULE: [FILE, {**EVENT, "name": "s", "group": "DB", "action": "alert"}]},
    {RULE: [{"name": "r", "event": "TS0413"}]},
]


@pytest.mark.parametrize("changes", GOOD, ids=str)
def test_what_is_in_order(judge: Judge, changes: dict[str, Any]) -> None:
    """Deselected types, a watch that shuts the server down, events by name or id, groups in any case."""
    assert judge(changes) == []
