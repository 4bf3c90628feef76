"""Comparing both sides while they are in use: `twinset mirror verify`.

Theory of operation. The source asks the other side for the digest of a piece and reads the piece itself. Equal
digests prove that the piece was equal; that both looks fell at different moments does not matter. Unequal ones
prove nothing: a write may be between the two disks. Such a piece is looked at again under the range lock of the
write path: all earlier writes to it have ended on both disks, later ones wait until both have looked. What
differs then is a difference. It is told; it is copied only when that was asked for.

Rules (R15 of docs/mirror-rules.md):
1. Only in step: during a copy, alone or in doubt nothing is compared, and what was under way counts for nothing.
2. A difference is one that was seen while the range was held; an unequal look without that is none.
3. `cursor` passes a piece when its verdict is there, so an interruption leaves no gap.
4. A repair makes the ranges difference on both sides before anything is copied: whoever of them goes on alone
   meanwhile knows what the other one may lack. It then is a window copy: the target stays IN_SYNC.
5. The job is the source's; the other side keeps a copy of it and goes on with it when the roles change.
6. Clients first: while they work, one piece is under way, and one for each OPS_A_PIECE of their operations; but
   one every tick in any case, so that it ends.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import ProtocolError

from . import verify_job
from .cluster_partition import State
from .copy import Copy
from .copy_mode import Decision
from .operations import VERIFY, Op
from .rate import Rate
from .session import COPY_RUNS, IN_STEP, SOURCE, TARGET
from .verify_job import ENDED, REPAIRING, RUNNING, STOPPED, Job
from .write_path import MIRROR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .session import Session
    from .side import Side
    from .write_path import SourcePath

FEATURE: Final = "verify"
BLOCK_BYTES: Final = 4096  # what a difference is told in
DIGEST_BYTES: Final = 16
DEPTH_QUIET, DEPTH_BUSY = 8, 1
OPS_A_PIECE: Final = 32
BUSY_MS: Final = 100
SAVE_MARKS: Final = 30  # mark intervals between two saves
RATE_WINDOW_MS: Final = 10_000
EVENTS_MAX: Final = 16  # differences that get an event of their own
REPAIR: Final = "repair"


def digests(data: bytes | memoryview, block: int) -> bytes:
    """Return the digests of every `block` bytes of `data`, one behind the other."""
    if block >= len(data):
        return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()
    return b"".join(
        hashlib.blake2b(data[at : at + block], digest_size=DIGEST_BYTES).digest()
        for at in range(0, len(data), block)
    )


class Piece:
    """One look at one range; the `request` of its operation.

    `reading`: the own disk works on it. `waiting`: for the range lock. `held`: it has the lock.
    """

    __slots__ = ("held", "local", "op", "path", "reading", "remote", "token", "verify", "void", "waiting")

    def __init__(self, verify: Verify, token: int, offset: int, length: int, slot: int) -> None:
        self.verify = verify
        self.path: SourcePath = verify.side.path
        self.token = token
        self.op = Op(VERIFY, offset, length, slot, self)
        self.local: bytes | None = None
        self.remote: bytes | None = None
        self.reading = self.waiting = self.held = self.void = False

    @property
    def block(self) -> int:
        """How much one digest covers."""
        return BLOCK_BYTES if self.held else self.op.length

    def look(self) -> None:
        """Begin to read here, and have it read there."""
        op, ports = self.op, self.verify.side.ports
        self.local = self.remote = None
        self.reading = True
        ports.verify.send(self.token, op.offset, op.length, self.block)
        ports.submit_read(op)

    def locked(self) -> None:
        """The range is held: nobody writes there before it is released."""
        self.waiting, self.held = False, True
        if self.void:
            self.end()
        elif self.verify.able:
            self.look()
        else:
            self.verify.interrupt()

    def read(self, error: int) -> None:
        """The own disk has read the piece."""
        self.reading = False
        if self.void:
            self.end()
            return
        if error:
            self.verify.side.disk_failed(self.op, error)
            self.verify.interrupt()
            return
        self.local = self.verify.side.ports.verify.digest(self.op.slot, self.op.length, self.block)
        self.compare()

    def compare(self) -> None:
        """Judge the piece as soon as both have looked."""
        if self.local is None or self.remote is None:
            return
        if not self.held and self.local != self.remote:
            self.verify.unequal(self)
            return
        if self.held:
            block = self.block
            for number, at in enumerate(range(0, self.op.length, block)):
                cut = slice(number * DIGEST_BYTES, (number + 1) * DIGEST_BYTES)
                if self.local[cut] != self.remote[cut]:
                    self.verify.found(self.op.offset + at, min(block, self.op.length - at))
        self.end()

    def cancel(self) -> None:
        """It counts for nothing any more; what works on it still ends."""
        self.void = True
        if not (self.reading or self.waiting):
            self.end()

    def end(self) -> None:
        """Give range and slot back."""
        self.verify.ended(self)
        if self.held:
            self.path.finish(self.op)
        else:
            self.path.ports.complete(self.op)

    def done(self, _op: Op) -> None:
        """Take the shell's word that the slot is free."""


