"""The exception tree."""

import inspect

from twinset import errors
from twinset.errors import ConfigError, Refusal, TwinsetError
from twinset.finding import error


def test_every_exception_is_in_the_tree() -> None:
    """One except clause catches everything that twinset raises itself, and the tree on top names each."""
    assert errors.__doc__ is not None
    found = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert all(issubclass(kind, TwinsetError) and kind.__name__ in errors.__doc__ for kind in found)
    assert len(found) > 5


def test_refusal_carries_what_the_operator_needs() -> None:
    """Class, reason, clause and the command that would help, in the shape of the daemon's answer."""
    refusal = Refusal("E_STATE", "group db is active", "6.2.2-03", "group stop db")
    assert str(refusal) == "group db is active [6.2.2-03]"
    assert refusal.as_json() == {
        "code": "E_STATE",
        "message": "group db is active",
        "clause": "6.2.2-03",
        "help": "group stop db",
    }


def test_refusal_without_a_clause() -> None:
    """A rule of ours cites nothing."""
    assert str(Refusal("E_STATE", "no")) == "no"


def test_no_refusal_has_an_empty_reason() -> None:
    """A reason that came from elsewhere and is empty is said to be missing, with the place to look at."""
    for empty in ("", "  ", "group start db on server1: "):
        assert "no reason was given; the event log may have it" in Refusal("E_STATE", empty).message


def test_config_error_shows_every_finding() -> None:
    """The text of the exception is all findings, one a line."""
    refused = ConfigError(error("E_DUP", path, "x", clause="") for path in ("a", "b"))
    assert str(refused).splitlines() == ["a: x", "b: x"]
    assert [finding.path for finding in refused.findings] == ["a", "b"]  # type: ignore[attr-defined]
