"""What the system says of a disk: sysfs, mounts, swap, fstab, locks. Reads only; disks/judge.py judges."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from twinset.disks import parse
from twinset.disks.facts import HELD, LISTED, LOCKED, MOUNTED, OPEN, SWAP, WHOLE, DiskFacts, Use
from twinset.errors import DiskError
from twinset.resources.mirror_disk.parse import mounts
from twinset.shell import run

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTOR_BYTES: Final = 512
DEPTH_MAX: Final = 8  # a volume in a volume in a volume ...
# Drivers of array controllers: what they show is a logical drive, as a rule.
ARRAY_DRIVERS: Final = frozenset(
    {"megaraid_sas", "smartpqi", "hpsa", "aacraid", "arcmsr", "3w-9xxx", "3w-sas", "ips", "mpi3mr"}
)
SINGLE_TRANSPORTS: Final = frozenset({"nvme", "ata"})
_NO_DISKS: Final = ("loop", "ram", "zram", "dm-", "md", "nbd", "sr", "fd")
_BUSES: Final = ("usb", "mmc_host", "nvme", "virtio", "ata", "iscsi", "fc_host")


@dataclass(frozen=True)
class System:
    """Where the system's tables are; tests have their own."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    fstab: Path = Path("/etc/fstab")

    def block(self, number: int) -> Path:
        """Return the folder of a block device, by its device number."""
        return (self.sys / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}").resolve()

    def mounts(self) -> str:
        """Return the mounts that this process sees."""
        return _text(self.proc / "self" / "mountinfo", strip=False)


def gather(path: str | Path, *, system: System = System(), probe: bool = True) -> DiskFacts:
    """Return the facts of a disk or an image file; DiskError when it is neither.

    With `probe`, a disk that nothing visible uses is opened exclusively for a moment: mounts of other namespaces
    and other programs' claims show only so.
    """
    try:
        status = Path(path).stat()
    except OSError as error:
        raise DiskError(f"{path}: {error.strerror}") from error
    if stat.S_ISREG(status.st_mode):
        uses = (*_locks(system, status), *_loops(system, Path(path)))
        return DiskFacts(path=str(path), size_bytes=status.st_size, uses=uses)
    if not stat.S_ISBLK(status.st_mode):
        raise DiskError(f"{path} is neither a block device nor an image file")
    folder = system.block(status.st_rdev)
    uses = (*_uses(system, folder), *_locks(system, status), *_loops(system, Path(path)))
    if probe and not uses and not _claimable(path):
        uses = (Use(WHOLE, OPEN, str(path)),)
    partition = (folder / "partition").exists()
    disk = folder.parent if partition else folder
    driver = _driver(disk)
    transport = _transport(disk)
    return DiskFacts(
        path=str(path),
        device=folder.name,
        size_bytes=int(_text(folder / "size") or 0) * SECTOR_BYTES,
        sector_bytes=int(_text(disk / "queue" / "logical_block_size") or SECTOR_BYTES),
        physical_sector_bytes=int(_text(disk / "queue" / "physical_block_size") or SECTOR_BYTES),
        partition_of=f"/dev/{disk.name}" if partition else "",
        volume=_volume(disk),
        read_only=_text(folder / "ro") == "1",
        removable=_text(disk / "removable") == "1",
        transport=transport,
        model=" ".join(_text(disk / "device" / name) for name in ("vendor", "model")).strip()
        if transport not in ("virtio", "loop")
        else "",
        controller=driver,
        array=True if driver in ARRAY_DRIVERS else False if transport in SINGLE_TRANSPORTS else None,
        write_cache=_text(disk / "queue" / "write_cache"),
        uses=tuple(uses),
    )


def paths_of_disks(system: System = System()) -> list[str]:
    """Return the disks of this server; not what is made of files, memory or other disks, nor empty drives."""
    names = [name for name in _names(system.sys / "block") if not name.startswith(_NO_DISKS)]
    return [f"/dev/{name}" for name in names if _text(system.sys / "block" / name / "size") != "0"]


def _text(path: Path, *, strip: bool = True) -> str:
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return ""
    return text.strip() if strip else text


