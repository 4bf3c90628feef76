"""The world of a comparison: frames, digests of slots, the job's file; and the look that the other side asks for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from twinset.errors import ProtocolError
from twinset.mirror import verify
from twinset.mirror.operations import VERIFY, Op
from twinset.mirror.session import TARGET
from twinset.wire import replication as wire

from . import store

if TYPE_CHECKING:
    from pathlib import Path

    from .mirror_loop import Mirrord
    from .mirror_session import MirrorSession


def job_path(state_dir: Path, mirror_set: str) -> Path:
    """Return the file of a set's comparison."""
    return state_dir / f"verify-{mirror_set}.json"


class Comparing:
    """The ports of `Verify`."""

    def __init__(self, daemon: Mirrord) -> None:
        self.daemon = daemon
        self.path = job_path(daemon.state_dir, daemon.spec.set)

    def resume(self) -> None:
        """Take up the comparison of a former process."""
        values, reason = store.read_json_object(self.path)
        if values:
            self.daemon.side.verify.restore(values)
        elif reason:
            sys.stderr.write(f"{reason}: a comparison begins anew\n")

    def send(self, token: int, offset: int, length: int, block: int) -> None:
        """Port: ask the other side for digests."""
        session = self.daemon.session
        if session is not None:
            session.post(wire.pack_verify(token, offset, length, block))

    def digest(self, slot: int, length: int, block: int) -> bytes:
        """Port: the digests of a slot."""
        return verify.digests(self.daemon.pool.data(slot, length), block)

    def save(self, job: dict[str, Any]) -> None:
        """Port: keep the job over restarts; without a working system disk it is kept in memory only."""
        try:
            store.write_json(self.path, job)
        except OSError as error:
            sys.stderr.write(f"{self.path}: {error.strerror}\n")
        self.daemon.changed()

    def asked(self, session: MirrorSession, token: int, offset: int, arg: int) -> None:
        """The other side asks for a look. Raises ProtocolError for what it may not ask."""
        daemon, side = self.daemon, self.daemon.side
        length, block = wire.unpack_verify(arg)
        slot = daemon.pool.take()
        if slot < 0 or side.role != TARGET or length > daemon.pool.size:
            if slot >= 0:
                daemon.pool.give(slot)
            raise ProtocolError(f"a look at {length} bytes that this side did not agree to")
        op = Op(VERIFY, offset, length, slot, Look(self, session, token, block))
        try:
            side.target.verify(op)
        except ProtocolError:
            daemon.pool.give(slot)
            raise


class Look:
    """A range that is read for the other side; the `request` of its operation."""

    def __init__(self, comparing: Comparing, session: MirrorSession, token: int, block: int) -> None:
        self.comparing, self.session, self.token, self.block = comparing, session, token, block

    def answer(self, op: Op, error: int) -> None:
        """The own disk has read it: tell the digests."""
        daemon = self.comparing.daemon
        told = daemon.side.target.done(op, error)
        if self.session is daemon.session and (told or error):
            payload = b"" if error else self.comparing.digest(op.slot, op.length, self.block)
            self.session.post(wire.pack(wire.DIGEST, seq=self.token, arg=error, payload=payload))
        daemon.pool.give(op.slot)
