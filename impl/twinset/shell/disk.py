"""The own disk of a mirror set: opened exclusively and directly, its table read, its CLUSTER partition kept.

Everything here is synchronous and belongs to rare events: a start, a break, the end of a copy. The data
partitions are read and written by `AioContext` on the same `fd`.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from twinset.errors import DiskError
from twinset.mirror import cluster_partition, disk_layout, signatures

if TYPE_CHECKING:
    from collections.abc import Callable

    from twinset.mirror.cluster_partition import Choice, Record

T = TypeVar("T")

_BLKSSZGET: Final = 0x1268  # ioctl: logical sector size of a block device
_ALIGN_BYTES: Final = 4096
_sys_block: Final = Path("/sys/dev/block")


class Disk:
    """An open mirror disk. `notes` says what could be better, for the log."""

    def __init__(self, path: str | Path) -> None:
        """Open and check the disk; raise DiskError or LayoutRefused with the reason, leaving nothing open."""
        self.path = Path(path)
        self.notes: list[str] = []
        self.counter = 0
        """Counter of the newest record that was read or written."""
        self.direct = True
        self.fd = self._open()
        try:
            self.block_device = stat.S_ISBLK(os.fstat(self.fd).st_mode)
            self._lock()
            self.size_bytes = os.lseek(self.fd, 0, os.SEEK_END)
            self.sector_bytes = self._sector_bytes()
            self.layout = disk_layout.parse(self._read_sector, self.size_bytes, self.sector_bytes)
        except BaseException:
            os.close(self.fd)
            raise
        self._cluster_start = self.layout.cluster.start_bytes

    # -- opening --------------------------------------------------------------------------------------

    def _open(self) -> int:
        try:
            mode = self.path.stat().st_mode
        except OSError as error:
            raise DiskError(f"{self.path}: {error.strerror}") from error
        if not stat.S_ISBLK(mode) and not stat.S_ISREG(mode):
            raise DiskError(f"{self.path} is neither a block device nor an image file")
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_EXCL if stat.S_ISBLK(mode) else 0)
        try:
            return os.open(self.path, flags | os.O_DIRECT)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise _open_error(self.path, error) from error
        self.direct = False
        self.notes.append(f"{self.path} refuses direct I/O: slower, and write errors appear at a flush only")
        try:
            return os.open(self.path, flags)
        except OSError as error:
            raise _open_error(self.path, error) from error

    def _lock(self) -> None:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DiskError(f"{self.path} is in use by another process that holds its lock") from error

    def _sector_bytes(self) -> int:
        status = os.fstat(self.fd)
        if not self.block_device:
            if status.st_blocks * 512 < self.size_bytes:
                self.notes.append(f"{self.path} is sparse: first writes are slow and can fail on a full disk")
            return 512
        device = _sys_block / f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        if (device / "partition").exists():
            raise disk_layout.LayoutRefused("E_DISK", f"{self.path} is a partition, not a disk", "4.1.3-01")
        removable = device / "removable"
        if removable.exists() and removable.read_text().strip() == "1":
            raise disk_layout.LayoutRefused(
                "E_DISK", f"{self.path} is removable and cannot be a mirror disk", "4.1.2-04"
            )
        (sector_bytes,) = struct.unpack("i", fcntl.ioctl(self.fd, _BLKSSZGET, bytes(4)))
        return int(sector_bytes)

    def _read_sector(self, number: int) -> bytes:
        return self._read(number * self.sector_bytes, self.sector_bytes)

    def check_unregistered(self) -> None:
        """Refuse to register a disk whose CLUSTER partition holds a file system (2.2.2.1-11)."""
        length = min(signatures.SIGNATURE_BYTES, self.layout.cluster.length_bytes)
        disk_layout.check_unformatted(self._read(self._cluster_start, length))

    # -- the CLUSTER partition ------------------------------------------------------------------------

    def read_record(self) -> Choice:
        """Return the newest record (None: never registered); RecordCorrupt when both copies are bad."""
        slots = [
            self._read(self._cluster_start + offset, cluster_partition.RECORD_BYTES)
            for offset in cluster_partition.RECORD_OFFSETS
        ]
        choice = cluster_partition.choose(*slots)
        self.counter = choice.counter
        return choice

    def write_record(self, record: Record) -> int:
        """Make `record` durable in both slots; return its counter. A DiskError means the disk has failed.

        The slot of the older copy first, so that there is a whole record at every moment.
        """
        counter = self.counter + 1
        encoded = cluster_partition.encode(record, counter)
        for slot in (counter % 2, 1 - counter % 2):
            self._write(self._cluster_start + cluster_partition.RECORD_OFFSETS[slot], encoded)
            self.counter = counter
        return counter

    def read_map(self, record: Record) -> bytes:
        """Return the persisted map of `record`, which is the newest one; RecordCorrupt when there is none."""
        length = cluster_partition.map_bytes(record.size_bytes, record.extent_shift)
        if length > cluster_partition.MAP_BYTES_MAX:
            raise cluster_partition.RecordCorrupt(f"map: {length} bytes do not fit the CLUSTER partition")
        start = self._cluster_start
        header = self._read(start + cluster_partition.MAP_HEADER_OFFSET, cluster_partition.MAP_HEADER_BYTES)
        packed = self._read(start + cluster_partition.MAP_OFFSET, length)
        cluster_partition.check_map(header, packed, record, self.counter)
        return packed

    def write_map(self, record: Record, packed: bytes) -> None:
        """Make the map durable. It counts once a record with `map_valid` has been written after it."""
        header = cluster_partition.encode_map(record, self.counter, packed)
        padded = packed.ljust(-(-len(packed) // _ALIGN_BYTES) * _ALIGN_BYTES, b"\0")
        self._write(self._cluster_start + cluster_partition.MAP_OFFSET, padded)
        self._write(self._cluster_start + cluster_partition.MAP_HEADER_OFFSET, header)

    # -- plain I/O ------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Make everything written so far durable."""
        self._try("flush", lambda: os.fdatasync(self.fd))

    def _read(self, offset: int, length: int) -> bytes:
        """Read any range, short at the end of the disk; direct I/O wants whole aligned blocks around it."""
        first = offset - offset % _ALIGN_BYTES
        size = -(-(offset + length - first) // _ALIGN_BYTES) * _ALIGN_BYTES
        with mmap.mmap(-1, size) as block:
            count = self._try(f"read {size} bytes at {first}", lambda: os.preadv(self.fd, [block], first))
            return block[offset - first : min(offset - first + length, count)]

    def _write(self, offset: int, data: bytes) -> None:
        """Write whole aligned blocks and make them durable."""
        with mmap.mmap(-1, len(data)) as block:
            block[:] = data
            what = f"write {len(data)} bytes at {offset}"
            count = self._try(what, lambda: os.pwritev(self.fd, [block], offset))
        if count != len(data):
            raise DiskError(f"{self.path}: {what}: only {count} were written")
        self.flush()

    def _try(self, what: str, action: Callable[[], T]) -> T:
        try:
            return action()
        except OSError as error:
            raise DiskError(f"{self.path}: {what}: {error.strerror}") from error

    def close(self) -> None:
        """Release the disk and its lock."""
        os.close(self.fd)


def _open_error(path: Path, error: OSError) -> DiskError:
    if error.errno == errno.EBUSY:
        return disk_layout.LayoutRefused(
            "E_DISK", f"{path} is in use: mounted, swap space, or part of a volume", "4.1.2-02"
        )
    return DiskError(f"{path}: {error.strerror}")
