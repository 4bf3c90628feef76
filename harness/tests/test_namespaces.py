import os
import signal
import sys
from pathlib import Path

import pytest

from harness import audits
from harness.errors import AuditFailed, LabError
from harness.labs import cleaning, processes, state
from harness.labs.namespaces import Lab
from harness.labs.server import Server
from harness.run import popen, run
from harness.wait import wait_for

pytestmark = pytest.mark.lab
DAEMON = {"daemon": ["sleep", "1000"]}


def pings(lab: Lab, source: Server, address: str) -> bool:
    return source.run(["ping", "-c1", "-W1", address], check=False).ok


def await_ping(lab: Lab, source: Server, address: str) -> None:
    """Return when an answer comes: on a busy machine it may take longer than one second."""
    wait_for(lambda: pings(lab, source, address), 20, f"an answer of {address}")


def read(server: Server, offset: int, length: int) -> str:
    argv = [
        "dd",
        f"if={server.disk_path}",
        f"skip={offset}",
        f"count={length}",
        "iflag=skip_bytes,count_bytes",
    ]
    return server.run([*argv, "status=none"]).stdout


def write(server: Server, offset: int, text: str, *, flush: bool, check: bool = True) -> bool:
    argv = [
        "dd",
        f"of={server.disk_path}",
        f"seek={offset}",
        "oflag=seek_bytes",
        "conv=notrunc",
        "status=none",
    ]
    return server.run(
        [*argv[:-1], "conv=notrunc" + (",fsync" if flush else "")], input_text=text, check=check
    ).ok


def test_hosts_have_their_own_names_addresses_and_processes(lab: Lab) -> None:
    """Each host sees its own name, its own interfaces and only its own processes."""
    for server in lab.servers:
        assert server.run(["hostname"]).stdout.strip() == server.name
        assert server.run(["readlink", "/proc/self"]).stdout.strip().isdigit()
        assert len(server.run(["sh", "-c", "ls -d /proc/[0-9]* | wc -l"]).stdout.strip()) == 1
    assert "10.10.10.1/24" in lab.server1.run(["ip", "-br", "addr"]).stdout
    assert not Path("/sys/class/net/br-public").exists()


def test_private_directories_are_the_servers_own(lab: Lab) -> None:
    """/etc/twinset and /var/lib/twinset differ between the servers, and the machine gets neither of them."""
    before = Path("/etc/twinset").exists()
    lab.server1.run(["touch", "/var/lib/twinset/mine"])
    assert not lab.server2.run(["test", "-e", "/var/lib/twinset/mine"], check=False).ok
    assert (lab.server1.state_directory / "mine").exists()
    assert lab.server1.run(["cat", "/etc/twinset/server"]).stdout == "server1\n"
    keys = {server.run(["cat", "/etc/twinset/cluster.key"]).stdout for server in lab.servers}
    assert len(keys) == 1
    assert Path("/etc/twinset").exists() == before


@pytest.mark.parametrize("lab", [DAEMON], indirect=True)
def test_a_power_cut_keeps_disks_and_loses_the_rest(lab: Lab) -> None:
    """After a power cut /var/lib is there, /run is empty, every process is new, the network is as before."""
    lab.server1.run(["touch", "/run/twinset/volatile", "/var/lib/twinset/durable"])
    sleeper = lab.server1.popen(["sleep", "1000"])
    lab.power_off(lab.server1)
    assert sleeper.wait(10) != 0
    assert not lab.server1.powered
    with pytest.raises(LabError, match="no power"):
        lab.power_off(lab.server1)
    lab.power_on(lab.server1)
    assert lab.server1.run(["ls", "/run/twinset"]).stdout == ""
    assert lab.server1.run(["ls", "/var/lib/twinset"]).stdout == "durable\n"
    assert lab.server1.daemon_status()["starts"] == 1
    assert lab.client.run(["ping", "-c1", "-W5", "10.0.1.1"]).ok


