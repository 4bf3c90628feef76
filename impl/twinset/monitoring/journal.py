"""Entries of the systemd journal, as `journalctl --output=json` prints them, one a line. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

EVERYTHING: Final = "*"  # in the place of a source
SOURCES: Final = ("_SYSTEMD_UNIT", "UNIT", "SYSLOG_IDENTIFIER", "_COMM")
CURSOR: Final = "__CURSOR"
PID: Final = "_PID"


def follow(cursor: str) -> list[str]:
    """Print what comes from now on, or what came after the entry of that cursor and goes on coming."""
    begin = ["--no-tail", f"--after-cursor={cursor}"] if cursor else ["--lines=0"]
    fields = ",".join(("MESSAGE", PID, *SOURCES))
    argv = ["journalctl", "--follow", "--no-pager", "--quiet", "--all", "--output=json"]
    return [*argv, f"--output-fields={fields}", *begin]


@dataclass(frozen=True, slots=True)
class Entry:
    """What was said, and by whom: unit, the unit it is about, identifier, program."""

    message: str
    sources: tuple[str, ...]
    pid: str = ""
    cursor: str = ""


def parse(line: str) -> Entry | None:
    """Return an entry; None for a line that is none, or one without a message."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    message = _text(fields.get("MESSAGE"))
    sources = tuple(dict.fromkeys(text for name in SOURCES if (text := _text(fields.get(name)))))
    return Entry(message, sources, _text(fields.get(PID)), _text(fields.get(CURSOR))) if message else None


def _text(value: Any) -> str:
    """A field is a text, a list of bytes where some cannot be printed, or a list of such when it stands there twice."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if value and all(isinstance(each, int) and 0 <= each < 256 for each in value):
            return bytes(value).decode(errors="replace")
        return "\n".join(text for each in value if (text := _text(each)))
    return ""
