"""The units of the data path and what the core asks of the world around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .cluster_partition import Record
    from .counts import Counts

READ, WRITE, ZERO, COPY, VERIFY = range(5)
KINDS = ("read", "write", "zero", "copy", "verify")


class Op:
    """One piece of a request: at most the maximum I/O size, at most one slot.

    `request` belongs to the shell. `blockers` counts earlier operations on the same bytes that have to
    end first, `waiters` lists the later ones. `local` and `remote` are true while that side is owed.
    """

    __slots__ = (
        "blockers", "epoch", "error", "first", "fua", "kind", "last", "length", "local", "offset",
        "received", "remote", "request", "seq", "slot", "waiters",
    )  # fmt: skip

    def __init__(
        self, kind: int, offset: int, length: int, slot: int, request: Any, *, fua: bool = False
    ) -> None:
        self.kind = kind
        self.offset = offset
        self.length = length
        self.slot = slot
        self.request = request
        self.fua = fua
        self.first = self.last = 0
        self.blockers = 0
        self.waiters: list[Op] | None = None
        self.seq = 0
        self.epoch = 0
        self.local = self.remote = False
        self.received = False
        self.error = 0

    def __repr__(self) -> str:
        return f"Op({KINDS[self.kind]} {self.length}@{self.offset} seq={self.seq})"


class Flush:
    """One FLUSH of a client, or one of the path's own (`request` is None); `mirrored`: both sides were asked."""

    __slots__ = ("error", "local", "mirrored", "remote", "request", "token")

    def __init__(self, token: int, request: Any) -> None:
        self.token = token
        self.request = request
        self.local = self.remote = self.mirrored = False
        self.error = 0


class VerifyPorts(Protocol):
    """What a comparison asks of the world (verify.py); nothing here calls back before it returns.

    `send` asks the other side for the digests of a range, `digest` makes those of what a slot holds: one for
    each `block` bytes. `save` makes the job survive this process and, in a while, a power cut.
    """

    def send(self, token: int, offset: int, length: int, block: int) -> None: ...
    def digest(self, slot: int, length: int, block: int) -> bytes: ...
    def save(self, job: dict[str, Any]) -> None: ...


class PathPorts(Protocol):
    """What the write path asks of the world. Nothing here calls back before it returns."""

    counts: Counts

    @property
    def verify(self) -> VerifyPorts: ...
    def submit_read(self, op: Op) -> None: ...
    def submit_write(self, op: Op) -> None: ...
    def submit_flush(self, token: int) -> None: ...
    def send_write(self, op: Op) -> None: ...
    def send_flush(self, token: int) -> None: ...
    def send_mark(self, epoch: int) -> None: ...
    def complete(self, op: Op) -> None: ...
    def complete_flush(self, flush: Flush) -> None: ...
    def copy_slot(self) -> int: ...
    def clients(self) -> int: ...  # whose operations the own disk had, as it waited


class SidePorts(PathPorts, Protocol):
    """What the roles and sessions of a side ask of the world.

    Duties of the shell, in this order: a record is durable on the disk (and STALE, FAULTY and `cur` also
    on the system disk) before `persist` returns; frames leave in the order of the calls.
    """

    def persist(self, record: Record) -> None: ...
    def persist_map(self, packed: bytes) -> None: ...
    def new_id(self) -> int: ...
    def send_control(self, message: dict[str, Any]) -> None: ...
    def close_session(self, reason: str) -> None: ...
    def open_export(self) -> None: ...
    def close_export(self) -> None: ...
    def reply(self, request: Any, error: tuple[str, str] | None) -> None: ...
    def log(self, name: str, **fields: Any) -> None: ...
    def need_peer_stale(self, cur: int) -> None: ...
