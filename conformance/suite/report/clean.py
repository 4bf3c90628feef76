"""Text of an adapter on its way into a report: whatever it contains, it stays text, and not too much of it."""

import re
from typing import Any

TEXT_CHARACTERS_MAX = 4000
# What neither XML nor a reader wants: control characters, halves of surrogate pairs, non-characters, and the marks that
# turn the direction of writing.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069\ufffe\uffff]")


def text(value: object, characters_max: int = TEXT_CHARACTERS_MAX) -> str:
    """The value as text that any file format takes; a long one loses its middle and says so."""
    found = _UNWANTED.sub(_shown, str(value))
    if len(found) <= characters_max:
        return found
    half = characters_max // 2
    return f"{found[:half]} [... {len(found) - 2 * half} characters left out ...] {found[-half:]}"


def _shown(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def data(value: Any) -> Any:
    """Plain data whose texts are clean, keys too; what is no plain data becomes text."""
    if isinstance(value, dict):
        return {text(key): data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [data(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return text(value)
