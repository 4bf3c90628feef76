"""Clause 6.1-06: the printer of a group, as its print scheduler needs it."""

from collections.abc import Callable
from typing import Any

import pytest

from twinset.config.rules import printers
from twinset.config.structure import build as build_structure

Judge = Callable[[dict[str, Any]], list[Any]]

PRINTER, QUEUES = "group[0].printer", "group[0].printer[0].queues"
QUEUE = {"name": "office", "device": "socket://10.0.1.50:9100"}
GOOD = {"spool": "/mnt/db/spool", "queues": [QUEUE]}


def queue(**changes: str) -> dict[str, Any]:
    return {PRINTER: [{**GOOD, "queues": [{**QUEUE, **changes}]}]}


def spool(path: str) -> dict[str, Any]:
    return {PRINTER: [{**GOOD, "spool": path}]}


BAD: list[Any] = [
    ("two schedulers", {PRINTER: [GOOD, {**GOOD, "spool": "/mnt/db/spool2"}]}, "E_LIMIT", PRINTER),
    ("no address", {PRINTER: [GOOD], "group[0].floating_ip": []}, "E_TOPOLOGY", PRINTER),
    ("elsewhere", spool("/var/spool/cups"), "E_TOPOLOGY", f"{PRINTER}[0].spool"),
    ("the mount point", spool("/mnt/db"), "E_TOPOLOGY", f"{PRINTER}[0].spool"),
    ("a neighbour", spool("/mnt/db2/spool"), "E_TOPOLOGY", f"{PRINTER}[0].spool"),
    ("out again", spool("/mnt/db/../spool"), "E_TOPOLOGY", f"{PRINTER}[0].spool"),
    ("relative", spool("spool"), "E_RANGE", f"{PRINTER}[0].spool"),
    ("a space", spool("/mnt/db/my spool"), "E_CHARSET", f"{PRINTER}[0].spool"),
    ("no queue", {PRINTER: [{**GOOD, "queues": []}]}, "E_RANGE", QUEUES),
    ("no name", queue(name=""), "E_LENGTH", f"{QUEUES}[0].name"),
    ("name of 128", queue(name="q" * 128), "E_LENGTH", f"{QUEUES}[0].name"),
    ("name with a slash", queue(name="a/b"), "E_CHARSET", f"{QUEUES}[0].name"),
    (
        "name twice",
        {PRINTER: [{**GOOD, "queues": [QUEUE, {**QUEUE, "name": "OFFICE"}]}]},
        "E_DUP",
        f"{QUEUES}[1].name",
    ),
    ("no device", queue(device="10.0.1.50"), "E_RANGE", f"{QUEUES}[0].device"),
    ("a file of one server", queue(device="file:///dev/lp0"), "E_RANGE", f"{QUEUES}[0].device"),
]


@pytest.mark.parametrize(("changes", "code", "path"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_a_printer_that_cannot_work_is_refused(
    judge: Judge, changes: dict[str, Any], code: str, path: str
) -> None:
    """Where it is wrong, and by the clause that names the kind."""
    found = [(f.code, f.path, f.clause) for f in judge(changes)]
    assert (code, path, "6.1-06") in found


@pytest.mark.parametrize("changes", [{PRINTER: [GOOD]}, queue(name="q" * 127, model="everywhere")])
def test_a_printer_on_the_groups_own_disk_is_accepted(judge: Judge, changes: dict[str, Any]) -> None:
    """Nothing is said about it."""
    assert judge(changes) == []


@pytest.mark.parametrize("rule", printers.RULES, ids=lambda rule: rule.check.__name__)
def test_each_rule_can_fail(build: Callable[[dict[str, Any]], dict[str, Any]], rule: Any) -> None:
    """Taken alone, each rule refuses at least one of the samples, so that none of them is dead."""
    assert any(list(rule.check(build_structure(build(changes)).config)) for _, changes, *_ in BAD)
