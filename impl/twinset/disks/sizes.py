"""Sizes as an operator writes and reads them: 10G, 512M, bytes; always powers of 1024."""

from __future__ import annotations

import re
from typing import Final

from twinset.errors import Refusal

REST: Final = "rest"
_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE: Final = re.compile(r"(\d+)([KMGT]?)(?:iB|B)?", re.ASCII | re.IGNORECASE)


def parse(text: str) -> int:
    """Return a size in bytes; Refusal when it is none."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise Refusal("E_RANGE", f"{text!r} is no size", help="write 512M, 10G, or a number of bytes")
    return int(match.group(1)) * _UNITS[match.group(2).upper()]


def parse_list(text: str) -> tuple[int | None, ...]:
    """Return the sizes of data partitions in order; None stands for `rest`, an equal share of what is left."""
    return tuple(None if item.strip().lower() == REST else parse(item) for item in text.split(","))


def show(size_bytes: int) -> str:
    """Return a size for a person, exact: in the largest unit that divides it."""
    for unit, factor in reversed(_UNITS.items()):
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor} {unit}iB" if unit else f"{size_bytes} bytes"
    return f"{size_bytes} bytes"