@pytest.mark.parametrize("lab", [DAEMON], indirect=True)
def test_a_daemon_that_dies_is_started_again(lab: Lab) -> None:
    """PID 1 restarts the daemon when it dies, until told to leave it."""
    first = lab.server1.daemon_status()["daemon"]
    lab.server1.kill_program("sleep")
    status = wait_for(
        lambda: (s := lab.server1.daemon_status())["starts"] == 2 and s["daemon"] and s, 20, "a restart"
    )
    assert isinstance(status, dict)
    assert status["daemon"] != first
    assert status["last_status"] == -9
    lab.server1.release_daemon()
    lab.server1.kill_program("sleep")
    wait_for(lambda: lab.server1.daemon_status()["daemon"] == 0, 20, "the daemon to be gone")


def test_a_paused_server_does_nothing_until_resumed(lab: Lab) -> None:
    """SIGSTOP reaches every process, and resuming finishes what was begun."""
    command = lab.server1.popen(["sh", "-c", "read line; echo got $line"], stdin=-1)
    lab.server1.pause()
    assert {processes.state(pid) for pid in lab.server1.pids()} == {"T"}
    lab.server1.resume()
    assert command.communicate("word\n", timeout=20)[0] == "got word\n"


def test_cuts_are_two_way_or_one_way_and_survive_a_power_cut(lab: Lab) -> None:
    """A cut port passes nothing in the cut direction, also after the host was off; heal undoes it."""
    one, two = lab.servers
    await_ping(lab, one, "10.10.10.2")
    lab.cut("ic1")
    assert not pings(lab, one, "10.10.10.2")
    await_ping(lab, one, "10.10.20.2")
    lab.heal("ic1")
    await_ping(lab, one, "10.10.10.2")
    lab.cut("ic1", [two], "in")
    assert not pings(lab, one, "10.10.10.2")
    lab.power_off(two)
    lab.power_on(two)
    assert not pings(lab, one, "10.10.10.2")
    lab.heal()
    await_ping(lab, one, "10.10.10.2")


def test_flushed_data_survives_the_power_cut_of_the_server(lab: Lab) -> None:
    """What was flushed is there after the cut; what was not may be lost, and with some seed is."""
    at = lab.server1.disk.partitions[1].offset_bytes
    write(lab.server1, at, "flushed!" * 512, flush=True)
    lost = False
    for seed in range(20):
        write(lab.server1, at + 4096, "A" * 4096, flush=True)
        write(lab.server1, at + 4096, "B" * 4096, flush=False)
        lab.power_off(lab.server1, seed=seed)
        lab.power_on(lab.server1)
        assert read(lab.server1, at, 4096) == "flushed!" * 512
        lost = lost or "A" in read(lab.server1, at + 4096, 4096)
        if lost:
            break
    assert lost


def test_a_write_through_is_durable_without_a_flush(lab: Lab) -> None:
    """O_DSYNC reaches the disk with the write itself: no power cut loses it."""
    at = lab.server1.disk.partitions[1].offset_bytes
    argv = ["dd", f"of={lab.server1.disk_path}", f"seek={at}", "oflag=seek_bytes,dsync", "conv=notrunc"]
    for seed in range(4):
        lab.server1.run([*argv, "status=none"], input_text=f"{seed}" * 4096)
        lab.power_off(lab.server1, seed=seed)
        lab.power_on(lab.server1)
        assert read(lab.server1, at, 4096) == f"{seed}" * 4096


def test_disk_faults_are_switched_at_run_time(lab: Lab) -> None:
    """Each kind of fault fails what it names and nothing else, and ends when it is switched off."""
    server, at = lab.server1, lab.server1.disk.partitions[1].offset_bytes
    server.fail_disk("write")
    assert not write(server, at, "x" * 512, flush=False, check=False)
    assert read(server, at, 512) == "\0" * 512
    server.fail_disk("flush")
    assert write(server, at, "x" * 512, flush=False)
    assert not write(server, at, "x" * 512, flush=True, check=False)
    server.fail_disk("full")
    result = server.run(
        ["dd", "if=/dev/zero", f"of={server.disk_path}", "conv=notrunc", "count=1"], check=False
    )
    assert "No space left" in result.stderr
    server.fail_disk("write", partition=1)
    assert write(server, at, "y" * 512, flush=True)
    server.fail_disk(None)
    assert write(server, 1 << 20, "z" * 512, flush=True)
    with pytest.raises(LabError, match="no partition 9"):
        server.fail_disk("write", partition=9)
    with pytest.raises(LabError, match="unknown fault"):
        server.fail_disk("melt")


