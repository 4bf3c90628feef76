"""Changes of real images and block devices, judged by the tools that everybody uses."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.run import run
from impl.tests.samples import RECORD
from twinset.disks.inspection import Inspection
from twinset.disks.plan import plan
from twinset.errors import DiskError, Refusal
from twinset.mirror.cluster_partition import State, encode
from twinset.shell import disk_tools, latch
from twinset.shell.disk import Disk
from twinset.shell.disk_tools import RawDisk

MIB = 1 << 20


@pytest.fixture()
def image(tmp_path: Path) -> Path:
    return blank(tmp_path / "disk.img")


def blank(path: Path, size: int = 64 * MIB) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def prepare(path: Path | str, *data: int | None, discard: tuple[str, ...] = (), sector: int = 512) -> str:
    made = plan(Path(path).stat().st_size, 4 * MIB, data, sector_bytes=sector)
    return disk_tools.prepare(str(path), made, discard, 0x1234ABCD, Path("/nonexistent"))


def look(path: Path | str) -> Inspection:
    return disk_tools.look(path, Path("/nonexistent"))


def register(path: Path) -> None:
    disk = Disk(path)
    disk.write_record(RECORD)
    disk.close()


def nonzero(path: Path) -> int:
    """Return how many MiB of a file have a byte that is not zero."""
    return sum(1 for piece in iter_pieces(path) if any(piece))


def iter_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(MIB):
            yield piece


def sfdisk(path: Path | str) -> list[tuple[int, int]]:
    table = json.loads(run(["sfdisk", "--json", str(path)]).stdout)["partitiontable"]
    assert (table["label"], int(table["id"], 16)) == ("dos", 0x1234ABCD)
    return [(part["start"], part["size"]) for part in table["partitions"] if part["type"] != "f"]


def parted(path: Path | str) -> list[tuple[int, int]]:
    text = run(["parted", "--script", "--machine", str(path), "unit", "s", "print"]).stdout
    rows = [line.rstrip(";").split(":") for line in text.splitlines()[2:]]
    numbers = [row for row in rows if len(row) >= 4]
    found = [(int(row[1].rstrip("s")), int(row[3].rstrip("s"))) for row in numbers]
    # parted shows the container as a row of its own, from partition 4; it holds the others.
    return [item for row, item in zip(numbers, found, strict=True) if not (row[0] == "4" and len(rows) > 4)]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.lists(st.one_of(st.none(), st.integers(1, 4).map(lambda n: n * MIB)), min_size=1, max_size=31))
def test_the_usual_tools_read_what_was_written(tmp_path: Path, data: list[int | None]) -> None:
    """sfdisk finds every partition where it was planned and no error; parted, where it is there, agrees."""
    if shutil.which("sfdisk") is None:
        pytest.skip("sfdisk not found: package fdisk")
    image = blank(tmp_path / "disk.img", 256 * MIB)
    prepare(image, *data)
    expected = [(part.start_bytes // 512, part.length_bytes // 512) for part in look(image).partitions]
    assert [length * 512 for _, length in expected] == [
        part.length_bytes for part in plan(256 * MIB, 4 * MIB, data).partitions
    ]
    assert sfdisk(image) == expected
    assert "No errors" in run(["sfdisk", "--verify", str(image)]).stdout
    if shutil.which("parted"):
        assert parted(image) == expected


def test_what_sfdisk_writes_is_inspected_as_it_meant(image: Path) -> None:
    """The other direction: a table with logical partitions by another program."""
    if shutil.which("sfdisk") is None:
        pytest.skip("sfdisk not found: package fdisk")
    script = """label: dos
