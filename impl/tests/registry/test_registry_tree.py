r"""The plain store's content: keys and values by any case, exports that make the same key elsewhere, bounds."""

import pytest

from twinset.errors import Refusal
from twinset.registry import tree, values
from twinset.registry.tree import Tree

ACME = "HKLM\\SOFTWARE\\Acme"


@pytest.fixture()
def filled() -> Tree:
    made = Tree()
    made.set(ACME, "Port", ("dword", 5432))
    made.set(f"{ACME}\\Straße\\Paths", "", ("multi_sz", ["/a", "/b"]))
    made.set("HKU\\S-1\\Acme", "Port", ("sz", "other"))
    return made


def test_keys_and_names_have_any_case_and_keep_theirs(filled: Tree) -> None:
    """Found in any case and by the short or full root, shown as first written, overwritten in place (6.2.7-12)."""
    filled.set("hkey_local_machine\\software\\ACME", "PORT", ("qword", 1))
    assert filled.values(ACME) == {"Port": ("qword", 1)}
    assert filled.value("HKEY_LOCAL_MACHINE\\Software\\acme", "port") == ("qword", 1)
    assert filled.subkeys(ACME) == ["Straße"]
    assert filled.subkeys("HKLM\\SOFTWARE") == ["Acme"]


def test_an_export_makes_the_same_key_elsewhere(filled: Tree) -> None:
    """All under a key, no more; what was there before is gone, what lies beside it stays (6.2.7-01)."""
    other = Tree()
    other.set(f"{ACME}\\Old", "x", ("sz", "y"))
    other.set("HKLM\\SOFTWARE\\Acme2", "x", ("sz", "y"))
    other.replace(ACME, filled.export(ACME))
    assert other.export(ACME) == filled.export(ACME) == {
        "": {"Port": ["dword", 5432]}, "Straße\\Paths": {"": ["multi_sz", ["/a", "/b"]]},
    }  # fmt: skip
    assert other.export("HKLM\\SOFTWARE\\Acme2") == {"": {"x": ["sz", "y"]}}
    other.replace(ACME, None)
    assert other.export(ACME) is None


def test_a_file_keeps_everything(filled: Tree) -> None:
    """What is written and read again is the same."""
    assert Tree(filled.as_json()).as_json() == filled.as_json()


def test_what_is_deleted_is_gone(filled: Tree) -> None:
    """A value alone, or a key with all below it; what is not there is refused."""
    filled.delete_value(ACME, "port")
    assert filled.values(ACME) == {}
    assert filled.delete(ACME)
    assert not filled.delete(ACME)
    for work in (lambda: filled.values(ACME), lambda: filled.value(ACME, "Port"),
                 lambda: filled.delete_value("HKU\\S-1\\Acme", "x")):  # fmt: skip
        with pytest.raises(Refusal, match=r"no key|no value") as refused:
            work()
        assert refused.value.code == "E_NOTFOUND"


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("HKCU\\Software", "E_RANGE"), ("HKLM", "E_RANGE"), ("", "E_RANGE"), (None, "E_LENGTH"),
        ("HKLM\\a\\\\b", "E_CHARSET"), ("HKLM\\a\0", "E_CHARSET"), ("HKLM\\" + "k" * 256, "E_CHARSET"),
        ("HKU\\" + "k\\" * 600, "E_LENGTH"),
    ],
)  # fmt: skip
def test_a_bad_key_is_refused(key: str, code: str) -> None:
    """Other roots, a root itself, empty or overlong components, NUL: with the class of the error (6.2.7-08, -12)."""
    with pytest.raises(Refusal) as refused:
        tree.checked_key(key)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "content",
    [
        {"": []},
        {"": {"x": ["sz"]}},
        {"": {"x": ["sz", 1]}},
        {"a\\\\b": {}},
        {"": {"x\0": ["sz", ""]}},
        {"": {"x": "sz"}},
    ],
)
def test_a_bad_export_changes_nothing(filled: Tree, content: object) -> None:
    """An export that is none is refused as a whole."""
    before = filled.as_json()
    with pytest.raises(Refusal):
        filled.replace(ACME, content)  # type: ignore[arg-type]
    assert filled.as_json() == before


def test_the_store_is_bounded(monkeypatch: pytest.MonkeyPatch, filled: Tree) -> None:
    """Too many keys are refused."""
    monkeypatch.setattr(tree, "KEYS_MAX", 3)
    with pytest.raises(Refusal, match="more than 3 keys"):
        filled.set("HKU\\S-1\\New", "x", ("sz", ""))
    with pytest.raises(Refusal, match="more than 3 keys"):
        filled.replace("HKU\\S-1\\New", {"": {}, "a": {}})


@pytest.mark.parametrize(
    ("kind", "words", "value"),
    [
        ("sz", ["a b"], ("sz", "a b")), ("REG_DWORD", ["0xFF"], ("dword", 255)), ("qword", ["1"], ("qword", 1)),
        ("multi_sz", ["a", "b"], ("multi_sz", ["a", "b"])), ("multi_sz", [], ("multi_sz", [])),
        ("binary", ["00FF"], ("binary", "00ff")), ("expand_sz", ["$HOME"], ("expand_sz", "$HOME")),
    ],
)  # fmt: skip
def test_values_are_read(kind: str, words: list[str], value: values.Value) -> None:
    """Each type, with the prefix that other tools write or without."""
    assert values.parse(kind, words) == value


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("sz", ["a", "b"]), ("dword", ["4294967296"]), ("dword", ["-1"]), ("dword", ["x"]), ("binary", ["0"]),
        ("none", ["x"]), ("sz", ["x" * 65_537]), ("multi_sz", ["x" * 40_000, "x" * 40_000]),
    ],
)  # fmt: skip
def test_bad_values_are_refused(kind: str, words: list[str]) -> None:
    """Too large, of another type, of no type."""
    with pytest.raises(Refusal):
        values.parse(kind, words)
