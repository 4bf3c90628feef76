"""A disk gives errors under a real file system: the application sees none while the other side can serve (8.4-01)."""

from pathlib import Path

import pytest

from harness.labs import pair
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for
from impl.tests.pair.services import SERVICE

DATA_PARTITION = 2
SECTOR_BYTES = 512
pytestmark = pytest.mark.parametrize("running", [SERVICE], indirect=True)


def test_failing_disks_cost_no_error_and_are_rebuilt_when_they_work_again(running: Pair) -> None:
    """Writes, flushes and reads of the active disk fail in turn, then the standby's disk, and its rebuild with it."""
    for kind in ("write", "flush", "read"):
        active_disk_fails(running, kind)
    standby_disk_fails_again(running)
    running.stop_and_compare()


def active_disk_fails(running: Pair, kind: str) -> None:
    """Everything is served from the other side until the group has moved there.

    The writer meets no error, its file system is unmounted in order, every acknowledged write is on the other side;
    the event names disk and sector.
    """
    active, standby = running.active, running.standby
    scribe = running.write()
    scribe.await_more(300)
    active.fail_disk(kind, partition=DATA_PARTITION)
    running.await_active_on(standby)
    scribe.await_end()
    assert scribe.remarks() == ["# ready"]
    scribe.verify(standby)
    error = event(active, "disk_error")
    assert error["disk"] == active.disk_path
    assert error["operation"] in ("read", "write", "zero", "flush")
    if error["operation"] != "flush":
        assert in_partition(active, error["sector"])
    assert not events(active, "mirror_disk_forced"), "the file system was unmounted in order"
    active.fail_disk(None)
    rebuild(running, active)


def standby_disk_fails_again(running: Pair) -> None:
    """Created again on the same faulty disk the copy breaks off, with the disk in the event; when it works, it ends."""
    active, standby = running.active, running.standby
    scribe = running.write()
    scribe.await_more(100)
    before = len(events(standby, "disk_error"))
    standby.fail_disk("write", partition=DATA_PARTITION)
    running.await_break(active)
    wait_for(lambda: len(events(standby, "disk_error")) > before, SOON_S, "the event of the failed disk")
    running.lab.power_off(standby)
    running.lab.power_on(standby)
    pair.await_daemons(running.lab)
    pair.await_server(active, standby.name, "Od", LATE_S)
    pair.insist(active, "server.return", LATE_S, server=standby.name)
    again = before + 1
    wait_for(lambda: len(events(standby, "disk_error")) > again, LATE_S, "the copy to fail on the same disk")
    assert in_partition(standby, events(standby, "disk_error")[-1]["sector"])
    scribe.await_more(50)
    standby.fail_disk(None)
    rebuild(running, standby)
    scribe.stop()
    scribe.verify(active)


def rebuild(running: Pair, server: Server) -> None:
    """What an operator does after the disk works again: the server leaves the cluster and returns to it."""
    other = running.lab.peer_of(server)
    running.lab.power_off(server)
    running.lab.power_on(server)
    pair.await_daemons(running.lab)
    running.give_back(server)
    assert running.active is other


def events(server: Server, name: str) -> list[dict[str, object]]:
    """The fields of every event of that name in the server's log."""
    return [{**entry, **entry.get("fields", {})} for entry in server.events() if entry.get("event") == name]


def event(server: Server, name: str) -> dict[str, object]:
    """The last one; there has to be one."""
    found = events(server, name)
    assert found, f"{server.name} has logged no {name}: {Path(server.directory).name}"
    return found[-1]


def in_partition(server: Server, sector: object) -> bool:
    """True when the sector of the disk belongs to the data partition."""
    part = next(item for item in server.disk.partitions if item.number == DATA_PARTITION)
    first = part.offset_bytes // SECTOR_BYTES
    return isinstance(sector, int) and first <= sector < first + part.size_bytes // SECTOR_BYTES


# No script ends it: it is of no group.
FOREIGN = [
    "sh",
    "-c",
    f"exec 3> {pair.MOUNT_POINT}/foreign; while :; do date >&3; sync {pair.MOUNT_POINT}/foreign; done",
]


def test_a_group_leaves_a_failed_disk_although_a_foreign_process_uses_it(running: Pair) -> None:
    """The other server takes it over all the same, and what was written is there; the event names the process, which is
    left alone (5.2.2-18).
    """
    active, standby = running.active, running.standby
    foreign = active.start_job(FOREIGN)
    wait_for(
        lambda: active.run(["cat", f"{pair.MOUNT_POINT}/foreign"], check=False).stdout, SOON_S, "it to write"
    )
    active.run(["sh", "-c", f"echo kept > {pair.MOUNT_POINT}/kept"])
    active.fail_disk("write", partition=DATA_PARTITION)
    running.await_active_on(standby)
    assert standby.run(["cat", f"{pair.MOUNT_POINT}/kept"]).stdout == "kept\n"
    assert "in use by sh (" in str(event(active, "mirror_disk_forced")["reason"])
    foreign.stop()
