"""Flushes of the own disk: of clients and of the core, and for the other side. A few at a time, the others wait."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from twinset.wire import replication

from .aio import FDSYNC

if TYPE_CHECKING:
    from twinset.mirror.write_path import SourcePath

    from .mirror_loop import Mirrord

SLOTS: Final = 16
_PEERS: Final = 1 << 62  # in a token: the other side asked


class Flushes:
    """The flushes of one process; their slots come behind those of the pool."""

    def __init__(self, daemon: Mirrord) -> None:
        self.daemon = daemon
        count = daemon.pool.count
        self.free = list(range(count, count + SLOTS))
        self.under_way: dict[int, tuple[int, SourcePath | None]] = {}
        self._waiting: deque[tuple[int, SourcePath | None]] = deque()

    def own(self, token: int) -> None:
        """Flush; the token comes back in `Side.flush_done`."""
        self._begin(token, self.daemon.side.path if token > 0 else None)

    def for_peer(self, token: int) -> None:
        """Flush for the other side; the answer goes out as FLUSHED."""
        self._begin(token << 1 | _PEERS, None)

    def _begin(self, token: int, path: SourcePath | None) -> None:
        if not self.free:
            self._waiting.append((token, path))
            return
        slot = self.free.pop()
        self.under_way[slot] = (token, path)
        self.daemon.aio.prepare(slot, FDSYNC, 0, 0, 0)
        self.daemon.hand_over(slot)

    def ended(self, slot: int, error: int) -> None:
        """Take a flush that the disk has finished."""
        daemon = self.daemon
        token, path = self.under_way.pop(slot)
        if slot not in daemon.limits.away:
            self.free.append(slot)
        if self._waiting and self.free:
            self._begin(*self._waiting.popleft())
        if token >= _PEERS:
            token = (token & ~_PEERS) >> 1
            session = daemon.session
            if session is not None:
                session.post(replication.FRAME.pack(replication.FLUSHED, 0, 0, token, 0, error))
            if error:
                daemon.side.disk_failed(None, error)
        elif path is not None and path is not daemon.side.path:
            path.flush_done(token, error, remote=False)
        else:
            daemon.side.flush_done(token, error, remote=False)
