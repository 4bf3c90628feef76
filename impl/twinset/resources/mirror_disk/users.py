"""Who uses a mounted file system, as `fuser -m` finds it: open files, working directories, mapped files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from twinset.resources.mirror_disk import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC: Final = Path("/proc")
SHOWN: Final = 5


@dataclass(frozen=True)
class User:
    """A process."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.pid})"


def find(mount: parse.MountEntry) -> list[User]:
    """Return the processes that keep a mount busy; of another file system at the same path elsewhere, none."""
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit() and _uses(entry, mount):
            try:
                found.append(User(int(entry.name), (entry / "comm").read_text().strip()))
            except OSError:  # it has just ended
                continue
    return found


def shown(users: list[User]) -> str:
    """Name some of them."""
    more = f" and {len(users) - SHOWN} more" if len(users) > SHOWN else ""
    return ", ".join(map(str, users[:SHOWN])) + more


def _uses(process: Path, mount: parse.MountEntry) -> bool:
    try:
        if any(
            parse.inside(_target(link), mount.path) and _device(link) == mount.device
            for link in _links(process)
        ):
            return True
        return parse.maps_file_of((process / "maps").read_text(errors="replace"), mount.path, mount.device)
    except OSError:
        return False


def _links(process: Path) -> Iterator[Path]:
    yield from (process / "cwd", process / "root", process / "exe")
    yield from (process / "fd").iterdir()


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _device(link: Path) -> str:
    """Only asked for a path below the mount point: the other end of any other link might hang."""
    try:
        number = link.stat().st_dev
    except OSError:
        return ""
    return f"{os.major(number)}:{os.minor(number)}"
