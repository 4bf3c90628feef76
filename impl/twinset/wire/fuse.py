"""The kernel's FUSE protocol, as far as one regular file needs it: requests as numbers, replies as bytes.

Native byte order: both ends are this machine. Layouts are those of the kernel's <linux/fuse.h>, 7.31.
"""

from __future__ import annotations

import struct
from typing import Final

MAJOR: Final = 7
MINOR: Final = 31

FORGET, GETATTR, SETATTR, OPEN, READ, WRITE = 2, 3, 4, 14, 15, 16
STATFS, RELEASE, FSYNC, FLUSH, INIT, ACCESS = 17, 18, 20, 25, 26, 34
INTERRUPT, DESTROY, BATCH_FORGET, FALLOCATE = 36, 38, 42, 43
NO_REPLY: Final = frozenset({FORGET, BATCH_FORGET, INTERRUPT})

FLAG_ASYNC_READ: Final = 1 << 0
FLAG_BIG_WRITES: Final = 1 << 5
FLAG_ASYNC_DIO: Final = 1 << 15
FLAG_PARALLEL_DIROPS: Final = 1 << 18
FLAG_MAX_PAGES: Final = 1 << 22
WANTED_FLAGS: Final = (
    FLAG_ASYNC_READ | FLAG_BIG_WRITES | FLAG_ASYNC_DIO | FLAG_PARALLEL_DIROPS | FLAG_MAX_PAGES
)

OPEN_DIRECT_IO: Final = 1 << 0
OPEN_PARALLEL_DIRECT_WRITES: Final = 1 << 6

PAGE_BYTES: Final = 4096
BLOCK_BYTES: Final = 512
FILE_MODE: Final = 0o100600
ROOT_NODE: Final = 1
ATTRIBUTES_VALID_S: Final = 3600

# length, opcode, unique, node, uid, gid, pid, extensions, padding
IN_HEADER: Final = struct.Struct("=IIQQIIIHH")
# length, negative errno, unique
OUT_HEADER: Final = struct.Struct("=IiQ")
# handle, offset, size, flags, lock owner, open flags, padding: of READ and of WRITE, whose data follow
IO_IN: Final = struct.Struct("=QQIIQII")
_INIT_IN: Final = struct.Struct("=IIII")  # major, minor, max_readahead, flags
# major, minor, max_readahead, flags, max_background, congestion, max_write, time_gran, max_pages, alignment
_INIT_OUT: Final = struct.Struct("=IIIIHHIIHH32x")
_OPEN_OUT: Final = struct.Struct("=QIi")
# attr_valid, nsec, dummy; ino, size, blocks, 3 times, 3 nsecs, mode, nlink, uid, gid, rdev, blksize, flags
_ATTR_OUT: Final = struct.Struct("=QII QQQQQQ III IIIIIII")
_STATFS_OUT: Final = struct.Struct("=QQQQQ IIII 24x")

HEADER_BYTES: Final = IN_HEADER.size
DATA_OFFSET: Final = IN_HEADER.size + IO_IN.size


def init_reply(body: bytes | memoryview, *, requests_max: int, io_bytes_max: int) -> bytes:
    """Answer the kernel's first request; ValueError when its protocol is another one."""
    major, minor, readahead, flags = _INIT_IN.unpack_from(body)
    if major != MAJOR:
        raise ValueError(f"the kernel speaks FUSE {major}.{minor}, not {MAJOR}.x")
    return _INIT_OUT.pack(
        MAJOR, min(MINOR, minor), readahead, flags & WANTED_FLAGS, requests_max, requests_max,
        io_bytes_max, 1, io_bytes_max // PAGE_BYTES, 0,
    )  # fmt: skip


def open_reply() -> bytes:
    """The file bypasses the page cache: whoever is above has its own."""
    return _OPEN_OUT.pack(0, OPEN_DIRECT_IO | OPEN_PARALLEL_DIRECT_WRITES, 0)


def attributes_reply(size: int) -> bytes:
    """The attributes of the one file."""
    return _ATTR_OUT.pack(
        ATTRIBUTES_VALID_S, 0, 0,
        ROOT_NODE, size, size // BLOCK_BYTES, 0, 0, 0, 0, 0, 0, FILE_MODE, 1, 0, 0, 0, PAGE_BYTES, 0,
    )  # fmt: skip


def statfs_reply(size: int) -> bytes:
    """A file system that is full: nothing else can be put into it."""
    return _STATFS_OUT.pack(size // PAGE_BYTES, 0, 0, 1, 0, PAGE_BYTES, 255, PAGE_BYTES, 0)


def write_reply(size: int) -> bytes:
    """So many bytes are written."""
    return struct.pack("=II", size, 0)
