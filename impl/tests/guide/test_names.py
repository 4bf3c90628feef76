"""The judges of names, letters and keys, where the rules of the configuration do not reach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.guide import names


@pytest.mark.parametrize(
    "rule", [names.CLUSTER, names.SERVER, names.GROUP, names.VIRTUAL_COMPUTER, names.LAN, names.ACCOUNT]
)
def test_each_rule_stops_at_its_bytes(rule: names.NameRule) -> None:
    """A name of the most bytes is in order, one byte more is not."""
    assert list(names.name_problems("n" * rule.bytes_max, rule)) == []
    [problem] = names.name_problems("n" * (rule.bytes_max + 1), rule)
    assert (problem.code, problem.clause, problem.limit) == (
        "E_LENGTH",
        rule.bytes_max.clause,
        rule.bytes_max,
    )


@given(st.text())
def test_length_is_counted_in_bytes(text: str) -> None:
    """Every limit of the guide counts bytes, and characters beyond ASCII have several."""
    assert names.byte_count(text) >= len(text)
    assert (names.byte_count(text) == len(text)) == text.isascii()


@given(st.text(max_size=20))
def test_accepted_group_names_are_of_the_guides_characters(name: str) -> None:
    """Whatever the judge accepts is made of letters, digits, hyphen and underscore, 1 to 15 of them."""
    accepted = not list(names.name_problems(name, names.GROUP))
    allowed = 0 < len(name) <= 15 and all(
        char.isascii() and (char.isalnum() or char in "-_") for char in name
    )
    assert accepted == allowed


def test_bad_characters_are_told() -> None:
    """The message shows each offending character once, spelled out."""
    [problem] = names.name_problems("a b b\té", names.CLUSTER)
    assert r"contains ' ', '\t', '\xe9'" in problem.text


@pytest.mark.parametrize("name", ["CON", "prn", "Aux", "NUL", "COM1", "com9", "LPT1", "lpt9"])
def test_dos_devices(name: str) -> None:
    """The devices of DOS, in any case (6.2.1-07)."""
    assert names.is_dos_device(name)


@pytest.mark.parametrize("name", ["PRNX", "COM0", "COM10", "LPT", "XNUL", ""])
def test_no_dos_devices(name: str) -> None:
    """A name that only resembles a device is none."""
    assert not names.is_dos_device(name)


def test_twenty_three_letters_are_left() -> None:
    """Of 26 letters A, B and the system drive are taken (2.2.2.1-05)."""
    left = [letter for letter in names.LETTERS if not list(names.letter_problems(letter, ["c"]))]
    assert len(left) == 23


@pytest.mark.parametrize(
    ("key", "spelling"),
    [
        ("hklm\\a\\B", "HKEY_LOCAL_MACHINE\\A\\B"),
        ("HKEY_LOCAL_MACHINE\\A", "HKEY_LOCAL_MACHINE\\A"),
        ("hku", "HKEY_USERS"),
        ("x\\y", "X\\Y"),
    ],
)
def test_keys_are_compared_in_one_spelling(key: str, spelling: str) -> None:
    """Short and long roots, capitals and small letters name one key."""
    assert names.canonical_registry_key(key) == spelling


@pytest.mark.parametrize(("characters", "codes"), [(255, set()), (256, {"E_CHARSET", "E_LENGTH"})])
def test_component_of_a_key(characters: int, codes: set[str]) -> None:
    """A component of a key has at most 255 characters (6.2.7-12); the limit of the key forbids more too."""
    found = {problem.code for problem in names.registry_key_problems("HKU\\" + "k" * characters)}
    assert found == codes


def test_nul_in_a_key() -> None:
    """A key cannot contain NUL (6.2.7-12)."""
    [problem] = names.registry_key_problems("HKU\\S\\a\0b")
    assert (problem.code, problem.clause) == ("E_CHARSET", "6.2.7-12")


def test_keys_overlap_when_one_lies_in_the_other() -> None:
    """By whole components, in any spelling."""
    key = "HKLM\\SOFTWARE\\Acme"
    assert names.registry_overlap(key, "HKEY_LOCAL_MACHINE\\software\\acme\\Sub")
    assert names.registry_overlap("HKLM\\SOFTWARE", key)
    assert not names.registry_overlap(key, "HKLM\\SOFTWARE\\Acme2")
