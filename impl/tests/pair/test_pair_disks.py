"""Disks that fail, are full, or come back with a damaged CLUSTER partition."""

import os

import pytest

from harness.labs import pair
from harness.labs.running import LATE_S, Pair
from harness.labs.server import Server
from impl.tests.pair.services import SERVICE
from twinset.mirror import cluster_partition

DATA_PARTITION = 2


@pytest.mark.parametrize("kind", ["write", "flush", "full"])
def test_a_failing_standby_disk_breaks_the_mirror_and_not_the_service(running: Pair, kind: str) -> None:
    """The standby's disk gives errors: the application sees none, and the set is no longer NORMAL."""
    active, standby = running.active, running.standby
    scribe = running.write()
    scribe.await_more(100)
    standby.fail_disk(kind, partition=DATA_PARTITION)
    running.await_break(active)
    scribe.await_more(200)
    scribe.stop()
    assert running.active is active
    scribe.verify(active)


@pytest.mark.parametrize("running", [SERVICE], indirect=True)
def test_a_full_active_disk_costs_no_acknowledged_write(running: Pair) -> None:
    """The active server's disk takes no more: the good side serves the data (other errors: test_pair_disk_errors)."""
    active, standby = running.active, running.standby
    scribe = running.write()
    scribe.await_more(100)
    active.fail_disk("full", partition=DATA_PARTITION)
    running.await_active_on(standby)
    scribe.verify(standby)


@pytest.mark.parametrize("copy", [0, 1])
def test_one_damaged_copy_of_the_cluster_record_is_survived(running: Pair, copy: int) -> None:
    """The CLUSTER partition keeps its record twice: with either copy damaged the set comes back as before."""
    scribe = running.write()
    scribe.await_more(100)
    scribe.stop()
    running.lab.server1.api("cluster.stop", LATE_S)
    pair.await_stopped(running.lab, LATE_S)
    server = running.lab.server2
    running.lab.power_off(server)
    damage(server, cluster_partition.RECORD_OFFSETS[copy])
    running.lab.power_on(server)
    pair.await_daemons(running.lab)
    running.lab.server1.api("cluster.start", LATE_S)
    running.await_normal()
    running.await_active_on(running.active)
    scribe.verify(running.active)


def damage(server: Server, offset: int) -> None:
    """Flip bytes in the CLUSTER partition of a server that is off."""
    at = server.disk.partitions[0].offset_bytes + offset
    fd = os.open(server.disk.image, os.O_RDWR)
    try:
        old = os.pread(fd, 64, at + 16)
        os.pwrite(fd, bytes(byte ^ 0xFF for byte in old), at + 16)
    finally:
        os.close(fd)
