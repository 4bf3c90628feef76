"""The write path of the side that serves: what may be written where, in which order, and when it counts.

Theory of operation. A mirrored write goes to the other side first. The other side acknowledges its
*receipt*; only then is it submitted to the own disk, so the own disk never holds what the other side has
not received. The client is answered when both disks have it. Overlapping operations are kept in order by a
range lock, so both disks end with the same bytes. A copy of an extent takes the lock of the whole extent.

Rules:
1. A write is marked in the window before it is sent, in the difference before it is submitted alone (R5).
2. No write starts while the path holds: no session and no right to go on alone (R1), or an expired lease (R13).
3. Received is not written, written is not durable: the window is dropped only after both sides flushed (R3).
4. A FLUSH is answered after both sides' flushes cover what was acknowledged before it, or, alone, after the
   own flush (R14). A failed flush is a failed disk; it is never retried into success (R10).
5. REMOTE: the own disk has failed, the other side has recorded it and does everything (`without_disk.py`, R10).

This file knows neither sessions nor records; `side.py` switches its mode.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from . import without_disk
from .operations import COPY, VERIFY, Flush, Op
from .range_lock import RangeLock

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from .maps import Maps
    from .operations import PathPorts

HOLD, SOLO, MIRROR, COPYING, FAILED = "hold", "solo", "mirror", "copying", "failed"
REMOTE = without_disk.REMOTE
EIO = 5


class SourcePath:
    """Orders reads, writes and flushes of the serving side.

    `failed(op or None for a flush, errno)` reports a disk error; true when the client has to wait for the verdict.
    """

    def __init__(self, maps: Maps, ports: PathPorts, failed: Callable[[Op | None, int], bool]) -> None:
        self.maps = maps
        self.ports = ports
        self.counts = ports.counts
        self._failed = failed
        self.mode = HOLD
        self.frozen = False
        self.seq = 0
        self.ranges = RangeLock()
        self.outstanding: dict[int, Op] = {}
        self.await_receipt: deque[Op] = deque()
        self.ready: deque[Op] = deque()  # unblocked, but not allowed to start
        self.held_local: deque[Op] = deque()  # received by the other side, but the lease ran out
        self.broken: list[Op] = []  # failed on the own disk, and not yet known who goes on
        self.reads: deque[Op] = deque()
        self.unread: list[Op] = []  # reads that the own disk has failed: the other side may have the data
        self.lost = False  # the own disk does not count any more, whatever the mode
        self.held_flushes: deque[Flush] = deque()
        self.flushes: dict[int, Flush] = {}
        self.token = 0
        self.epoch_writes: dict[int, int] = {}
        self.in_copy: Container[int] = ()  # the extents a rebuild is in the middle of
        self.closing = 0  # the epoch that waits for its writes, then for both flushes
        self.closing_token = 0  # that flush
        self._stopped = True

    # -- what the shell brings ------------------------------------------------------------------------

    def read(self, op: Op) -> None:
        """Submit a read, or keep it while the lease is out (R13: a paused side must not show old data)."""
        self.counts.reads += 1
        self.counts.read_bytes += op.length
        if self.frozen:
            self.reads.append(op)
        elif self.mode == FAILED:
            self._fail(op)
        elif self.lost:
            without_disk.read(self, op)
        else:
            self.ports.submit_read(op)

    def read_failed(self, op: Op, errno: int) -> bool:
        """The own disk could not read; true while the client waits for the other side to do it."""
        if self.lost and self.mode != FAILED:
            without_disk.read(self, op)
            return True
        if self.mode != FAILED and self._failed(op, errno):
            self.unread.append(op)
            return True
        op.error = errno
        return False

    def write(self, op: Op) -> None:
        """Take anything but a read: lock its range, start it when nothing is in its way."""
        if op.kind < COPY:
            self.counts.writes += 1
            self.counts.written_bytes += op.length
        shift = self.maps.shift
        op.first = op.offset >> shift
        op.last = (op.offset + op.length - 1) >> shift
        if not self.ranges.lock(op):
            return
        if self._stopped and op.kind != VERIFY:
            self.ready.append(op)
        else:
            self._start(op)

    def flush(self, request: Any) -> Flush:
        """Take a FLUSH of a client."""
        self.counts.flushes += 1
        self.token += 1
        flush = Flush(self.token, request)
        if self._stopped:
            self.held_flushes.append(flush)
        else:
            self._start_flush(flush)
        return flush

    def receipt(self, seq: int) -> None:
        """The other side has everything up to `seq` in memory: the own disk may have it too."""
        waiting = self.await_receipt
        submit = self.ports.submit_write
        while waiting and waiting[0].seq <= seq:
            op = waiting.popleft()
            op.received = True
            if self.frozen:
                self.held_local.append(op)
            else:
                submit(op)

    def written(self, seq: int) -> None:
        """The other side's disk has the operation `seq`."""
        op = self.outstanding.pop(seq, None)
        if op is None:
            return
        op.remote = False
        if not op.local:
            self.finish(op)

    def local_done(self, op: Op, error: int) -> None:
        """The own disk has finished `op`; `error` is a positive errno or 0."""
        if op.kind == COPY:
            self._copy_read(op, error)
            return
        if op.kind == VERIFY:
            op.request.read(error)
            return
        if error and self.mode != FAILED and not self.lost:
            if self._failed(op, error) and op.seq:
                # The other side has received it: the client hears nothing before it is known who goes on (R10).
                self.broken.append(op)
                return
            op.error = error
        op.local = False
        if not op.remote:
            self.finish(op)

    def flush_done(self, token: int, error: int, *, remote: bool) -> None:
        """One side has answered the flush `token`."""
        flush = self.flushes.get(token)
        if flush is None:
            return
        if remote:
            flush.remote = False  # an error there is told by the other side itself
            if self.lost:
                flush.error = error
        else:
            if error and self.mode != FAILED and not self.lost:
                flush.error = error
                if self._failed(None, error):
                    return  # `without_disk.begin` or `drop_remote` ends it
            flush.local = False
        if not flush.local and not flush.remote and self.flushes.pop(token, None) is not None:
            self.flush_finished(flush)

    # -- modes ----------------------------------------------------------------------------------------

    def set_mode(self, mode: str) -> None:
        """Change what may happen; `side.py` has made the records true before. FAILED is for good."""
        if self.mode != FAILED:
            self.mode = mode
        self.resume()

    def freeze(self) -> None:
        """Hold all I/O, without an error: the lease is out (R13)."""
        self.frozen = True
        self._stopped = True

    def thaw(self) -> None:
        """Go on: the lease is valid again."""
        if self.frozen:
            self.frozen = False
            self.resume()

    def begin_session(self) -> None:
        """Send again, under new numbers, what the other side had not written when the session broke (R4, R11)."""
        unfinished = sorted(self.outstanding.values(), key=lambda op: op.seq)
        self.outstanding.clear()
        self.await_receipt.clear()
        self.seq = 0
        for op in unfinished:
            self._send(op)
        for flush in self.flushes.values():
            if flush.remote:
                self.ports.send_flush(flush.token)

    def drop_remote(self) -> None:
        """The other side no longer counts: what it owes is difference data, already in the map."""
        self.end_copies()
        unfinished = sorted(self.outstanding.values(), key=lambda op: op.seq)
        self.outstanding.clear()
        self.await_receipt.clear()
        self.closing = 0
        for op in self.broken:
            op.local = False
            op.error = EIO
            if not op.remote:
                self.finish(op)
        self.broken.clear()
        for op in unfinished:
            op.remote = False
            if not op.received:
                op.received = True
                self._submit_local(op)
            elif not op.local:
                self.finish(op)
        for flush in list(self.flushes.values()):
            flush.remote = False
            flush.local = flush.local and not flush.error
            if not flush.local and self.flushes.pop(flush.token, None) is not None:
                self.flush_finished(flush)

    def revoke(self) -> None:
        """End everything with an error: this side must not serve any more."""
        self.mode = FAILED
        self.frozen = False
        for op in self.ranges.operations():
            op.error = op.error or EIO
            op.remote = False
        for op in without_disk.not_on_disk(self):
            op.local = False
            self.finish(op)
        self.outstanding.clear()
        self._fail_outstanding()
        unread, self.unread = self.unread, []
        for op in unread:
            self._fail(op)
        self.resume()

    def suspend(self) -> None:
        """The session is gone: hold writes until it is back or the right to go on alone is there (R1)."""
        if self.mode == FAILED:
            self._fail_outstanding()
            return
        self.mode = HOLD
        self._stopped = True
        self.closing = 0
        for token in [token for token, flush in self.flushes.items() if flush.request is None]:
            del self.flushes[token]
        self.end_copies()

    def end_copies(self) -> None:
        """Give up the extents that are on their way to the other side; they stay difference."""
        for op in [op for op in self.outstanding.values() if op.kind == COPY]:
            del self.outstanding[op.seq]
            op.remote = False
            op.error = EIO
            self.finish(op)

    def _fail_outstanding(self) -> None:
        for op in list(self.outstanding.values()):
            op.remote = False
            op.error = EIO
            if not op.local:
                self.finish(op)
        self.outstanding.clear()
        for flush in list(self.flushes.values()):
            flush.error = EIO
            del self.flushes[flush.token]
            self.flush_finished(flush)

    @property
    def mirrors(self) -> bool:
        """True while operations go to the other side."""
        return self.mode in (MIRROR, COPYING)

    @property
    def idle(self) -> bool:
        """True when no operation of a client or of a copy is unfinished."""
        return not (
            self.ranges or self.flushes or self.held_flushes or self.reads or self.ready or self.unread
        )

    # -- epochs ---------------------------------------------------------------------------------------

    def close_epoch(self, *, force: bool = False) -> None:
        """Start to make the current epoch durable on both sides, when there is something in it (every T_mark).

        Not while a window copy runs: the other side may take over, and would forget what is still to be copied.
        """
        held = self._stopped or self.closing or not self.mirrors
        if held or (self.mode == MIRROR and self.maps.dirty_count):
            return
        epoch = self.maps.epoch
        if epoch not in self.epoch_writes and not force:
            return
        self.closing = epoch
        self.maps.advance(epoch + 1)
        self._try_mark()

    def _try_mark(self) -> None:
        if not self.mirrors:  # the own disk has failed meanwhile: its flush alone marks nothing (R3)
            self.closing = 0
        if not self.closing or any(n and at <= self.closing for at, n in self.epoch_writes.items()):
            return
        for epoch in [epoch for epoch in self.epoch_writes if epoch <= self.closing]:
            del self.epoch_writes[epoch]
        self.token += 1
        self.closing_token = self.token
        self._start_flush(Flush(self.token, None))

    def flush_finished(self, flush: Flush) -> None:
        """End a flush: answer the client, or tell the mark."""
        if flush.request is not None:
            self.ports.complete_flush(flush)
        elif self.closing and flush.token == self.closing_token and not flush.error:
            self.maps.set_durable(self.closing)
            self.ports.send_mark(self.closing)
            self.closing = 0

    # -- inside ---------------------------------------------------------------------------------------

    def _start(self, op: Op) -> None:
        mode = self.mode
        if op.kind == VERIFY:
            op.request.locked()
            return
        if op.kind == COPY and mode != FAILED:
            op.local = True
            self.ports.submit_read(op)
            return
        if mode == MIRROR or (mode == COPYING and not self._all_dirty(op)):
            self._send(op, fresh=True)
            return
        if mode == FAILED:
            self._fail(op)
            return
        if mode == REMOTE:
            without_disk.send(self, op)
            return
        for extent in range(op.first, op.last + 1):
            self.maps.set_dirty(extent)
        self._submit_local(op)

    def _send(self, op: Op, *, fresh: bool = False) -> None:
        epoch = self.maps.epoch
        if fresh:
            op.epoch = epoch
            self.epoch_writes[epoch] = self.epoch_writes.get(epoch, 0) + 1
            op.local = op.kind != COPY
            op.received = op.kind == COPY
        if op.first == op.last:
            self.maps.window[op.first] = epoch
        else:
            self.maps.mark(op.first, op.last, epoch)
        op.remote = True
        self.seq = op.seq = self.seq + 1
        self.outstanding[op.seq] = op
        if not op.received:
            self.await_receipt.append(op)
        self.ports.send_write(op)

    def _submit_local(self, op: Op) -> None:
        op.local = True
        op.received = True
        if self.frozen:
            self.held_local.append(op)
        else:
            self.ports.submit_write(op)

    def _copy_read(self, op: Op, error: int) -> None:
        op.local = False
        if error:
            op.error = error
            self._failed(op, error)
            self.finish(op)
        elif self.mode in (MIRROR, COPYING):
            self._send(op, fresh=True)
        else:
            op.error = EIO  # the session ended while the extent was read: it stays difference
            self.finish(op)

    def finish(self, op: Op) -> None:
        """End an operation: answer it, and start what waited for its range."""
        freed = self.ranges.unlock(op)
        if op.epoch:
            self.epoch_writes[op.epoch] = self.epoch_writes.get(op.epoch, 1) - 1
            if op.epoch <= self.closing and not self.epoch_writes[op.epoch]:
                self._try_mark()
        self.ports.complete(op)
        for waiter in freed:
            if self._stopped and waiter.kind != VERIFY:  # a look does nothing then, and has to end
                self.ready.append(waiter)
            else:
                self._start(waiter)

    def _fail(self, op: Op) -> None:
        op.error = EIO
        if self.ranges.holds(op):  # a read of the own disk does not
            self.finish(op)
        else:
            self.ports.complete(op)

    def _start_flush(self, flush: Flush) -> None:
        if self.mode == FAILED:
            flush.error = EIO
            self.flush_finished(flush)
            return
        self.flushes[flush.token] = flush
        flush.local = self.mode != REMOTE
        flush.remote = flush.mirrored = self.mode in (MIRROR, REMOTE) or (
            flush.request is None and self.mode == COPYING
        )
        if flush.remote:
            self.ports.send_flush(flush.token)
        if flush.local:
            self.ports.submit_flush(flush.token)

    def _all_dirty(self, op: Op) -> bool:
        dirty = self.maps.dirty
        # An extent half copied takes its writes on both sides, or the copied half would grow stale.
        return all(dirty[extent] and extent not in self.in_copy for extent in range(op.first, op.last + 1))

    def resume(self) -> None:
        """Start what waits, as far as mode and lease allow."""
        self._stopped = self.frozen or self.mode == HOLD
        if self.frozen:
            return
        while self.reads and not self.frozen:
            self.read(self.reads.popleft())
        while self.held_local and not self.frozen:
            self.ports.submit_write(self.held_local.popleft())
        while self.ready and not self._stopped:
            self._start(self.ready.popleft())
        while self.held_flushes and not self._stopped:
            self._start_flush(self.held_flushes.popleft())
