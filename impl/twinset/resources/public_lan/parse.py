"""What was seen: pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def has_link(said: str) -> bool:
    """True when `ip -json link show` tells of one interface with LOWER_UP: switched on, and a cable that is live."""
    try:
        interfaces = json.loads(said)
    except ValueError:
        return False
    match interfaces:
        case [{"flags": [*flags]}]:
            return "LOWER_UP" in flags
    return False


def verdict(links: Mapping[str, bool], answers: Mapping[str, bool]) -> str:
    """Return "" when every public LAN has a link and, of the targets, any answers; else what is wrong.

    One target that is silent may be down itself; only when all are, the LAN is.
    """
    dead = [interface for interface, good in links.items() if not good]
    if dead:
        return f"no link on {', '.join(dead)}"
    if answers and not any(answers.values()):
        return f"no answer from {', '.join(answers)}"
    return ""
