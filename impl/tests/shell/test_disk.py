import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from twinset.errors import DiskError
from twinset.mirror import cluster_partition
from twinset.mirror.cluster_partition import Record, RecordCorrupt, State, map_bytes
from twinset.mirror.disk_layout import LayoutRefused
from twinset.shell.disk import Disk

Table = Callable[..., bytes]

MIB = 2048
CLUSTER_START = 1 << 20
SLOT_A, SLOT_B = (CLUSTER_START + offset for offset in cluster_partition.RECORD_OFFSETS)
RECORD = Record(set_uuid=b"s" * 16, server_name="server1", cur=5, size_bytes=4 << 20)


@pytest.fixture()
def image(tmp_path: Path, table: Table) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(table((0x7F, MIB, MIB), (0x83, 4 * MIB, 4 * MIB)).ljust(8 << 20, b"\0"))
    return path


@pytest.fixture()
def disk(image: Path) -> Iterator[Disk]:
    disk = Disk(image)
    yield disk
    disk.close()


def overwrite(path: Path, offset: int, data: bytes) -> None:
    """Damage the image behind the program's back."""
    fd = os.open(path, os.O_RDWR | os.O_SYNC)
    os.pwrite(fd, data, offset)
    os.close(fd)


def test_an_image_file_is_a_disk(disk: Disk) -> None:
    """Size, sectors and partitions are read; nothing is registered yet."""
    assert disk.size_bytes == 8 << 20
    assert disk.sector_bytes == 512
    assert not disk.block_device
    assert disk.layout.data_partition(2).start_bytes == 4 << 20
    assert disk.read_record().record is None


def test_a_record_is_found_again_by_the_next_process(disk: Disk, image: Path) -> None:
    """Both slots hold it; counters go up by one."""
    assert disk.write_record(RECORD) == 1
    assert disk.write_record(RECORD.replace(state=State.SOLO)) == 2
    disk.close()
    again = Disk(image)
    choice = again.read_record()
    assert (choice.counter, choice.damage) == (2, None)
    assert choice.record == RECORD.replace(state=State.SOLO)
    assert image.read_bytes()[SLOT_A : SLOT_A + 4096] == image.read_bytes()[SLOT_B : SLOT_B + 4096]
    assert again.write_record(RECORD) == 3
    disk.fd = again.fd  # closed by the fixture


@pytest.mark.parametrize("slot", [SLOT_A, SLOT_B])
def test_the_newest_record_survives_the_loss_of_either_copy(disk: Disk, image: Path, slot: int) -> None:
    """The damage is reported, and the next record repairs it."""
    disk.write_record(RECORD)
    disk.write_record(RECORD.replace(state=State.STALE))
    overwrite(image, slot, b"\xff" * 4096)
    choice = disk.read_record()
    assert choice.record == RECORD.replace(state=State.STALE)
    assert choice.damage is not None
    assert "magic" in choice.damage
    disk.write_record(RECORD)
    assert disk.read_record().damage is None