1: start=2048, size=8192, type=da
2: size=16384
3: size=90000, type=E
5: size=32768
6: size=32768
"""
    run(["sfdisk", "--quiet", str(image)], input_text=script)
    found = look(image)
    assert [part.number for part in found.partitions] == [1, 2, 5, 6]
    assert found.partitions[0].length_bytes == 4 * MIB
    assert found.usable


def test_a_prepared_disk_is_usable_and_can_be_opened(image: Path) -> None:
    """By the mirror itself, with the partitions that were asked for."""
    assert prepare(image, 16 * MIB, None) == ""
    found = look(image)
    assert found.usable
    disk = Disk(image)
    assert disk.layout.partitions == found.partitions
    disk.check_unregistered()
    disk.close()


def test_a_disk_of_large_sectors(tmp_path: Path) -> None:
    """The table counts in the sectors of its disk: a plan for 4096 bytes writes other numbers."""
    image = blank(tmp_path / "disk.img")
    prepare(image, 16 * MIB, sector=4096)
    with RawDisk(image) as disk:
        assert int.from_bytes(disk.read(446 + 8, 4), "little") == MIB // 4096


def test_what_was_discarded_is_gone(image: Path) -> None:
    """A whole-disk file system leaves no mark, and data partitions begin blank."""
    run(["mke2fs", "-q", "-F", "-t", "ext4", str(image)])
    with pytest.raises(Refusal, match="holds ext2/3/4 on the whole disk"):
        prepare(image, None)
    prepare(image, None, discard=("disk:ext2-3-4",))
    found = look(image)
    assert found.usable
    assert not any(found.contents.values())


def test_a_gpt_is_removed_at_both_ends(image: Path) -> None:
    """Its second copy would bring it back."""
    if shutil.which("sfdisk") is None:
        pytest.skip("sfdisk not found: package fdisk")
    run(["sfdisk", "--quiet", str(image)], input_text="label: gpt\n2048,8192\n,,\n")
    found = look(image)
    assert {finding.clause for finding in found.findings} >= {"4.1.2-06"}
    assert not found.usable
    prepare(image, None, discard=("disk:gpt", "table"))
    assert [finding.code for finding in look(image).findings] == []


def test_a_refusal_writes_nothing(image: Path) -> None:
    """Neither over what was not named, nor on a disk in use: the bytes are the same afterwards."""
    prepare(image, 16 * MIB, None)
    register(image)
    before = image.read_bytes()
    with pytest.raises(Refusal, match="partition table"):
        prepare(image, None)
    disk = Disk(image)
    for change in (
        lambda: prepare(image, None, discard=("table", "record")),
        lambda: disk_tools.clear(str(image), (), Path("/nonexistent")),
    ):
        with pytest.raises(Refusal, match="is in use"):
            change()
    disk.close()
    assert image.read_bytes() == before


def test_a_disk_that_changed_its_size_is_not_prepared(image: Path) -> None:
    """The plan was made for another one."""
    made = plan(63 * MIB, 4 * MIB, (None,))
    with pytest.raises(Refusal, match="changed its size"):
        disk_tools.prepare(str(image), made, (), 1, Path("/nonexistent"))


def test_a_power_cut_leaves_no_partitions_or_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut after any number of writes of a table over an older one."""
    image = blank(tmp_path / "disk.img", 32 * MIB)
    prepare(image, *[2 * MIB] * 5)
    old = image.read_bytes()
    new: list[int | None] = [MIB] * 6
    wanted = plan(32 * MIB, 4 * MIB, new).partitions
    real = RawDisk.write
    outcomes = set()
    for limit in range(0, 60, 3):
        image.write_bytes(old)
        left = [limit]

        def cut(disk: RawDisk, offset: int, data: bytes, left: list[int] = left) -> None:
            if not left[0]:
                raise DiskError("power cut")
            left[0] -= 1
            real(disk, offset, data)

        monkeypatch.setattr(RawDisk, "write", cut)
        with contextlib.suppress(DiskError):
            prepare(image, *new, discard=("table",))
        monkeypatch.setattr(RawDisk, "write", real)
        found = look(image)
        assert found.partitions in ((), wanted) or limit == 0
        outcomes.add(found.partitions)
    assert {(), wanted} <= outcomes


def test_clear_makes_a_disk_new_and_keeps_the_data(image: Path) -> None:
    """After it the disk can be registered; the data partition is byte-identical (8.6-02)."""
    prepare(image, 16 * MIB, None)
    register(image)
    with RawDisk(image, change=True) as disk:
        disk.write(5 * MIB, b"precious" * 1000)
    assert [finding.code for finding in look(image).findings] == ["W_REUSE"]
    before = image.read_bytes()
    disk_tools.clear(str(image), (), Path("/nonexistent"))
    after = image.read_bytes()
    assert (after[:MIB], after[2 * MIB :]) == (before[:MIB], before[2 * MIB :])
    assert not any(after[MIB : 2 * MIB])
    found = look(image)
    assert found.findings == ()
    assert found.record is not None
    assert found.record.blank


