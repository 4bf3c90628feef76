"""How much memory a mirror set needs (4.5.1), and whether it is there."""

from collections.abc import Iterable, Mapping
from typing import Final

from twinset.guide.limits import Limit

RESERVED_REQUESTS = Limit(64, "4.5.1-02", "requests")
RESERVED_KIB = Limit(1024, "4.5.1-02", "KiB")
COPIES = Limit(2, "4.5.1-02")
SHORTAGE_CLAUSE: Final = "4.5.1-01"


def set_memory_kib(max_io_kib: int, max_io_count: int) -> int:
    """Return the memory of one mirror set in KiB (4.5.1-02); 18 432 with the defaults (4.5.1-05)."""
    if max_io_kib < 0 or max_io_count < 0:
        raise ValueError(f"neither size {max_io_kib} KiB nor number {max_io_count} may be negative")
    return (max_io_kib * (max_io_count + RESERVED_REQUESTS) + RESERVED_KIB) * COPIES


def formula(max_io_kib: int, max_io_count: int) -> str:
    """Return the formula with the numbers of a set, for a person."""
    return f"({max_io_kib} x ({max_io_count} + {RESERVED_REQUESTS}) + {RESERVED_KIB}) x {COPIES} KiB"


def cluster_memory_kib(sets: Iterable[tuple[int, int]]) -> int:
    """Return the memory of all sets, each as (max_io_kib, max_io_count): it adds up (2.2.1-13)."""
    return sum(set_memory_kib(max_io_kib, max_io_count) for max_io_kib, max_io_count in sets)


def shortage(
    name: str, max_io_kib: int, max_io_count: int, available_kib: int, claims: Mapping[str, int] | None = None
) -> str:
    """Return why a mirror set may not start for want of memory, or "" (4.5.1-01).

    `claims` is what other sets were promised and may not have taken yet, in KiB by name.
    """
    needed = set_memory_kib(max_io_kib, max_io_count)
    promised = sum(kib for other, kib in (claims or {}).items() if other != name)
    if needed + promised <= available_kib:
        return ""
    others = f", {promised} of them promised to other sets" if promised else ""
    return (
        f"mirror set {name} needs {formula(max_io_kib, max_io_count)} = {needed} KiB of memory, "
        f"{available_kib} KiB are available{others}"
    )