@pytest.mark.parametrize("writes", [1, 2, 3])
def test_a_power_cut_between_any_two_writes_leaves_a_whole_record(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Cut before, between and after the two slots, with the slot that was being written torn."""
    disk.write_record(RECORD)
    real, done = disk._write, []

    def cut(offset: int, data: bytes) -> None:
        done.append(offset)
        if len(done) == writes:
            real(offset, data[:2048] + b"\xee" * 2048)
            raise DiskError("power cut")
        real(offset, data)

    monkeypatch.setattr(disk, "_write", cut)
    if writes <= 2:
        with pytest.raises(DiskError, match="power cut"):
            disk.write_record(RECORD.replace(state=State.SOLO))
    else:
        disk.write_record(RECORD.replace(state=State.SOLO))
    record = disk.read_record().record
    assert record is not None
    assert record.state == (State.BLANK if writes == 1 else State.SOLO)


def test_two_damaged_copies_are_an_error(disk: Disk, image: Path) -> None:
    """A destroyed CLUSTER partition is told, not made anew (7.1.2-01)."""
    disk.write_record(RECORD)
    overwrite(image, SLOT_A, b"\xff" * 8192)
    with pytest.raises(RecordCorrupt, match=r"slot A.*slot B"):
        disk.read_record()


# -- the map --------------------------------------------------------------------------------------------

BITS = bytes(range(8))


def test_a_map_is_found_again(disk: Disk) -> None:
    """Map first, then the record that calls it valid."""
    assert map_bytes(RECORD.size_bytes, 16) == len(BITS)
    disk.write_record(RECORD)
    disk.write_map(RECORD, BITS)
    valid = RECORD.replace(map_valid=True)
    disk.write_record(valid)
    disk.read_record()
    assert disk.read_map(valid) == BITS


def test_a_map_that_was_never_called_valid_does_not_count(disk: Disk) -> None:
    """A crash between map and record leaves no map."""
    disk.write_record(RECORD)
    disk.write_map(RECORD, BITS)
    with pytest.raises(RecordCorrupt, match="does not call the map valid"):
        disk.read_map(RECORD)


def test_a_damaged_map_does_not_count(disk: Disk, image: Path) -> None:
    """One byte of it is enough."""
    valid = RECORD.replace(map_valid=True)
    disk.write_record(RECORD)
    disk.write_map(valid, BITS)
    disk.write_record(valid)
    overwrite(image, CLUSTER_START + cluster_partition.MAP_OFFSET + 3, b"\xff")
    with pytest.raises(RecordCorrupt, match="map: checksum"):
        disk.read_map(valid)


def test_a_map_of_a_disk_too_large_is_refused(disk: Disk) -> None:
    """Before anything of that length is read."""
    with pytest.raises(RecordCorrupt, match="do not fit"):
        disk.read_map(RECORD.replace(map_valid=True, size_bytes=1 << 60))


def test_the_largest_map_stays_within_the_smallest_cluster_partition() -> None:
    """One MiB holds all of it (4.1.3-02)."""
    end = cluster_partition.MAP_OFFSET + cluster_partition.MAP_BYTES_MAX
    assert end == cluster_partition.CLUSTER_PARTITION_MIN_BYTES


def test_the_data_partition_is_never_touched(disk: Disk, image: Path) -> None:
    """Records and maps stay inside partition 1."""
    disk.write_record(RECORD)
    disk.write_map(RECORD, BITS)
    content = image.read_bytes()
    assert not any(content[512:CLUSTER_START])
    assert not any(content[CLUSTER_START + (1 << 20) :])


# -- refusals -------------------------------------------------------------------------------------------


def test_a_disk_is_used_by_one_process_only(disk: Disk, image: Path) -> None:
    """The second one is told so, and keeps nothing open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(DiskError, match="in use by another process"):
        Disk(image)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_disk_that_cannot_be_a_mirror_disk_is_refused(image: Path, table: Table) -> None:
    """The layout's refusal comes through, and the lock is free again."""
    whole = image.read_bytes()
    overwrite(image, 0, table((0xEE, 1, 16000)))
    for _ in range(2):
        with pytest.raises(LayoutRefused, match=r"GPT.*4\.1\.2-06"):
            Disk(image)
    overwrite(image, 0, whole[:512])
    Disk(image).close()


def test_a_formatted_cluster_partition_is_not_registered(disk: Disk, image: Path) -> None:
    """2.2.2.1-11; twinset's own record is no file system."""
    disk.check_unregistered()
    disk.write_record(RECORD)
    disk.check_unregistered()
    overwrite(image, CLUSTER_START + 0x438, b"\x53\xef")
    with pytest.raises(LayoutRefused, match=r"2\.2\.2\.1-11"):
        disk.check_unregistered()


@pytest.mark.parametrize(("name", "words"), [("missing", "No such file"), (".", "neither a block device")])
def test_what_is_no_disk_is_refused(tmp_path: Path, name: str, words: str) -> None:
    """One line with the path."""
    with pytest.raises(DiskError, match=words):
        Disk(tmp_path / name)


def test_a_disk_that_is_in_use_is_refused_with_the_clause(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's exclusive open knows mounts, swap space and volumes (4.1.2-02)."""

    def busy(*_: object) -> int:
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr(os, "open", busy)
    with pytest.raises(LayoutRefused, match=r"in use: mounted.*4\.1\.2-02"):
        Disk(image)


def test_without_direct_io_the_disk_works_and_says_so(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems refuse O_DIRECT."""
    real = os.open

    def refusing(path: Path, flags: int) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "refused")
        return real(path, flags)

    monkeypatch.setattr(os, "open", refusing)
    disk = Disk(image)
    assert not disk.direct
    assert any("direct I/O" in note for note in disk.notes)
    disk.write_record(RECORD)
    assert disk.read_record().record == RECORD
    disk.close()


def test_a_sparse_image_is_noted(tmp_path: Path, table: Table) -> None:
    """Its first writes are slow, and a full file system fails them."""
    path = tmp_path / "sparse.img"
    path.write_bytes(table((0x7F, MIB, MIB), (0x83, 4 * MIB, 4 * MIB)))
    os.truncate(path, 8 << 20)
    disk = Disk(path)
    assert any("sparse" in note for note in disk.notes)
    disk.close()


@pytest.mark.parametrize("call", ["preadv", "pwritev", "fdatasync"])
def test_a_disk_error_says_what_was_tried(disk: Disk, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Path, operation and the system's word; the caller isolates the disk (8.4)."""

    def failing(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(DiskError, match=r"disk\.img: (read|write|flush).*Input/output error"):
        disk.read_record() if call == "preadv" else disk.write_record(RECORD)


def test_a_short_write_is_an_error(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a record is not durable."""
    monkeypatch.setattr(os, "pwritev", lambda *_: 512)
    with pytest.raises(DiskError, match="only 512 were written"):
        disk.write_record(RECORD)
