"""What was seen: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


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
