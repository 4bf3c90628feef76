"""What the pair of processes does when one of them, its connection or its server goes away."""

import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from harness.labs.loopback import qemu_io
from harness.wait import wait_for
from twinset.shell import disk_tools
from twinset.wire import replication as wire

pytestmark = pytest.mark.skipif(shutil.which("qemu-io") is None, reason="qemu-utils is needed")


def test_a_lost_standby_breaks_the_mirror_only_when_membership_says_so(pair: Any) -> None:
    """Writes wait while it is open who goes on; after the verdict they are answered, alone (R1, R2)."""
    pair.create()
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "write -P 1 0 1M")
    pair.two.kill()
    pair.one.until("session lost", session="none")
    assert pair.one.status()["state"] == "IN_SYNC"
    assert pair.one.ask("peer", state="down")["ok"]
    pair.one.until("alone", state="SOLO")
    qemu_io(pair.one.uri, "write -P 2 1M 64k")
    assert pair.one.status()["set_state"] == "INCONSISTENT"


def test_only_the_difference_is_copied_to_a_returned_server(pair: Any) -> None:
    """High-speed copy: after 64 KiB written alone a part of the disk is copied (4.3.4.4-02)."""
    pair.create()
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "write -P 1 0 1M")
    pair.two.power_cut()
    pair.one.ask("peer", state="down")
    pair.one.until("alone", state="SOLO")
    qemu_io(pair.one.uri, "write -P 2 4M 64k", "flush")
    pair.two.start()
    pair.one.until("connected", session="connected")
    assert pair.two.status()["may_activate"]["ok"] is False
    assert pair.one.status()["set_state"] == "INCONSISTENT", "no copy before the server has returned"
    pair.one.ask("peer", state="up")
    pair.one.ask("rebuild")
    status = pair.one.until("normal", set_state="NORMAL")
    assert status["copy_mode_last"] == "high-speed"
    assert 65536 <= status["copied_bytes_last"] <= status["size_bytes"] // 2
    pair.one.ask("deactivate")
    pair.one.ask("close", solo_right=True)
    pair.two.ask("close", solo_right=False)
    assert pair.equal()


def test_the_standby_takes_over_with_everything_acknowledged(pair: Any) -> None:
    """After a power cut of the active server the other serves every acknowledged write, and is the source."""
    pair.create()
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "write -P 7 0 8M", "write -P 8 3M 64k")
    pair.one.power_cut()
    pair.two.until("session lost", session="none")
    assert pair.two.ask("activate", peer="down")["ok"]
    qemu_io(pair.two.uri, "read -P 7 0 3M", "read -P 8 3M 64k", "write -P 9 5M 4k")
    pair.one.start()
    pair.two.until("connected", session="connected")
    assert pair.one.status()["may_activate"]["ok"] is False
    assert pair.one.ask("activate", peer="up")["ok"] is False
    pair.two.ask("peer", state="up")
    pair.two.ask("rebuild")
    assert pair.two.until("normal", set_state="NORMAL")["copy_mode_last"] == "high-speed"
    pair.two.ask("deactivate")
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "read -P 9 5M 4k", "write -P 3 6M 4k")
    pair.one.ask("deactivate")
    pair.one.ask("close", solo_right=True)
    pair.two.ask("close", solo_right=False)
    assert pair.equal()


@pytest.mark.parametrize("killed", ["one", "two"])
def test_a_killed_process_is_in_step_again_after_a_window_copy(pair: Any, killed: str) -> None:
    """Kill -9 of either process and a restart on the same boot: no break, the window is copied (R4, R5)."""
    pair.create()
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "write -P 7 0 4M")
    getattr(pair, killed).kill()
    getattr(pair, killed).start()
    if killed == "one":
        pair.activate(pair.one)
    status = pair.one.until("normal", set_state="NORMAL")
    assert status["state"] == "IN_SYNC"
    qemu_io(pair.one.uri, "read -P 7 0 4M", "write -P 8 0 64k")
    pair.one.ask("deactivate")
    pair.one.ask("close", solo_right=True)
    pair.two.ask("close", solo_right=False)
    assert pair.equal()


