"""The few words of the FUSE protocol that a single regular file needs (linux/fuse.h, protocol 7.31).

The kernel's requests are read from /dev/fuse as one header and a body; answers go back the same way.
"""

import struct
from typing import Final

IN_HEADER: Final = struct.Struct("<IIQQIIII")  # length, opcode, unique, node, uid, gid, pid, padding
OUT_HEADER: Final = struct.Struct("<IiQ")  # length, -errno, unique
IO_IN: Final = struct.Struct(
    "<QQIIQII"
)  # READ and WRITE: handle, offset, size, flags, owner, open flags, padding
FALLOCATE_IN: Final = struct.Struct("<QQQII")  # handle, offset, length, mode, padding
INIT_OUT: Final = struct.Struct("<IIIIHHIIHHI7I")
ATTR_OUT: Final = struct.Struct("<QIIQQQQQQIIIIIIIIII")
OPEN_OUT: Final = struct.Struct("<QII")
WRITE_OUT: Final = struct.Struct("<II")
STATFS_OUT: Final = struct.Struct("<5Q4I6I")

FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC = 2, 3, 4, 14, 15, 16, 17, 18, 20
FLUSH, INIT, ACCESS, INTERRUPT, DESTROY, BATCH_FORGET, FALLOCATE = 25, 26, 34, 36, 38, 42, 43
NO_ANSWER: Final = frozenset({FORGET, BATCH_FORGET, INTERRUPT})

# INIT flags: parallel reads, writes larger than a page, asynchronous direct I/O, requests up to max_pages.
WANTED_FLAGS: Final = 1 << 0 | 1 << 5 | 1 << 15 | 1 << 22
# OPEN flags: no page cache between the server and the disk; no lock around whole direct writes.
OPEN_FLAGS: Final = 1 << 0 | 1 << 6
MAX_WRITE_BYTES: Final = 1 << 20
MAX_PAGES: Final = MAX_WRITE_BYTES // 4096
REQUEST_BYTES_MAX: Final = MAX_WRITE_BYTES + 4096
ROOT_NODE: Final = 1
FILE_MODE: Final = 0o100600
ATTR_VALID_S: Final = 3600


def init_out(offered_flags: int) -> bytes:
    """The answer to INIT."""
    flags = WANTED_FLAGS & offered_flags
    return INIT_OUT.pack(
        7, 31, MAX_WRITE_BYTES, flags, 128, 96, MAX_WRITE_BYTES, 1, MAX_PAGES, 0, 0, *[0] * 7
    )


def attr_out(size_bytes: int) -> bytes:
    """The answer to GETATTR and SETATTR: one regular file of fixed size."""
    times = (0,) * 6
    return ATTR_OUT.pack(
        *(ATTR_VALID_S, 0, 0),  # how long the kernel may remember it
        *(ROOT_NODE, size_bytes, size_bytes // 512),
        *times,
        *(FILE_MODE, 1, 0, 0, 0, 4096, 0),  # mode, links, uid, gid, device, block size, flags
    )


def statfs_out(size_bytes: int) -> bytes:
    """The answer to STATFS."""
    return STATFS_OUT.pack(size_bytes // 4096, 0, 0, 1, 0, 4096, 255, 4096, 0, *[0] * 6)
