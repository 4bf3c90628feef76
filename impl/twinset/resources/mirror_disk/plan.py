"""What to run for a mirror disk: pure argument lists. Decision record 0004 says why these programs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

# A mirror process that is restarted is back within a second or two. When it stays away this long, requests
# end with an I/O error instead of waiting for ever.
RECONNECT_S_MIN: Final = 60

NOTE: Final = ".nbd"
NBD: Final = "nbd"  # decision record 0014
FUSE: Final = "fuse"  # decision record 0004

FILESYSTEM_CHECKS: Final = {
    "ext2": ["e2fsck", "-p"],
    "ext3": ["e2fsck", "-p"],
    "ext4": ["e2fsck", "-p"],
    "vfat": ["fsck.fat", "-a"],
}
# e2fsck: 1 and 2 say that something was corrected.
CHECK_STATUS_GOOD_MAX: Final = 3

FILESYSTEM_MAKERS: Final = {
    "ext2": ["mkfs.ext2", "-q", "-F", "-E", "nodiscard"],
    "ext3": ["mkfs.ext3", "-q", "-F", "-E", "nodiscard"],
    "ext4": ["mkfs.ext4", "-q", "-F", "-E", "nodiscard"],
    "xfs": ["mkfs.xfs", "-q", "-f", "-K"],
    "btrfs": ["mkfs.btrfs", "-q", "-f", "-K"],
    "vfat": ["mkfs.vfat"],
    "ntfs": ["mkfs.ntfs", "-Q", "-F"],
}
MOUNT_TYPES: Final = {"ntfs": "ntfs-3g"}


@dataclass(frozen=True)
class Names:
    """The files of one attached data partition."""

    set: str
    letter: str
    directory: Path

    @property
    def record(self) -> Path:
        """What is attached, for a daemon that comes later."""
        return self.directory / f"{self.set}-{self.letter}.json"

    @property
    def file(self) -> Path:
        """The FUSE file that carries the partition."""
        return self.directory / f"{self.set}-{self.letter}.raw"

    @property
    def note(self) -> Path:
        """Which device of the kernel's NBD client carries the partition."""
        return self.file.with_suffix(NOTE)

    @property
    def log(self) -> Path:
        """What its server says."""
        return self.directory / f"{self.set}-{self.letter}.log"


def front(*, driver: bool, forced: str) -> str:
    """Which way the kernel gets its device: its own NBD client where it has one, unless FUSE is asked for."""
    return NBD if driver and forced != FUSE else FUSE


def load_driver() -> list[str]:
    """Load the kernel's NBD client; where there is no such module it says so and nothing is lost."""
    return ["modprobe", "-q", "nbd"]


def block_server(names: Names, socket: Path, reconnect_s: float, front: str) -> list[str]:
    """Serve an NBD export to the kernel. Requests wait up to `reconnect_s` for a server that is restarted."""
    return [
        sys.executable, "-m", "twinset.shell.block_device",
        "--export", names.letter, "--server", str(socket), "--file", str(names.file), "--front", front,
        "--reconnect-s", f"{max(RECONNECT_S_MIN, reconnect_s):g}",
    ]  # fmt: skip


def probe_filesystem(device: str) -> list[str]:
    """Ask what the device holds, past every cache."""
    return ["blkid", "--probe", "--output", "export", device]


def check_filesystem(filesystem: str, device: str) -> list[str] | None:
    """Repair what is safe to repair; None when this file system checks itself at mount."""
    program = FILESYSTEM_CHECKS.get(filesystem)
    return None if program is None else [*program, device]


def make_filesystem(filesystem: str, device: str) -> list[str] | None:
    """Make an empty file system; None when we do not know how."""
    program = FILESYSTEM_MAKERS.get(filesystem)
    return None if program is None else [*program, device]


def mount(device: str, path: str, filesystem: str, options: str) -> list[str]:
    """Mount the device."""
    argv = ["mount", "-t", MOUNT_TYPES.get(filesystem, filesystem)]
    if options:
        argv += ["-o", options]
    return [*argv, device, path]


def unmount(path: str) -> list[str]:
    """Unmount, writing back what is dirty."""
    return ["umount", path]


def write_back(path: str) -> list[str]:
    """Write back what is dirty in the file system at a path."""
    return ["sync", "--file-system", path]


def unmount_lazily(path: str) -> list[str]:
    """Take the mount out of the tree whoever uses it."""
    return ["umount", "--lazy", path]