def test_both_servers_down_is_undecided(pair: Any) -> None:
    """After a power cut of both no side starts and no copy runs; an operator names the side (R8)."""
    pair.create()
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "write -P 7 0 1M")
    pair.one.power_cut()
    pair.two.power_cut()
    pair.one.start()
    pair.two.start()
    pair.one.until("connected", session="connected")
    assert pair.one.status()["set_state"] == "UNDECIDED"
    assert not pair.one.ask("activate", peer="up")["ok"]
    pair.one.ask("create", source=True)
    pair.two.ask("create", source=False)
    assert pair.one.until("normal", set_state="NORMAL")["copy_mode_last"] == "full"


def test_a_clean_shutdown_leaves_nothing_to_copy(pair: Any) -> None:
    """After close on both sides the next start is in step without a copy (R7, 4.3.4.3-04)."""
    pair.create()
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "write -P 7 0 1M")
    pair.one.ask("deactivate")
    pair.one.ask("close", solo_right=True)
    pair.two.ask("close", solo_right=False)
    for server in (pair.one, pair.two):
        server.power_cut()
        server.start()
    pair.one.until("connected", session="connected")
    pair.one.ask("rebuild")
    pair.activate(pair.one)
    status = pair.one.until("normal", set_state="NORMAL")
    assert status["copied_bytes_last"] == 0
    qemu_io(pair.one.uri, "read -P 7 0 1M")


def test_one_damaged_copy_of_the_cluster_partition_is_survived_and_reported(pair: Any) -> None:
    """A spoilt record slot costs an event, not the mirror."""
    pair.create()
    pair.one.kill()
    with pair.one.disk.open("r+b") as image:
        image.seek(pair.one.partitions[0].offset_bytes)
        image.write(os.urandom(4096))
    pair.one.start()
    assert pair.one.status()["state"] == "IN_SYNC"
    assert "cluster_partition_damaged" in pair.one.log


def test_two_damaged_copies_refuse_to_start(pair: Any) -> None:
    """Without a readable record the process says so and ends: it does not guess."""
    pair.create()
    pair.one.kill()
    with pair.one.disk.open("r+b") as image:
        image.seek(pair.one.partitions[0].offset_bytes)
        image.write(os.urandom(8192))
    with pytest.raises(Exception, match="control socket"):
        _start_briefly(pair.one)
    assert "damaged" in pair.one.log


def _start_briefly(server: Any) -> None:
    from harness import wait

    patience, wait.PATIENCE = wait.PATIENCE, wait.PATIENCE / 10
    try:
        server.start()
    finally:
        wait.PATIENCE = patience


def test_strangers_on_the_mirror_connect_are_refused(pair: Any) -> None:
    """Garbage and a wrong key on the mirror port are dropped and logged; the session goes on."""
    pair.create()
    for data in (b"\0" * 64, os.urandom(256), b"\x01\0\0\0\xff\xff\xff\xff" + bytes(24)):
        with socket.create_connection(("127.0.0.1", pair.one.spec["port"]), timeout=30) as sock:
            sock.sendall(data)
            wait_for(lambda sock=sock: _ended(sock), 30, "the stranger to be dropped")
    assert pair.one.status()["session"] == "in_sync"


def _ended(sock: socket.socket) -> bool:
    try:
        return sock.recv(65536) == b""
    except ConnectionError:
        return True


def test_bad_control_lines_get_an_error_each(pair: Any) -> None:
    """No line on the control socket ends the process or its connection to others."""
    pair.one.start()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(30)
        sock.connect(str(pair.one.base / "run" / "mirror-set1.sock"))
        lines = sock.makefile("rw")
        for line in ("", "nonsense", "[]", "{}", '{"verb": 3}', '{"id": 1, "verb": "no such"}',
                     '{"id": 2, "verb": "activate"}', '{"id": 3, "verb": "activate", "peer": "maybe"}',
                     '{"id": 4, "verb": "mark_stale", "cur": "xyz"}'):  # fmt: skip
            lines.write(line + "\n")
            lines.flush()
            while "event" in (answer := lines.readline()) and '"ok"' not in answer:
                pass
            assert '"ok":false' in answer, line
    assert pair.one.status()["set_state"] == "UNREGISTERED"


