"""Small durable files."""

from pathlib import Path

import pytest

from twinset.shell import store
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
