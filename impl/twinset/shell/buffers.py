"""Slots: the only memory that I/O of a mirror set travels through.

One slot carries one operation from the socket to the disk and to the other side without a copy:

    | ... header room | data, 4096-aligned, `size` bytes | ... header room | data | ...

The header room in front of the data lets a frame header and its data be sent, or an NBD reply be answered,
as one slice of `view`. The number of slots is what bounds the I/O in flight and so the memory (4.5.1-04).
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
from typing import Final

PAGE_BYTES: Final = 4096
HEADER_ROOM_BYTES: Final = PAGE_BYTES  # a whole page, so that the data stays aligned for direct I/O


class Share:
    """The clients' part of the slots: at most the I/O number in use (4.5.1-04). Copies take what is beyond."""

    def __init__(self, pool: SlotPool, most: int) -> None:
        self.pool = pool
        self.most = most
        self.used = 0

    def take(self) -> int:
        """Return a slot for a client's operation, or -1."""
        if self.used >= self.most:
            return -1
        slot = self.pool.take()
        if slot >= 0:
            self.used += 1
        return slot

    def give(self, slot: int) -> None:
        """Take a client's slot back."""
        self.used -= 1
        self.pool.give(slot)

    def spare(self) -> int:
        """Return a slot that no client can ask for, or -1."""
        return self.pool.take() if len(self.pool.free) > self.most - self.used else -1


class SlotPool:
    """`count` slots of `size` data bytes each.

    Slots are plain numbers 0..count-1; `free` is a stack, so that a lightly loaded set touches few pages.
    Pages appear when first used, unless `eager`.
    """

    def __init__(self, count: int, size: int, *, eager: bool = False) -> None:
        if count < 1 or size < 1:
            raise ValueError(f"a pool of {count} slots of {size} bytes is no pool")
        self.count = count
        self.size = size
        self.stride = HEADER_ROOM_BYTES + -(-size // PAGE_BYTES) * PAGE_BYTES
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | (mmap.MAP_POPULATE if eager else 0)
        self._memory = mmap.mmap(-1, self.stride * count, flags=flags)
        with contextlib.suppress(
            OSError
        ):  # large pages, where the kernel has them: fewer to pin for the disk
            self._memory.madvise(mmap.MADV_HUGEPAGE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self.view = memoryview(self._memory)
        """The whole pool; slice it from `starts[slot]` on, or from a few bytes before it for a header."""
        self.starts = [HEADER_ROOM_BYTES + slot * self.stride for slot in range(count)]
        """Where the data of each slot begins in `view`."""
        self.addresses = [self.address + start for start in self.starts]
        """The same as memory addresses, for the disk."""
        self.free = list(range(count - 1, -1, -1))

    def take(self) -> int:
        """Return a free slot, or -1 when all are in use: then read no request until one is back."""
        return self.free.pop() if self.free else -1

    def give(self, slot: int) -> None:
        """Give a slot back."""
        self.free.append(slot)

    def data(self, slot: int, length: int) -> memoryview:
        """Return the first `length` data bytes of a slot."""
        start = self.starts[slot]
        return self.view[start : start + length]

    def framed(self, slot: int, header_bytes: int, length: int) -> memoryview:
        """Return `header_bytes` of header room and the first `length` data bytes behind it, in one piece."""
        start = self.starts[slot]
        return self.view[start - header_bytes : start + length]

    def trim(self) -> bool:
        """Give the pages of an idle pool back to the system; the bytes are lost. False when locked."""
        if len(self.free) != self.count:
            raise RuntimeError(f"{self.count - len(self.free)} slots are in use")
        try:
            self._memory.madvise(mmap.MADV_DONTNEED)
        except OSError:
            return False
        self.free.sort(reverse=True)
        return True
