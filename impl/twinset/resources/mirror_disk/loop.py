"""Loop devices by ioctl: bound and released without a moment in which a crash would leave one behind.

The device is set to detach itself with its last user (AUTOCLEAR), and whoever binds it holds it open until it
is mounted. So a daemon that is killed, or a server that loses power, leaves no loop device.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twinset.errors import StepFailed

LOOP_CLR_FD: Final = 0x4C01
LOOP_CONFIGURE: Final = 0x4C0A
LOOP_CTL_GET_FREE: Final = 0x4C82
LO_FLAGS_AUTOCLEAR: Final = 4
LO_FLAGS_DIRECT_IO: Final = 16
LOOP_MAJOR: Final = 7
NAME_BYTES: Final = 64
TRIES_MAX: Final = 32

# struct loop_config: fd, block_size, struct loop_info64, 8 reserved words
#   loop_info64: device, inode, rdevice, offset, sizelimit (5 x u64), number, encrypt type, key size, flags
#   (4 x u32), file name, crypt name (64 bytes each), key (32), init (2 x u64)
_CONFIG: Final = struct.Struct("=II QQQQQ IIII 64s 64s 32s QQ 64x")


@dataclass(frozen=True)
class Loop:
    """A bound loop device that stays as long as it is held open or mounted."""

    path: str
    descriptor: int

    def close(self) -> None:
        """Give our hold up; the device detaches itself when nobody else uses it."""
        os.close(self.descriptor)


def attach(file: Path) -> Loop:
    """Bind a free loop device to a file, with direct I/O; StepFailed when there is none."""
    try:
        backing = os.open(file, os.O_RDWR | os.O_DIRECT | os.O_CLOEXEC)
    except OSError as error:
        raise StepFailed(f"{file}: {error.strerror}") from None
    try:
        for _ in range(TRIES_MAX):
            loop = _try_attach(file, backing)
            if loop is not None:
                return loop
    except OSError as error:
        raise StepFailed(f"no loop device for {file}: {error.strerror}") from None
    finally:
        os.close(backing)
    raise StepFailed(f"no loop device for {file}: {TRIES_MAX} devices were taken by others")


def detach(device: str) -> None:
    """Release a loop device; fine when it is free or gone."""
    with contextlib.suppress(OSError):
        descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.ioctl(descriptor, LOOP_CLR_FD)
        finally:
            os.close(descriptor)


def backing_file(device: str) -> str:
    """Return the file behind a loop device; "" when it has none."""
    try:
        return (Path("/sys/block") / Path(device).name / "loop/backing_file").read_text().strip()
    except OSError:
        return ""


def refuse_discard(device: str) -> None:
    """Make the kernel write zeros where it would punch holes; see plan.block_server."""
    with contextlib.suppress(OSError):
        (Path("/sys/block") / Path(device).name / "queue/discard_max_bytes").write_text("0")


def _try_attach(file: Path, backing: int) -> Loop | None:
    """Return None when another process took the free device first."""
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
    finally:
        os.close(control)
    device = f"/dev/loop{number}"
    if not Path(device).exists():
        with contextlib.suppress(FileExistsError):
            os.mknod(device, stat.S_IFBLK | 0o600, os.makedev(LOOP_MAJOR, number))
    descriptor = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO
    name = os.fsencode(file)[: NAME_BYTES - 1]
    config = _CONFIG.pack(backing, 0, 0, 0, 0, 0, 0, 0, 0, 0, flags, name, b"", b"", 0, 0)
    try:
        fcntl.ioctl(descriptor, LOOP_CONFIGURE, config)
    except OSError as error:
        os.close(descriptor)
        if error.errno == errno.EBUSY:
            return None
        raise
    return Loop(device, descriptor)
