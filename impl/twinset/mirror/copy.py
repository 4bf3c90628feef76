"""A rebuild: which extent is copied next, how many at a time, how far it is.

It converges under any write load, because nothing makes a copied extent difference again: writes to
extents that are already equal go to both sides. `pace.py` says when it goes on, so that the application keeps
its share and the copy always ends (4.1.4.2, 4.3.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .operations import COPY, Op
from .pace import Pace
from .rate import Rate

if TYPE_CHECKING:
    from .maps import Maps
    from .operations import PathPorts
    from .write_path import SourcePath

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
        self.run: list[Op] = []  # the pieces that were begun last
        self.bytes_done = 0
        self.bytes_total = maps.dirty_bytes
        self.ended = False
        self.pace = Pace(piece_max)
        self._rate = Rate(RATE_WINDOW_MS)
        path.in_copy = self.pieces

    def pump(self, now_ms: int) -> None:
        """Start a run when its time has come, as far as there are free slots."""
        if not self.path.mirrors:
            return
        ports, pace = self.ports, self.pace
        counts = ports.counts
        work = counts.reads + counts.writes + counts.flushes
        room, stretches = pace.room(now_ms, ports.clients(), work, self.inflight, self.reading)
        end = -1
        while room and not self.ended and (self.todo or self._begin_extent()):
            _extent, offset, length = self.todo[-1]
            if offset != end:
                stretches -= 1
            slot = ports.copy_slot() if stretches >= 0 else -1
            if slot < 0:
                return
            if end < 0:
                pace.begun(now_ms)
                self.run = []
            self.todo.pop()
            end = offset + length
            room -= 1
            self.inflight += 1
            pace.piece()
            op = Op(COPY, offset, length, slot, self)
            self.run.append(op)
            self.path.write(op)

    @property
    def reading(self) -> int:
        """How many pieces of the last run were neither sent nor given up yet: one gets its number when it is sent."""
        return sum(1 for op in self.run if not op.seq and not op.error)

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
