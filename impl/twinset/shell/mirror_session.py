"""A session with the other side: the frames that it sends, over whichever mirror connect is bound to it now.

`link` chooses the connection; `stream` keeps what the other side has not taken yet, and has it sent again when the
connection changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.mirror.operations import COPY, READ, WRITE, ZERO, Op
from twinset.mirror.stream import Stream
from twinset.wire import replication as wire

if TYPE_CHECKING:
    from .mirror_connection import MirrorConnection
    from .mirror_link import MirrorLink

ACKNOWLEDGE_FRAMES: Final = 256  # taken and not told: what the other side keeps in memory is bounded
DATA_WEIGHT: Final = 16  # of them a frame with data counts for
_FRAME_KIND = {WRITE: wire.WRITE, COPY: wire.COPY, ZERO: wire.ZERO, READ: wire.READ}


class MirrorSession:
    """Sends frames; `bound` is the connection in use, None while the session changes to another one."""

    def __init__(self, link: MirrorLink, bound: MirrorConnection, identity: bytes) -> None:
        self.daemon = link.daemon
        self.stream = Stream(identity)
        self.bound: MirrorConnection | None = bound
        self.pending: MirrorConnection | None = None  # asked to be the next one
        self.unbound_ms = 0
        self.closed = False
        self.written: list[int] = []
        self.receipt_sent = 0
        self.owed = 0  # frames taken since the other side was told

    def post(self, frame: memoryview | bytes) -> None:
        """Queue a frame of the session."""
        self.stream.queue(frame)
        bound = self.bound
        if bound is not None:
            bound.out.append(frame)

    def flush(self) -> None:
        """Send what is queued."""
        if self.owed >= ACKNOWLEDGE_FRAMES:
            self.beat()
        bound = self.bound
        if bound is not None:
            bound.flush()

    def waiting(self) -> int:
        """Return how many frames are queued."""
        bound = self.bound
        return 0 if bound is None else len(bound.out)

    @property
    def arriving(self) -> bool:
        """True while data of the other side have come in part: the rest follows at once."""
        bound = self.bound
        return bound is not None and bound.slot >= 0

    def beat(self) -> None:
        """Say that this side lives, and how many frames it has taken."""
        bound = self.bound
        if bound is not None:
            self.owed = 0
            bound.out.append(wire.FRAME.pack(wire.PING, 0, 0, self.stream.taken, 0, 0))

    def send_op(self, op: Op) -> None:
        """Queue a write, zero, copy or read; data leaves straight from its slot."""
        flags = wire.FLAG_FUA if op.fua else 0
        kind = _FRAME_KIND[op.kind]
        if op.kind in (ZERO, READ):
            offset = op.offset | op.length >> 9 << 48
            self.post(wire.FRAME.pack(kind, flags, 0, op.seq, offset, self.daemon.maps.epoch))
            return
        pool = self.daemon.pool
        at = pool.starts[op.slot] - wire.FRAME_BYTES
        wire.FRAME.pack_into(pool.view, at, kind, flags, op.length, op.seq, op.offset, self.daemon.maps.epoch)
        self.post(pool.view[at : at + wire.FRAME_BYTES + op.length])

    def tell_done(self, op: Op, error: int, *, written: bool) -> None:
        """Note that the own disk has finished an operation of the other side, for the next acknowledgement."""
        if written and op.kind != READ:
            self.written.append(op.seq)
        elif written:
            data = bytes(self.daemon.pool.data(op.slot, op.length))
            self.post(wire.pack(wire.DATA, seq=op.seq, payload=data))
        elif error and self.daemon.side.target.live:
            self.post(wire.FRAME.pack(wire.FAILED, 0, 0, op.seq, self.stream.taken, error))

    def acknowledge(self) -> None:
        """Queue the receipt of this round and the operations that are on the own disk."""
        received = self.daemon.side.target.received
        written, taken = self.written, self.stream.taken
        if written:
            payload = wire.pack_seqs(written[: wire.WRITTEN_MAX])
            self.written = written[wire.WRITTEN_MAX :]
            self.post(wire.pack(wire.WRITTEN, seq=received, arg=taken, payload=payload))
        elif received != self.receipt_sent:
            self.post(wire.FRAME.pack(wire.RECEIPT, 0, 0, received, 0, taken))
        else:
            return
        self.owed = 0
        self.receipt_sent = received
        if self.daemon.latency.owed:
            self.daemon.latency.acknowledged()