def _volume(disk: Path) -> str:
    """Return what kind of volume a device is, or "" for a disk; a path to one disk is none (multipath)."""
    if (disk / "md").exists():
        return f"{disk.name}, an array of the system's software RAID,"
    if not (disk / "dm").exists():
        return ""
    owner = _text(disk / "dm" / "uuid").partition("-")[0]
    if owner == "LVM":
        return f"{disk.name}, a logical volume,"
    parts = len(_names(disk / "slaves"))
    return f"{disk.name}, a volume of {parts} devices," if parts > 1 and owner != "mpath" else ""


def _driver(disk: Path) -> str:
    """Return the driver nearest to the disk that is a controller's: not the generic one of disks."""
    at = (disk / "device").resolve() if (disk / "device").exists() else disk
    while len(at.parts) > 3:
        name = (at / "driver").resolve().name if (at / "driver").exists() else ""
        if name and name not in ("sd", "sr"):
            return name
        at = at.parent
    return ""


def _transport(disk: Path) -> str:
    if disk.name.startswith("loop"):
        return "loop"
    parts = disk.parts
    for bus in _BUSES:
        if any(part.startswith(bus) and part != disk.name for part in parts):
            return "mmc" if bus == "mmc_host" else bus
    return ""


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


def _parts(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield the disk and its partitions with their numbers; of a partition, only itself."""
    number = _text(folder / "partition")
    yield int(number or WHOLE), folder
    for name in _names(folder) if not number else []:
        inner = _text(folder / name / "partition")
        if inner:
            yield int(inner), folder / name


def _uses(system: System, folder: Path) -> list[Use]:
    """Return who uses the disk: mounts, swap, volumes, fstab; also above volumes that hold it."""
    found: list[Use] = []
    owners: dict[str, int] = {}  # device number -> partition
    for number, part in _parts(folder):
        for device in _above(part, DEPTH_MAX):
            owners.setdefault(_text(device / "dev"), number)
        found += [Use(number, HELD, name) for name in _names(part / "holders")]
    for mount in mounts(system.mounts()):
        at = mount.device if mount.device in owners else _number(mount.source)
        if at in owners:
            found.append(Use(owners[at], MOUNTED, mount.path))
    for swap in parse.swaps(_text(system.proc / "swaps")):
        at = _file_device(swap.path) if swap.is_file else _number(swap.path)
        if at in owners:
            found.append(Use(owners[at], SWAP, swap.path))
    for entry in parse.fstab(_text(system.fstab)):
        at = _number(parse.by_link(entry.source))
        if at in owners:
            found.append(Use(owners[at], LISTED, entry.place))
    return list(dict.fromkeys(found))


def _above(folder: Path, depth: int) -> Iterator[Path]:
    """Yield a device and every device that is built upon it."""
    yield folder
    for name in _names(folder / "holders") if depth else []:
        yield from _above((folder / "holders" / name).resolve(), depth - 1)


def _number(path: str) -> str:
    """Return major:minor of the block device at a path, or "-"."""
    with contextlib.suppress(OSError, ValueError):
        status = Path(path).stat()
        if stat.S_ISBLK(status.st_mode):
            return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
    return "-"


def _file_device(path: str) -> str:
    with contextlib.suppress(OSError):
        device = Path(path).stat().st_dev
        return f"{os.major(device)}:{os.minor(device)}"
    return "-"


def _locks(system: System, status: os.stat_result) -> list[Use]:
    """Return who holds the lock of a disk, without disturbing it: twinset-mirrord does."""
    place = (os.major(status.st_dev), os.minor(status.st_dev), status.st_ino)
    held = [lock.pid for lock in parse.locks(_text(system.proc / "locks")) if lock[1:] == place]
    return [Use(WHOLE, LOCKED, _process(pid)) for pid in held]


def _process(pid: int) -> str:
    words = run.command_line(pid)
    name = next((word for word in words if word.startswith("twinset.shell.") or "twinset-" in word), "")
    name = "twinset-mirrord" if name.endswith("mirrord") else name or (words[0] if words else "a process")
    return f"{name} (process {pid})"


def _loops(system: System, image: Path) -> list[Use]:
    """Return the loop devices over an image file, and what uses them."""
    found: list[Use] = []
    for name in _names(system.sys / "block"):
        loop = (system.sys / "block" / name).resolve()
        if _text(loop / "loop" / "backing_file") == str(image.resolve()):
            found += [Use(WHOLE, HELD, f"/dev/{name}"), *_uses(system, loop)]
    return found


def _claimable(path: str | Path) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
    except OSError as error:
        return error.errno != errno.EBUSY
    return True
