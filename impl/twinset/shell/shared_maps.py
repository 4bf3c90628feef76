"""The maps of a mirror set in memory that outlives the process but not the boot (R5).

File `maps-<set>` in the run directory, a tmpfs: one page of header, then the window (4 bytes an extent),
then the difference (1 byte an extent). It belongs to one boot, one disk and one size, or it is made anew.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import TYPE_CHECKING, Final

from twinset.mirror.maps import CONTINUOUS, Maps, extent_shift

if TYPE_CHECKING:
    from pathlib import Path

_HEADER: Final = struct.Struct("<8s16s16sQQ")  # magic, boot id, disk uuid, size, extent shift
_MAGIC: Final = b"TWINMAP1"
_NUMBERS_AT: Final = 1024
_PAGE: Final = 4096


class SharedMaps:
    """Maps in a file. `bind` is called once the identity of the disk is known, and whenever it changes."""

    def __init__(self, path: Path, size_bytes: int, boot_id: bytes) -> None:
        self.shift = extent_shift(size_bytes)
        self.size_bytes = size_bytes
        self._boot_id = boot_id
        count = (size_bytes + (1 << self.shift) - 1) >> self.shift
        window_bytes = -(-count * 4 // _PAGE) * _PAGE
        length = _PAGE + window_bytes + -(-count // _PAGE) * _PAGE
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fresh = os.fstat(fd).st_size != length
            os.ftruncate(fd, length)
            self._head = mmap.mmap(fd, _PAGE + window_bytes)
            self._dirty = mmap.mmap(fd, length - _PAGE - window_bytes, offset=_PAGE + window_bytes)
        finally:
            os.close(fd)
        self._fresh = fresh
        self._count = count
        self._view = memoryview(self._head)

    def bind(self, disk_uuid: bytes) -> Maps:
        """Return the maps of this disk; they are continuous when a former process of this boot left them."""
        identity = _HEADER.pack(_MAGIC, self._boot_id, disk_uuid, self.size_bytes, self.shift)
        continuous = not self._fresh and self._head[: _HEADER.size] == identity
        if not continuous:
            self._head[:] = bytes(len(self._head))
            self._dirty[:] = bytes(len(self._dirty))
            self._head[: _HEADER.size] = identity
        numbers = self._view[_NUMBERS_AT : _NUMBERS_AT + 24].cast("Q")
        window = self._view[_PAGE : _PAGE + self._count * 4].cast("I")
        continuous = continuous and bool(numbers[CONTINUOUS])
        return Maps(self.size_bytes, self.shift, window, self._dirty, numbers, continuous=continuous)

    def rebind(self, disk_uuid: bytes) -> None:
        """Keep the maps under the identity that the disk has been given."""
        self._head[: _HEADER.size] = _HEADER.pack(
            _MAGIC, self._boot_id, disk_uuid, self.size_bytes, self.shift
        )
