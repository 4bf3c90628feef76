"""Values of registry keys: a type and its data, as JSON carries them and as an operator writes them. Pure.

sz, expand_sz   text            dword   0 to 2^32-1     multi_sz   a list of texts
binary          hexadecimal     qword   0 to 2^64-1
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

Value = tuple[str, Any]

TEXTS: Final = ("sz", "expand_sz")
NUMBERS: Final = {"dword": 2**32 - 1, "qword": 2**64 - 1}
TYPES: Final = (*TEXTS, "multi_sz", *NUMBERS, "binary")
NAME_CHARACTERS_MAX: Final = 255
VALUE_CHARACTERS_MAX: Final = 65_536
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*")


def parse(kind: str, words: Sequence[str]) -> Value:
    """Return the value that an operator wrote; Refusal says what is wrong with it."""
    kind = kind.casefold().removeprefix("reg_")
    if kind == "multi_sz":
        return checked(kind, list(words))
    if len(words) != 1:
        raise Refusal("E_RANGE", f"a value of type {kind} is one word, not {len(words)}", "6.2.7-12")
    word = words[0]
    if kind in NUMBERS:
        if not re.fullmatch("[0-9]{1,20}|0x[0-9A-Fa-f]{1,16}", word):
            raise Refusal("E_RANGE", f"{word!r:.60} is no number", "6.2.7-12")
        return checked(kind, int(word, 0) if word.startswith("0x") else int(word))
    return checked(kind, word.lower() if kind == "binary" else word)


def checked(kind: Any, data: Any) -> Value:
    """Return a value from the outside; Refusal when type and data do not fit each other."""
    if kind not in TYPES:
        raise Refusal(
            "E_RANGE", f"{kind!r:.60} is no type of a value; there are {', '.join(TYPES)}", "6.2.7-12"
        )
    if kind in NUMBERS:
        fits = isinstance(data, int) and not isinstance(data, bool) and 0 <= data <= NUMBERS[kind]
    elif kind == "multi_sz":
        fits = isinstance(data, list) and all(isinstance(text, str) for text in data)
    else:
        fits = isinstance(data, str) and (kind != "binary" or _HEX.fullmatch(data) is not None)
    if not fits:
        raise Refusal("E_RANGE", f"{data!r:.60} is no {kind}", "6.2.7-12")
    size = sum(map(len, data)) if isinstance(data, list) else len(data) if isinstance(data, str) else 0
    if size > VALUE_CHARACTERS_MAX:
        text = f"a value of {size} characters, at most {VALUE_CHARACTERS_MAX} are allowed"
        raise Refusal("E_LENGTH", text, "6.2.7-12")
    return kind, data


def checked_name(name: Any) -> str:
    """Return the name of a value from the outside; "" is the key's default value."""
    if not isinstance(name, str) or len(name) > NAME_CHARACTERS_MAX or "\0" in name:
        text = f"the name of a value has at most {NAME_CHARACTERS_MAX} characters and no NUL: {name!r:.60}"
        raise Refusal("E_CHARSET", text, "6.2.7-12")
    return name


def shown(value: Value) -> str:
    """Return the data as an operator reads it."""
    return "\n".join(value[1]) if isinstance(value[1], list) else str(value[1])
