"""The partition table of a registered disk: remembered, compared, forgotten (8.5-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from twinset.mirror.cluster_partition import Record, State
from twinset.mirror.disk_layout import DiskLayout, LayoutRefused, Partition
from twinset.shell import table_watch

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
ONE, TWO = b"1" * 16, b"2" * 16
CLUSTER = Partition(1, 0xDA, MIB, MIB)
DATA = Partition(2, 0x83, 2 * MIB, 8 * MIB)


def layout(*partitions: Partition, disk_id: int = 7) -> DiskLayout:
    return DiskLayout(disk_id, 64 * MIB, partitions)


def record(disk_uuid: bytes = ONE) -> Record:
    return Record(state=State.IN_SYNC, cur=5, disk_uuid=disk_uuid)


@pytest.fixture()
def seen(tmp_path: Path) -> Path:
    """The note of a disk with one data partition."""
    path = table_watch.path_of(tmp_path, "set1")
    table_watch.note(path, layout(CLUSTER, DATA), ONE)
    return path


def test_an_unchanged_table_is_accepted(seen: Path) -> None:
    """The same partitions, whatever number the table has."""
    table_watch.refuse_changed(seen, layout(CLUSTER, DATA, disk_id=9), record(), "/dev/x")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (layout(CLUSTER), "partition 2 is gone"),
        (layout(CLUSTER, DATA, Partition(3, 0x83, 20 * MIB, MIB)), "partition 3 is new"),
        (layout(CLUSTER, Partition(2, 0x83, 2 * MIB, 9 * MIB)), "partition 2 was 8388608 bytes at 2097152"),
        (
            layout(CLUSTER, Partition(2, 0x07, 2 * MIB, 8 * MIB)),
            "of kind 0x83, is 8388608 at 2097152 of kind 0x07",
        ),
    ],
)
def test_each_change_is_named(seen: Path, table: DiskLayout, words: str) -> None:
    """Deleted, created, resized, retyped: the refusal says which partition, with the clause."""
    with pytest.raises(LayoutRefused) as caught:
        table_watch.refuse_changed(seen, table, record(), "/dev/x")
    assert words in caught.value.message
    assert (caught.value.code, caught.value.clause) == ("E_PARTITION", "8.5-01")


def test_a_moved_record_is_no_way_around_it(seen: Path) -> None:
    """Without a record the number of the table says that it is the same disk."""
    moved = layout(Partition(1, 0xDA, MIB + 4096, MIB), DATA)
    with pytest.raises(LayoutRefused, match="partition 1 was"):
        table_watch.refuse_changed(seen, moved, None, "/dev/x")


@pytest.mark.parametrize(
    ("disk_id", "known"),
    [(8, None), (0, None), (7, record(TWO))],
    ids=["new disk", "no number", "other record"],
)
def test_another_disk_is_not_compared(seen: Path, disk_id: int, known: Record | None) -> None:
    """A disk that was replaced may be partitioned otherwise: it gets a full copy (4.3.4.3-02)."""
    table_watch.refuse_changed(seen, layout(CLUSTER, disk_id=disk_id), known, "/dev/x")


def test_what_is_not_known_is_not_compared(tmp_path: Path) -> None:
    """Neither without a note, nor with one that cannot be read."""
    path = table_watch.path_of(tmp_path, "set1")
    table_watch.refuse_changed(path, layout(CLUSTER), record(), "/dev/x")
    path.write_text("{}")
    table_watch.refuse_changed(path, layout(CLUSTER), record(), "/dev/x")
    assert not table_watch.known(path, ONE)


def test_a_disk_that_is_cleared_is_forgotten_and_no_other(seen: Path) -> None:
    """By its identity, whatever set it belonged to."""
    table_watch.forget(seen.parent, TWO)
    assert table_watch.known(seen, ONE)
    table_watch.forget(seen.parent, ONE)
    assert not seen.exists()
