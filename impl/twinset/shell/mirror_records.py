"""Makes a side's record and map durable, in bounded time: a disk that does not answer has failed (R10)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from twinset.errors import DiskError
from twinset.mirror.cluster_partition import Record, State

from . import latch, mirror_start

if TYPE_CHECKING:
    from collections.abc import Callable

    from .mirror_loop import Mirrord


class Records:
    """The records of one process. A write that hangs leaves its thread behind; nothing is written after it."""

    def __init__(self, daemon: Mirrord, limit_s: float) -> None:
        self.daemon = daemon
        self.limit_s = limit_s
        self._stuck: threading.Thread | None = None

    def persist(self, record: Record) -> None:
        """Make a record durable, on the system disk first where it is bad news; DiskError when it cannot be."""
        daemon = self.daemon
        bad = record.state in (State.STALE, State.FAULTY, State.DIVERGED)
        bad = bad and not record.forced  # permits what follows: it has to be on the disk itself
        new_disk = record.disk_uuid != daemon.side.record.disk_uuid
        if bad or new_disk:  # the server knows its disk first (8.6)
            self._latch(record)
        try:
            self._bounded(lambda: daemon.disk.write_record(record))
        except DiskError:
            if not bad:  # the system disk keeps the bad news
                raise
        if not bad:
            self._latch(record)
        if new_disk:
            mirror_start.note_table(daemon, record)
            daemon.shared.rebind(record.disk_uuid)
        daemon.changed()

    def persist_map(self, packed: bytes) -> None:
        """Make the difference map durable; a record that calls it valid follows."""
        daemon = self.daemon
        self._bounded(lambda: daemon.disk.write_map(daemon.side.record, packed))

    def _latch(self, record: Record) -> None:
        path = self.daemon.latch_path
        latch.write(path, state=record.state, cur=record.cur, disk_uuid=record.disk_uuid)

    def _bounded(self, write: Callable[[], Any]) -> None:
        path = self.daemon.disk.path
        if self.daemon.limits.away or (self._stuck is not None and self._stuck.is_alive()):
            raise DiskError(f"{path}: it does not answer")
        outcome: list[BaseException] = []

        def run() -> None:
            try:
                write()
            except BaseException as error:  # noqa: BLE001 - raised again below
                outcome.append(error)

        thread = threading.Thread(target=run, name="record", daemon=True)
        thread.start()
        thread.join(self.limit_s)
        if thread.is_alive():
            self._stuck = thread
            raise DiskError(f"{path}: a record was not written within {self.limit_s:g} s")
        if outcome:
            raise outcome[0]
