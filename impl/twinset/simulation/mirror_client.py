"""A client with several requests in flight, and the oracle of what it was promised.

Every write carries a new version number, so versions of a sector rise in the order of submission. `floor` is
the newest version that was acknowledged, `seen` the newest that a read has shown: no later read may return
less (promises 1 and 9). Both are lowered only where a second fault excuses the loss, see `excuse`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.mirror.cluster_partition import State
from twinset.mirror.operations import READ, WRITE, ZERO, Op
from twinset.mirror.session import CONNECTED

if TYPE_CHECKING:
    from twinset.mirror.operations import Flush

    from .mirror_process import Process
    from .mirror_world import World

INFLIGHT_MAX = 6


class Client:
    """Submits to whatever process serves; a process that dies or closes leaves its requests unanswered."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.floor = [0] * world.size
        self.seen = [0] * world.size
        self.inflight: dict[int, tuple[Process, Any]] = {}
        self.serial = 0
        self.version = 0
        self.acknowledged = 0
        self.errors = 0
        self.hot_only = False  # leave the cold sectors alone

    def submit(self) -> bool:
        """Send one request, when somebody serves."""
        world, rng = self.world, self.world.rng
        process = world.serving_process()
        if process is None or len(self.inflight) >= INFLIGHT_MAX:
            return False
        self.serial += 1
        serial = self.serial
        kind = rng.random()
        if kind < 0.12:
            self.inflight[serial] = (process, (tuple(self.floor),))
            world.note(process.index, f"client flush #{serial}")
            world.run(process, process.side.path.flush, serial)
            return True
        length = rng.choice((1, 1, 1, 2, 2, 3))
        hot = min(8, world.size) if rng.random() < 0.6 or self.hot_only else world.size
        offset = rng.randrange(hot - length + 1)
        if kind < 0.4:
            floors = [max(self.floor[at], self.seen[at]) for at in range(offset, offset + length)]
            self.inflight[serial] = (process, floors)
            op = Op(READ, offset, length, process.take([]), serial)
            world.run(process, process.side.path.read, op)
            return True
        self.version += 1
        version = self.version
        self.inflight[serial] = (process, version)
        fua = rng.random() < 0.1
        slot = process.take([version] * length)
        op = Op(ZERO if kind < 0.45 else WRITE, offset, length, slot, serial, fua=fua)
        world.note(process.index, f"client write v{version} {length}@{offset}{' fua' if fua else ''}")
        world.run(process, process.side.path.write, op)
        return True

    def write_done(self, process: Process, op: Op) -> None:
        """A write has been answered."""
        owner, version = self.inflight.pop(op.request, (None, 0))
        if owner is None:
            return
        if op.error:
            self.world.note(process.index, f"client write v{version} failed")
            self._error(process)
            return
        self.acknowledged += 1
        self.world.note(process.index, f"client write v{version} acknowledged")
        for sector in range(op.offset, op.offset + op.length):
            self.floor[sector] = max(self.floor[sector], version)
        other = self.world.servers[1 - process.index]
        failing = process.side.failed or process.server.disk.bad
        if failing and other.lossy:  # it had the write, and went down before this was known here
            self.excuse([other.disk.latest])
        if op.fua:
            floors = [0] * self.world.size
            floors[op.offset : op.offset + op.length] = [version] * op.length
            self._check_durable(process, floors, "FUA write")

    def _error(self, process: Process) -> None:
        """An error is only for the client when the other side cannot serve what the own disk cannot (R10)."""
        self.errors += 1
        side, conn = process.side, process.conn
        in_step = side.record.state in (State.IN_SYNC, State.FAULTY) and process.server.disk.bad
        session = side.session
        joined = session is not None and session.phase != CONNECTED and conn is not None and not conn.dead
        if in_step and joined and process.export:
            self.world.violation("10 error", "a client sees an error that the other side could spare it")

    def read_done(self, process: Process, op: Op, values: list[int]) -> None:
        """A read has been answered."""
        owner, floors = self.inflight.pop(op.request, (None, []))
        if owner is None:
            return
        if op.error:
            self._error(process)
            return
        for sector, value, floor in zip(range(op.offset, op.offset + op.length), values, floors, strict=True):
            if value < floor:
                self.world.violation("9 reads", f"sector {sector}: read v{value}, v{floor} was promised")
            self.seen[sector] = max(self.seen[sector], value)

    def flush_done(self, process: Process, flush: Flush) -> None:
        """A FLUSH has been answered: what was acknowledged before it is durable now (R14)."""
        asked = self.inflight.pop(flush.request, None)
        if asked is None:
            return
        if flush.error:
            self._error(process)
            return
        self._check_durable(process, list(asked[1][0]), "FLUSH")

    def _check_durable(self, process: Process, floors: list[int], what: str) -> None:
        world = self.world
        other = world.servers[1 - process.index]
        mine = process.side.record
        checked = []
        if not process.side.failed:
            checked.append(process.server)
        theirs = other.disk.record_durable
        apart = {mine.state, theirs.state} <= {State.SOLO, State.DIVERGED}
        if world.partitioned and apart:
            return  # each side owes its own clients only; which of them wrote what is not kept
        if (
            mine.state in (State.IN_SYNC, State.FINISHING)
            and theirs.state == State.IN_SYNC
            and (theirs.cur == mine.cur and not other.lossy)
        ):
            checked.append(other)
        covered = process.side.failed and theirs.state == State.SOLO and theirs.base == mine.cur
        if covered and not other.lossy:
            checked.append(other)
        for server in checked:
            for sector, promised in enumerate(floors):
                promised = min(promised, self.floor[sector])  # noqa: PLW2901 - an excused loss meanwhile
                if server.disk.durable[sector] < promised:
                    world.violation(
                        "14 flush", f"{what}: sector {sector} of {server.name} is not durable at v{promised}"
                    )

    def lost(self, process: Process) -> None:
        """Forget what a process will never answer; the outcome of its writes is unknown."""
        for serial in [serial for serial, (owner, _) in self.inflight.items() if owner is process]:
            del self.inflight[serial]

    def hung_up(self, process: Process) -> None:
        """The connection is gone: its reads show nothing to anybody, its writes are judged as if they were answered."""
        for serial, (owner, promised) in list(self.inflight.items()):
            if owner is process and isinstance(promised, list):
                del self.inflight[serial]

    def excuse(self, contents: list[list[int]]) -> None:
        """Lower the promises to what every one of `contents` still holds: a second fault took the rest."""
        for sector in range(self.world.size):
            kept = min(content[sector] for content in contents)
            self.floor[sector] = min(self.floor[sector], kept)
            self.seen[sector] = min(self.seen[sector], kept)
