"""twinset in two virtual machines, as a user runs it: installed from the wheel, under systemd, on the kernel's nbd.

On request only (make vms, then TWINSET_TEST_VMS=1 pytest harness/tests/test_vms.py): machines that happen to be up are
not taken over by a run of the unit tests. Time-outs of the cluster are the real ones, 3 s x 10 heartbeats.
"""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from harness.labs import pair
from harness.labs.far_scribe import FILE, LATE_S, FarScribe
from harness.run import kill_group
from harness.wait import now_s, wait_for

REQUESTED = os.environ.get("TWINSET_TEST_VMS", "") == "1"


def _reason() -> str:
    if not REQUESTED:
        return "on request only: TWINSET_TEST_VMS=1"
    pytest.importorskip("libvirt")
    pytest.importorskip("testinfra")
    from harness.labs import choice

    return choice.reason_to_skip(choice.VAGRANT)


pytestmark = [
    pytest.mark.vms,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(bool(_reason()), reason=_reason() or "-"),
]

HEARTBEATS_S = 30.0  # 3 s x 10 (2.2.2.3)


@pytest.fixture(scope="module")
def lab() -> Iterator[Any]:
    """A running pair on the machines, real time-outs."""
    from harness.labs.vagrant import VagrantLab

    with VagrantLab.create(scale=1.0, disk_mib=64, name="test-vms") as made:
        pair.bring_up(made, LATE_S)
        yield made


def active(lab: Any) -> Any:
    """The server that runs the group, once both say the same: one that was declared down learns it late."""

    def agreed() -> str:
        found = {
            (server.status() or {}).get("groups", {}).get(pair.GROUP, {}).get("server")
            for server in lab.servers
        }
        return str(found.pop() or "") if len(found) == 1 else ""

    return lab.server(wait_for(agreed, LATE_S, "both to name one server", poll_s=1.0))


def test_twinset_runs_as_systemds_service(lab: Any) -> None:
    """The unit is enabled, running and notified; no unit of the machine failed; the version is that of the wheel."""
    from harness.labs import inside

    for machine in lab.servers:
        host = inside.host(machine)
        assert host.service("twinsetd").is_running
        assert host.service("twinsetd").is_enabled
        assert host.run("systemctl show twinsetd -p Type -p WatchdogUSec -p NotifyAccess").stdout.split() == [
            "Type=notify", "NotifyAccess=main", "WatchdogUSec=10s",
        ]  # fmt: skip
        assert host.run("systemctl --failed --no-legend").stdout.strip() == ""
        assert host.package("drbd-utils").is_installed
        assert host.file("/opt/twinset/bin/twinsetd").is_file


def test_the_doctor_misses_nothing(lab: Any) -> None:
    """`twinset doctor` on either machine looks at both and misses nothing; of the links it cannot tell the speed."""
    for machine in lab.servers:
        result = machine.run(["/opt/twinset/bin/twinset", "doctor", "--json"], check=False, timeout_s=LATE_S)
        found = json.loads(result.stdout)
        assert result.ok == found["fit"]
        assert [line for line in found["lines"] if line["status"] == "error"] == []
        # The driver of QEMU's cards does not know how fast they are.
        assert {line["code"] for line in found["lines"] if line["status"] == "unknown"} <= {"W_LINKSPEED"}
        advice = [line["code"] for line in found["lines"] if line["status"] == "advice"]
        print(f"{machine.name}: advice {', '.join(advice) or 'none'}")


def test_the_file_system_lies_on_the_kernels_nbd(lab: Any) -> None:
    """The mounted device is /dev/nbdN, seen by every process of the machine: hardening took no mount away."""
    from harness.labs import inside

    mount = inside.host(active(lab)).mount_point(pair.MOUNT_POINT)
    assert mount.exists
    assert mount.filesystem == "ext4"
    assert re.fullmatch(r"/dev/nbd\d+", mount.device)


def test_events_are_in_the_journal(lab: Any) -> None:
    """An event of the cluster is found with journalctl."""
    machine = active(lab)
    printed = machine.run(["journalctl", "-u", "twinsetd", "-b", "--no-pager"], timeout_s=120).stdout
    assert "group_state" in printed


def test_a_killed_mirror_process_costs_the_application_no_error(lab: Any) -> None:
    """Requests of the kernel's nbd wait for the next mirror process: a verifying writer goes on without a word."""
    machine = active(lab)
    scribe = FarScribe(machine, lab.directory / "killed.log")
    try:
        scribe.await_more(30)
        before = machine.run(["cat", f"/run/twinset/mirror-{pair.SET}.pid"]).stdout.strip()
        machine.run(["kill", "-9", before])
        wait_for(
            lambda: (
                machine.run(["cat", f"/run/twinset/mirror-{pair.SET}.pid"], check=False).stdout.strip()
                not in ("", before)
            ),
            LATE_S,
            "another mirror process",
        )
        scribe.await_more(30)
        scribe.stop()
    finally:
        scribe.kill()
    for server in lab.servers:
        pair.await_set(server, "NORMAL", LATE_S)


