"""Numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def mib(count: Any) -> str:
    """Return a number of bytes as MiB."""
    return f"{float(count or 0) / (1 << 20):.1f} MiB"


def at_time(seconds: Any) -> str:
    """Return seconds since 1970 as local date and time; "?" for a time that nobody knows."""
    return (
        f"{datetime.fromtimestamp(float(seconds), tz=UTC).astimezone():%Y-%m-%d %H:%M:%S}" if seconds else "?"
    )
