"""What a mirror process tells, as the resources on its disk have to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from impl.tests.samples import TWO_SERVERS
from twinset.cluster import events
from twinset.cluster.effects import MirrorCommand
from twinset.config import loads
from twinset.shell.mirrors import Mirrors, why_io_waits
from twinset.shell.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {"ok": True, "reason": ""}
BAD = {"ok": False, "reason": "both sides were written separately"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"role": "active", "frozen": None, "may_activate": GOOD}, ""),
        (
            {"role": "active", "frozen": "the lease has run out", "may_activate": GOOD},
            "the lease has run out",
        ),
        ({"role": "idle", "frozen": None, "may_activate": GOOD}, ""),  # it will be activated again
        ({"role": "idle", "frozen": None, "may_activate": BAD}, "written separately"),
        ({"role": "active", "frozen": None, "may_activate": BAD}, ""),  # the other side's disk serves
        ({}, ""),
    ],
)
def test_io_that_cannot_end_is_known(status: dict[str, object], reason: str) -> None:
    """I/O waits for ever without a lease, and on a side whose access was revoked for good: an unmount would."""
    found = why_io_waits(status)
    assert reason in found
    assert bool(found) == bool(reason)


def test_a_command_says_why_the_process_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What forbade the start reaches the operator with the refused command: a disk of another set, no memory."""
    monkeypatch.setattr(Mirrors, "start", lambda _: None)
    paths = Paths(tmp_path / "etc", tmp_path / "state", tmp_path / "run")
    paths.create()
    fed: list[events.Event] = []
    mirrors = Mirrors(loads(CONFIG), "server1", paths, 1.0, fed.append, lambda *_: None)
    command = MirrorCommand(7, "set1", "create", {"source": True})
    mirrors.command(command)
    mirrors._processes[
        "set1"
    ].why_not = "the mirror process does not run: /dev/x holds the record of another set"
    mirrors.command(command)
    assert [event.reason for event in fed if isinstance(event, events.StepDone)] == [
        "the mirror process does not run",
        "the mirror process does not run: /dev/x holds the record of another set",
    ]


def test_a_failed_disk_is_known_from_what_its_process_told_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of that set; before it has told anything, none has failed."""
    monkeypatch.setattr(Mirrors, "start", lambda _: None)
    paths = Paths(tmp_path / "etc", tmp_path / "state", tmp_path / "run")
    paths.create()
    mirrors = Mirrors(loads(CONFIG), "server1", paths, 1.0, lambda _: None, lambda *_: None)
    seen = [mirrors.disk_failed("set1")]
    for state in ("IN_SYNC", "FAULTY"):
        mirrors._take_status("set1", {"state": state})
        seen.append(mirrors.disk_failed("set1"))
    assert (seen, mirrors.disk_failed("set2")) == ([False, False, True], False)


CONFIG = (
    TWO_SERVERS
    + """
[[mirror_set]]
name = "set1"
disks = [ {server="server1", path="/dev/x"}, {server="server2", path="/dev/x"} ]
partitions = [ {number=2, letter="E"} ]
[[group]]
name = "db"
policy = ["server1", "server2"]
[[group.mirror_disk]]
set = "set1"
"""
)