def test_a_stalled_daemon_is_replaced_and_the_group_stays(lab: Any) -> None:
    """systemd's watchdog kills a twinsetd that stands still; the next one finds the group running where it was."""
    machine = active(lab)
    before = machine.run(["systemctl", "show", "-P", "MainPID", "twinsetd"]).stdout.strip()
    machine.run(["kill", "-STOP", before])
    wait_for(
        lambda: (
            machine.run(["systemctl", "show", "-P", "MainPID", "twinsetd"]).stdout.strip()
            not in ("0", before)
        ),
        LATE_S,
        "systemd to start twinsetd anew",
    )
    # Both say so: where the new one takes longer to start than the heartbeat time-out, the other server takes over.
    for server in lab.servers:
        pair.await_server(server, machine.name, "O", LATE_S)
        pair.await_group(server, "active", LATE_S, on=machine.name)
    assert machine.run(["mountpoint", "-q", pair.MOUNT_POINT], check=False).ok


def test_a_power_cut_fails_over_after_ten_missed_heartbeats_and_loses_nothing(lab: Any) -> None:
    """Real 3 s x 10: the other server takes over after 30 s and not before, with every fsynced record; the first one
    returns, and the mirror is whole again by high-speed copy.
    """
    machine = active(lab)
    other = lab.peer_of(machine)
    scribe = FarScribe(machine, lab.directory / "cut.log", 2)
    scribe.await_more(50)
    lab.power_off(machine)
    cut = now_s()
    scribe.kill()
    pair.await_group(other, "active", LATE_S, on=other.name)
    took_s = now_s() - cut
    assert took_s >= HEARTBEATS_S - 3.0
    print(f"{other.name} serves {took_s:.1f} s after the power cut")
    scribe.verify(other)
    lab.power_on(machine)
    pair.await_answers([machine], LATE_S)
    pair.await_server(other, machine.name, "Od", LATE_S)
    pair.insist(other, "server.return", LATE_S, server=machine.name)
    for server in lab.servers:
        pair.await_set(server, "NORMAL", LATE_S)
    assert other.status_of_set(pair.SET)["copy_mode_last"] == "high-speed"


def test_a_machine_that_was_paused_acknowledges_nothing_more(lab: Any) -> None:
    """A hypervisor's pause stops the guest's clocks, so it wakes with a lease that looks good: it acknowledges no
    write all the same, gives up disk and address, and the other server's data stand.
    """
    machine = active(lab)
    other = lab.peer_of(machine)
    scribe = FarScribe(machine, lab.directory / "pause.log", 3)
    scribe.await_more(50)
    machine.pause()
    pair.await_group(other, "active", LATE_S, on=other.name)
    before = other.run(["sha256sum", FILE], timeout_s=LATE_S).stdout
    machine.resume()
    try:
        wait_for(
            lambda: not machine.run(["mountpoint", "-q", pair.MOUNT_POINT], check=False).ok,
            LATE_S,
            f"{machine.name} to give the disk up",
            poll_s=1.0,
        )
        assert "10.0.1.100" not in machine.run(["ip", "-4", "-o", "addr", "show", "dev", "public"]).stdout
    finally:
        scribe.kill()
    # Acknowledgements that lay in a buffer during the pause have come by now: every one of them is on the other side.
    scribe.verify(other)
    assert other.run(["sha256sum", FILE], timeout_s=LATE_S).stdout == before
    pair.await_server(other, machine.name, "Od", LATE_S)
    pair.insist(other, "server.return", LATE_S, server=machine.name)
    for server in lab.servers:
        pair.await_set(server, "NORMAL", LATE_S)


def test_a_machine_that_stands_still_is_reset_by_its_kernel(lab: Any) -> None:
    """With systemd feeding softdog (RuntimeWatchdogSec), an active server on which every process stands still is reset
    by its own kernel, no hand from outside; the other one takes over with every acknowledged record, the first returns.
    """
    machine = active(lab)
    other = lab.peer_of(machine)
    machine.run(["modprobe", "softdog"])
    # Below /run: a boot takes it away again.
    machine.write_file("/run/systemd/system.conf.d/watchdog.conf", "[Manager]\nRuntimeWatchdogSec=20s\n")
    machine.run(["systemctl", "daemon-reexec"], timeout_s=LATE_S)
    assert machine.run(["systemctl", "show", "-P", "RuntimeWatchdogUSec"]).stdout.strip() == "20s"
    boot = machine.guest.boot_id
    scribe = FarScribe(machine, lab.directory / "softdog.log", 4)
    scribe.await_more(50)
    freezing = machine.popen(
        [
            "sh",
            "-c",
            "cd /sys/fs/cgroup; for one in init.scope system.slice; do echo 1 > $one/cgroup.freeze; done",
        ]
    )
    try:
        pair.await_group(other, "active", LATE_S, on=other.name)
    finally:
        scribe.kill()
        kill_group(freezing)
    scribe.verify(other)
    machine.forget_guest()
    machine.await_up()
    assert machine.guest.boot_id != boot
    pair.await_answers([machine], LATE_S)
    pair.await_server(other, machine.name, "Od", LATE_S)
    pair.insist(other, "server.return", LATE_S, server=machine.name)
    for server in lab.servers:
        pair.await_set(server, "NORMAL", LATE_S)
