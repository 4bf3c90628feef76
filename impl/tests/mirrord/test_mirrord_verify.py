"""Two real mirror processes compare their disks while clients write: rot is found, and nothing else."""

import os
import shutil
import signal
from typing import Any

import pytest

from harness.labs.loopback import MIB, qemu_io
from harness.run import popen
from harness.wait import wait_for

pytestmark = pytest.mark.skipif(shutil.which("qemu-io") is None, reason="qemu-utils is needed")


def active(pair: Any) -> None:
    pair.create()
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "write -P 1 0 1M", "flush")


def introduce(pair: Any) -> None:
    """Both are in the cluster, as the daemons would say."""
    for server in (pair.one, pair.two):
        server.ask("peer", state="up")
        server.ask("rebuild")


def rot(server: Any, offset: int) -> None:
    """Change a byte of the data partition behind everybody's back."""
    with server.disk.open("r+b") as image:
        image.seek(server.partitions[1].offset_bytes + offset)
        image.write(b"\xee")


def ended(server: Any) -> dict[str, Any]:
    def job() -> dict[str, Any]:
        found: dict[str, Any] = server.status()["verify"]
        return found if found["state"] in ("ended", "stopped") else {}

    return wait_for(job, 60, "the comparison to end")


def test_rot_is_found_while_clients_write_told_and_repaired_when_asked(pair: Any) -> None:
    """Blocks in flight are never reported; the rotten one is, with its place; --repair copies it alone."""
    active(pair)
    writes = [f"write -P {number % 250 + 1} {number % 3}M 512k" for number in range(150)]
    writer = popen(["qemu-io", "-f", "raw", "-n", *(x for w in writes for x in ("-c", w)), pair.one.uri])
    try:
        assert pair.one.ask("verify")["ok"]
        assert ended(pair.one)["found_bytes"] == 0
        rot(pair.two, 9 * MIB + 5000)
        assert pair.one.ask("verify")["ok"]
        job = ended(pair.one)
    finally:
        assert writer.wait(120) == 0
    assert job["ranges"] == [[9 * MIB + 4096, 4096]]
    assert job["bytes_done"] == pair.one.status()["size_bytes"]
    assert '"verify_difference", "offset": 9441280' in pair.one.log
    assert not pair.equal(), "nothing is repaired silently"
    assert pair.two.status()["verify"]["ranges"] == job["ranges"], "the other side knows, too"
    before = pair.two.status()["counts"]["received_bytes"]
    assert pair.one.ask("verify", repair=True)["ok"]
    assert ended(pair.one)["repaired"] is True
    assert pair.two.status()["counts"]["received_bytes"] - before == 65536, "one extent is copied"
    pair.one.until("normal", set_state="NORMAL")
    assert pair.equal()


def test_a_comparison_goes_on_after_either_process_was_killed(pair: Any) -> None:
    """Its place is kept; both ends of it may die."""
    active(pair)
    rot(pair.two, 15 * MIB)
    assert pair.two.process is not None
    os.kill(pair.two.process.pid, signal.SIGSTOP)  # so that it cannot be finished already
    assert pair.one.ask("verify")["ok"]
    pair.two.kill()
    wait_for(lambda: pair.one.status()["verify"]["waits"], 20, "the comparison to wait")
    assert pair.one.ask("verify")["error"]["message"] == "the two sides are not in sync"
    pair.two.start()
    pair.one.kill()
    pair.one.start()
    introduce(pair)
    pair.activate(pair.one)
    assert ended(pair.one)["ranges"] == [[15 * MIB, 4096]]
    assert pair.one.log.count('"verify_started"') == 1
