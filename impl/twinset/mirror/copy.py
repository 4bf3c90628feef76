"""A rebuild: which extent is copied next, how many at a time, how far it is.

It converges under any write load, because nothing makes a copied extent difference again: writes to
extents that are already equal go to both sides. It leaves the application its share by keeping few pieces
in flight while the application writes, and never fewer than one, so it always ends (4.1.4.2, 4.3.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .operations import COPY, Op
from .rate import Rate

if TYPE_CHECKING:
    from .maps import Maps
    from .operations import PathPorts
    from .write_path import SourcePath

PIECES_QUIET, PIECES_BUSY = 16, 2
RATE_WINDOW_MS = 2_000


class Copy:
    """One copy to the other side: `mode` is "full", "high-speed" or "window"; sizes in bytes."""

    def __init__(
        self, maps: Maps, path: SourcePath, ports: PathPorts, mode: str, reason: str, piece_max: int
    ) -> None:
        self.maps = maps
        self.path = path
        self.ports = ports
        self.mode = mode
        self.reason = reason
        self.piece_max = piece_max
        self.cursor = 0
        self.pieces: dict[int, int] = {}  # extent -> pieces not yet on the other side's disk
        self.spoilt: set[int] = set()
        self.todo: list[tuple[int, int, int]] = []  # pieces of the extent begun: (extent, offset, length)
        self.inflight = 0
        self.bytes_done = 0
        self.bytes_total = maps.dirty_bytes
        self.ended = False
        self._rate = Rate(RATE_WINDOW_MS)
        path.in_copy = self.pieces

    def pump(self, *, busy: bool) -> None:
        """Start pieces up to the depth that the load allows and the free slots permit."""
        if not self.path.mirrors:
            return
        depth = PIECES_BUSY if busy else PIECES_QUIET
        while not self.ended and self.inflight < depth:
            if not self.todo and not self._begin_extent():
                return
            slot = self.ports.copy_slot()
            if slot < 0:
                return
            _extent, offset, length = self.todo.pop()
            self.inflight += 1
            self.path.write(Op(COPY, offset, length, slot, self))

    def _begin_extent(self) -> bool:
        maps = self.maps
        extent = maps.next_dirty(self.cursor)
        while extent >= 0 and extent in self.pieces:
            extent = maps.next_dirty(extent + 1)
        if extent < 0:
            if self.cursor == 0 or self.pieces:
                self.cursor = 0
                return False
            self.cursor = 0
            return self._begin_extent()
        self.cursor = extent + 1
        start = extent << maps.shift
        end = start + maps.extent_bytes(extent)
        self.todo = [
            (extent, offset, min(self.piece_max, end - offset))
            for offset in range(start, end, self.piece_max)
        ][::-1]
        self.pieces[extent] = len(self.todo)
        return True

    def done(self, op: Op) -> None:
        """One piece is on the other side's disk, or was given up; the extent is equal when all of it is."""
        self.inflight -= 1
        extent = op.offset >> self.maps.shift
        if op.error or self.ended:  # after its end, writes no longer go to both sides
            self.spoilt.add(extent)
        else:
            self.bytes_done += op.length
        self.pieces[extent] -= 1
        if self.pieces[extent]:
            return
        del self.pieces[extent]
        if extent not in self.spoilt:
            self.maps.clear_dirty(extent)  # it is in the window since it was sent (R6)
        self.spoilt.discard(extent)

    @property
    def complete(self) -> bool:
        """True when no difference is left and no piece is on its way."""
        return not self.maps.dirty_count and not self.inflight and not self.todo

    def end(self) -> None:
        """Start nothing more."""
        self.ended = True
        self.todo.clear()

    def progress(self, now_ms: int) -> dict[str, object]:
        """Return bytes done and in all, the rate of the last seconds, and the seconds left (null while unknown)."""
        left = self.maps.dirty_bytes
        return {
            "mode": self.mode,
            "reason": self.reason,
            "bytes_done": self.bytes_done,
            "bytes_total": self.bytes_done + left,
            **self._rate.figures(now_ms, self.bytes_done, left),
        }
