"""The path of a serving side whose own disk has failed: the other side does everything (8.4-01, R10).

The other side has recorded before that it goes on and that this disk is FAULTY, so what it has is a success.
The client notices nothing: its group moves to the other server meanwhile, and until then every read, write
and flush is asked of the other side over the same session, numbered like any mirrored write.

A read asked this way takes the range lock that a read of the own disk does without: a write that an earlier
read has shown may not be on the other disk yet, and reads never go back in time (promise 9).

Functions of one `SourcePath`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .operations import Op
    from .write_path import SourcePath

REMOTE: Final = "remote"


def begin(path: SourcePath) -> None:
    """Go on without the own disk; what it has failed or not begun is owed by the other side alone."""
    path.mode = REMOTE
    path.lost = True
    for op in not_on_disk(path):
        op.local = False
        op.received = True
        if not op.remote:
            path.finish(op)
    for flush in list(path.flushes.values()):
        flush.local = False
        flush.error = 0
        if not flush.mirrored:
            # Of the time when some blocks were on the own disk alone: the other one has them by now.
            flush.remote = flush.mirrored = True
            path.ports.send_flush(flush.token)
        elif not flush.remote and path.flushes.pop(flush.token, None) is not None:
            path.flush_finished(flush)
    unread, path.unread = path.unread, []
    for op in unread:
        read(path, op)
    path.resume()


def not_on_disk(path: SourcePath) -> list[Op]:
    """Take out the mirrored operations that the own disk does not work on, and will not."""
    broken = {id(op) for op in (*path.broken, *path.held_local)}
    path.broken.clear()
    path.held_local.clear()
    path.await_receipt.clear()
    everything = path.ranges.operations()
    return [op for op in everything if op.seq and (not op.local or not op.received or id(op) in broken)]


def read(path: SourcePath, op: Op) -> None:
    """Have the other side read, once it can be asked and no write to the same bytes is on its way there."""
    if path.mode != REMOTE:
        path.unread.append(op)
        return
    shift = path.maps.shift
    op.first = op.offset >> shift
    op.last = (op.offset + op.length - 1) >> shift
    if path.ranges.lock(op):
        send(path, op)


def send(path: SourcePath, op: Op) -> None:
    """Send an operation that only the other side's disk will do."""
    op.local = False
    op.received = op.remote = True
    path.seq = op.seq = path.seq + 1
    path.outstanding[op.seq] = op
    path.ports.send_write(op)


def answered(path: SourcePath, seq: int, error: int) -> None:
    """The other side has read for this one, or its disk has failed too: then the client sees the error."""
    op = path.outstanding.get(seq)
    if op is None or not path.lost:
        return  # whoever mirrors is told of a failed disk by a message of its own
    op.error = error
    path.written(seq)
