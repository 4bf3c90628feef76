"""A finding: what is wrong in a configuration, where, by which limit, and which clause says so."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]

ERROR: Severity = "error"
WARNING: Severity = "warning"

# The classes of findings. E_ forbids the configuration; W_ is advice.
CODES = frozenset(
    {
        "E_CHARSET",  # a character that the name may not have
        "E_DISK",  # an unsuitable disk
        "E_DUP",  # the name, letter, address or path is in use
        "E_FS",  # an unsuitable file system
        "E_LENGTH",  # too many bytes, or none
        "E_LIMIT",  # too many of a kind
        "E_NOTFOUND",  # a reference to something that is not configured, or a file that is not there
        "E_PARTITION",  # a rule about partitions
        "E_RANGE",  # a value outside its set, or of another type
        "E_RESERVED",  # a word, letter or key kept for the system
        "E_SUBNET",  # a rule about addresses and networks
        "E_SYNTAX",  # the text is no TOML, or a key does not exist
        "E_TOPOLOGY",  # an arrangement of servers, networks and sets that cannot work
        "E_UNSUPPORTED",  # something that no mirror-disk cluster does
    }
)


@dataclass(frozen=True)
class Finding:
    """One broken rule. `path` is the key in the file, items counted from 0: ``group[2].name``."""

    severity: Severity
    code: str
    path: str
    value: Any
    limit: Any
    clause: str
    message: str
    help: str = ""  # the next step, where there is one to name

    def as_json(self) -> dict[str, Any]:
        """Return the finding as `twinset check --json` and `twinset disk inspect --json` print it."""
        next_step = {"help": self.help} if self.help else {}
        return {
            "severity": self.severity,
            "code": self.code,
            "path": self.path,
            "value": _plain(self.value),
            "limit": _plain(self.limit),
            "clause": self.clause,
            "message": self.message,
            **next_step,
        }


def error(
    code: str,
    path: str,
    text: str,
    *,
    clause: str,
    value: Any = None,
    limit: Any = None,
    help: str = "",  # noqa: A002
) -> Finding:
    """Return a finding that forbids the configuration."""
    if code not in CODES:
        raise ValueError(f"unknown class of finding {code!r}")
    return Finding(ERROR, code, path, value, limit, clause, _message(path, text, clause), help)


def warning(
    code: str,
    path: str,
    text: str,
    *,
    clause: str,
    value: Any = None,
    limit: Any = None,
    help: str = "",  # noqa: A002
) -> Finding:
    """Return a finding that is advice."""
    if not code.startswith("W_"):
        raise ValueError(f"a warning is of a class W_..., not {code!r}")
    return Finding(WARNING, code, path, value, limit, clause, _message(path, text, clause), help)


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return those that forbid the configuration."""
    return tuple(finding for finding in findings if finding.severity == ERROR)


def _message(path: str, text: str, clause: str) -> str:
    where = f"{path}: " if path else ""
    cited = f" [{clause}]" if clause else ""
    # What came from the file must not move the terminal it is shown on.
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in f"{where}{text}{cited}"
    )


def _plain(value: Any) -> Any:
    """Return the value as JSON can say it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)
