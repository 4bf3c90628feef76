"""Pieces of a copy, or of a client's large request, that lie side by side go to the disk as one request.

A disk is mostly paid by the request: sixteen pieces of 64 KiB read one by one take sixteen times what one read of
1 MiB takes. Only the disk sees the difference; slots, frames and the core go on piece by piece. A run that fails is
given to the disk once more, piece by piece, so that the failing one is known.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from errno import EIO
from typing import TYPE_CHECKING, Final

from twinset.mirror.operations import COPY, READ, WRITE, Op
from twinset.mirror.pace import PIECES_MAX

from .aio import PREADV, PWRITEV

if TYPE_CHECKING:
    from twinset.mirror.write_path import SourcePath

    from .mirror_loop import Mirrord

_IOVEC: Final = struct.Struct("<QQ")
# Smaller requests of clients seldom have a neighbour, and looking for it costs each of them.
CLIENT_BYTES_MIN: Final = 16 << 10


class Runs:
    """The runs of one process; of the next batch `pieces` may be joined, `copies` of them are of copies."""

    def __init__(self, daemon: Mirrord) -> None:
        self.daemon = daemon
        self.pieces = self.copies = 0
        self.under_way: dict[int, tuple[list[int], int]] = {}  # first slot of a run -> its slots, their bytes
        self._alone: set[int] = set()  # of a run that has failed
        self._stride = PIECES_MAX * _IOVEC.size
        self._iovecs = mmap.mmap(-1, daemon.pool.count * self._stride)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._iovecs))

    def count(self, op: Op) -> None:
        """Take note of an operation that goes to the disk with the next batch."""
        if op.kind == COPY:
            self.copies += 1
            self.pieces += 1
        elif op.length >= CLIENT_BYTES_MIN:
            self.pieces += 1

    def gathered(self, batch: list[int]) -> list[int]:
        """Return a batch with the pieces that lie side by side joined to runs."""
        self.pieces = self.copies = 0
        found: list[int] = []
        run: list[int] = []
        last: Op | None = None
        for slot in batch:
            op = self._piece(slot)
            if op is not None and last is not None and _follows(last, op) and len(run) < PIECES_MAX:
                run.append(slot)
            else:
                self._close(run)
                found.append(slot)
                run = [slot] if op is not None else []
            last = op
        self._close(run)
        return found

    def _piece(self, slot: int) -> Op | None:
        ops = self.daemon.ops
        entry = ops[slot] if slot < len(ops) else None
        if entry is None or not _joinable(entry[0]):
            return None
        if slot in self._alone:
            self._alone.discard(slot)
            return None
        return entry[0]

    def _close(self, run: list[int]) -> None:
        """Describe a run to the disk by its first slot."""
        if len(run) < 2:
            return
        daemon, first = self.daemon, run[0]
        at, total = first * self._stride, 0
        for slot in run:
            op, _path = self._entry(slot)
            total += op.length
            _IOVEC.pack_into(self._iovecs, at, daemon.pool.addresses[slot], op.length)
            at += _IOVEC.size
        op, _path = self._entry(first)
        daemon.aio.prepare(
            first, PWRITEV if _writes(op) else PREADV, self._address + first * self._stride, len(run),
            daemon.data_start + op.offset,
        )  # fmt: skip
        self.under_way[first] = (run, total)

    def _entry(self, slot: int) -> tuple[Op, SourcePath | None]:
        entry = self.daemon.ops[slot]
        if entry is None:
            raise RuntimeError(f"slot {slot} of a run is not in use")
        return entry

    def ended(self, slot: int, result: int) -> list[tuple[int, int]]:
        """Return what the disk has finished with a run: slots with bytes; a failed one begins again."""
        daemon, away = self.daemon, self.daemon.limits.away
        run, total = self.under_way.pop(slot)
        found: list[tuple[int, int]] = []
        for one in run:
            if one in away:  # given up long ago
                found.append((one, -EIO))
                continue
            op, path = self._entry(one)
            if result == total:
                found.append((one, op.length))
                continue
            self._alone.add(one)
            if path is not None and op.kind != COPY:
                daemon.at_disk -= 1  # it is counted once more
            if _writes(op):
                daemon.submit_write(op)
            else:
                daemon.submit_read(op)
            daemon.ops[one] = (op, path)  # that of the first attempt
        return found


def _follows(last: Op, op: Op) -> bool:
    """True when one request can do both: one behind the other, the same way; a copy never makes a client wait."""
    beside = op.offset == last.offset + last.length
    return beside and op.kind == last.kind and _writes(op) == _writes(last)


def _writes(op: Op) -> bool:
    """True for what goes to the disk: a client's write on both sides, a copy on the other side (without a request)."""
    return op.kind == WRITE or (op.kind == COPY and op.request is None)


def _joinable(op: Op) -> bool:
    """A write with FUA stays by itself: its flag holds for a whole request of the disk."""
    large = op.length >= CLIENT_BYTES_MIN and not op.fua
    return op.kind == COPY or (large and op.kind in (READ, WRITE))
