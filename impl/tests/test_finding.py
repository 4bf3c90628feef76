"""What a finding carries."""

import json

import pytest

from twinset.errors import ConfigError
from twinset.finding import error, errors, warning


def test_message_joins_path_text_and_clause() -> None:
    """The message is one line: path, text and clause."""
    finding = error("E_LIMIT", "group", "65 groups", clause="2.2.2.3-08", value=65, limit=64)
    assert finding.message == "group: 65 groups [2.2.2.3-08]"


def test_message_without_path_and_clause() -> None:
    """What concerns the whole file has no path; what is our own rule has no clause."""
    assert error("E_SYNTAX", "", "no TOML", clause="").message == "no TOML"


def test_message_does_not_move_a_terminal() -> None:
    """Control characters of the file are shown as escapes."""
    assert error("E_SYNTAX", "a\x1b[2J", "b\nc", clause="").message == r"a\x1b[2J: b\nc"


def test_errors_leaves_warnings_out() -> None:
    """Only errors forbid a configuration."""
    wrong, advice = error("E_DUP", "a", "b", clause=""), warning("W_SIZE", "a", "b", clause="")
    assert errors([wrong, advice]) == (wrong,)


@pytest.mark.parametrize(("make", "code"), [(error, "E_OTHER"), (error, "W_SIZE"), (warning, "E_DUP")])
def test_unknown_class_is_a_bug(make: type, code: str) -> None:
    """A finding of a class nobody knows cannot be made."""
    with pytest.raises(ValueError, match=code):
        make(code, "a", "b", clause="")


@pytest.mark.parametrize("value", [None, 1, 1.5, "a", True, (1, 2), {"a": {1, 2}}, float("inf"), object()])
def test_json_can_say_every_value(value: object) -> None:
    """Whatever the offending value is, the finding is valid JSON."""
    text = json.dumps(
        error("E_RANGE", "a", "b", clause="", value=value, limit=value).as_json(), allow_nan=False
    )
    assert json.loads(text)["code"] == "E_RANGE"


def test_config_error_needs_a_finding() -> None:
    """A refusal without a reason cannot be raised."""
    with pytest.raises(ValueError, match="without a finding"):
        ConfigError([])
