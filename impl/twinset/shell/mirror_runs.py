"""Pieces of a copy that lie side by side go to the disk as one request.

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

from twinset.mirror.operations import COPY, Op
from twinset.mirror.pace import PIECES_MAX

from .aio import PREADV, PWRITEV

if TYPE_CHECKING:
    from twinset.mirror.write_path import SourcePath

    from .mirror_loop import Mirrord

_IOVEC: Final = struct.Struct("<QQ")


class Runs:
    """The runs of one process; `pieces`: how many pieces of copies the next batch holds."""

    def __init__(self, daemon: Mirrord) -> None:
        self.daemon = daemon
        self.pieces = 0
        self.under_way: dict[int, tuple[list[int], int]] = {}  # first slot of a run -> its slots, their bytes
        self._alone: set[int] = set()  # of a run that has failed
        self._stride = PIECES_MAX * _IOVEC.size
        self._iovecs = mmap.mmap(-1, daemon.pool.count * self._stride)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._iovecs))

    def gathered(self, batch: list[int]) -> list[int]:
        """Return a batch with the pieces that lie side by side joined to runs."""
        self.pieces = 0
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
        if entry is None or entry[0].kind != COPY:
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
            first, PWRITEV if op.request is None else PREADV, self._address + first * self._stride, len(run),
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
            if op.request is None:
                daemon.submit_write(op)
            else:
                daemon.submit_read(op)
            daemon.ops[one] = (op, path)  # that of the first attempt
        return found


def _follows(last: Op, op: Op) -> bool:
    """True when one request can do both: the same way, one behind the other."""
    return op.offset == last.offset + last.length and (op.request is None) == (last.request is None)
