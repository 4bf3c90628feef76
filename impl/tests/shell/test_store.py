"""Small durable files."""

import os
from pathlib import Path

import pytest

from twinset.shell import mirror_spec, store
from twinset.wire.keyring import Keyring


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Neither a half-written file nor a temporary one is left beside the new content."""
    path = tmp_path / "file"
    store.write_atomic(path, b"old")
    store.write_atomic(path, "new")
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_files_are_private(tmp_path: Path) -> None:
    """What the daemon writes is readable by its owner only."""
    store.write_atomic(tmp_path / "file", b"x")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "no JSON"), (b"{", "no JSON"), (b"[1]", "not a JSON object"), (b"\xff\x00", "no JSON")],
)
def test_a_damaged_file_is_told_not_raised(tmp_path: Path, content: bytes, complaint: str) -> None:
    """A damaged JSON file yields nothing and the reason."""
    path = tmp_path / "file.json"
    path.write_bytes(content)
    value, reason = store.read_json_object(path)
    assert value == {}
    assert complaint in reason


def test_a_missing_file_is_empty_without_complaint(tmp_path: Path) -> None:
    """The first start finds no file, and that is no damage."""
    assert store.read_json_object(tmp_path / "none") == ({}, "")


def test_json_comes_back(tmp_path: Path) -> None:
    """What was written is read."""
    store.write_json(tmp_path / "f", {"a": [1, None]})
    assert store.read_json_object(tmp_path / "f") == ({"a": [1, None]}, "")


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "0" * 63, "0" * 66])
def test_a_bad_key_is_refused(tmp_path: Path, text: str) -> None:
    """A key that is not 64 hexadecimal digits is refused with the file's name."""
    path = tmp_path / "cluster.key"
    store.write_atomic(path, text)
    with pytest.raises(ValueError, match=r"cluster\.key"):
        store.read_keys(path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """The shared secret must be private."""
    path = tmp_path / "cluster.key"
    store.write_atomic(path, "ab" * 32)
    path.chmod(0o640)
    with pytest.raises(ValueError, match="readable by others"):
        store.read_keys(path)
    path.chmod(0o600)
    assert store.read_keys(path) == Keyring(b"\xab" * 32)


def test_the_boot_id_stays_until_its_directory_goes(tmp_path: Path) -> None:
    """The boot id is minted once per run directory; a damaged one is replaced."""
    path = tmp_path / "boot_id"
    first = store.boot_id(path)
    assert store.boot_id(path) == first
    path.write_text("damaged")
    assert store.boot_id(path) not in (first, "damaged")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The inode numbers of what was flushed to the disk, in order."""
    found: list[int] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        real(descriptor)
        found.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", note)
    return found


def test_the_identity_of_a_server_survives_a_power_cut(tmp_path: Path, synced: list[int]) -> None:
    """File and name are on the disk before anybody is told: a disk's record goes by it (4.3.4.3-03)."""
    path = tmp_path / "state" / "server_id"
    found = mirror_spec.identity(path)
    assert len(found) == mirror_spec.IDENTITY_BYTES
    assert synced == [path.stat().st_ino, path.parent.stat().st_ino]
    assert mirror_spec.identity(path) == found
    assert len(synced) == 2


@pytest.mark.parametrize("text", ["", "\n", "00", "zz" * 16, "0" * 31, "0" * 34, "\x00" * 33])
def test_a_torn_identity_is_none(tmp_path: Path, text: str) -> None:
    """What an older version left after a power cut: the other side refused "finished" of an empty one, without end."""
    path = tmp_path / "server_id"
    path.write_text(text)
    found = mirror_spec.identity(path)
    assert len(found) == mirror_spec.IDENTITY_BYTES
    assert bytes.fromhex(path.read_text()) == found
