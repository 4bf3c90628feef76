"""What a disk's volatile write cache loses at a power cut. Pure: no file, no clock; randomness is handed in.

The image file always holds what a reader would see now. Beside it a log keeps, for each write since the last
flush, the bytes before and after. A power cut rolls all of them back and replays a random part: each write
arrives whole, not at all, or torn at sectors (a sector never tears). That covers every state a real cache may
leave: it destages in any order, and an older write of a sector may be out while the newer one is lost.
"""

from collections import deque
from dataclasses import dataclass
from random import Random

SECTOR_BYTES = 512
LOST, WHOLE, TORN = range(3)
# How often each outcome is drawn: losing much is what finds missing flushes.
OUTCOMES = (LOST, LOST, WHOLE, WHOLE, TORN)


@dataclass(frozen=True)
class Write:
    """One write in the cache: what it replaced and what it put there."""

    offset: int
    before: bytes
    after: bytes
    durable: bool = False  # written through (FUA, O_DSYNC): kept whatever happens to those before it


class VolatileCache:
    """The writes that a power cut may lose, oldest first; past the limit the oldest are destaged."""

    def __init__(self, limit_bytes: int = 64 << 20) -> None:
        self._limit_bytes = limit_bytes
        self._writes: deque[Write] = deque()
        self.unflushed_bytes = 0

    @property
    def unflushed_writes(self) -> int:
        """How many writes a power cut could still lose."""
        return len(self._writes)

    def record(self, offset: int, before: bytes, after: bytes, *, durable: bool = False) -> None:
        """Note a write just made to the image."""
        if len(before) != len(after):
            raise ValueError(f"{len(after)} bytes written over {len(before)}")
        self._writes.append(Write(offset, before, after, durable))
        self.unflushed_bytes += len(after)
        while self.unflushed_bytes > self._limit_bytes:
            self.unflushed_bytes -= len(self._writes.popleft().after)

    def flush(self) -> None:
        """All writes so far are durable."""
        self._writes.clear()
        self.unflushed_bytes = 0

    def cut(self, random: Random) -> list[tuple[int, bytes]]:
        """Lose power: return the writes, in order, that turn the image into what the cut left."""
        patches = [(write.offset, write.before) for write in reversed(self._writes)]
        for write in self._writes:
            patches += _survivors(write, random)
        self.flush()
        return patches


def _survivors(write: Write, random: Random) -> list[tuple[int, bytes]]:
    """The part of one write that reached the platter."""
    outcome = WHOLE if write.durable else random.choice(OUTCOMES)
    if outcome == LOST:
        return []
    if outcome == WHOLE:
        return [(write.offset, write.after)]
    parts = []
    position = 0
    while position < len(write.after):
        # the sector on the disk, not the piece of the request, is what never tears
        end = min(len(write.after), position + SECTOR_BYTES - (write.offset + position) % SECTOR_BYTES)
        if random.random() < 0.5:
            parts.append((write.offset + position, write.after[position:end]))
        position = end
    return parts
