"""A cancelled mirror set is forgotten: by the disk, by the server, and only then (8.3-02)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from twinset.mirror.cluster_partition import Record, State
from twinset.shell import cancellation, latch, table_watch
from twinset.shell.disk import Disk
from twinset.shell.paths import Paths

from .test_configure import make_disk, text

if TYPE_CHECKING:
    from pathlib import Path

UUID = b"d" * 16


@pytest.fixture()
def paths(tmp_path: Path, table: Any) -> Paths:
    """A server whose set1 has a registered disk with data on it."""
    found = Paths(tmp_path / "etc", tmp_path / "state", tmp_path / "run")
    found.create()
    make_disk(tmp_path / "disk", table)
    disk = Disk(tmp_path / "disk")
    disk.write_record(
        Record(state=State.IN_SYNC, cur=5, disk_uuid=UUID, set_uuid=b"s" * 16, size_bytes=4 << 20)
    )
    table_watch.note(table_watch.path_of(found.state, "set1"), disk.layout, UUID)
    disk.close()
    with (tmp_path / "disk").open("r+b") as image:
        image.seek(8192 * 512)
        image.write(b"data of a user")
    latch.write(latch.path_of(found.state, "set1"), state=State.IN_SYNC, cur=5, disk_uuid=UUID)
    (found.run / "maps-set1").write_bytes(b"maps")
    found.config.write_text(text(str(tmp_path / "disk")))
    cancellation.remember(found, "SET1", "server1")
    return found


def without_sets(paths: Paths) -> None:
    """Put a configuration in place that has no mirror set."""
    whole = paths.config.read_text()
    kept = whole[: whole.index("[[mirror_set]]")]
    paths.config.write_text(kept + '[[group]]\nname = "db"\npolicy = ["server1", "server2"]\n')


def registered(tmp_path: Path) -> bool:
    disk = Disk(tmp_path / "disk")
    try:
        return disk.read_record().record is not None
    finally:
        disk.close()


def test_disk_and_server_forget_the_set_and_the_data_stays(paths: Paths, tmp_path: Path) -> None:
    """Record, latch, maps and the note of its table go; the data partition is untouched."""
    without_sets(paths)
    assert cancellation.carry_out(paths) == []
    assert not registered(tmp_path)
    assert b"data of a user" in (tmp_path / "disk").read_bytes()
    assert sorted(entry.name for entry in paths.state.iterdir() if entry.is_file()) == ["cluster.toml"]
    assert not (paths.run / "maps-set1").exists()
    assert cancellation.carry_out(paths) == []


def test_a_change_that_did_not_come_about_cancels_nothing(paths: Paths, tmp_path: Path) -> None:
    """The configuration still has the set: a crash came between the note and the change."""
    assert cancellation.carry_out(paths) == []
    assert registered(tmp_path)
    without_sets(paths)
    assert cancellation.carry_out(paths) == []
    assert registered(tmp_path), "the note was dropped with the change that did not come about"


def test_nothing_is_forgotten_while_the_configuration_cannot_be_read(paths: Paths, tmp_path: Path) -> None:
    """Nobody can tell which sets are active: the note waits."""
    paths.config.write_text("this is no TOML")
    assert cancellation.carry_out(paths) == []
    assert registered(tmp_path)
    assert (paths.state / cancellation.FILE).exists()


def test_a_disk_that_is_in_use_is_told_and_tried_again(paths: Paths, tmp_path: Path) -> None:
    """The note stays, and the latch with it, which says whose the record is."""
    without_sets(paths)
    disk = Disk(tmp_path / "disk")
    ((name, why),) = cancellation.carry_out(paths)
    assert name == "set1"
    assert "in use" in why
    assert latch.read(latch.path_of(paths.state, "set1")) is not None
    disk.close()
    assert cancellation.carry_out(paths) == []
    assert not registered(tmp_path)


def test_the_record_of_another_disk_is_left_alone(paths: Paths, tmp_path: Path) -> None:
    """A disk that was put in its place meanwhile is not this set's."""
    without_sets(paths)
    disk = Disk(tmp_path / "disk")
    disk.write_record(Record(state=State.IN_SYNC, cur=6, disk_uuid=b"e" * 16, size_bytes=4 << 20))
    disk.close()
    assert cancellation.carry_out(paths) == []
    assert registered(tmp_path)
