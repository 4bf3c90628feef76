"""The path of the side that receives: mark, acknowledge the receipt, write, report.

The serving side never has two overlapping operations in flight, so this side may write in any order. It
refuses whatever is out of sequence: such a frame belongs to another session (R4, R11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinset.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .maps import Maps
    from .operations import Op, PathPorts


class TargetPath:
    """Receives operations of one session after the other; `received` is the contiguous receipt mark."""

    def __init__(self, maps: Maps, ports: PathPorts, failed: Callable[[Op | None, int], bool]) -> None:
        self.maps = maps
        self.ports = ports
        self.counts = ports.counts
        self._failed = failed
        self.received = 0
        self.inflight = 0
        self.live = False

    def begin_session(self) -> None:
        """Start counting from the first frame of a new session; the old session's I/O has drained."""
        self.received = 0
        self.live = True

    def end_session(self) -> None:
        """Take nothing more; what is in flight still finishes, and nobody is told."""
        self.live = False

    def write(self, op: Op, seq: int, epoch: int) -> None:
        """Take one operation: mark its extents, then submit it. The shell sends the receipt afterwards.

        Raises ProtocolError for a frame out of sequence or out of the disk.
        """
        self._check(op, seq)
        maps = self.maps
        op.seq = seq
        op.first = op.offset >> maps.shift
        op.last = (op.offset + op.length - 1) >> maps.shift
        maps.mark(op.first, op.last, epoch)
        maps.advance(epoch)
        self.received = seq
        self.counts.received += 1
        self.counts.received_bytes += op.length
        self.inflight += 1
        self.ports.submit_write(op)

    def _check(self, op: Op, seq: int) -> None:
        if not self.live or seq != self.received + 1:
            raise ProtocolError(f"frame {seq} after {self.received}: it is not of this session")
        size = self.maps.size_bytes
        if op.length <= 0 or op.offset < 0 or op.offset + op.length > size:
            raise ProtocolError(f"{op.length} bytes at {op.offset} do not fit a disk of {size}")

    def read(self, op: Op, seq: int) -> None:
        """Read for the other side, whose disk has failed; it orders its reads and writes itself.

        Raises ProtocolError as `write` does.
        """
        self._check(op, seq)
        op.seq = self.received = seq
        self.inflight += 1
        self.ports.submit_read(op)

    def verify(self, op: Op) -> None:
        """Read a range for a comparison. It counts as work of the session: the next one begins without it.

        Raises ProtocolError for a range out of the disk.
        """
        if not self.live or op.length <= 0 or op.offset < 0 or op.offset + op.length > self.maps.size_bytes:
            raise ProtocolError(f"{op.length} bytes at {op.offset} cannot be compared here")
        self.inflight += 1
        self.ports.submit_read(op)

    def done(self, op: Op, error: int) -> bool:
        """Note that the own disk finished an operation; true when the other side may be told so."""
        self.inflight -= 1
        if error:
            self._failed(op, error)
        return self.live and not error

    @property
    def idle(self) -> bool:
        """True when nothing received is still on its way to the disk."""
        return not self.inflight
