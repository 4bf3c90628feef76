"""Numbers as people read them."""

from __future__ import annotations

from typing import Any


def mib(count: Any) -> str:
    """Return a number of bytes as MiB."""
    return f"{float(count or 0) / (1 << 20):.1f} MiB"