class Verify:
    """The comparison of one side. `job` is the last one that was asked for, on either side."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.job: Job | None = None
        self.pieces: dict[int, Piece] = {}
        self.token = 0
        self.at = 0  # what lies below was begun
        self.session: Session | None = None  # that the pieces belong to, and that has been told of the job
        self.repairing: Session | None = None  # that was asked to take differences
        self.rate = Rate(RATE_WINDOW_MS)
        self.saved_ms = 0
        self.work = self.piece_work = 0
        self.busy_ms = -BUSY_MS
        self.tick_ms = -1  # when the last piece was begun
        self.events = 0

    # -- what an operator asks --------------------------------------------------------------------------

    def start(self, request: Any, *, repair: bool) -> None:
        """Begin a comparison; join the one that runs; with `repair` first mend what the last one has found."""
        reason = self.why_not()
        if reason:
            self.side.ports.reply(request, ("E_STATE", reason))
            return
        job = self.job
        if job is None or not job.open or job.disks != self.disks():
            left = job is not None and job.state == ENDED and bool(job.ranges) and not job.repaired
            if job is not None and left and repair and job.disks == self.disks():
                job.state, job.repair = REPAIRING, True
            else:
                self._begin(repair=repair)
        elif repair:
            job.repair = True
        self._save()
        self.side.ports.reply(request, None)

    def _begin(self, *, repair: bool) -> None:
        side = self.side
        self.interrupt()
        self.job = Job(side.ports.new_id(), self.disks(), side.maps.size_bytes, repair=repair)
        self.at = self.events = 0
        self.rate.reset()
        side.ports.log("verify_started", bytes=side.maps.size_bytes, repair=repair)

    def stop(self, request: Any) -> None:
        """End a comparison before its end, on whichever side its job is."""
        if self.job is not None and self.job.open:
            self._end(STOPPED, "an operator stopped it")
        self.side.ports.reply(request, None)

    def why_not(self) -> str:
        """Return why nothing can be compared now, "" when it can."""
        side, session = self.side, self.side.session
        if side.failed or session is None or session.phase != IN_STEP or side.record.state != State.IN_SYNC:
            return "the two sides are not in sync"
        if FEATURE not in session.features:
            return "the program on the other server cannot compare; update it"
        if side.role != SOURCE:
            return "this side does not write; the other one compares"
        return "" if self.able else "the set is being handed over or closed"

    # -- running ----------------------------------------------------------------------------------------

    @property
    def able(self) -> bool:
        """True while pieces may be looked at (rule 1)."""
        side, session = self.side, self.side.session
        if session is None or session.phase != IN_STEP or side.role != SOURCE or side.path.mode != MIRROR:
            return False
        held = side.told.frozen or side.failed or session.wanted or side.closing is not None
        return not held and FEATURE in session.features

    @property
    def active(self) -> bool:
        """True while `progress` has something to do."""
        return bool(self.pieces) or (self.job is not None and self.job.open and self.able)

    def disks(self) -> str:
        """Return the identities of both disks, in one order on both sides; in step the record has them."""
        record = self.side.record
        return "-".join(sorted((record.disk_uuid.hex(), record.peer_disk_uuid.hex())))

    def progress(self) -> None:
        """Go on as far as may be; called whenever something may have changed."""
        side, job = self.side, self.job
        if not self.able or (self.pieces and self.session is not side.session):
            self.interrupt()
        if job is None or not self.able:
            return
        if self.session is not side.session:
            self.session = side.session
            if job.open and job.disks != self.disks():
                self._end(STOPPED, "one of the disks is another one now")
            self._save()
            self.rate.reset()
        if job.state == REPAIRING:
            self._repair(job)
        elif job.state == RUNNING:
            self._pump(job)
            if not self.pieces and self.at >= job.size_bytes:
                self._compared(job)
            elif side.now_ms - self.saved_ms >= SAVE_MARKS * side.settings.mark_interval_ms:
                self._save()

    def _pump(self, job: Job) -> None:
        side = self.side
        counts = side.ports.counts
        work = counts.reads + counts.writes + counts.flushes
        if work != self.work:
            self.work, self.busy_ms = work, side.now_ms
        busy = side.now_ms - self.busy_ms < BUSY_MS
        depth = DEPTH_BUSY if busy else DEPTH_QUIET
        while self.at < job.size_bytes and len(self.pieces) < depth:
            if busy and work - self.piece_work < OPS_A_PIECE and self.tick_ms == side.now_ms:
                return
            slot = side.ports.copy_slot()
            if slot < 0:
                return
            self.tick_ms, self.piece_work = side.now_ms, work
            self.token += 1
            length = min(side.settings.piece_max, job.size_bytes - self.at)
            piece = self.pieces[self.token] = Piece(self, self.token, self.at, length, slot)
            self.at += length
            piece.look()

    def unequal(self, piece: Piece) -> None:
        """Look again, alone with the range (rule 2)."""
        if self.job is not None:
            self.job.rechecked += 1
        piece.waiting = True
        piece.path.write(piece.op)

    def found(self, offset: int, length: int) -> None:
        """A difference that stayed: tell it, repair nothing."""
        if self.job is not None and self.job.note(offset, length):
            self.events += 1
            if self.events <= EVENTS_MAX:
                self.side.ports.log("verify_difference", offset=offset, bytes=length)

    def ended(self, piece: Piece) -> None:
        """A piece is done with; what lies before the first unfinished one was compared (rule 3)."""
        if self.pieces.pop(piece.token, None) is None or piece.void or self.job is None:
            return
        self.job.cursor = min((each.op.offset for each in self.pieces.values()), default=self.at)

    def digest(self, token: int, payload: bytes, error: int) -> None:
        """The other side has looked. Raises ProtocolError for digests that do not fit the piece."""
        piece = self.pieces.get(token)
        if piece is None:
            return  # of an interrupted look
        if error:  # the other side itself tells that its disk has failed
            self.interrupt()
            return
        if len(payload) != -(-piece.op.length // piece.block) * DIGEST_BYTES:
            raise ProtocolError(f"{len(payload)} bytes of digests for {piece.op.length} bytes")
        piece.remote = payload
        piece.compare()

    def interrupt(self) -> None:
        """Let what is under way count for nothing: it is looked at once more later (rule 3)."""
        if self.pieces:
            pieces, self.pieces = list(self.pieces.values()), {}
            for piece in pieces:
                piece.cancel()
        if self.job is not None:
            self.at = self.job.cursor

    # -- ends and repairs -------------------------------------------------------------------------------

    def _compared(self, job: Job) -> None:
        if job.repair and job.ranges:
            job.state = REPAIRING
            self._save()
        else:
            self._end(ENDED, "")

    def _end(self, state: str, reason: str) -> None:
        job = self.job
        if job is None:
            return
        self.interrupt()
        job.state, job.reason = state, reason
        self._save()
        log = self.side.ports.log
        if state == STOPPED:
            log("verify_stopped", reason=reason, compared_bytes=job.cursor, differing_bytes=job.found_bytes)
        elif job.repaired:
            log("verify_repaired", differing_bytes=job.found_bytes)
        elif job.found_bytes:
            log("verify_differs", differing_bytes=job.found_bytes, ranges=len(job.ranges))
        else:
            log("verify_equal", bytes=job.size_bytes)

    def _repair(self, job: Job) -> None:
        """Make the ranges difference on both sides, then let them be copied (rule 4)."""
        side, session = self.side, self.side.session
        if session is None:
            return
        if self.repairing is session:  # in step again: the copy has ended
            self.repairing, job.repaired = None, True
            self._end(ENDED, "")
            return
        self.repairing = session
        mark(side, job.ranges)
        session.phase = COPY_RUNS
        side.ports.send_control({"type": REPAIR, "ranges": job.ranges})

    def _save(self) -> None:
        if self.job is None:
            return
        side, session = self.side, self.side.session
        self.saved_ms = side.now_ms
        side.ports.verify.save(self.job.to_json())
        if session is not None and side.role == SOURCE and FEATURE in session.features:
            side.ports.send_control({"type": "verify_job", "job": self.job.to_json()})

    def restore(self, values: Mapping[str, Any]) -> None:
        """Take up what a former process, or the other side, has left."""
        job = verify_job.from_json(values)
        if job is not None and job.size_bytes == self.side.maps.size_bytes:
            self.job, self.at = job, job.cursor

    def status(self) -> dict[str, Any] | None:
        """Return the job for `mirror status`; None when nothing was ever compared."""
        job = self.job
        if job is None:
            return None
        told = job.to_json()
        waits = "" if not job.open or self.able or self.repairing is not None else self.why_not()
        left = job.size_bytes - job.cursor if job.state == RUNNING else 0
        return {
            **{name: told[name] for name in _TOLD},
            "waits": waits,
            "bytes_done": job.cursor,
            "bytes_total": job.size_bytes,
            **self.rate.figures(self.side.now_ms, job.cursor, left),
        }


_TOLD: Final = (
    "state", "reason", "repair", "repaired", "found_bytes", "ranges", "merged", "rechecked",
)  # fmt: skip


def mark(side: Side, ranges: list[list[int]]) -> None:
    """Count ranges as difference."""
    shift = side.maps.shift
    for offset, length in ranges:
        for extent in range(offset >> shift, (offset + length - 1 >> shift) + 1):
            side.maps.set_dirty(extent)


# -- control messages -----------------------------------------------------------------------------------


def on_job(side: Side, _session: Session, message: dict[str, Any]) -> None:
    """Keep a copy of the source's job (rule 5)."""
    if side.role != SOURCE:
        side.verify.restore(message["job"])
        side.ports.verify.save(message["job"])


def on_repair(side: Side, session: Session, message: dict[str, Any]) -> None:
    """Take the differences that the source is about to copy."""
    job = verify_job.from_json({**Job(1, "", side.maps.size_bytes).to_json(), "ranges": message["ranges"]})
    if side.role != TARGET or side.record.state != State.IN_SYNC or job is None:
        raise ProtocolError(f"a repair for a side that is {side.role} and {side.record.state.name}")
    mark(side, job.ranges)
    session.phase = COPY_RUNS
    session.decision = Decision(REPAIR, "a comparison found differences", "told")
    side.ports.send_control({"type": "repairing"})


def on_repairing(side: Side, session: Session, _message: dict[str, Any]) -> None:
    """Both sides know: copy."""
    if side.role != SOURCE or session.phase != COPY_RUNS or side.copy is not None:
        raise ProtocolError(f"repairing, though this side is {side.role} and {session.phase}")
    reason = "a comparison found differences"
    side.copy = Copy(side.maps, side.path, side.ports, REPAIR, reason, side.settings.piece_max)
    side.progress()


CONTROL: Final[dict[str, Callable[[Side, Session, dict[str, Any]], None]]] = {
    "verify_job": on_job,
    REPAIR: on_repair,
    "repairing": on_repairing,
}