def test_clear_with_partitions_leaves_a_disk_without_any(image: Path) -> None:
    """As the guide advises before a disk is used for something else (8.6-02)."""
    prepare(image, 16 * MIB, None)
    register(image)
    disk_tools.clear(str(image), (), Path("/nonexistent"), partitions=True)
    found = look(image)
    assert (found.table, found.blank) == (None, True)
    assert nonzero(image) == 0


def test_clear_of_a_damaged_record(image: Path) -> None:
    """Both copies bad: the way out of an error that no start would get over (7.1.2-01)."""
    prepare(image, None)
    with RawDisk(image, change=True) as disk:
        disk.write(MIB, encode(RECORD, 1)[:4000] + bytes(96))
    assert not look(image).usable
    disk_tools.clear(str(image), (), Path("/nonexistent"))
    assert look(image).usable


def test_a_disk_known_to_this_server_is_not_called_foreign(image: Path, tmp_path: Path) -> None:
    """The latch of the set names it."""
    prepare(image, None)
    register(image)
    latch.write(tmp_path / "latch-set1.json", state=State.IN_SYNC, cur=5, disk_uuid=b"d" * 16)
    assert disk_tools.look(image, tmp_path).findings == ()


@pytest.mark.parametrize("call", ["pread", "pwrite", "fsync"])
def test_a_disk_error_says_what_was_tried(image: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Path, operation and the system's word."""

    def failing(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(DiskError, match=r"disk\.img: (read|write|flush).*Input/output error"):
        prepare(image, None)


def test_a_lock_taken_after_the_look_still_counts(image: Path) -> None:
    """The change opens the disk for itself; whoever was faster keeps it."""
    disk = RawDisk(image, change=True)
    with disk, pytest.raises(Refusal, match="in use"):
        RawDisk(image, change=True)
    RawDisk(image, change=True).__exit__()


needs_loops = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/loop-control").exists(), reason="needs root and loop devices"
)


@needs_loops
@pytest.mark.parametrize("sector", [512, 4096])
def test_a_real_block_device(image: Path, sector: int) -> None:
    """Prepared, read by sfdisk, refused while somebody claims it, cleared; with sectors of either size."""
    argv = ["losetup", "--find", "--show", "--sector-size", str(sector), str(image)]
    loop = run(argv).stdout.strip()
    try:
        made = plan(64 * MIB, 4 * MIB, [4 * MIB] * 5, sector_bytes=sector)
        disk_tools.prepare(loop, made, (), 0x1234ABCD, Path("/nonexistent"))
        found = look(loop)
        assert found.facts.sector_bytes == sector
        assert found.partitions == made.partitions
        assert found.usable
        if shutil.which("sfdisk"):
            assert sfdisk(loop) == [
                (part.start_bytes // sector, part.length_bytes // sector) for part in made.partitions
            ]
        disk = Disk(loop)
        assert disk.layout.partitions == made.partitions
        disk.write_record(RECORD)
        with pytest.raises(Refusal, match="in use"):
            disk_tools.clear(loop, (), Path("/nonexistent"))
        disk.close()
        disk_tools.clear(loop, (), Path("/nonexistent"))
        assert look(loop).findings == ()
    finally:
        run(["losetup", "--detach", loop])


@needs_loops
def test_a_claim_taken_after_the_look_still_counts(image: Path) -> None:
    """A mount, or another program, between looking and writing: the kernel refuses the second claim."""
    loop = run(["losetup", "--find", "--show", str(image)]).stdout.strip()
    claim = os.open(loop, os.O_RDONLY | os.O_EXCL)
    try:
        with pytest.raises(Refusal, match="in use"):
            RawDisk(loop, change=True)
    finally:
        os.close(claim)
        run(["losetup", "--detach", loop])
