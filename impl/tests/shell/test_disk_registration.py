"""The disks of a configuration before it becomes the active one."""

from pathlib import Path
from typing import Any

import pytest

from twinset.config import ClusterConfig, loads
from twinset.errors import Refusal
from twinset.mirror.cluster_partition import Record, State
from twinset.shell import latch
from twinset.shell.disk import Disk
from twinset.shell.disk_registration import refuse_unfit
from twinset.shell.mirror_spec import identity

MIB = 1 << 20


def config(*disks: Path, number: int = 2) -> ClusterConfig:
    """A cluster with a mirror set for each disk; both servers have the same path."""
    lines = ['[cluster]\nname = "demo"\n[[server]]\nname = "server1"\n[[server]]\nname = "server2"']
    for net, roles in enumerate(('"public", "interconnect"', '"interconnect", "mirror"')):
        ends = ", ".join(
            f'{{server="server{n}", interface="e{net}", address="10.0.{net}.{n}/24"}}' for n in (1, 2)
        )
        lines.append(f'[[lan]]\nname = "lan{net}"\nroles = [ {roles} ]\nendpoints = [ {ends} ]')
    for index, disk in enumerate(disks):
        both = ", ".join(f'{{server="server{n}", path="{disk}"}}' for n in (1, 2))
        letter = "EFG"[index]
        lines.append(f'[[mirror_set]]\nname = "set{index + 1}"\ndisks = [ {both} ]')
        lines.append(f'partitions = [ {{number={number}, letter="{letter}"}} ]')
        lines.append(
            f'[[group]]\nname = "g{index}"\npolicy = ["server1"]\n[[group.mirror_disk]]\nset = "set{index + 1}"'
        )
    return loads("\n".join(lines))


@pytest.fixture()
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture()
def image(tmp_path: Path, table: Any) -> Path:
    return made(tmp_path / "one.img", table)


def made(path: Path, table: Any) -> Path:
    path.write_bytes(table((0x7F, 2048, 2048), (0x83, 8192, 8192)).ljust(16 * MIB, b"\0"))
    return path


def register(image: Path, **fields: Any) -> Record:
    record = Record(
        set_uuid=b"s" * 16, disk_uuid=b"d" * 16, server_name="server9", state=State.IN_SYNC, cur=5,
        size_bytes=4 * MIB, **fields,
    )  # fmt: skip
    disk = Disk(image)
    disk.write_record(record)
    disk.close()
    return record


def refused(wanted: ClusterConfig, state: Path) -> Refusal:
    with pytest.raises(Refusal) as caught:
        refuse_unfit(wanted, "server1", state)
    return caught.value


def test_new_disks_are_accepted(image: Path, state: Path) -> None:
    """And nothing is written, not even in the state directory."""
    before = image.read_bytes()
    refuse_unfit(config(image), "server1", state)
    assert image.read_bytes() == before
    assert list(state.iterdir()) == []


def test_every_reason_of_every_disk_is_told(image: Path, state: Path, tmp_path: Path, table: Any) -> None:
    """The operator corrects them all before the next try (4.1.2-01)."""
    other = tmp_path / "two.img"
    other.write_bytes(bytes(MIB))
    raid = tmp_path / "three.img"
    raid.write_bytes(table((0x7F, 2048, 2047), (0xFD, 8192, 8192)).ljust(16 * MIB, b"\0"))
    refusal = refused(config(image, other, raid), state)
    assert (refusal.code, refusal.clause) == ("E_PARTITION", "2.2.2.1-04")
    for clause in ("2.2.2.1-04", "2.2.2.1-12", "4.1.3-02"):
        assert f"[{clause}]" in refusal.message
    assert "mirror set set1" not in refusal.message
    assert "mirror set set3" in refusal.message
    assert refusal.help


def test_a_partition_that_is_not_there_is_refused(image: Path, state: Path) -> None:
    """Before a mirror process finds out (4.1.3-04)."""
    assert refused(config(image, number=3), state).clause == "4.1.3-04"


def test_a_disk_of_another_set_is_refused_with_the_way_out(image: Path, state: Path) -> None:
    """8.6-02: whose it is, and what to do when it is not needed there."""
    register(image)
    refusal = refused(config(image), state)
    assert (refusal.code, refusal.clause) == ("E_DISK", "8.6-02")
    assert "server server9" in refusal.message
    assert f"twinset disk clear {image} --yes" in refusal.message


def test_the_sets_own_disk_is_accepted_again(image: Path, state: Path) -> None:
    """A configuration is replaced while its disks carry their records."""
    register(image)
    latch.write(state / "latch-set1.json", state=State.IN_SYNC, cur=5, disk_uuid=b"d" * 16)
    refuse_unfit(config(image), "server1", state)


def test_the_disk_of_a_set_with_another_name_is_refused(image: Path, state: Path) -> None:
    """By that name."""
    register(image)
    latch.write(state / "latch-old.json", state=State.IN_SYNC, cur=5, disk_uuid=b"d" * 16)
    assert "mirror set old of this server" in refused(config(image), state).message


def test_a_disk_registered_by_this_server_is_accepted_without_a_latch(image: Path, state: Path) -> None:
    """The record names the server."""
    register(image, server_uuid=identity(state / "server_id"))
    refuse_unfit(config(image), "server1", state)


def test_a_mirror_process_that_still_runs_is_no_obstacle(image: Path, state: Path) -> None:
    """It belongs to the configuration that is replaced, and holds the disk's lock."""
    disk = Disk(image)
    refuse_unfit(config(image), "server1", state)
    disk.close()


def test_a_disk_that_cannot_be_read_is_refused(tmp_path: Path, state: Path) -> None:
    """With the system's word."""
    assert "No such file" in refused(config(tmp_path / "none"), state).message
