"""What is slower than its bound counts as failed: a request of the disk, an operation on its way to the other side.

A request that the disk has not finished within `disk_timeout_s` ends with ETIMEDOUT, as if the disk had said so. The
kernel still works on it, so its slot stays away from everybody until it comes back; the operation goes on in another
one. While such a request is out the disk is asked nothing more: every new request fails at once.

What was sent and not even received by the other side within the mirror time-out makes a mirror connect too slow: the
session changes to another one, or ends. Acknowledged receipts bound the link; the other side bounds its own disk.
"""

from __future__ import annotations

from collections import deque
from errno import ETIMEDOUT
from typing import TYPE_CHECKING, Final

from twinset.mirror.operations import KINDS

if TYPE_CHECKING:
    from .mirror_loop import Mirrord
    from .mirror_session import MirrorSession

SAMPLES: Final = 8  # in each bound: an operation is late by an eighth of it at most


class Limits:
    """The bounds of one process, looked at with every tick. Times in milliseconds."""

    def __init__(self, daemon: Mirrord, disk_ms: int, link_ms: int) -> None:
        self.daemon = daemon
        self.disk_ms = disk_ms
        self.link_ms = link_ms
        self.away: set[int] = set()  # slots of requests that the disk did not finish in time
        self.next_ms = 0
        self.sent: deque[tuple[int, int]] = deque()  # (time, number of the last operation sent by then)
        self.session: MirrorSession | None = None

    def tick(self, now_ms: int) -> None:
        """Look for what is too slow."""
        if now_ms < self.next_ms:
            return
        self.next_ms = now_ms + min(self.disk_ms, self.link_ms) // SAMPLES
        self._disk(now_ms)
        self._link(now_ms)

    def _disk(self, now_ms: int) -> None:
        daemon = self.daemon
        since, late_ms = daemon.since, now_ms - self.disk_ms
        late = [slot for slot in daemon.on_disk() if since[slot] <= late_ms and slot not in self.away]
        for slot in late:
            self._give_up(slot)

    def _give_up(self, slot: int) -> None:
        """End a request in place of the disk."""
        daemon, pool = self.daemon, self.daemon.pool
        entry = daemon.ops[slot] if slot < pool.count else None
        if entry is not None and not pool.free:
            return  # nowhere to go on: at the next look, perhaps
        if not self.away:
            what = KINDS[entry[0].kind] if entry is not None else "flush"
            daemon.log(
                "disk_too_slow", disk=daemon.spec.disk, operation=what, limit_ms=self.disk_ms,
                server=daemon.spec.server,
            )  # fmt: skip
        self.away.add(slot)
        if entry is None:
            daemon.flushes.ended(slot, ETIMEDOUT)
            return
        op = entry[0]
        daemon.ops[slot] = None
        op.slot = pool.take()
        pool.data(op.slot, op.length)[:] = pool.data(slot, op.length)
        daemon.ended(op, entry[1], ETIMEDOUT)

    def back(self, slot: int) -> None:
        """The kernel has finished with a slot at last."""
        self.away.discard(slot)
        if slot < self.daemon.pool.count:
            self.daemon.pool.give(slot)
        else:
            self.daemon.flushes.free.append(slot)

    def _link(self, now_ms: int) -> None:
        daemon, session = self.daemon, self.daemon.session
        path = daemon.side.path
        if session is not self.session:
            self.session = session
            self.sent.clear()
        if session is None or session.bound is None:
            return
        self.sent.append((now_ms, path.seq))
        while len(self.sent) > 1 and self.sent[1][0] <= now_ms - self.link_ms:
            self.sent.popleft()
        at_ms, seq = self.sent[0]
        if at_ms > now_ms - self.link_ms or not path.await_receipt or path.await_receipt[0].seq > seq:
            return
        self.sent.clear()
        daemon.link.too_slow(session, self.link_ms)
