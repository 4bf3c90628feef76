"""Looks at a running group: its disk, its watch command, its public LAN."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from twinset.config.cluster import Watch
from twinset.monitoring.looks import Subject
from twinset.resources.mirror_disk import device
from twinset.resources.monitor import look, plan

MOUNTED = "36 35 7:0 / /mnt/db rw - ext4 /dev/loop7 rw\n"
DISK, WATCH, LAN = Subject("mirror_disk_io", 0, 3), Subject("watch", 0, 3), Subject("public_lan", 0, 3)


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of mounts in which the group's disk is mounted."""
    file = tmp_path / "mountinfo"
    file.write_text(MOUNTED)
    monkeypatch.setattr(device, "MOUNTINFO", file)
    return file


def test_a_disk_is_read_past_every_cache(system: Any, make_context: Any, mounts: Path) -> None:
    """One block of the device behind the mount, by direct I/O."""
    assert asyncio.run(look.look(make_context(), DISK)) == ""
    assert system.ran == [plan.read("/dev/loop7")]
    assert "iflag=direct" in plan.read("/dev/loop7")


def test_a_read_that_fails_or_hangs_is_told(
    system: Any, make_context: Any, answer: Any, mounts: Path
) -> None:
    """With the mount and what dd said."""
    system.answers["dd"] = answer(code=1, stderr="dd: error reading '/dev/loop7': Input/output error")
    reason = asyncio.run(look.look(make_context(), DISK))
    assert reason.startswith("/mnt/db cannot be read")
    assert "Input/output error" in reason


def test_what_others_tell_is_not_looked_at(system: Any, make_context: Any, mounts: Path) -> None:
    """I/O that the mirror itself holds up is its affair, and a missing mount that of the check of mounts."""
    system.frozen = "the other side is not heard"
    assert asyncio.run(look.look(make_context(), DISK)) == ""
    system.frozen = ""
    mounts.write_text("")
    assert asyncio.run(look.look(make_context(), DISK)) == ""
    assert system.ran == []


def test_a_watch_command_sees_the_groups_variables(system: Any, make_context: Any, answer: Any) -> None:
    """Its own path alone, the environment of the scripts; a status that is not 0 is a fault."""
    made = make_context(environment={"ARMS_GROUPNAME": "db"})
    group = made.group.model_copy(update={"watches": (Watch(command="/etc/alive"),)})
    ctx = make_context(group=group, environment={"ARMS_GROUPNAME": "db"})
    assert asyncio.run(look.look(ctx, WATCH)) == ""
    assert system.ran == [["/etc/alive"]]
    assert system.environments[0]["ARMS_GROUPNAME"] == "db"
    system.answers["/etc/alive"] = answer(code=3, stderr="no answer")
    assert "no answer" in asyncio.run(look.look(ctx, WATCH))


def test_a_public_lan_is_looked_at_with_the_groups_targets(system: Any, make_context: Any) -> None:
    """Without targets the link alone counts."""
    assert asyncio.run(look.look(make_context(), LAN)) == ""
    system.addresses.up = False
    assert asyncio.run(look.look(make_context(), LAN)) == "no link on eth0"