def test_a_stalled_disk_answers_late_but_right(lab: Lab) -> None:
    """Requests to a stalled disk wait, and are served when it runs again."""
    lab.server1.fail_disk("stall")
    reader = lab.server1.popen(["dd", f"if={lab.server1.disk_path}", "bs=512", "count=1", "status=none"])
    assert reader.poll() is None
    lab.server1.fail_disk(None)
    reader.communicate(timeout=20)
    assert reader.returncode == 0


def test_the_disk_takes_direct_and_asynchronous_io(lab: Lab) -> None:
    """O_DIRECT with Linux AIO works on the lab's disk and verifies, as mirrord needs it."""
    if not lab.server1.run(["which", "fio"], check=False).ok:
        pytest.skip("fio not found: package fio")
    job = [
        "--name=w",
        f"--filename={lab.server1.disk_path}",
        "--ioengine=libaio",
        "--direct=1",
        "--rw=randwrite",
    ]
    size = [
        "--bs=4k",
        "--iodepth=16",
        "--offset=8m",
        "--size=8m",
        "--verify=crc32c",
        "--do_verify=1",
        "--fsync=64",
    ]
    assert lab.server1.run(["fio", *job, *size]).ok


@pytest.mark.parametrize("lab", [{"volatile_cache": False}], indirect=True)
def test_a_plain_image_has_no_faults_to_switch(lab: Lab) -> None:
    """volatile_cache=False gives the image file itself, for measurements; faults are refused."""
    assert write(lab.server1, 0, "x", flush=True)
    assert lab.server1.disk.path == lab.server1.disk.image
    with pytest.raises(LabError, match="volatile_cache=True"):
        lab.server1.fail_disk("write")


def test_differing_disks_are_found_by_the_audit(lab: Lab) -> None:
    """The byte comparison finds one differing byte, and passes equal partitions."""
    at = lab.server1.disk.partitions[1].offset_bytes
    for server in lab.servers:
        write(server, at, "same" * 1024, flush=True)
        write(server, at + (1 << 20), "\0" * (8 << 20), flush=True)
    zeroed = [server.disk.image for server in lab.servers]
    length = zeroed[0].stat().st_size
    images = [os.open(image, os.O_RDWR) for image in zeroed]
    data = os.pread(images[0], length - at, at)
    os.pwrite(images[1], data, at)
    assert audits.same_data(lab).require().looked_at == lab.server1.disk.partitions[1].size_bytes
    os.pwrite(images[1], b"?", at + 12345)
    for image in images:
        os.close(image)
    with pytest.raises(AuditFailed, match=f"differs at byte {at + 12345}"):
        audits.same_data(lab).require()


def test_two_holders_of_the_floating_address_are_found(lab: Lab) -> None:
    """The audit of "at most one active" sees the same address on both servers."""
    audits.one_active(lab).require()
    lab.server1.run(["ip", "addr", "add", "10.0.1.100/24", "dev", "public"])
    audits.one_active(lab).require()
    lab.server2.run(["ip", "addr", "add", "10.0.1.100/24", "dev", "public"])
    with pytest.raises(AuditFailed, match="server1 and server2 both hold a floating IP"):
        audits.one_active(lab).require()


