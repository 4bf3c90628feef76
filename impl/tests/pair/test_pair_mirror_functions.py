"""The Mirror Disk Administrator on two servers: access without the group, and changes of what is registered."""

import json
from dataclasses import replace
from typing import Any

import pytest

from harness import audits
from harness.faults.partition_table import encode
from harness.labs import pair
from harness.labs.api import ApiRefused
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

SET, GROUP = pair.SET, pair.GROUP


def refused(server: Server, verb: str, **args: Any) -> str:
    """Ask, and return the clause of the refusal."""
    with pytest.raises(ApiRefused) as caught:
        server.api(verb, SOON_S, **args)
    return str(caught.value.error["clause"])


def write(server: Server, uri: str, pattern: int) -> None:
    """Write under a permit, as any NBD client may."""
    server.run(["qemu-io", "-f", "raw", "-c", f"write -P {pattern} 16M 64k", "-c", "flush", uri])


def event(server: Server, name: str) -> bool:
    """Whether the server has written such an event."""
    return any(each["event"] == name for each in server.events())


def test_access_without_the_group_is_copied_or_told(running: Pair) -> None:
    """A permit of the latest side becomes a difference; a forced one leaves DIVERGED, and the group serves on."""
    one, two = running.lab.servers
    one.api("cluster.stop", LATE_S)
    pair.await_stopped(running.lab, SOON_S)
    granted = one.api("mirror.permit", SOON_S, set=SET)
    write(one, granted["exports"]["E"], 2)
    pair.await_status(
        two, lambda s: s["mirror_sets"][SET]["permitted_on"] == one.name, SOON_S, "the permit to be seen"
    )
    assert refused(two, "mirror.forced_permit", set=SET, confirm=True) == "7.1.1-02"
    assert refused(two, "cluster.start") == "7.1.1-02"
    two.api("mirror.restrict", SOON_S, set=SET, server=one.name)
    pair.await_status(
        two, lambda s: not s["mirror_sets"][SET]["permitted_on"], SOON_S, "the permit to be over"
    )
    pair.insist(two, "cluster.start", LATE_S)
    running.await_normal()
    assert one.status_of_set(SET)["copy_mode_last"] == "high-speed"
    running.await_active_on(one)

    running.lab.power_off(one)
    running.await_active_on(two)
    running.lab.power_on(one)
    pair.await_server(two, one.name, "Od", LATE_S)
    wait_for(lambda: one.mirror_status() is not None, SOON_S, "the mirror process of the restarted server")
    # The daemon may not have heard its mirror process yet: that is another reason.
    wait_for(lambda: refused(one, "mirror.permit", set=SET) == "7.1.1-02", SOON_S, "the one place of access")
    assert refused(one, "mirror.forced_permit", set=SET, confirm=True) == "7.1.1-02"
    two.api("group.stop", LATE_S, group=GROUP)
    pair.insist(one, "mirror.forced_permit", SOON_S, set=SET, confirm=True)
    write(one, granted["exports"]["E"], 9)
    pair.await_set(two, "DIVERGED", SOON_S)
    assert refused(two, "group.start", group=GROUP) == "7.1.1-02"
    one.api("mirror.restrict", SOON_S, set=SET)
    pair.insist(two, "group.start", LATE_S, group=GROUP)
    running.await_active_on(two)
    two.api("server.return", LATE_S, server=one.name)
    pair.await_both_normal(running.lab, LATE_S)
    wait_for(lambda: event(two, "copies_differ"), SOON_S, "the serving side to tell that the copies differ")
    for server in (one, two):
        pair.await_set(server, "DIVERGED", SOON_S)
    running.await_active_on(two)
    two.api("group.stop", LATE_S, group=GROUP)
    pair.insist(two, "mirror.create", LATE_S, set=SET, source=two.name)
    running.await_normal()
    assert two.status_of_set(SET)["copy_mode_last"] == "full"
    counts = two.api("mirror.stats", SOON_S, set=SET, server=two.name)["counts"]
    assert counts["full_copies"] == 1
    assert counts["copied_bytes"] >= two.status_of_set(SET)["size_bytes"]
    assert one.api("mirror.latency", SOON_S, set=SET, server=two.name, every=8)["server"] == two.name
    told = {
        server.name: one.api("mirror.stats", SOON_S, set=SET, server=server.name)["latency"]
        for server in (one, two)
    }
    assert {name: latency["every"] for name, latency in told.items()} == {one.name: 0, two.name: 8}
    running.stop_and_compare()


