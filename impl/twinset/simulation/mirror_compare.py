"""The ports of a comparison in the simulated pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.mirror import verify
from twinset.mirror.operations import VERIFY, Op

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .mirror_disk import Io
    from .mirror_links import Connection
    from .mirror_process import Process

FEATURES = frozenset({verify.FEATURE})


def digest(values: Sequence[int]) -> bytes:
    """Return one digest of all values."""
    return verify.digests(repr(list(values)).encode(), 1 << 30)


class Comparing:
    """What `Verify` asks of the world."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def send(self, token: int, offset: int, length: int, _block: int) -> None:
        """Ask the other side for a look."""
        self.process.send_frame("verify", token, offset, length)

    def digest(self, slot: int, _length: int, _block: int) -> bytes:
        """Return the digest of a slot."""
        return digest(self.process.buffers[slot])

    def save(self, job: dict[str, Any]) -> None:
        """Keep the job on the system disk."""
        self.process.point()
        self.process.server.job = job

    def asked(self, token: int, offset: int, length: int) -> None:
        """The other side asks for a look."""
        process = self.process
        op = Op(VERIFY, offset, length, process.take([]), Look(self, process.conn, token))
        process.side.target.verify(op)


class Look:
    """A range that is read for the other side."""

    def __init__(self, comparing: Comparing, conn: Connection | None, token: int) -> None:
        self.comparing, self.conn, self.token = comparing, conn, token

    def answer(self, op: Op, io: Io) -> None:
        """The own disk has read it."""
        process = self.comparing.process
        del process.buffers[op.slot]
        process.side.target.done(op, io.error)
        if self.conn is not None and process.conn is self.conn:
            payload = b"" if io.error else digest(io.values)
            self.conn.send(process.index, ("digest", self.token, payload, io.error))
