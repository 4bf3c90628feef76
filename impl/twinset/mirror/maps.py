"""Window and difference maps of one side, one entry an extent.

The *window* says in which epoch an extent was last written through the mirror; an epoch is *durable*
once both sides have flushed everything up to it. What was written after the durable epoch may differ
between the sides after a crash (R3). The *dirty* map is the difference data: extents that the other
side does not have. Both live in memory that the shell shares between successive processes of one boot
(R5), so every update is a plain store and nothing here is ever half written.

Shapes: `window` holds one unsigned 32-bit epoch an extent, `dirty` one byte an extent, `header` three
unsigned 64-bit numbers (current epoch, durable epoch, 1 while the maps are continuous). *Marks* are bytes, one an
extent, 0 or 1: what whole maps are told as, so that none of them ever becomes a list of numbers; *packed* they are one
bit an extent, least significant bit first, as on the disk and on the wire.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EXTENT_SHIFT_MIN = 16  # 64 KiB, also the guide's default of the maximum I/O size (4.5.1-04)
EXTENTS_MAX = 1 << 22  # one bit an extent has to fit into half a 1 MiB CLUSTER partition (4.1.3-02)

EPOCH, DURABLE, CONTINUOUS = 0, 1, 2

_DIGITS = bytes.maketrans(b"\0\1", b"01")
_MARKS = bytes.maketrans(b"01", b"\0\1")
_RUN = re.compile(b"\1+")


class Numbers(Protocol):
    """A mutable row of unsigned numbers: array, memoryview cast or list."""

    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...


class Marks(Protocol):
    """A mutable row of bytes that can be searched, bytearray or mmap: a byte by its number, a part as a slice."""

    def __getitem__(self, index: Any, /) -> Any: ...
    def __setitem__(self, index: Any, value: Any, /) -> None: ...
    def find(self, sub: bytes, start: int, /) -> int:
        """Return where `sub` begins at or after `start`, or -1."""


def extent_shift(size_bytes: int) -> int:
    """Return the extent size as a power of two, so that the map of a disk stays bounded."""
    shift = EXTENT_SHIFT_MIN
    while (size_bytes + (1 << shift) - 1) >> shift > EXTENTS_MAX:
        shift += 1
    return shift


class Maps:
    """The two maps of one side. `continuous` is false when they were lost since the sides were in step."""

    def __init__(
        self, size_bytes: int, shift: int, window: Numbers, dirty: Marks, header: Numbers, *, continuous: bool
    ) -> None:
        self.size_bytes = size_bytes
        self.shift = shift
        self.count = (size_bytes + (1 << shift) - 1) >> shift
        self.window = window
        self.dirty = dirty
        self.header = header
        header[EPOCH] = max(header[EPOCH], header[DURABLE] + 1)
        self.continuous = continuous
        self.dirty_count = self.difference().count(1)

    @property
    def continuous(self) -> bool:
        """Tell whether the maps reach back to when the sides were in step; kept with the maps (R5)."""
        return bool(self.header[CONTINUOUS])

    @continuous.setter
    def continuous(self, value: bool) -> None:
        self.header[CONTINUOUS] = int(value)

    @property
    def epoch(self) -> int:
        """Epoch that a write through the mirror is marked with now."""
        return self.header[EPOCH]

    @property
    def durable(self) -> int:
        """Newest epoch that both sides have flushed."""
        return self.header[DURABLE]

    def advance(self, epoch: int) -> None:
        """Enter `epoch`; epochs never go back."""
        self.header[EPOCH] = max(self.header[EPOCH], epoch)

    def set_durable(self, epoch: int) -> None:
        """Note that both sides flushed everything up to `epoch` (R3)."""
        self.header[DURABLE] = max(self.header[DURABLE], epoch)
        self.advance(epoch + 1)

    def mark(self, first: int, last: int, epoch: int) -> None:
        """Put the extents into the window of `epoch`, before anything is acknowledged or submitted (R5)."""
        for extent in range(first, last + 1):
            self.window[extent] = epoch

    def set_dirty(self, extent: int) -> None:
        """Count one extent as difference."""
        if not self.dirty[extent]:
            self.dirty[extent] = 1
            self.dirty_count += 1

    def clear_dirty(self, extent: int) -> None:
        """Take one extent out of the difference; the caller has marked it in the window before."""
        if self.dirty[extent]:
            self.dirty[extent] = 0
            self.dirty_count -= 1

    def set_all(self) -> None:
        """Count the whole disk as difference: a full copy is a high-speed copy of everything (R6)."""
        self.dirty[: self.count] = b"\1" * self.count
        self.dirty_count = self.count

    def clear_all(self) -> None:
        """Forget all difference: the sides are equal."""
        self.dirty[: self.count] = bytes(self.count)
        self.dirty_count = 0

    def in_window(self) -> Iterator[int]:
        """Yield the extents that a crash may have left different."""
        durable = self.durable
        window = self.window
        return (extent for extent in range(self.count) if window[extent] > durable)

    @property
    def settled(self) -> bool:
        """True when both sides are known to hold the same, durably: nothing in the window, no difference."""
        return self.continuous and not self.dirty_count and next(self.in_window(), -1) < 0

    def absorb_window(self) -> None:
        """Count the window as difference and empty it."""
        for extent in self.in_window():
            self.set_dirty(extent)
        self.set_durable(self.epoch)

    def add(self, marks: bytes) -> None:
        """Count the other side's window and difference too: what is copied is the union (R9)."""
        union = either(self.difference(), marks[: self.count])
        self.dirty[: self.count] = union
        self.dirty_count = union.count(1)

    def difference(self) -> bytes:
        """Return the marks of the difference data."""
        return bytes(self.dirty[: self.count])

    def next_dirty(self, start: int) -> int:
        """Return the first dirty extent at or after `start`, or -1."""
        found = self.dirty.find(b"\x01", start)
        return found if found < self.count else -1

    def dirty_extents(self) -> Iterator[int]:
        """Yield the extents of the difference data in ascending order."""
        extent = self.next_dirty(0)
        while extent >= 0:
            yield extent
            extent = self.next_dirty(extent + 1)

    def unsure(self) -> bytes:
        """Return the marks that a partner has to add to its own difference: window and dirty."""
        marks = bytearray(self.difference())
        for extent in self.in_window():
            marks[extent] = 1
        return bytes(marks)

    def extent_bytes(self, extent: int) -> int:
        """Return the length of an extent; the last one may be short."""
        return min(1 << self.shift, self.size_bytes - (extent << self.shift))

    @property
    def dirty_bytes(self) -> int:
        """Bytes of difference data, rounded up to extents."""
        return min(self.dirty_count << self.shift, self.size_bytes)

    def runs(self, marks: bytes) -> Iterator[tuple[int, int]]:
        """Yield what is marked as (offset, length) in bytes, ascending, neighbours in one."""
        for run in _RUN.finditer(marks):
            begin = run.start() << self.shift
            yield begin, min(run.end() << self.shift, self.size_bytes) - begin


def marked(extents: Iterable[int], count: int) -> bytes:
    """Return the marks of some extents of a disk of `count`."""
    marks = bytearray(count)
    for extent in extents:
        marks[extent] = 1
    return bytes(marks)


def either(one: bytes, other: bytes) -> bytes:
    """Return the union of two marks, as long as the longer ones."""
    union = int.from_bytes(one, "little") | int.from_bytes(other, "little")
    return union.to_bytes(max(len(one), len(other)), "little")


def pack(marks: bytes) -> bytes:
    """Pack marks into one bit an extent. Extent 0 is the last digit of a number that is as long as the disk."""
    return int(b"0" + marks[::-1].translate(_DIGITS), 2).to_bytes((len(marks) + 7) // 8, "little")


def unpack(packed: bytes, count: int) -> bytes:
    """Return the marks of a packed map; surplus bits are ignored, missing ones are 0."""
    number = int.from_bytes(packed, "little") & ((1 << count) - 1)
    return f"{number:0{count}b}".encode()[::-1].translate(_MARKS)
