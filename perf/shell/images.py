"""Image files as disks are: every block allocated, written once, and not all alike.

A write into a hole or into an unwritten extent costs the file system extra work, which would be charged to
whichever row came first; a program that copies could skip zeros.
"""

import mmap
import os
from pathlib import Path

CHUNK_BYTES = 4 << 20


def make(path: Path, size_bytes: int) -> None:
    """A new file of random bytes, by direct I/O: nothing of it stays in the page cache."""
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o644)
    os.close(fd)
    fill(path, 0, size_bytes)


def fill(path: Path, offset: int, length: int, *, zeros: bool = False) -> None:
    """Allocate and overwrite a part of a file; offset and length are multiples of 4 KiB."""
    buffer = mmap.mmap(-1, CHUNK_BYTES)
    if not zeros:
        buffer[:] = os.urandom(CHUNK_BYTES)
    view = memoryview(buffer)
    fd = os.open(path, os.O_RDWR | os.O_DIRECT | os.O_CLOEXEC)
    try:
        os.posix_fallocate(fd, offset, length)
        end = offset + length
        while offset < end:
            offset += os.pwrite(fd, view[: min(CHUNK_BYTES, end - offset)], offset)
        os.fsync(fd)
    finally:
        os.close(fd)
        view.release()
        buffer.close()


def forget(path: Path) -> None:
    """Drop a file's pages from the cache, so that it is read from the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)