def test_a_set_is_changed_cancelled_and_registered_again(running: Pair) -> None:
    """Options reach both sides; a cancelled disk is blank and can be registered; a changed one does not start. What
    stands against a removal of the software shrinks with every step of the page, to nothing (8.3-01).
    """
    lab = running.lab
    one, two = lab.servers
    assert against_removal(one) == ["8.3-01", "8.3-01", "8.3-02"]  # at work, a group's disk, a set
    assert refused(one, "mirror.options", set=SET, max_io_kib=128) == "4.5.1-03"
    one.api("cluster.stop", LATE_S)
    pair.await_stopped(lab, SOON_S)
    assert one.api("mirror.options", SOON_S, set=SET, max_io_kib=128)["memory_kib"] == 34816
    for server in (one, two):
        assert _insisted(server, "mirror.options", set=SET)["max_io_kib"] == 128
    assert refused(one, "mirror.cancel", set=SET) == "8.3-02"
    assert against_removal(two) == ["8.3-01", "8.3-02"]
    whole = pair.configuration(lab)
    kept = [
        line
        for line in whole.splitlines()
        if not line.startswith(("[[group.mirror_disk]]", "set =", "mounts ="))
    ]
    pair.insist(one, "cluster.create", SOON_S, text="\n".join(kept) + "\n")
    wait_for(lambda: against_removal(two) == ["8.3-02"], SOON_S, "the group to be without its disk")
    pair.insist(one, "mirror.cancel", SOON_S, set=SET)
    for server in (one, two):
        wait_for(lambda s=server: against_removal(s) == [], SOON_S, "nothing to stand against a removal")  # type: ignore[misc]
    disks = {server.name: server.disk_path for server in lab.servers}
    pair.insist(two, "mirror.register", SOON_S, set=SET, disks=disks, partitions={"2": "E"})
    pair.insist(two, "cluster.start", LATE_S)
    pair.await_both_normal(lab, LATE_S)
    assert one.status_of_set(SET)["state"] == "UNREGISTERED"
    pair.insist(one, "mirror.create", LATE_S, set=SET, source=two.name)
    running.await_normal()
    one.api("cluster.stop", LATE_S)
    pair.await_stopped(lab, SOON_S)
    audits.same_data(lab).require()

    cluster, data = two.disk.partitions
    table = two.disk.image.read_bytes()[:512]
    _write_table(two, encode([cluster, replace(data, sectors=data.sectors - 2048)], 99))
    two.kill_program("twinset-mirrord")
    wait_for(lambda: event(two, "partition_table_changed"), SOON_S, "the changed table to be told (8.5-01)")
    _write_table(two, table)
    wait_for(
        lambda: two.mirror_status() is not None, SOON_S, "the mirror process to start with the old table"
    )


def against_removal(server: Server) -> list[str]:
    """The clauses of what `twinset uninstall check` finds."""
    result = server.twinset_result("uninstall", "check")
    found = json.loads(result.stdout)
    assert result.ok == found["ok"]
    return [each["clause"] for each in found["obstacles"]]


def _insisted(server: Server, verb: str, **args: Any) -> Any:
    answers: list[Any] = []

    def asked() -> bool:
        try:
            answers.append(server.api(verb, SOON_S, **args))
        except ApiRefused:
            return False
        return True

    wait_for(asked, SOON_S, f"{server.name} to answer {verb}")
    return answers[-1]


def _write_table(server: Server, sector: bytes) -> None:
    with server.disk.image.open("r+b") as image:
        image.write(sector[:512])
