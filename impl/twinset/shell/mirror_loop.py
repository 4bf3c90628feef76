"""The data path of one mirror set on one server; `mirrord.py` starts it.

One thread, one epoll loop. A round takes everything that has happened - completions of the disk, frames of
the other side, requests of clients - lets the core decide, and then sends and submits what came of it in as
few system calls as possible: frames to the other side first, the disk second, answers to clients last.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections import deque
from errno import ETIMEDOUT
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twinset.mirror.counts import Counts
from twinset.mirror.latency import Latency
from twinset.mirror.operations import COPY, READ, VERIFY, ZERO, Flush, Op
from twinset.mirror.pace import PIECES_MAX
from twinset.mirror.side import Side
from twinset.mirror.status import status
from twinset.wire import replication

from . import latch, mirror_flushes, mirror_requests, mirror_start
from .aio import PREAD, PWRITE, RWF_DSYNC, AioContext
from .buffers import Share, SlotPool
from .control_socket import ControlSocket
from .mirror_compare import Comparing, Look
from .mirror_flushes import Flushes
from .mirror_kept import Keeping
from .mirror_limits import Limits
from .mirror_link import MirrorLink
from .mirror_records import Records
from .mirror_runs import Runs
from .mirror_spec import Spec, cluster_keys, identity
from .nbd_export import NbdServer
from .shared_maps import SharedMaps

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from twinset.mirror.cluster_partition import Record
    from twinset.mirror.write_path import SourcePath

    from .mirror_session import MirrorSession

EXTRA_SLOTS: Final = 64  # the guide's formula counts them beside the I/O number (4.5.1-02)
TICK_MS: Final = 50
COPY_WAIT_S: Final = 0.001  # a copy goes on as soon as clients leave the disk idle
PROGRESS_MS: Final = 500
EIO: Final = 5
LOOK_NS: Final = 200_000  # with operations under way: waking a sleeping processor costs up to as much
EARLY_OPS: Final = 4  # so many are handed on before a round ends: the other side works while this one goes on


class Mirrord:
    """The process: its sockets, its disk, and the ports of the core."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.run_dir, self.state_dir = Path(spec.run_dir), Path(spec.state_dir)
        self.poller = select.epoll()
        self._again = False  # a round began requests after its own sending: the next one must not wait
        self._handlers: dict[int, Callable[[int], None]] = {}
        self.now_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        self.boot_id = identity(self.run_dir / "boot_id")
        self.latch_path = latch.path_of(self.state_dir, spec.set)
        self.disk = mirror_start.open_disk(spec)
        partitions = [self.disk.layout.data_partition(entry["number"]) for entry in spec.partitions]
        self.data_start = min(partition.start_bytes for partition in partitions)
        size = max(partition.end_bytes for partition in partitions) - self.data_start
        self.layout = [[part.start_bytes - self.data_start, part.length_bytes] for part in partitions]
        record, self.damage = mirror_start.read_record(self.disk, size, spec)
        mirror_start.note_table(self, record)
        self.shared = SharedMaps(self.run_dir / f"maps-{spec.set}", size, self.boot_id)
        self.maps = self.shared.bind(record.disk_uuid)
        mirror_start.restore_maps(self.disk, record, self.maps)
        self.pool = SlotPool(spec.max_io_count + EXTRA_SLOTS, spec.max_io_kib << 10)
        self.share = Share(self.pool, spec.max_io_count)
        self._zeros = SlotPool(1, spec.max_io_kib << 10, eager=True)
        self.aio = AioContext(self.disk.fd, self.pool.count + mirror_flushes.SLOTS)
        self.ops: list[tuple[Op, SourcePath | None] | None] = [None] * self.pool.count
        self.flushes = Flushes(self)
        self.since = [0] * (self.pool.count + mirror_flushes.SLOTS)  # when a slot's request went to the disk
        self.batch: list[int] = []
        self.runs = Runs(self)
        self.at_disk = self.left_at_disk = 0  # requests of clients: now, and when the last round ended
        self._held = 0  # pieces that wait in the batch since the last round
        self._ended: deque[tuple[int, int]] = deque()
        scale = spec.time_scale
        self.silence_ms = max(200, int(spec.mirror_timeout_s * 500 * scale))
        self.retry_ms = max(50, int(300 * scale))
        self.counts = Counts()
        self.latency = Latency(time.monotonic_ns)
        disk_ms = max(1000, int(spec.disk_timeout_s * 1000 * scale))
        self.limits = Limits(self, disk_ms, max(1000, 2 * self.silence_ms))
        self.records = Records(self, disk_ms / 1000)
        self.verify = Comparing(self)
        self.kept = Keeping(self)
        self.side = Side(mirror_start.settings(self), record, self.maps, self)
        self.verify.resume()
        self.lease_ns = -1 if spec.leased else 1 << 62
        if spec.leased:
            self.side.freeze("no lease yet")
        self.session: MirrorSession | None = None
        self.link = MirrorLink(self, partial(cluster_keys, Path(spec.key_file)))
        exports = [
            (entry["letter"], part.start_bytes - self.data_start, part.length_bytes)
            for entry, part in zip(spec.partitions, partitions, strict=True)
        ]
        self.nbd = NbdServer(self, self.run_dir / f"nbd-{spec.set}.sock", exports, self.disk.sector_bytes)
        socket_path = self.run_dir / f"mirror-{spec.set}.sock"
        self.control = ControlSocket(self, socket_path, partial(mirror_requests.handle, self))
        self._changed = True
        self._told_ms = self._told_dirty = 0
        self._tick_ms = 0
        self.stopping = False
        self.poller.register(self.aio.eventfd, select.EPOLLIN | select.EPOLLET)
        self._handlers[self.aio.eventfd] = lambda _mask: None

    # -- the loop -------------------------------------------------------------------------------------

    def watch(self, sock: socket.socket, handler: Callable[[int], None], mask: int = select.EPOLLIN) -> None:
        """Call `handler` with the events of a socket."""
        self._handlers[sock.fileno()] = handler
        self.poller.register(sock.fileno(), mask)

    def forget(self, sock: socket.socket) -> None:
        """Stop watching a socket that is about to be closed."""
        fd = sock.fileno()
        if self._handlers.pop(fd, None) is not None:
            self.poller.unregister(fd)

    def run(self) -> None:
        """Serve until a signal asks to stop."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        mirror_start.serve(self)

    def rounds(self) -> None:
        """Go round; where a DiskError comes out of a round, the next one takes up what it has left."""
        handlers = self._handlers
        clock, boottime = time.clock_gettime_ns, time.CLOCK_BOOTTIME
        while not self.stopping:
            events = self._events()
            now_ns = clock(boottime)
            self.now_ms = now_ns // 1_000_000
            if now_ns > self.lease_ns:
                self.side.freeze("the lease has run out")
            for fd, mask in events:
                handler = handlers.get(fd)
                if handler is not None:
                    handler(mask)
            self._send()
            if self.now_ms - self._tick_ms >= TICK_MS:
                self._tick()
                self._send()

    def _events(self) -> list[tuple[int, int]]:
        """Wait until something happens; while operations are under way, look before sleeping."""
        poll = self.poller.poll
        if self._again:
            return poll(0)
        if len(self.pool.free) < self.pool.count:
            clock, boottime = time.clock_gettime_ns, time.CLOCK_BOOTTIME
            until = clock(boottime) + LOOK_NS
            while clock(boottime) < until:
                if events := poll(0):
                    return events
                os.sched_yield()  # look in idle time only
        if self._held:
            return poll(0)
        return poll(COPY_WAIT_S if self.side.copy is not None else TICK_MS / 1000)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.stopping = True

    def hand_on(self, frames: int = EARLY_OPS) -> None:
        """Within a round: let the other side, from so many frames on, and the disk begin with what has come so far."""
        session = self.session
        runs = self.runs
        many = len(self.batch) - runs.pieces >= EARLY_OPS or runs.pieces - runs.copies >= PIECES_MAX
        if session is not None:
            if many and self.side.target.live:
                session.acknowledge()
            if many or session.waiting() >= frames:
                session.flush()
        if many:
            self._submit()

    def _waits(self) -> bool:
        """True while large pieces, in a batch of nothing else, wait for those that arrive behind them."""
        held, self._held = self._held, 0
        count, session = len(self.batch), self.session
        if held < count == self.runs.pieces < PIECES_MAX and session is not None and session.arriving:
            self._held = count
        return self._held > 0

    def _submit(self) -> None:
        if self.batch and not self._waits():
            batch, self.batch = self.batch, []
            self.aio.submit(self.runs.gathered(batch) if self.runs.pieces else batch)

    def _send(self) -> None:
        """End a round: frames, then the disk, then answers; completions that came meanwhile join in."""
        side = self.side
        busy = side.copy is not None or side.deactivation is not None or side.closing is not None
        if busy or side.verify.active:
            side.progress(self.now_ms)
        session = self.session
        if session is not None:
            if side.target.live:
                session.acknowledge()
            session.flush()
        self._submit()
        if self._reap():
            if session is not None and not session.closed:
                if session.written and side.target.live:
                    session.acknowledge()
                session.flush()
            self._submit()
        self._again = self.nbd.pump()
        self.left_at_disk = self.at_disk

    def _tick(self) -> None:
        self._tick_ms = self.now_ms
        self.limits.tick(self.now_ms)
        self.side.tick(self.now_ms, int(time.time()))
        self.kept.step()
        self.link.tick()
        dirty = self.maps.dirty_bytes
        moving = self.side.copy is not None or self.side.verify.active or dirty != self._told_dirty
        if self._changed or (moving and self.now_ms - self._told_ms >= PROGRESS_MS):
            self._changed, self._told_ms, self._told_dirty = False, self.now_ms, dirty
            self.control.notify({"event": "status", **self.status()})

    def changed(self) -> None:
        """Tell the daemon at the next tick."""
        self._changed = True

    def status(self) -> dict[str, Any]:
        """Return the status of the contract."""
        inflight = self.pool.count - len(self.pool.free)
        return {**status(self.side, inflight), **self.kept.told(), "connects": self.link.status()}

    # -- the disk -------------------------------------------------------------------------------------

    def submit_read(self, op: Op) -> None:
        """Port: read into the slot of the operation."""
        slot = op.slot
        peers = op.request is None or (op.kind == VERIFY and isinstance(op.request, Look))
        self.ops[slot] = (op, None if peers else self.side.path)
        if op is self.latency.op:
            self.latency.submitted()
        self.at_disk += not peers and op.kind != COPY
        self.runs.count(op)
        self.aio.prepare(slot, PREAD, self.pool.addresses[slot], op.length, self.data_start + op.offset)
        self.hand_over(slot)

    def submit_write(self, op: Op) -> None:
        """Port: write the slot of the operation, or zeros."""
        slot = op.slot
        self.ops[slot] = (op, None if op.request is None else self.side.path)
        if op is self.latency.op:
            self.latency.submitted()
        self.runs.count(op)
        self.at_disk += op.request is not None
        address = self._zeros.addresses[0] if op.kind == ZERO else self.pool.addresses[slot]
        self.aio.prepare(
            slot, PWRITE, address, op.length, self.data_start + op.offset, RWF_DSYNC if op.fua else 0
        )
        self.hand_over(slot)

    def hand_over(self, slot: int) -> None:
        """Give a prepared slot to the disk with the next batch."""
        if self.limits.away:  # the disk does not answer: it is asked nothing more
            self._ended.append((slot, -ETIMEDOUT))
            return
        self.since[slot] = self.now_ms
        self.batch.append(slot)

    def submit_flush(self, token: int) -> None:
        """Port: flush the own disk; the token comes back in `Side.flush_done`."""
        self.flushes.own(token)

    def _reap(self) -> bool:
        """Take what the disk has finished; true when there was something."""
        count, ops = self.pool.count, self.ops
        ended = self._ended  # what a round that broke off has left comes first
        ended.extend(self.aio.reap())
        if not ended:
            return False
        self.aio.drain_eventfd()
        while ended:
            slot, result = ended.popleft()
            if not ended:  # what ended between the look and the draining has lost its wake-up
                ended.extend(self.aio.reap())
            if slot in self.runs.under_way:
                ended.extend(self.runs.ended(slot, result))
                continue
            if slot in self.limits.away:
                self.limits.back(slot)
                continue
            if slot >= count:
                self.flushes.ended(slot, -result if result < 0 else 0)
                continue
            entry, ops[slot] = ops[slot], None
            if entry is None:
                raise RuntimeError(f"completion of slot {slot}, which is not in use")
            op, path = entry
            self.ended(op, path, 0 if result == op.length else (-result if result < 0 else EIO))
        return True

    def ended(self, op: Op, path: SourcePath | None, error: int) -> None:
        """Take an operation that the disk has finished, of the own path or (None) of the other side."""
        if op is self.latency.op:
            self.latency.on_disk(error)
        if path is not None and op.kind != COPY:
            self.at_disk -= 1
        if op.kind == VERIFY and path is None:
            op.request.answer(op, error)
        elif path is None:
            written = self.side.target.done(op, error)
            if self.session is not None:
                self.session.tell_done(op, error, written=written)
            self.pool.give(op.slot)
        elif op.kind != READ:
            path.local_done(op, error)
        elif not (error and path.read_failed(op, error)):
            op.request.conn.piece_done(op, op.request)

    def on_disk(self) -> list[int]:
        """Return the slots whose requests the disk works on."""
        return [slot for slot, entry in enumerate(self.ops) if entry is not None] + list(
            self.flushes.under_way
        )

    # -- ports towards clients and the other side --------------------------------------------------------

    def complete(self, op: Op) -> None:
        """Port: an operation has ended."""
        if op.kind >= COPY:
            op.request.done(op)
            self.pool.give(op.slot)
        else:
            op.request.conn.piece_done(op, op.request)

    def copy_slot(self) -> int:
        """Port: return a slot for a piece of a rebuild, or -1."""
        return self.share.spare()

    def clients(self) -> int:
        """Port: return how many operations of clients the disk had when this round began to wait."""
        return self.left_at_disk

    def complete_flush(self, flush: Flush) -> None:
        """Port: a client's FLUSH has ended."""
        self.nbd.complete_flush(flush)

    def send_write(self, op: Op) -> None:
        """Port: send an operation to the other side."""
        session = self.session
        if session is not None:
            session.send_op(op)
            if op is self.latency.op:
                self.latency.queued(op.seq)

    def send_flush(self, token: int) -> None:
        """Port: ask the other side to flush."""
        self._frame(replication.FLUSH, seq=token)

    def send_mark(self, epoch: int) -> None:
        """Port: tell the other side which epoch is durable on both."""
        self._frame(replication.MARK, arg=epoch)

    def _frame(self, kind: int, *, seq: int = 0, arg: int = 0) -> None:
        session = self.session
        if session is not None:
            session.post(replication.FRAME.pack(kind, 0, 0, seq, 0, arg))

    def send_control(self, message: dict[str, Any]) -> None:
        """Port: send a control message."""
        session = self.session
        if session is not None:
            self.changed()  # what the other side is told of a copy's end may be all that shows it
            session.post(replication.pack_json(replication.CONTROL, message))
            session.flush()

    def close_session(self, reason: str) -> None:
        """Port: end the session."""
        self.link.close_session(reason)

    def open_export(self) -> None:
        """Port: from now on clients may open the exports."""
        self.changed()

    def close_export(self) -> None:
        """Port: no client may go on."""
        self.nbd.drop_all("the disk is not active here any more")
        self.changed()

    # -- ports towards disk records and the daemon ------------------------------------------------------

    def persist(self, record: Record) -> None:
        """Port: make a record durable."""
        self.records.persist(record)

    def persist_map(self, packed: bytes) -> None:
        """Port: make the difference map durable; a record that calls it valid follows."""
        self.records.persist_map(packed)

    def new_id(self) -> int:
        """Port: draw a generation."""
        return int.from_bytes(os.urandom(8), "big") or 1

    def reply(self, request: Any, error: tuple[str, str] | None) -> None:
        """Port: answer a request of the daemon."""
        connection, number = request
        answer: dict[str, Any] = {"id": number, "ok": error is None}
        if error is not None:
            answer["error"] = {"code": error[0], "message": error[1]}
        connection.send(answer)
        self.changed()

    def log(self, name: str, **fields: Any) -> None:
        """Port: report an event to the daemon, and to the own log."""
        sys.stderr.write(json.dumps({"event": name, **fields}) + "\n")
        sys.stderr.flush()
        self.control.event({"event": "log", "name": name, "fields": fields})

    def need_peer_stale(self, cur: int) -> None:
        """Port: ask the daemon to have the other side marked STALE (R1)."""
        self.control.notify({"event": "need_peer_stale", "cur": f"{cur:016x}"})
