"""A failed disk is replaced as impl/docs/replacing.md says, step by step, under a verifying writer (8.5-02, 8.6-01)."""

from typing import Any

from harness.labs import pair
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for


def events(server: Server, name: str) -> list[dict[str, Any]]:
    """The fields of every event of that name in the server's log."""
    return [entry.get("fields", {}) for entry in server.events() if entry["event"] == name]


def test_a_failed_disk_is_replaced_from_its_page_alone(running: Pair) -> None:
    """With the operator's commands only: the new disk is prepared like the other one, compared, and gets a full copy
    with its event; the group never stops, both sides end equal, and no acknowledged write is lost.
    """
    active, standby = running.active, running.standby
    scribe = running.write()
    scribe.await_more(50)
    standby.fail_disk("write")
    wait_for(lambda: events(standby, "disk_error"), SOON_S, "the event of the failed disk")
    assert events(standby, "disk_error")[0]["disk"] == standby.disk_path
    pair.await_set(active, "INCONSISTENT", SOON_S)
    wait_for(
        lambda: events(standby, "mirror_set_state")[-1]["state"] == "ISOLATED",
        SOON_S,
        "the set to be isolated",
    )

    standby.twinset("server", "shutdown", standby.name)
    running.lab.power_off(standby)
    standby.fail_disk(None)
    size_bytes = standby.disk.size_bytes
    with standby.disk.image.open("wb") as image:
        image.truncate(size_bytes)
    running.lab.power_on(standby)
    pair.await_server(active, standby.name, "Od", LATE_S)
    wait_for(lambda: events(standby, "mirrord_died"), SOON_S, "twinsetd to say what the disk lacks")

    path, shown = standby.disk_path, active.twinset_result("disk", "inspect", active.disk_path).stdout
    standby.write_file("/etc/twinset/other.json", shown)
    unequal = standby.twinset_result("disk", "inspect", path, "--other", "/etc/twinset/other.json")
    assert not unequal.ok
    sizes = ",".join(str(part.size_bytes) for part in active.disk.partitions[1:])
    words = ("disk", "prepare", path, "--cluster-mib", "4", "--data", sizes, "--reserve-tail", "0")
    assert not standby.twinset(*words)["written"]
    assert standby.twinset(*words, "--yes")["written"]
    compared = standby.twinset_result("disk", "inspect", path, "--other", "/etc/twinset/other.json")
    assert "E_PARTITION" not in compared.stdout  # its mirror process may have the disk already: E_DISK
    scribe.await_more(50)

    pair.insist(active, "server.return", LATE_S, server=standby.name)
    running.await_normal()
    assert events(active, "full_copy")[-1]["reason"] == "the disk of the other side had failed"
    assert active.status_of_set(pair.SET)["copy_mode_last"] == "full"
    scribe.await_more(50)
    scribe.stop()
    assert running.active is active
    scribe.verify(active)
    running.stop_and_compare()
