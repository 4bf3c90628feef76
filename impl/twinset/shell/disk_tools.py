"""Reading and changing a disk outside a running mirror: `twinset disk inspect`, `prepare`, `clear`.

A change opens the disk exclusively first and looks at it only then, so that what was judged is what is written to.
Zeros go first and the first sector of the table last, each made durable before the next: a disk that loses
power in between has no partitions, or all of them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from twinset.disks import changes
from twinset.disks.inspection import Inspection, inspect
from twinset.disks.plan import Range
from twinset.errors import DiskError, Refusal
from twinset.mirror import cluster_partition
from twinset.shell import latch, table_watch
from twinset.shell.disk_facts import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from twinset.disks.plan import Plan

_BLKRRPART: Final = 0x125F  # ioctl: read the partition table again
_CHUNK_BYTES: Final = 1 << 20
_EMPTY_TABLE_BYTES: Final = 1 << 20


class RawDisk:
    """An open disk or image: for reading by anybody, or for change by nobody else."""

    def __init__(self, path: str | Path, *, change: bool = False) -> None:
        self.path = str(path)
        flags = os.O_RDWR if change else os.O_RDONLY
        try:
            block = stat.S_ISBLK(Path(path).stat().st_mode)
            self.fd = os.open(path, flags | os.O_CLOEXEC | (os.O_EXCL if change and block else 0))
        except OSError as error:
            raise _refusal(self.path, error) from error
        self.block_device = block
        if change:
            try:
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(self.fd)
                raise _refusal(self.path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def read(self, offset: int, length: int) -> bytes:
        """Return a range, short at the end of the disk."""
        found = b""
        try:
            while len(found) < length and offset >= 0:
                piece = os.pread(self.fd, length - len(found), offset + len(found))
                if not piece:
                    break
                found += piece
        except OSError as error:
            raise DiskError(f"{self.path}: read {length} bytes at {offset}: {error.strerror}") from error
        return found

    def write(self, offset: int, data: bytes) -> None:
        """Write a range; `flush` makes it durable."""
        view = memoryview(data)
        try:
            while view:
                done = os.pwrite(self.fd, view, offset)
                view, offset = view[done:], offset + done
        except OSError as error:
            raise DiskError(f"{self.path}: write {len(data)} bytes at {offset}: {error.strerror}") from error

    def zero(self, ranges: Iterable[Range]) -> None:
        """Fill ranges with zeros."""
        blank = bytes(_CHUNK_BYTES)
        for start, length in ((item.start_bytes, item.length_bytes) for item in ranges):
            for at in range(start, start + length, _CHUNK_BYTES):
                self.write(at, blank[: min(_CHUNK_BYTES, start + length - at)])

    def flush(self) -> None:
        """Make everything written so far durable."""
        try:
            os.fsync(self.fd)
        except OSError as error:
            raise DiskError(f"{self.path}: flush: {error.strerror}") from error

    def read_table_again(self) -> str:
        """Have the kernel see the new table; return "" or why it did not."""
        if self.block_device:
            try:
                fcntl.ioctl(self.fd, _BLKRRPART)
            except OSError as error:
                if error.errno != errno.EINVAL:  # EINVAL: a device without partitions, such as a loop
                    return f"the kernel sees the new table after a restart only ({error.strerror})"
        return ""


def _refusal(path: str, error: OSError) -> DiskError | Refusal:
    if error.errno in (errno.EBUSY, errno.EWOULDBLOCK):
        return Refusal(
            "E_DISK", f"{path} is in use by another program", "4.1.2-01", f"twinset disk inspect {path}"
        )
    return DiskError(f"{path}: {error.strerror}")


def look(path: str | Path, state_dir: Path, *, probe: bool = True) -> Inspection:
    """Inspect a disk; DiskError when it cannot be read."""
    facts = gather(path, probe=probe)
    with RawDisk(path) as disk:
        return inspect(facts, disk.read, latch.known_disks(state_dir))


def _change(path: str, work: Callable[[RawDisk, Inspection], None], state_dir: Path) -> Inspection:
    """Open a disk for oneself, look at it, and let `work` judge and write."""
    facts = gather(path)
    with RawDisk(path, change=True) as disk:
        found = inspect(facts, disk.read, latch.known_disks(state_dir))
        work(disk, found)
    return found


def prepare(path: str, plan: Plan, discard: Sequence[str], disk_id: int, state_dir: Path) -> str:
    """Write a new table; Refusal when something of use is there or the disk is in use. Return a note or ""."""
    notes: list[str] = []

    def work(disk: RawDisk, found: Inspection) -> None:
        changes.refuse_prepare(found, discard)
        if found.facts.size_bytes != plan.size_bytes:
            raise Refusal("E_STATE", f"{path} has changed its size", "8.5-01", f"twinset disk inspect {path}")
        disk.zero(plan.wiped())
        disk.flush()
        for number, sector in plan.sectors(disk_id).items():
            disk.write(number * plan.sector_bytes, sector)
            disk.flush()
        notes.append(disk.read_table_again())

    _change(path, work, state_dir)
    return notes[0]


def clear(path: str, discard: Sequence[str], state_dir: Path, *, partitions: bool = False) -> str:
    """Remove the record of a mirror set, and with `partitions` the table too. Return a note or ""."""
    notes = [""]

    def work(disk: RawDisk, found: Inspection) -> None:
        changes.refuse_clear(found, discard, partitions=partitions)
        disk.zero(cleared(found, partitions=partitions))
        disk.flush()
        if found.record is not None and found.record.record is not None:
            table_watch.forget(state_dir, found.record.record.disk_uuid)
        if partitions:
            notes[0] = disk.read_table_again()

    _change(path, work, state_dir)
    return notes[0]


def cleared(found: Inspection, *, partitions: bool) -> tuple[Range, ...]:
    """Return the ranges that `clear` fills with zeros: the CLUSTER partition's first MiB; the table last."""
    cluster = found.partitions[0]
    length = min(cluster.length_bytes, cluster_partition.CLUSTER_PARTITION_MIN_BYTES)
    ranges = [Range(cluster.start_bytes, length)]
    if partitions:
        ranges.append(Range(0, min(_EMPTY_TABLE_BYTES, cluster.start_bytes)))
    return tuple(ranges)


def random_id() -> int:
    """Draw the number of a new table; 0 would mean none."""
    return int.from_bytes(os.urandom(4), "little") or 1
