"""How much memory this process may still get: of the machine, and of each control group that it is in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

UNLIMITED: Final = 1 << 60  # what version 1 says instead of "no limit" is larger than any machine
_V1, _V2 = ("memory.limit_in_bytes", "memory.usage_in_bytes"), ("memory.max", "memory.current")


def available_kib(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the memory that can be had without swapping, in KiB; None when the system does not say."""
    found = [left for left in (_machine_kib(proc), *_groups_kib(proc, groups)) if left is not None]
    return min(found, default=None)


def _machine_kib(proc: Path) -> int | None:
    for line in _text(proc / "meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return _number(rest.split()[0] if rest.split() else "")
    return None


def _groups_kib(proc: Path, groups: Path) -> Iterator[int | None]:
    """Yield what each limit leaves: those of the own group and of every group above it."""
    for line in _text(proc / "self" / "cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            root, names = groups, _V2
            if not (groups / "cgroup.controllers").exists():
                root = groups / "unified"
        elif "memory" in controllers.split(","):
            root, names = groups / "memory", _V1
        else:
            continue
        at = root / path.strip("/")
        for folder in (at, *at.parents):
            yield _left_kib(folder, *names)
            if folder == root:
                break


def _left_kib(folder: Path, limit_name: str, usage_name: str) -> int | None:
    """Return what a limit leaves; pages of files that nobody uses are given back when they are needed."""
    limit, usage = _number(_text(folder / limit_name)), _number(_text(folder / usage_name))
    if limit is None or usage is None or limit >= UNLIMITED:
        return None
    spare = 0
    for line in _text(folder / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name in ("inactive_file", "total_inactive_file"):
            spare = max(spare, _number(value) or 0)
    return max(0, limit - max(0, usage - spare)) // 1024


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None
