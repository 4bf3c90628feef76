"""A disk with a volatile cache: writes land in any order, a flush makes durable what had completed before it.

A sector holds one number, the version that was written last; a power cut keeps, for every sector on its own,
the durable value or any value written after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.mirror.cluster_partition import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

READ, WRITE, FLUSH = range(3)
EIO = 5


class Io:
    """One request to a disk. `done(io)` is called when it completes, unless its process has died."""

    __slots__ = (
        "completed_at",
        "done",
        "dsync",
        "error",
        "first",
        "held",
        "kind",
        "owner",
        "performed",
        "submitted_at",
        "values",
    )

    def __init__(
        self,
        kind: int,
        first: int,
        values: Sequence[int],
        owner: Any,
        done: Callable[[Io], None],
        *,
        dsync: bool = False,
    ) -> None:
        self.kind = kind
        self.first = first
        self.values = list(values)
        self.owner = owner
        self.done = done
        self.dsync = dsync
        self.performed = False
        self.held = False  # takes very long
        self.submitted_at = 0
        self.completed_at = 0
        self.error = 0


class Disk:
    """Sectors, their volatile successors, and the record slot, which is cached like any sector."""

    def __init__(self, size: int, rng: Random) -> None:
        self.rng = rng
        self.durable = [0] * size
        self.latest = [0] * size
        self.pending: dict[int, list[tuple[int, Io]]] = {}
        self.record_durable = Record()
        self.record_latest = Record()
        self.map_durable = b""
        self.map_latest = b""
        self.inflight: list[Io] = []
        self.clock = 1
        self.slow = False  # some requests take very long
        self.bad_flushes = self.bad_writes = True  # which of them fail, once it is bad
        self.bad_reads = False
        self.bad = False

    def submit(self, io: Io) -> None:
        """Take a request."""
        io.submitted_at = self.clock
        io.held = self.slow and self.rng.random() < 0.05
        self.inflight.append(io)

    def perform(self, io: Io) -> None:
        """Let the request act, some time before it completes."""
        io.performed = True
        if (
            self.bad
            and (self.bad_flushes, self.bad_writes, self.bad_reads)[(FLUSH, WRITE, READ).index(io.kind)]
        ):
            io.error = EIO
        elif io.kind == READ:
            io.values = self.latest[io.first : io.first + len(io.values)]
        elif io.kind == WRITE:
            for sector, value in enumerate(io.values, io.first):
                self._put(sector, value, io)
        else:
            self.settle(io.submitted_at)

    def complete(self, io: Io) -> None:
        """Report the request to its process."""
        self.inflight.remove(io)
        self.clock += 1
        io.completed_at = self.clock
        io.done(io)

    def _put(self, sector: int, value: int, io: Io) -> None:
        self.latest[sector] = value
        if io.dsync:
            self.durable[sector] = value
            self.pending.pop(sector, None)
        else:
            self.pending.setdefault(sector, []).append((value, io))

    def settle(self, until: int) -> None:
        """Make durable what had completed at `until`."""
        for sector, entries in list(self.pending.items()):
            for index in range(len(entries) - 1, -1, -1):
                value, io = entries[index]
                if io.completed_at and io.completed_at <= until:
                    self.durable[sector] = value
                    del entries[: index + 1]
                    break
            if not entries:
                del self.pending[sector]

    def write_record(self, record: Record) -> None:
        """Put a record into the volatile cache."""
        self.record_latest = record

    def write_map(self, packed: bytes) -> None:
        """Put the persisted map into the volatile cache."""
        self.map_latest = packed

    def flush_now(self) -> None:
        """Flush as `persist` does: at once, covering all that has completed."""
        self.record_durable = self.record_latest
        self.map_durable = self.map_latest
        self.clock += 1
        self.settle(self.clock)

    def abandon(self, owner: Any) -> None:
        """Let the requests of a dead process take effect or not; none is left afterwards."""
        for io in [io for io in self.inflight if io.owner is owner]:
            if not io.performed and self.rng.random() < 0.5:
                self.perform(io)
            self.inflight.remove(io)
            self.clock += 1
            io.completed_at = self.clock

    def power_cut(self) -> None:
        """Lose a random part of what was not durable, sector by sector."""
        rng = self.rng
        for io in self.inflight:
            if io.kind == WRITE and not io.performed and not (self.bad and self.bad_writes):
                for sector, value in enumerate(io.values, io.first):
                    if rng.random() < 0.5:
                        self._put(sector, value, io)
        self.inflight.clear()
        for sector, entries in self.pending.items():
            if rng.random() < 0.6:
                self.durable[sector] = rng.choice(entries)[0]
        self.pending.clear()
        self.latest = list(self.durable)
        if rng.random() < 0.5:
            self.record_durable = self.record_latest
        if rng.random() < 0.5:
            self.map_durable = self.map_latest
        self.record_latest = self.record_durable
        self.map_latest = self.map_durable

    def outcomes(self, sector: int) -> set[int]:
        """Return every value that a power cut now may leave in the sector, in-flight writes aside."""
        entries = self.pending.get(sector)
        if entries is None:
            return {self.durable[sector]}
        return {self.durable[sector], *(value for value, _ in entries)}
