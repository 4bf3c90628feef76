"""What is kept of a cluster password, and what a changed text makes of it."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from impl.tests.samples import TWO_SERVERS
from twinset import config as configuration
from twinset.config import changes, password
from twinset.errors import Refusal

SALT, OTHER_SALT = b"s" * 16, b"o" * 16
KEPT = password.hashed("sesame", SALT)
PASSWORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=15)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least that a server accepts."""
    monkeypatch.setattr(password, "LN", 10)


def with_settings(**keys: str) -> configuration.ClusterConfig:
    lines = "".join(f'\n{name} = "{value}"' for name, value in keys.items())
    return configuration.loads(TWO_SERVERS.replace('name = "demo"', f'name = "demo"{lines}'))


@settings(deadline=None, max_examples=50)
@given(right=PASSWORDS, wrong=PASSWORDS)
def test_only_the_password_itself_matches(right: str, wrong: str) -> None:
    """Whatever its characters are; the hash is one that a configuration may have, and does not show it."""
    assume(right != wrong)
    kept = password.hashed(right, SALT)
    assert password.is_hash(kept)
    assert password.matches(right, kept)
    assert not password.matches(wrong, kept)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("sesame", ""),
        ("sesame", "Sesame"),
        ("sesame", "sesame "),
        ("sesame", "sesam"),
        ("\u00e9t\u00e9", "e\u0301te\u0301"),  # the same to the eye
        ("ÄÖÜ", "äöü"),
        ("火" * 5, "火" * 4),
    ],
)
def test_near_misses_are_misses(right: str, wrong: str) -> None:
    """Case counts, every byte counts, and an empty one is never right."""
    kept = password.hashed(right, SALT)
    assert (password.matches(right, kept), password.matches(wrong, kept)) == (True, False)


def test_nothing_matches_what_is_no_hash() -> None:
    """Neither an empty one, nor a plain one, nor one that would cost more than a server spends."""
    kept = password.hashed("sesame", SALT)
    for text in (
        "",
        "sesame",
        kept[:-1],
        f"{kept}0",
        kept.replace("ln=10", "ln=30"),
        kept.replace("r=8", "r=9"),
    ):
        assert not password.is_hash(text)
        assert not password.matches("sesame", text)


def test_what_is_kept_differs_by_its_salt() -> None:
    """Two clusters with one password do not show it."""
    assert password.hashed("sesame", SALT) != password.hashed("sesame", OTHER_SALT)


def test_a_plain_password_becomes_its_hash() -> None:
    """The text that is kept has the hash and not the password, and means the same configuration."""
    settled = password.settled(with_settings(password="sesame"), None, SALT)
    text = configuration.dump(settled)
    assert "sesame" not in text
    assert password.matches("sesame", configuration.loads(text).cluster.password_hash)


@pytest.mark.parametrize(
    ("keys", "changed", "then"),
    [
        ({"password": "sesame"}, False, "sesame"),
        ({"password_hash": KEPT}, False, "sesame"),
        ({"password_hash": password.MASK}, False, "sesame"),
        ({"password": "sesame", "password_hash": password.MASK}, False, "sesame"),
        ({"password": "tahini"}, True, "tahini"),
        ({"password": "tahini", "password_hash": KEPT}, True, "tahini"),
        ({}, True, ""),
    ],
)
def test_a_change_is_seen_where_there_is_one(keys: dict[str, str], changed: bool, then: str) -> None:
    """The same password again, its hash or the mask left in the text is none; another password is, and is not shown."""
    old = configuration.loads(configuration.dump(with_settings(password_hash=KEPT)))
    new = password.settled(with_settings(**keys), old, OTHER_SALT)
    found = changes.difference(old, new)
    assert [each.path for each in found] == ["cluster.password_hash"] * changed
    for each in found:
        assert (each.before, each.needs, each.clause) == ("***", changes.NOTHING, "2.2.2.3-14")
        assert each.after in ("***", "")
    assert password.matches(then, new.cluster.password_hash) == bool(then)


def test_a_dry_run_is_no_way_to_guess() -> None:
    """Whoever may ask for one without the password sees the same of the right one and of a wrong one."""
    old = with_settings(password_hash=KEPT)
    right, wrong = (
        password.settled(with_settings(password=each), old, OTHER_SALT, dry_run=True)
        for each in ("sesame", "tahini")
    )
    assert changes.difference(old, right) == changes.difference(old, wrong) != []


@pytest.mark.parametrize("old", [None, with_settings()])
def test_a_mask_stands_for_nothing_where_there_is_no_hash(old: configuration.ClusterConfig | None) -> None:
    """Else a text that was kept as a backup would make a cluster that nobody has to know a password for."""
    with pytest.raises(Refusal, match="there is none") as caught:
        password.settled(with_settings(password_hash=password.MASK), old, SALT)
    assert (caught.value.code, caught.value.clause) == ("E_RANGE", "2.2.2.3-14")


def test_what_is_shown_has_a_mask() -> None:
    """It can be read as a configuration, and everything but the hash is in it."""
    text = configuration.dump(with_settings(password_hash=KEPT))
    assert password.masked(text) == text.replace(KEPT, password.MASK)
    assert configuration.check_text(password.masked(text)) == configuration.check_text(text)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("password", "7353"),
        ("password", "[7353]"),
        ("password", '"sesame-and-tahini"'),
        ("password_hash", "7353"),
        ("password_hash", '"sesame"'),
    ],
)
def test_no_finding_repeats_a_secret(key: str, value: str) -> None:
    """A hash that is none, a password that is too long, a value of another type: refused by where they stand."""
    text = TWO_SERVERS.replace('name = "demo"', f'name = "demo"\n{key} = {value}')
    [found] = configuration.check_text(text)
    assert (found.path, found.code) in {(f"cluster.{key}", "E_RANGE"), ("cluster.password", "E_LENGTH")}
    assert not any(secret in repr(found) for secret in ("sesame", "7353"))
