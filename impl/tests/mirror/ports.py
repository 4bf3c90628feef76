"""Ports that remember what the core asked, for tests of one module."""

from __future__ import annotations

from array import array
from typing import Any

from twinset.mirror.counts import Counts
from twinset.mirror.maps import Maps
from twinset.mirror.operations import WRITE, Flush, Op
from twinset.mirror.verify import digests

SHIFT = 4  # extents of 16 bytes


def make_maps(extents: int = 8) -> Maps:
    """Return maps in which nothing differs."""
    return Maps(
        extents << SHIFT,
        SHIFT,
        array("I", [0] * extents),
        bytearray(extents),
        array("Q", [0] * 3),
        continuous=True,
    )


def write(offset: int, length: int = 4, *, request: Any = "client") -> Op:
    """Return a write operation."""
    return Op(WRITE, offset, length, 0, request)


class Ports:
    """Every call is a line of `calls`; the lists hold the objects."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.verify = self
        self.looks: list[tuple[int, int, int, int]] = []
        self.contents: dict[int, bytes] = {}
        self.jobs: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.reads: list[Op] = []
        self.writes: list[Op] = []
        self.sent: list[Op] = []
        self.flushes: list[int] = []
        self.asked: list[int] = []
        self.marks: list[int] = []
        self.done: list[Op] = []
        self.flushed: list[Flush] = []
        self.records: list[Any] = []
        self.messages: list[dict[str, Any]] = []
        self.replies: list[tuple[Any, Any]] = []
        self.closed: list[str] = []
        self.wanted: list[int] = []
        self.events: list[str] = []
        self.maps_written: list[bytes] = []
        self.exported = False
        self.slots = 100
        self.busy = 0
        self.serial = 100

    def submit_read(self, op: Op) -> None:
        self.calls.append("read")
        self.reads.append(op)

    def submit_write(self, op: Op) -> None:
        self.calls.append("write")
        self.writes.append(op)

    def submit_flush(self, token: int) -> None:
        self.calls.append("flush")
        self.flushes.append(token)

    def send_write(self, op: Op) -> None:
        self.calls.append("send")
        self.sent.append(op)

    def send_flush(self, token: int) -> None:
        self.calls.append("send flush")
        self.asked.append(token)

    def send_mark(self, epoch: int) -> None:
        self.calls.append("mark")
        self.marks.append(epoch)

    def complete(self, op: Op) -> None:
        self.calls.append("done")
        self.done.append(op)
        if hasattr(op.request, "done"):
            op.request.done(op)

    def complete_flush(self, flush: Flush) -> None:
        self.flushed.append(flush)

    def copy_slot(self) -> int:
        self.slots -= 1
        return max(self.slots, -1)

    def clients(self) -> int:
        return self.busy

    def persist(self, record: Any) -> None:
        self.calls.append(f"persist {record.state.name}")
        self.records.append(record)

    def persist_map(self, packed: bytes) -> None:
        self.calls.append("persist map")
        self.maps_written.append(packed)

    def new_id(self) -> int:
        self.serial += 1
        return self.serial

    def send_control(self, message: dict[str, Any]) -> None:
        self.calls.append(f"control {message['type']}")
        self.messages.append(message)

    def close_session(self, reason: str) -> None:
        self.closed.append(reason)

    def open_export(self) -> None:
        self.calls.append("open export")
        self.exported = True

    def close_export(self) -> None:
        self.exported = False

    def reply(self, request: Any, error: tuple[str, str] | None) -> None:
        self.replies.append((request, error))

    def log(self, name: str, **_fields: Any) -> None:
        self.events.append(name)

    def need_peer_stale(self, cur: int) -> None:
        self.wanted.append(cur)

    def send(self, token: int, offset: int, length: int, block: int) -> None:
        self.calls.append("look")
        self.looks.append((token, offset, length, block))

    def digest(self, slot: int, length: int, block: int) -> bytes:
        return digests(self.contents.get(slot, bytes(length)), block)

    def save(self, job: dict[str, Any]) -> None:
        self.jobs.append(job)