def test_the_process_stays_small(pair: Any) -> None:
    """Idle, twinset-mirrord keeps at most 60 MiB resident."""
    pair.create()
    assert pair.one.process is not None
    status = Path(f"/proc/{pair.one.process.pid}/status").read_text()
    resident_kib = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    assert resident_kib <= 60 << 10


def test_the_disk_of_another_set_is_refused_until_it_is_cleared(make_pair: Any) -> None:
    """A disk of another cluster does not start here, its record stays as it was; cleared, it is a new disk (8.6).

    Its old contents are overwritten by the copy from the other side.
    """
    stranger, pair = make_pair(), make_pair()
    stranger.create()
    stranger.two.kill()
    pair.create()
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "write -P 7 0 1M", "flush")
    pair.two.kill()
    shutil.copyfile(stranger.two.disk, pair.two.disk)
    record = pair.two.disk.read_bytes()[1 << 20 : 2 << 20]
    with pytest.raises(Exception, match="control socket"):
        _start_briefly(pair.two)
    assert "registered on server server2" in pair.two.log
    assert f"twinset disk clear {pair.two.disk} --yes" in pair.two.log
    assert "[8.6-02]" in pair.two.log
    assert pair.two.disk.read_bytes()[1 << 20 : 2 << 20] == record
    disk_tools.clear(str(pair.two.disk), (), pair.two.base / "state")
    pair.two.start()
    assert pair.one.ask("rebuild")["ok"]
    assert pair.two.ask("rebuild")["ok"]
    status = pair.one.until("the cleared disk is rebuilt", set_state="NORMAL")
    assert status["copy_mode_last"] == "full"
    assert pair.equal()


def test_a_registered_disk_is_known_before_it_says_so_itself(pair: Any) -> None:
    """Killed between latch and record of its registration, a side starts again; the other order would refuse it."""
    pair.create()
    for server in (pair.one, pair.two):
        server.kill()
        latch = json.loads((server.base / "state" / "latch-set1.json").read_text())
        with server.disk.open("r+b") as image:
            image.seek(server.partitions[0].offset_bytes)
            assert latch["disk_uuid"] == image.read(4096)[40:56].hex()
            image.seek(server.partitions[0].offset_bytes)
            image.write(bytes(8192))
        server.start()
        assert server.status()["state"] == "BLANK"


def test_without_the_memory_of_the_formula_it_does_not_start(make_pair: Any) -> None:
    """A set of a size and number beyond the machine says need and clause, and touches nothing (4.5.1-01)."""
    pair = make_pair(max_io_kib=1 << 20, max_io_count=1 << 20)
    before = pair.one.disk.read_bytes()
    with pytest.raises(Exception, match="control socket"):
        _start_briefly(pair.one)
    assert "mirror set set1 needs (1048576 x (1048576 + 64) + 1024) x 2 KiB" in pair.one.log
    assert "[4.5.1-01]" in pair.one.log
    assert pair.one.disk.read_bytes() == before
    assert list((pair.one.base / "run").iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"version": 7, "newest": 8, "release": "9.9"},
            "(twinset 9.9) speaks mirror connect versions 7 to 8",
        ),
        ({"set": "other"}, "called for set"),
    ],
)
def test_a_stranger_on_the_mirror_connect_is_refused_and_told(
    pair: Any, changes: dict[str, Any], words: str
) -> None:
    """A program of another version, by a reason that names both, and one that speaks of another set (AUX-01)."""
    pair.create()
    hello = {"set": "set1", "server": pair.two.name, "nonce": "0" * 64, "version": 2, **changes}
    with socket.create_connection((pair.one.spec["paths"][0][0], pair.one.spec["port"]), 30) as stranger:
        stranger.sendall(wire.pack_json(wire.HELLO, hello))
        wait_for(lambda: words in pair.one.log, 30, f"the log to say {words}")
    assert '"mirror_connect_refused"' in pair.one.log
    assert pair.one.status()["set_state"] == "NORMAL"
