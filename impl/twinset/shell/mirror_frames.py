"""What the frames of a session do: each goes to the path or the side that it concerns.

Functions of one `MirrorConnection`, which has checked the header and holds the payload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.errors import ProtocolError
from twinset.mirror import without_disk
from twinset.mirror.latency import RECEIVED
from twinset.mirror.operations import COPY, READ, WRITE, ZERO, Op
from twinset.mirror.session import TARGET
from twinset.wire import replication as wire

from .mirror_session import DATA_WEIGHT

if TYPE_CHECKING:
    from .mirror_connection import MirrorConnection
    from .mirror_loop import Mirrord

_OP_KIND: Final = {wire.WRITE: WRITE, wire.COPY: COPY, wire.ZERO: ZERO}
_OFFSET_MASK: Final = (1 << 48) - 1


def take_data(connection: MirrorConnection, frame: wire.Frame, slot: int) -> None:
    """Take an operation whose payload lies in `slot`; the slot belongs to it from here on."""
    kind, flags, length, seq, offset, arg = frame
    daemon = connection.daemon
    session = daemon.session
    if session is None or session.bound is not connection:  # of a connection that the session has left
        daemon.pool.give(slot)
        return
    session.stream.taken += 1
    session.owed += DATA_WEIGHT if kind == wire.DATA else 1
    if kind == wire.DATA:
        _fetched(daemon, seq, length, slot)
        return
    op = Op(_OP_KIND[kind], offset, length, slot, None, fua=bool(flags & wire.FLAG_FUA))
    if daemon.latency.every and kind == wire.WRITE:
        daemon.latency.begin(op, RECEIVED, connection.received_ns)
    try:
        daemon.side.target.write(op, seq, arg)
    except ProtocolError:
        daemon.pool.give(slot)
        raise


def act(connection: MirrorConnection, frame: wire.Frame, payload: memoryview) -> None:
    """Act on a frame without data. Raises ProtocolError for what no side would send."""
    kind, flags, _length, seq, offset, arg = frame
    daemon = connection.daemon
    side, session = daemon.side, daemon.session
    if kind == wire.PING:
        if session is not None and session.bound is connection:
            session.stream.acknowledge(seq)
        return
    if session is None or session.bound is not connection:
        return
    session.stream.taken += 1
    session.owed += 1
    if kind == wire.RECEIPT:
        session.stream.acknowledge(arg)
        side.path.receipt(seq)
    elif kind == wire.WRITTEN:
        session.stream.acknowledge(arg)  # before the operations end, and their memory is used again
        path = side.path
        path.receipt(seq)
        for number in wire.unpack_seqs(payload):
            if number == daemon.latency.seq:
                daemon.latency.on_other()
            path.written(number)
    elif kind in (wire.ZERO, wire.READ):
        if kind == wire.READ and offset >> 48 << 9 > daemon.pool.size:
            raise ProtocolError(
                f"a read of {offset >> 48 << 9} bytes, at most {daemon.pool.size} were agreed"
            )
        op = Op(
            ZERO if kind == wire.ZERO else READ, offset & _OFFSET_MASK, offset >> 48 << 9, _slot(daemon), None,
            fua=bool(flags & wire.FLAG_FUA),
        )  # fmt: skip
        _take(daemon, op, seq, arg)
    elif kind == wire.FLUSH:
        daemon.flushes.for_peer(seq)
    elif kind == wire.FLUSHED:
        side.flush_done(seq, arg, remote=True)
    elif kind == wire.FAILED:
        session.stream.acknowledge(offset)
        without_disk.answered(side.path, seq, arg)
    elif kind == wire.VERIFY:
        daemon.verify.asked(session, seq, offset, arg)
    elif kind == wire.DIGEST:
        side.verify.digest(seq, bytes(payload), arg)
    elif kind == wire.MARK:
        side.maps.set_durable(arg)
    elif kind == wire.CONTROL:
        side.control(wire.parse_json(bytes(payload)))
        daemon.changed()
    else:
        raise ProtocolError(f"frame of type {kind} is out of place in a session")


def _slot(daemon: Mirrord) -> int:
    slot = daemon.pool.take() if daemon.side.role == TARGET else -1
    if slot < 0:
        raise ProtocolError("an operation that this side did not agree to")
    return slot


def _take(daemon: Mirrord, op: Op, seq: int, epoch: int) -> None:
    """Take a zeroing or a read."""
    try:
        if op.kind == READ:
            daemon.side.target.read(op, seq)
        else:
            daemon.side.target.write(op, seq, epoch)
    except ProtocolError:
        daemon.pool.give(op.slot)
        raise


def _fetched(daemon: Mirrord, seq: int, length: int, slot: int) -> None:
    """Take what the other side has read for this one, whose disk has failed."""
    path, pool = daemon.side.path, daemon.pool
    op = path.outstanding.get(seq)
    fits = op is not None and op.kind == READ and op.length == length
    if fits and op is not None:
        pool.data(op.slot, length)[:] = pool.data(slot, length)
    pool.give(slot)
    if not fits:
        raise ProtocolError(f"{length} bytes of a read {seq} that was not asked")
    without_disk.answered(path, seq, 0)
