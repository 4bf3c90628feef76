"""What the kernel's and the administrator's tables say about disks in use: pure."""

from __future__ import annotations

import re
from typing import NamedTuple

_OCTAL = re.compile(r"\\([0-7]{3})")


class Swap(NamedTuple):
    """A line of /proc/swaps."""

    path: str
    is_file: bool


class Listed(NamedTuple):
    """A line of fstab: what is to be mounted where."""

    source: str
    place: str


class Lock(NamedTuple):
    """A whole-file lock: its owner, and the file as major, minor and inode."""

    pid: int
    major: int
    minor: int
    inode: int


def swaps(text: str) -> list[Swap]:
    """Return the swap areas in use."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 2:
            found.append(Swap(_plain(fields[0]), fields[1] == "file"))
    return found


def fstab(text: str) -> list[Listed]:
    """Return the entries of fstab; comments and broken lines are left out."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 3 and not fields[0].startswith("#"):
            place = "swap" if fields[2] == "swap" else _plain(fields[1])
            found.append(Listed(_plain(fields[0]).replace('"', ""), place))
    return found


def locks(text: str) -> list[Lock]:
    """Return the locks of /proc/locks that `flock` made and that are held, not waited for."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 6 or fields[1] != "FLOCK":
            continue
        place = fields[5].split(":")
        try:
            found.append(Lock(int(fields[4]), int(place[0], 16), int(place[1], 16), int(place[2])))
        except (ValueError, IndexError):
            continue
    return found


def by_link(source: str) -> str:
    """Return the path that names a source of fstab like UUID=..., or "" when it names no device."""
    if source.startswith("/dev/"):
        return source
    tag, equals, value = source.partition("=")
    folder = _LINKS.get(tag.upper())
    return f"/dev/disk/{folder}/{value}" if equals and folder else ""


_LINKS = {"UUID": "by-uuid", "LABEL": "by-label", "PARTUUID": "by-partuuid", "PARTLABEL": "by-partlabel"}


def _plain(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), text)
