"""The plain store as files: changed as a whole, told apart by its stamps, never replaced under an open key."""

from pathlib import Path

import pytest

from twinset.errors import Refusal, StepFailed
from twinset.shell.registry_store import RegistryStore

KEY = "HKLM\\SOFTWARE\\Acme"
CONTENT = {"": {"Port": ["dword", 2]}}


@pytest.fixture()
def store(tmp_path: Path) -> RegistryStore:
    made = RegistryStore(tmp_path / "registry")
    made.change(lambda tree: tree.set(KEY, "Port", ("dword", 1)))
    return made


def test_every_change_is_seen_by_everybody(store: RegistryStore, tmp_path: Path) -> None:
    """Another process reads what was written, and the stamps of the file differ."""
    before = store.signature()
    RegistryStore(tmp_path / "registry").change(lambda tree: tree.set(KEY, "Port", ("dword", 2)))
    assert store.read().export(KEY) == CONTENT
    assert store.signature() != before


def test_a_refused_change_changes_nothing(store: RegistryStore) -> None:
    """The file stays as it was, to the byte."""
    before = store.signature()
    with pytest.raises(Refusal):
        store.change(lambda tree: tree.delete_value(KEY, "nothing"))
    assert store.signature() == before


def test_a_store_that_is_not_there_is_empty(tmp_path: Path) -> None:
    """Before the first change there are no keys, and that has its own stamp."""
    store = RegistryStore(tmp_path / "none")
    assert (store.signature(), store.read().export(KEY)) == ((), None)


@pytest.mark.parametrize("text", ["{", '{"HKLM": {}}', '{"HKLM\\\\a": []}'])
def test_a_damaged_store_is_said(store: RegistryStore, tmp_path: Path, text: str) -> None:
    """No JSON, or no keys: the file is named, and nothing overwrites it."""
    file = tmp_path / "registry/store.json"
    file.write_text(text)
    with pytest.raises(StepFailed, match=r"store\.json"):
        store.change(lambda tree: tree.delete(KEY))
    assert file.read_text() == text


@pytest.mark.parametrize("held", [KEY, f"{KEY}\\Sub", "HKLM\\SOFTWARE"])
def test_an_open_key_is_not_replaced(store: RegistryStore, held: str) -> None:
    """Open itself, above or below: refused with who has it; when it is closed it works (6.2.7-06)."""
    with (
        store.held(held, "editor (process 7)"),
        pytest.raises(StepFailed, match=r"by editor \(process 7\) \[6\.2"),
    ):
        store.replace(KEY, CONTENT)
    store.replace(KEY, CONTENT)
    assert store.read().export(KEY) == CONTENT


def test_another_open_key_does_not_matter(store: RegistryStore) -> None:
    """Nor does what a program left that was killed while it held the key."""
    with store.held(f"{KEY}2", "x"):
        store.replace(KEY, CONTENT)
    (store._open / "left").write_text(f'["{KEY}", "gone"]'.replace("\\", "\\\\"))
    store.replace(KEY, None)
    assert list(store._open.iterdir()) == []
