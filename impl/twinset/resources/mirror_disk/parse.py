"""What the kernel and the programs said about devices and mounts: pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class MountEntry:
    """One line of mountinfo."""

    path: str
    device: str  # major:minor
    filesystem: str
    source: str


def mounts(mountinfo: str) -> list[MountEntry]:
    """Return the mounts of /proc/self/mountinfo; lines that are none are left out."""
    found = []
    for line in mountinfo.splitlines():
        before, dash, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if dash and len(left) >= 6 and len(right) >= 2:
            found.append(MountEntry(_plain(left[4]), left[2], right[0], _plain(right[1])))
    return found


def mounted_at(mountinfo: str, path: str) -> MountEntry | None:
    """Return the topmost mount at a path."""
    found = [entry for entry in mounts(mountinfo) if entry.path == path]
    return found[-1] if found else None


def inside(target: str, path: str) -> bool:
    """True when a path is the mount point or lies below it."""
    return target == path or target.startswith(path.rstrip("/") + "/")


def maps_file_of(maps: str, path: str, device: str) -> bool:
    """True when /proc/PID/maps names a file of that device (major:minor) below the mount point."""
    for line in maps.split("\n"):
        fields = line.split(None, 5)
        if len(fields) == 6 and inside(fields[5], path):
            major, _, minor = fields[3].partition(":")
            if f"{int(major, 16)}:{int(minor, 16)}" == device:
                return True
    return False


def filesystem(blkid_export: str) -> str:
    """Return the type of the file system that blkid found; "" when the device holds none."""
    values = dict(line.split("=", 1) for line in blkid_export.splitlines() if "=" in line)
    return values.get("TYPE", "")


def holds_something(blkid_export: str) -> str:
    """Return what blkid found that is no file system: a partition table, a RAID member; "" for nothing."""
    values = dict(line.split("=", 1) for line in blkid_export.splitlines() if "=" in line)
    return values.get("PTTYPE", "") or values.get("TYPE", "")


def same_type(found: str, configured: str) -> bool:
    """True when the file system found is the one configured."""
    return found == configured or {found, configured} <= {"vfat", "fat", "msdos"}


def _plain(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), text)
