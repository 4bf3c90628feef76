"""Access without a group on two real mirror processes: what is written under it is found, or told."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.faults.partition_table import encode
from harness.labs.loopback import MIB, qemu_io
from harness.run import run
from harness.wait import wait_for

pytestmark = pytest.mark.skipif(shutil.which("qemu-io") is None, reason="qemu-utils is needed")


def closed(pair: Any) -> None:
    """A created mirror with a known content, both sides closed in order."""
    pair.create()
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "write -P 1 0 1M", "flush")
    pair.one.ask("deactivate")
    assert pair.one.ask("close", solo_right=True)["ok"]
    assert pair.two.ask("close", solo_right=False)["ok"]


def test_what_was_written_under_a_permit_is_copied_as_difference(pair: Any) -> None:
    """The other side is STALE, the access ends, both meet: a high-speed copy, and both are equal (8.7-07)."""
    closed(pair)
    cur = pair.one.status()["cur"]
    assert pair.two.ask("mark_stale", cur=cur)["ok"]
    assert pair.one.ask("permit", forced=False, peer_stale=cur)["ok"]
    assert pair.one.status()["role"] == "permitted"
    qemu_io(pair.one.uri, "read -P 1 0 1M", "write -P 2 4M 64k", "flush")
    assert pair.one.status()["session"] == "none"
    assert pair.one.ask("restrict")["ok"]
    assert "Not Ready" in qemu_io(pair.one.uri, "read 0 4k", check=False)
    for server in (pair.one, pair.two):
        server.ask("rebuild")
    status = pair.one.until("normal", set_state="NORMAL")
    assert status["copy_mode_last"] == "high-speed"
    counts = status["counts"]
    assert (counts["breaks"], counts["full_copies"], counts["high_speed_copies"]) == (1, 1, 1)
    assert counts["writes"] >= 2
    assert counts["written_bytes"] == MIB + 65536
    assert pair.two.status()["counts"]["received_bytes"] >= counts["copied_bytes"] > 65536
    assert pair.one.ask("close", solo_right=True)["ok"]
    assert pair.equal()


def test_an_access_that_was_cut_off_ends_in_a_full_copy(pair: Any) -> None:
    """The server loses power under the permit: nothing passes for equal, everything is copied (8.2-01)."""
    closed(pair)
    cur = pair.one.status()["cur"]
    assert pair.two.ask("mark_stale", cur=cur)["ok"]
    assert pair.one.ask("permit", forced=False, peer_stale=cur)["ok"]
    qemu_io(pair.one.uri, "write -P 2 4M 64k")
    pair.one.power_cut()
    pair.one.start()
    assert pair.one.status()["set_state"] == "INCONSISTENT"
    for server in (pair.one, pair.two):
        server.ask("rebuild")
    assert pair.one.until("normal", set_state="NORMAL")["copy_mode_last"] == "full"
    pair.one.ask("close", solo_right=True)
    assert pair.equal()


def test_a_forced_permit_leaves_two_copies_until_somebody_chooses(pair: Any) -> None:
    """The serving side goes on and tells; neither copy reaches the other one; then a full copy (8.7-09)."""
    pair.create()
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "write -P 1 0 1M")
    pair.two.kill()
    pair.one.until("session lost", session="none")
    pair.one.ask("peer", state="down")
    pair.one.until("alone", state="SOLO")
    qemu_io(pair.one.uri, "write -P 3 1M 64k")
    pair.two.start()
    pair.two.until("told so", state="STALE")
    assert not pair.two.ask("permit", forced=False)["ok"]
    assert pair.two.ask("permit", forced=True)["ok"]
    qemu_io(pair.two.uri, "read -P 1 0 1M", "write -P 9 2M 64k", "flush")
    assert pair.two.ask("restrict")["ok"]
    assert pair.two.status()["set_state"] == "DIVERGED"
    pair.one.ask("peer", state="up")
    for server in (pair.one, pair.two):
        server.ask("rebuild")
    wait_for(lambda: "copies_differ" in pair.one.log, 30, "the serving side to tell that the copies differ")
    qemu_io(pair.one.uri, "read -P 3 1M 64k", "write -P 4 3M 64k")
    assert pair.one.status()["state"] == "SOLO"
    assert pair.two.status()["may_activate"]["ok"] is False
    pair.one.ask("deactivate")
    assert pair.two.ask("create", source=False)["ok"]
    assert pair.one.ask("create", source=True)["ok"]
    status = pair.one.until("normal", set_state="NORMAL")
    assert (status["copy_mode_last"], status["copied_bytes_last"]) == ("full", status["size_bytes"])
    pair.one.ask("close", solo_right=True)
    assert pair.equal()


@pytest.mark.parametrize("change", ["resized", "moved"])
def test_a_partition_table_that_was_changed_is_refused_with_the_difference(pair: Any, change: str) -> None:
    """The process says which partition has changed, and starts again with the table as it was (8.5-01)."""
    pair.create()
    one = pair.one
    one.kill()
    cluster, data = one.partitions
    if change == "resized":
        data = replace(data, sectors=data.sectors - 2048)
    else:  # where partition 1 begins now, no record is found
        cluster = replace(cluster, first_sector=cluster.first_sector - 8)
    _write(one.disk, encode([cluster, data], 7))
    ran = run([sys.executable, "-m", "twinset.shell.mirrord", str(one.base / "spec.json")], check=False)
    assert ran.returncode == 1
    assert "the partition table was changed while the disk is registered" in ran.stderr
    assert f"partition {2 if change == 'resized' else 1} was" in ran.stderr
    assert "[8.5-01]" in ran.stderr
    _write(one.disk, encode(one.partitions, 7))
    one.start()
    for server in (one, pair.two):
        server.ask("rebuild")
    one.until("normal again", set_state="NORMAL")


def _write(path: Path, sector: bytes) -> None:
    with path.open("r+b") as image:
        image.write(sector)