def test_a_power_cut_under_a_mounted_loop_device_hangs_nothing(lab: Lab) -> None:
    """ext4 on a loop device dies with the server; the loop device is detached, the disk goes on."""
    server, part = lab.server1, lab.server1.disk.partitions[1]
    area = ["--offset", str(part.offset_bytes), "--sizelimit", str(part.size_bytes)]
    loop = server.run(
        ["losetup", "--find", "--show", *area, "--direct-io=on", server.disk_path]
    ).stdout.strip()
    server.run(["mkdir", "-p", "/run/mnt"])
    server.run(["mount", loop, "/run/mnt"])
    server.run(["dd", "if=/dev/zero", "of=/run/mnt/file", "bs=1M", "count=8"])
    lab.power_off(server)
    gone = Path("/sys/block", Path(loop).name, "loop")
    wait_for(lambda: not gone.exists(), 20, f"{loop} to be free")
    lab.power_on(server)
    assert read(server, 510, 2).encode(errors="replace")[:1] == b"U"


def test_labs_coexist(lab: Lab, tmp_path: Path) -> None:
    """Two labs with the same addresses and host names do not see each other."""
    with Lab.create(daemon=None, disk_mib=64, artefacts_root=tmp_path) as other:
        lab.power_off(lab.server1)
        assert pings(other, other.server2, "10.0.1.1")
        assert not pings(lab, lab.server2, "10.0.1.1")
    audits.no_leftovers(other).require()


def test_a_failing_test_body_leaves_nothing(tmp_path: Path) -> None:
    """An exception or Ctrl-C inside the context ends the lab like a normal end, and the diary names it."""
    with (
        pytest.raises(KeyboardInterrupt),
        Lab.create(daemon=None, disk_mib=64, artefacts_root=tmp_path) as lab,
    ):
        raise KeyboardInterrupt
    audits.no_leftovers(lab).require()
    assert "KeyboardInterrupt" in (lab.artefacts.directory / "lab.log").read_text()


OWNER = """
import sys, pathlib
from harness.labs.namespaces import Lab
lab = Lab.create(daemon=None, disk_mib=64, artefacts_root=pathlib.Path(sys.argv[1]))
print(lab.directory, flush=True)
sys.stdin.read()
"""


def test_a_killed_owner_takes_its_lab_along_and_clean_removes_the_directory(tmp_path: Path) -> None:
    """kill -9 of the run ends every process of its lab; clean then removes the directory, by its marks."""
    root = Path(__file__).resolve().parents[2]
    owner = popen([sys.executable, "-c", OWNER, str(tmp_path)], stdin=-1, cwd=root)
    assert owner.stdout is not None
    directory = Path(owner.stdout.readline().strip())
    assert directory.name in [path.name for path in state.runs()]
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait(10)
    wait_for(lambda: not processes.marked(directory.name), 30, "the lab to end with its owner")
    assert any(str(directory) in line for line in cleaning.clean())
    assert not directory.exists()


def test_a_kept_lab_is_found_used_and_ended_by_another_process(tmp_path: Path) -> None:
    """twinset-lab's way: up leaves the lab running, attach finds hosts and power, destroy ends it."""
    first = Lab.create(daemon=None, disk_mib=64, artefacts_root=tmp_path)
    first.keep()
    second = Lab.attach(first.directory)
    assert second.server1.run(["hostname"]).stdout == "server1\n"
    second.power_off(second.server2)
    second.power_on(second.server2)
    second.destroy()
    first.destroy()
    audits.no_leftovers(second).require()


def test_the_command_line_works_on_a_lab(lab: Lab, tmp_path: Path) -> None:
    """twinset-lab up, shell, off, on, cut, status, down as a person would type them, beside another lab."""
    env = {**os.environ, "TWINSET_LAB_ARTEFACTS": str(tmp_path), "TWINSET_LAB_DIR": str(tmp_path / "runs")}

    def lab_command(*words: str) -> str:
        return run([sys.executable, "-m", "harness.cli", *words], env=env, timeout_s=60).stdout

    assert "is up" in lab_command("up", "--no-daemon", "--disk-mib", "64")
    try:
        assert lab_command("shell", "server2", "hostname") == "server2\n"
        lab_command("off", "server1")
        lab_command("cut", "ic1", "server2", "in")
        assert "server1    off" in lab_command("status")
        assert "server2 off ic1 (in)" in lab_command("status")
        lab_command("heal")
        lab_command("on", "server1")
    finally:
        assert "is gone" in lab_command("down")
    assert lab_command("clean") == "nothing to remove\n"
