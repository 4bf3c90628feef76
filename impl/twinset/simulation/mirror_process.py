"""One mirror process of the simulated pair: the real `Side` with ports that queue, delay and crash.

It does what the shell does: it runs the handshake, routes completions to the path that submitted them,
reports receipts and written operations at the end of each round, and closes sessions after the core returned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.errors import DiskError
from twinset.mirror import without_disk
from twinset.mirror.cluster_partition import Record, State
from twinset.mirror.counts import Counts
from twinset.mirror.maps import Maps, unpack
from twinset.mirror.operations import COPY, READ, Flush, Op
from twinset.mirror.session import Session, Settings
from twinset.mirror.side import Side

from . import mirror_disk as disks
from .mirror_compare import FEATURES, Comparing, Look
from .mirror_invariants.submit import check_submit

if TYPE_CHECKING:
    from twinset.mirror.copy_mode import Decision, View

    from .mirror_links import Connection, Frame
    from .mirror_server import Server
    from .mirror_world import World

COPY_SLOTS = 3


class Crash(Exception):  # noqa: N818 - the fact
    """The process, or its whole server, dies in the middle of a call."""


class ObservedSide(Side):
    """A side that tells which rows of the copy table were taken."""

    rows: set[str]

    def decide(self, session: Session) -> Decision:
        """Decide, and remember the row."""
        decision = super().decide(session)
        self.rows.add(f"{decision.row}:{decision.mode}")
        return decision


class Process:
    """The ports of one `Side`, and the shell around it."""

    def __init__(self, world: World, server: Server) -> None:
        self.world = world
        self.server = server
        self.index = server.index
        self.alive = True
        self.counts = Counts()
        self.verify = Comparing(self)
        self.crash_in = -1
        self.crash_server = False
        self.maps_lost = False  # with the process: somebody emptied the run directory
        self.export = False
        self.conn: Connection | None = None
        self.told: tuple[Any, ...] | None = None
        self.heard: dict[str, Any] | None = None
        self.close_reason = ""
        self.written: list[int] = []
        self.receipt_sent = 0
        self.buffers: dict[int, list[int]] = {}
        self.slot = 0
        self.copy_slots = 0
        self.replies: list[tuple[Any, tuple[str, str] | None]] = []
        record = server.load()
        ObservedSide.rows = world.rows
        self.side = ObservedSide(world.settings(server), record, self._maps(record), self)
        self.side.verify.restore(server.job)
        if not server.disk.bad:
            self.persist(record)  # a record that is only in the disk's cache must not be acted upon

    def _maps(self, record: Record) -> Maps:
        world, server = self.world, self.server
        if server.shm is None:
            server.shm = ([0] * world.extents, bytearray(world.extents), [0] * 3)
        window, dirty, header = server.shm
        maps = Maps(world.size, world.shift, window, dirty, header, continuous=bool(header[2]))
        if maps.continuous:
            return maps
        if record.state == State.BLANK or (record.clean and record.state == State.IN_SYNC):
            maps.continuous = True
        elif record.clean and record.map_valid:
            maps.add(unpack(server.disk.map_durable, maps.count))
            maps.continuous = True
        return maps

    def point(self) -> None:
        """Die here when it was decided so."""
        if self.crash_in >= 0:
            self.crash_in -= 1
            if self.crash_in < 0:
                raise Crash

    # -- disk -----------------------------------------------------------------------------------------

    def submit_read(self, op: Op) -> None:
        """Read from the own disk."""
        self.point()
        path, target = self.side.path, self.side.target

        def done(io: disks.Io) -> None:
            if isinstance(op.request, Look):
                op.request.answer(op, io)
            elif op.request == "target":
                self._done_for_peer(op, io, done=target.done(op, io.error))
            elif op.kind >= COPY:
                self.buffers[op.slot] = io.values
                path.local_done(op, io.error)
            elif not (io.error and path.read_failed(op, io.error)):
                self.world.client.read_done(self, op, io.values)

        self.server.disk.submit(disks.Io(disks.READ, op.offset, [0] * op.length, self, done))

    def submit_write(self, op: Op) -> None:
        """Write to the own disk, for the own path or for the other side."""
        self.point()
        path, target = self.side.path, self.side.target
        values = self.buffers[op.slot]
        check_submit(self.world, self, op, values)

        def done(io: disks.Io) -> None:
            if op.request == "target":
                del self.buffers[op.slot]
                self._done_for_peer(op, io, done=target.done(op, io.error))
            else:
                path.local_done(op, io.error)

        self.server.disk.submit(disks.Io(disks.WRITE, op.offset, values, self, done, dsync=op.fua))
        self.point()

    def _done_for_peer(self, op: Op, io: disks.Io, *, done: bool) -> None:
        conn = self.conn
        if conn is None or self.side.session is None:
            return
        if done and op.kind == READ:
            conn.send(self.index, ("data", op.seq, io.values))
        elif done:
            self.written.append(op.seq)
        elif io.error and self.side.target.live:
            conn.send(self.index, ("failed", op.seq, io.error))

    def submit_flush(self, token: int) -> None:
        """Flush the own disk."""
        self.point()
        side, path = self.side, self.side.path

        def done(io: disks.Io) -> None:
            if token < 0 or path is side.path:
                side.flush_done(token, io.error, remote=False)
            else:
                path.flush_done(token, io.error, remote=False)

        self.server.disk.submit(disks.Io(disks.FLUSH, 0, (), self, done))

    def persist(self, record: Record) -> None:
        """Make the record durable; a crash may come before, between and after write and flush."""
        self.point()
        self.world.note(self.index, f"persist {record.state.name} cur={record.cur} base={record.base}")
        disk = self.server.disk
        if disk.bad and (record.state not in LATCHED or record.forced):
            raise DiskError("EIO")
        if not disk.bad:
            disk.write_record(record)
            self.point()
            disk.flush_now()
        self.server.latch = record
        self.world.persisted(self, self.side.record if hasattr(self, "side") else record, record)
        self.point()

    def persist_map(self, packed: bytes) -> None:
        """Make the map durable; the record that calls it valid follows."""
        self.point()
        self.server.disk.write_map(packed)
        self.point()
        self.server.disk.flush_now()

    # -- link -----------------------------------------------------------------------------------------

    def send_frame(self, *frame: Any) -> None:
        """Send within a session; a crash may come before and after."""
        self.point()
        if self.conn is not None and self.side.session is not None:
            self.conn.send(self.index, frame)
        self.point()

    def send_write(self, op: Op) -> None:
        """Send an operation with its data, marked with the epoch of now."""
        if op.kind == READ:
            self.send_frame("read", op.seq, op.offset, op.length)
            return
        self.send_frame(
            "write", op.kind, op.seq, op.offset, list(self.buffers[op.slot]), op.fua, self.side.maps.epoch
        )

    def send_flush(self, token: int) -> None:
        """Ask the other side for a flush."""
        self.send_frame("flush", token)

    def send_mark(self, epoch: int) -> None:
        """Tell the other side what is durable on both."""
        self.send_frame("mark", epoch)

    def send_control(self, message: dict[str, Any]) -> None:
        """Send a control frame."""
        self.world.note(self.index, f"send {message}")
        self.send_frame("control", dict(message))

    def close_session(self, reason: str) -> None:
        """Close the connection, at once or when the core has returned."""
        self.point()
        if self.world.closes_at_once:
            self.unbind(reason)
        else:
            self.close_reason = reason

    # -- clients and daemon ---------------------------------------------------------------------------

    def complete(self, op: Op) -> None:
        """Answer a client, or the copy."""
        self.point()
        values = self.buffers.pop(op.slot, [])
        if op.kind >= COPY:
            self.copy_slots -= 1
            op.request.done(op)
        elif op.kind == READ:
            self.world.client.read_done(self, op, values)
        else:
            self.world.client.write_done(self, op)

    def complete_flush(self, flush: Flush) -> None:
        """Answer a FLUSH."""
        self.point()
        self.world.client.flush_done(self, flush)

    def copy_slot(self) -> int:
        """Return a slot for a piece of a copy, or -1."""
        if self.copy_slots >= COPY_SLOTS:
            return -1
        self.copy_slots += 1
        return self.take([])

    def clients(self) -> int:
        """Return how many operations are under way beside those of copies."""
        return max(0, len(self.buffers) - self.copy_slots)

    def take(self, values: list[int]) -> int:
        """Return a slot that holds `values`."""
        self.slot += 1
        self.buffers[self.slot] = values
        return self.slot

    def open_export(self) -> None:
        """Let clients in."""
        self.point()
        self.export = True

    def close_export(self) -> None:
        """Disconnect all clients: writes still end, what was read comes too late for anybody."""
        self.point()
        self.export = False
        self.world.client.hung_up(self)

    def reply(self, request: Any, error: tuple[str, str] | None) -> None:
        """Answer the daemon, after the core has returned."""
        self.point()
        self.replies.append((request, error))

    def log(self, name: str, **fields: Any) -> None:
        """Note an event."""
        self.world.logged(self.index, name, fields)

    def need_peer_stale(self, cur: int) -> None:
        """Ask the daemon for the other side's STALE."""
        self.point()
        self.world.membership.need_peer_stale(self.index, cur)

    def new_id(self) -> int:
        """Return a new generation."""
        self.world.generation += 1
        return self.world.generation

    # -- connection -----------------------------------------------------------------------------------

    def bind(self, conn: Connection) -> None:
        """Take a new connection in place of the old one."""
        self.unbind("a newer connection took over")
        self.conn = conn
        self.told = self.heard = None

    def unbind(self, reason: str) -> None:
        """End the connection and its session."""
        conn, self.conn = self.conn, None
        self.close_reason = ""
        if conn is not None:
            self.world.note(self.index, f"connection closed: {reason}")
            conn.close(self.index, self.world.rng)
            self.written.clear()
            self.side.session_down(reason)

    def advance(self) -> None:
        """Say HELLO once the old session's writes have ended; begin the session when both have."""
        conn, side = self.conn, self.side
        if conn is None or side.session is not None:
            return
        if self.told is None:
            if not side.target.idle or side.closed or side.permitted:
                return
            self.told = self._snapshot()
            hello = {
                "view": side.view, "role": side.role, "serving": side.serving, "map": side.maps.unsure(),
            }  # fmt: skip
            conn.send(self.index, ("hello", hello))
        if self.heard is not None:
            if self.told != self._snapshot():
                self.unbind("the own state changed during the handshake")
                return
            heard = self.heard
            self.receipt_sent = 0
            view: View = heard["view"]
            self.world.note(
                self.index, f"session up, the other side is {view.record.state.name} {heard['role']}"
            )
            session = Session(view, f"server{2 - self.index}", heard["map"], heard["role"], heard["serving"])
            session.features = FEATURES
            side.session_up(session)

    def _snapshot(self) -> tuple[Any, ...]:
        side = self.side
        return (side.record, side.role, side.serving, side.maps.continuous)

    def receive(self, frame: Frame) -> None:
        """Act on one frame."""
        side, kind = self.side, frame[0]
        if kind == "hello":
            self.heard = frame[1]
            self.advance()
        elif kind == "write":
            _, op_kind, seq, offset, values, fua, epoch = frame
            op = Op(op_kind, offset, len(values), self.take(values), "target", fua=fua)
            side.target.write(op, seq, epoch)
        elif kind == "read":
            _, seq, offset, length = frame
            side.target.read(Op(READ, offset, length, self.take([]), "target"), seq)
        elif kind == "data":
            asked = side.path.outstanding.get(frame[1])
            if asked is not None:
                self.buffers[asked.slot] = frame[2]
            without_disk.answered(side.path, frame[1], 0)
        elif kind == "failed":
            without_disk.answered(side.path, frame[1], frame[2])
        elif kind == "receipt":
            side.path.receipt(frame[1])
        elif kind == "written":
            path = side.path
            path.receipt(frame[1])
            for seq in frame[2]:
                path.written(seq)
        elif kind == "flush":
            self._flush_for_peer(frame[1])
        elif kind == "flushed":
            side.flush_done(frame[1], frame[2], remote=True)
        elif kind == "mark":
            side.maps.set_durable(frame[1])
        elif kind == "verify":
            self.verify.asked(*frame[1:])
        elif kind == "digest":
            side.verify.digest(*frame[1:])
        else:
            self.world.note(self.index, f"received {frame[1]}")
            side.control(frame[1])

    def _flush_for_peer(self, token: int) -> None:
        conn = self.conn

        def done(io: disks.Io) -> None:
            if io.error:
                self.side.disk_failed(None, io.error)
            if conn is not None and self.conn is conn:
                conn.send(self.index, ("flushed", token, io.error))

        self.server.disk.submit(disks.Io(disks.FLUSH, 0, (), self, done))

    def end_round(self) -> None:
        """Do what the shell does after each batch: receipts, then progress."""
        side, conn = self.side, self.conn
        if conn is not None and side.session is not None:
            received = side.target.received
            if self.written:
                conn.send(self.index, ("written", received, self.written))
                self.written = []
            elif received != self.receipt_sent:
                conn.send(self.index, ("receipt", received))
            self.receipt_sent = received
        else:
            self.written.clear()
        side.progress()
        while self.close_reason:
            self.unbind(self.close_reason)
        self.advance()


def make_settings(index: int, boot_id: bytes, *, fastsync: bool) -> Settings:
    """Return settings with short times."""
    return Settings(
        server=f"server{index + 1}", server_index=index, boot_id=boot_id, server_uuid=bytes([index + 1]) * 16,
        piece_max=2, mirror_timeout_ms=100, mark_interval_ms=20, fastsync=fastsync,
    )  # fmt: skip


LATCHED = frozenset({State.STALE, State.FAULTY, State.DIVERGED})
