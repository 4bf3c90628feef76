"""One line of the check list."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

OK: Final = "ok"  # looked at, and fine
ADVICE: Final = "advice"  # the guide advises something else
ERROR: Final = "error"  # the cluster, or a part of it, would not work so
UNKNOWN: Final = "unknown"  # a machine could look, but this one could not
PERSON: Final = "person"  # only a person can look: the page says how
NOT_NEEDED: Final = "n/a"  # nothing in this configuration is concerned


@dataclass(frozen=True, slots=True)
class Line:
    """A verdict about one code of the guide's advice, or (E_...) about something that is needed."""

    status: str
    code: str
    clause: str
    text: str
    remedy: str = ""
    server: str = ""  # "" when it is about the configuration or about both

    def as_json(self) -> dict[str, Any]:
        """Return the line as `twinset doctor --json` prints it."""
        return asdict(self)
