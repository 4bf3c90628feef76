"""What /proc tells: who is alive, who belongs to whom, which loop devices hang on a host's files.

Standard library only and no other module of the harness: PID 1 of a host uses it isolated (-I -S).
"""

import contextlib
import fcntl
import os
import select
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

LOOP_GET_STATUS64 = 0x4C05
LOOP_CLR_FD = 0x4C01
STUCK_MS = 300
LOOP_STATUS_BYTES = 232  # struct loop_info64, which begins with the backing file's device and inode
RUN_MARK = "TWINSET_LAB_RUN"  # in the environment of every process of a run

Inode = tuple[int, int]  # device number, inode number


def start_time(pid: int) -> int | None:
    """When a process started, in ticks since boot; None when there is none. Pids are reused, pairs not."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def is_alive(pid: int, started: int) -> bool:
    """True when exactly that process still runs."""
    return start_time(pid) == started


def state(pid: int) -> str:
    """The state letter of a process ("S", "T", "D" ...), "" when it is gone."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def parent(pid: int) -> int:
    """The parent as seen from here, 0 when there is none."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def all_pids() -> Iterator[int]:
    """Every process that this /proc shows."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def in_namespace_of(pid: int, kind: str = "pid") -> list[int]:
    """Every process in the same namespace as ``pid``."""
    with contextlib.suppress(OSError):
        wanted = Path(f"/proc/{pid}/ns/{kind}").readlink()
        found = []
        for other in all_pids():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{other}/ns/{kind}").readlink() == wanted:
                    found.append(other)
        return found
    return []


def marked(run_id: str) -> list[int]:
    """Every process that carries the run's mark in its environment."""
    wanted = f"{RUN_MARK}={run_id}".encode()
    found = []
    for pid in all_pids():
        with contextlib.suppress(OSError):
            if pid != os.getpid() and wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def fuse_devices(pids: Iterable[int]) -> set[int]:
    """The device numbers of the FUSE file systems that these processes see."""
    devices = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
                before, _, after = line.partition(" - ")
                if after.startswith("fuse"):
                    major, _, minor = before.split()[2].partition(":")
                    devices.add(os.makedev(int(major), int(minor)))
    return devices


def loops() -> Iterator[tuple[str, Inode]]:
    """Every loop device in use, with the file behind it."""
    for sysfs in Path("/sys/block").glob("loop*/loop"):
        device = f"/dev/{sysfs.parent.name}"
        with contextlib.suppress(OSError):
            if _stuck(sysfs.parent):
                continue
            fd = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
            try:
                status = bytearray(LOOP_STATUS_BYTES)
                fcntl.ioctl(fd, LOOP_GET_STATUS64, status)
                yield device, struct.unpack_from("<QQ", status)
            finally:
                os.close(fd)


def _stuck(block: Path) -> bool:
    """True for a device with a request that does not move: whoever opens it hangs with it for ever.

    Loop devices are shared by all labs of a machine; a broken one of a stranger must not take this run along.
    """
    if not any(int(word) for word in (block / "inflight").read_text().split()):
        return False
    before = (block / "stat").read_text().split()[:8]
    select.poll().poll(STUCK_MS)
    busy = any(int(word) for word in (block / "inflight").read_text().split())
    return busy and (block / "stat").read_text().split()[:8] == before


def loops_mounted(pids: Iterable[int]) -> set[str]:
    """Loop devices mounted in these processes' mount namespaces and not in this process's."""
    return _mount_sources(pids) - _mount_sources([os.getpid()])


def _mount_sources(pids: Iterable[int]) -> set[str]:
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
                source = line.partition(" - ")[2].split()[1]
                if source.startswith("/dev/loop"):
                    found.add(source)
    return found


def loops_on(devices: set[int], inodes: set[Inode]) -> list[str]:
    """The loop devices whose file lies on one of these file systems, or is one of these files."""
    return [
        device
        for device, (dev, inode) in loops()
        if _decode(dev) in devices or (_decode(dev), inode) in inodes
    ]


def _decode(dev: int) -> int:
    """The ioctl reports the kernel's "huge" encoding of a device number, the same that makedev uses."""
    return os.makedev(os.major(dev), os.minor(dev))


def detach(device: str) -> None:
    """Take a loop device's file away; one still in use goes when its last user does."""
    with contextlib.suppress(OSError):
        fd = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.ioctl(fd, LOOP_CLR_FD)
        finally:
            os.close(fd)
