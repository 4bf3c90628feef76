"""A seeded world of two servers around two real `Side` objects: disks, links, crashes, a client, daemons.

Every step does one thing that is possible, chosen at random: a disk acts or reports, a batch of frames
arrives, time passes, a client asks, a daemon decides, something fails. The invariants are checked after
every step. At the end everything is repaired, and the pair has to become normal again by itself.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from twinset.errors import DiskError, ProtocolError
from twinset.mirror import failures, requests
from twinset.mirror.cluster_partition import NO_ID, Record, State
from twinset.mirror.copy_mode import View
from twinset.mirror.maps import marked, pack
from twinset.mirror.session import IDLE, IN_STEP, Settings

from . import mirror_disk as disks
from .mirror_client import Client
from .mirror_faults import Faults
from .mirror_invariants import INVARIANTS
from .mirror_links import Connection
from .mirror_membership import Membership
from .mirror_process import Crash, Process, make_settings
from .mirror_server import EXTENTS, SHIFT, Server, Violation

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

WAIVED = frozenset("12359")  # by a total partition
STEPS = 700
HEAL_STEPS = 6000


class World:
    """Everything; `play` runs one seed and raises Violation."""

    MEMBERSHIP: ClassVar[type[Membership]] = Membership
    DISKS_FAIL: ClassVar[float] = 0.25  # in so many seeds
    PATHS_BREAK: ClassVar[bool] = False
    rotten: AbstractSet[int] = frozenset()  # sectors that have changed by themselves

    def __init__(self, seed: int, *, trace: bool = False, steps: int = STEPS) -> None:
        self.seed, self.fastsync = seed, seed % 50 != 49  # two seeds of a hundred are without it
        self.rng = Random(seed)
        self.trace: list[str] | None = [] if trace else None
        self.shift = SHIFT
        self.extents = EXTENTS
        self.size = EXTENTS << SHIFT
        self.steps = steps
        self.step_count = 0
        self.now_ms = 0
        self.generation = 0
        self.heartbeat = True
        self.link = True
        self.partitioned = False
        self.replaced = False
        self.both_alone = False
        self.diverged: set[int] = set()
        self.boots = 2
        self.rows: set[str] = set()
        self.events: dict[str, int] = {}
        self.servers = (Server(0, self), Server(1, self))
        self.client = Client(self)
        self.membership = self.MEMBERSHIP(self)
        self.faults = Faults(self)
        self.in_step_checked = 0
        self.healing = False
        self.closes_at_once = self.rng.random() < 0.5
        self._begin()

    def _begin(self) -> None:
        start = self.rng.random()
        for server in self.servers:
            server.disk.slow = self.faults.slow_disks
        if start < 0.2:
            return  # two blank disks
        self.generation = 2
        for server in self.servers:
            server.disk.record_durable = server.disk.record_latest = self._record(
                server.index, State.IN_SYNC, 1
            )
        if start < 0.45:  # server 1 has gone on alone, and was closed cleanly
            alone, behind = self.servers
            extents = [extent for extent in range(self.extents) if self.rng.random() < 0.4]
            record = self._record(0, State.SOLO, 2).replace(base=1, history=(1,), map_valid=True)
            alone.disk.record_durable = alone.disk.record_latest = record
            record = self._record(1, State.STALE, 1)
            if start < 0.4:  # else the other disk was replaced meanwhile
                behind.disk.record_durable = behind.disk.record_latest = record
            else:
                behind.disk.record_durable = behind.disk.record_latest = Record()
            alone.disk.map_durable = alone.disk.map_latest = pack(marked(extents, self.extents))
            self.client.version = 1
            for extent in extents:
                alone.disk.durable[extent << SHIFT] = alone.disk.latest[extent << SHIFT] = 1

    def _record(self, index: int, state: State, cur: int) -> Record:
        return Record(
            set_uuid=b"S" * 16, disk_uuid=bytes([65 + index]) * 16, server_uuid=bytes([index + 1]) * 16,
            server_name=f"server{index + 1}", peer_disk_uuid=bytes([66 - index]) * 16,
            peer_server_uuid=bytes([2 - index]) * 16, state=state, cur=cur, clean=True, solo_right=index == 0,
            extent_shift=16, size_bytes=self.size,
        )  # fmt: skip

    def settings(self, server: Server) -> Settings:
        """Return the settings of a process on `server`."""
        return make_settings(server.index, server.boot.to_bytes(16, "big"), fastsync=self.fastsync)

    # -- running the core -----------------------------------------------------------------------------

    def run(self, process: Process, call: Callable[..., Any], *args: Any) -> None:
        """Call into a process; it may die in the middle of it."""
        if not process.alive:
            return
        try:
            call(*args)
            process.end_round()
            self._after(process)
        except Crash:
            process.crash_server = process.crash_server and not self.faults.protected(process.index)
            self.kill(process)
        except DiskError as error:
            self.note(process.index, f"a record could not be written: {error}")
            self.run(process, failures.record_failed, process.side, str(error))
        except ProtocolError as error:
            self.violation("protocol", f"{process.server.name}: {error}")

    def _after(self, process: Process) -> None:
        while process.replies:
            self.membership.replied(process, *process.replies.pop(0))

    def kill(self, process: Process) -> None:
        """Let a process die where it stands, or its whole server."""
        if not process.alive:
            return
        server = process.server
        self.note(server.index, "server crashes" if process.crash_server else "mirror process crashes")
        process.alive = False
        server.process = None
        server.forgot = True
        if process.maps_lost:
            server.shm = None
        if process.conn is not None:
            process.conn.cut(self.rng)
            process.conn.close(server.index, self.rng)
        for request in list(process.replies):
            self.membership.replied(process, *request)
        self.client.lost(process)
        if process.crash_server:
            self.crash_server(server)
        else:
            server.disk.abandon(process)
            self.membership.asked[server.index] = False
            if self.membership.moving >= 0 and self.membership.active == server.index:
                self.membership.moving = -1

    def crash_server(self, server: Server) -> None:
        """Cut the power of a server."""
        if not server.up:
            return
        if server.process is not None:
            server.process.crash_server = True
            self.kill(server.process)
            return
        server.up = False
        server.stays_off = self.rng.random() < 0.25 and not self.healing
        server.paused = server.lease_out = False
        server.shm = None
        server.disk.power_cut()
        self.membership.crashed(server)
        self._account_loss(server)

    def _account_loss(self, server: Server) -> None:
        other = self.servers[1 - server.index]
        mine, theirs = server.disk.record_latest, other.disk.record_latest
        if mine.clean:
            return
        server.lossy = True
        holds = theirs.state == State.IN_SYNC and theirs.cur == mine.cur and not other.disk.bad
        ahead = (
            theirs.state in (State.SOLO, State.FINISHING)
            and mine.state != State.SOLO
            and theirs.cur != mine.cur
        )
        if ahead or (mine.state not in (State.SOLO, State.FINISHING, State.IN_SYNC)):
            return
        if not holds and not (
            theirs.state == State.FINISHING and theirs.cur == mine.cur and mine.state == State.IN_SYNC
        ):
            self.client.excuse([server.disk.latest])
        elif other.lossy:
            self.client.excuse([server.disk.latest, other.disk.latest])

    def best(self, server: Server) -> list[int]:
        """Return what the server's disk holds once everything received has been written."""
        content = list(server.disk.latest)
        for io in server.disk.inflight:
            if io.kind == disks.WRITE and not io.performed:
                content[io.first : io.first + len(io.values)] = io.values
        return content

    # -- what the core did ----------------------------------------------------------------------------

    def persisted(self, process: Process, before: Record, record: Record) -> None:
        """Judge a record that has just become durable."""
        server, other = process.server, self.servers[1 - process.index]
        if record.state == State.SOLO and before.state != State.SOLO and record.base:
            self._goes_alone(server, other)
        if record.state == State.IN_SYNC and before.state == State.INCONSISTENT:
            server.lossy = server.forgot = False
        if record.state == State.IN_SYNC and before.state == State.FINISHING:
            server.lossy = server.forgot = False
        if record.state == State.DIVERGED:
            self.diverged.add(server.index)
            if not self.partitioned:
                self.violation("8 diverged", f"{server.name} is DIVERGED without a total partition")

    def _goes_alone(self, server: Server, other: Server) -> None:
        theirs = other.disk.record_latest
        if theirs.state == State.SOLO and theirs.base:
            self.both_alone = True
            self.violation("1 solo", f"{server.name} goes alone while {other.name} does")
        client = self.client
        content = self.best(server)
        for sector, value in enumerate(content):
            if value < client.floor[sector]:
                self.violation(
                    "1 lost", f"{server.name} goes alone with v{value} in sector {sector}, "
                    f"v{client.floor[sector]} was acknowledged"
                )  # fmt: skip
            if value < client.seen[sector]:
                if not (server.forgot or server.lossy):
                    self.violation(
                        "9 seen", f"{server.name} goes alone without v{client.seen[sector]} that was read"
                    )
                client.seen[sector] = value
        server.lossy = server.forgot = False

    def operator_chose(self, server: Server) -> None:
        """Take the operator's word: this side counts now."""
        server.lossy = server.forgot = False

    def operator_may_be_needed(self) -> bool:
        """True when both servers went down, or one did and the other's disk failed: nobody knows which is better."""
        return self.partitioned or self.replaced or all(each.lossy or each.faulty for each in self.servers)

    def logged(self, index: int, name: str, fields: dict[str, Any]) -> None:
        """Count and trace an event."""
        self.events[name] = self.events.get(name, 0) + 1
        self.note(index, f"event {name} {fields}")

    def note(self, index: int, text: str) -> None:
        """Add a line to the trace."""
        if self.trace is not None:
            self.trace.append(f"{self.step_count:5} {self.now_ms:6} ms  server{index + 1}  {text}")

    def violation(self, rule: str, text: str) -> None:
        """Raise; the seed replays it. A total partition waives some promises."""
        if self.partitioned and rule.split(maxsplit=1)[0] in WAIVED:
            return
        if self.trace is not None:
            self.trace.append(f"{self.step_count:5} VIOLATION [{rule}] {text}")
        raise Violation(rule, text)

    def serving_process(self) -> Process | None:
        """Return the process that clients reach."""
        for server in self.servers:
            process = server.process
            if process is not None and process.export and not server.paused:
                return process
        return None

    # -- steps ----------------------------------------------------------------------------------------

    def _disk(self) -> bool:
        rng = self.rng
        server = self.servers[rng.randrange(2)]
        inflight = server.disk.inflight
        if not inflight or not server.up:
            return False
        io = inflight[rng.randrange(len(inflight))]
        if io.held and rng.random() < 0.98 and not self.healing:
            return False
        if not io.performed:
            server.disk.perform(io)
            if rng.random() < 0.4:
                return True
        if server.paused:
            return False
        if server.process is not None and io.owner is server.process:
            self.run(server.process, server.disk.complete, io)
        else:
            server.disk.inflight.remove(io)
        return True

    def _deliver(self) -> bool:
        rng = self.rng
        index = rng.randrange(2)
        server = self.servers[index]
        process = server.process
        if process is None or server.paused or process.conn is None:
            return False
        conn = process.conn
        conn.leave(rng, at_once=self.healing)
        if not conn.waiting(index):
            if conn.dead and rng.random() < 0.3:
                self.run(process, process.unbind, "the other side closed the connection")
                return True
            return False
        self.run(process, self._receive, process, conn, rng.choice((1, 1, 2, 3, 6)))
        return True

    @staticmethod
    def _receive(process: Process, conn: Connection, count: int) -> None:
        for _ in range(count):
            if process.conn is not conn or not conn.waiting(process.index):
                return
            frame = conn.take(process.index)
            if frame is not None:
                process.receive(frame)
            if process.close_reason:
                return

    def _tick(self) -> bool:
        self.now_ms += self.rng.choice((1, 2, 5, 10))
        server = self.servers[self.rng.randrange(2)]
        if server.process is None or server.paused:
            return False
        self.run(server.process, server.process.side.tick, int(self.now_ms * (1.1 if server.index else 1.0)))
        return True

    def _connect(self) -> bool:
        one, two = self.servers
        if not self.link or one.process is None or two.process is None or one.paused or two.paused:
            return False
        if two.process.conn is not None or one.process.side.closed or two.process.side.closed:
            return False
        conn = Connection()
        for process in (one.process, two.process):
            self.run(process, process.bind, conn)
        if one.process is None or two.process is None or not one.process.conn is two.process.conn is conn:
            conn.cut(self.rng)
        return True

    def _restart(self) -> bool:
        server = self.servers[self.rng.randrange(2)]
        if server.process is not None or server.paused or self.rng.random() < 0.5:
            return False
        if not server.up:
            if self.rng.random() < (0.99 if server.stays_off else 0.7):
                return False
            self.boots += 1
            server.boot = self.boots
            server.up = True
            self.note(server.index, f"boots as {server.boot}")
        server.process = Process(self, server)
        self.note(server.index, f"mirror process starts as {server.process.side.record.state.name}")
        self.membership.started(server.process)
        return True

    def _client(self) -> bool:
        return self.client.submit()

    def _member(self) -> bool:
        return self.membership.step()

    _ACTIONS = (
        *(_disk,) * 9, *(_deliver,) * 7, *(_client,) * 4, *(_tick,) * 2, *(_member,) * 5, *(_connect,) * 2,
        *(_restart,) * 2,
    )  # fmt: skip

    def step(self) -> None:
        """Do one thing and check everything."""
        self.step_count += 1
        bits, actions, width = self.rng.getrandbits, self._ACTIONS, len(self._ACTIONS).bit_length()
        for _ in range(200):
            while (number := bits(width)) >= len(actions):
                pass  # `Random.choice` without its calls, in the innermost loop: what a seed draws stays the same
            if actions[number](self):
                break
        for invariant in INVARIANTS:
            invariant(self)

    def play(self) -> None:
        """Run the seed: faults for a while, then repair, then it has to become normal."""
        for _ in range(self.steps):
            if self.rng.random() < self.faults.rate:
                self.faults.step()
            self.step()
        self.healing = True
        self.faults.repair()
        for _ in range(HEAL_STEPS):
            self.step()
            if self.faults.disks_fail and self.rng.random() < 0.01:
                self.faults.technician()
            if self.normal():
                break
        else:
            self.violation("liveness", self.describe())
        self.finish()

    def normal(self) -> bool:
        """True when one side serves and both are in step."""
        processes = [server.process for server in self.servers]
        one, two = processes
        if one is None or two is None or sum(p.side.serving for p in (one, two)) != 1:
            return False
        return all(
            p.side.session is not None and p.side.session.phase == IN_STEP and not p.side.told.frozen
            for p in (one, two)
        )

    def finish(self) -> None:
        """Drain without a client and compare the disks."""
        if self.both_alone and len(self.diverged) < 2:
            self.violation("8 told", f"both sides went on alone, only {self.diverged} know")
        for _ in range(3000):
            one, two = self.servers
            idle = all(s.process is not None and s.process.side.path.idle for s in (one, two))
            if idle and not (self.client.inflight or one.disk.inflight or two.disk.inflight):
                break
            self.step_count += 1
            self.rng.choice((World._disk, World._deliver, World._tick, World._member, World._connect))(self)
            for invariant in INVARIANTS:
                invariant(self)
        else:
            self.violation("liveness", f"requests never end: {self.client.inflight}; {self.describe()}")

    def describe(self) -> str:
        """Return the state in a few words."""
        parts = []
        for server in self.servers:
            process = server.process
            if process is None:
                parts.append(f"{server.name}: no process, up={server.up}")
                continue
            side = process.side
            phase = side.session.phase if side.session else "no session"
            parts.append(
                f"{server.name}: {side.record.state.name} {side.role} {phase} serving={side.serving} "
                f"frozen={side.told.frozen!r} down={server.peer_down} member={server.member}"
            )
        return "; ".join(parts) + f"; active={self.membership.active} asked={self.membership.asked}"


__all__ = ["IDLE", "NO_ID", "View", "Violation", "World", "requests"]
