"""twinset's helper process that makes a served data partition a block device: NBD client below, a *front* above.

The front is the kernel's own NBD client where the kernel has one (decision record 0014), else a FUSE file under a
loop device (0004). What it is for: the mirror process may be killed and started again at any time. Requests that
are under way stay here, with their data, and are sent again, in their order, to the next one. Only when none comes
for `--reconnect-s` do they end with an error.

One thread, one epoll loop; every request of the kernel lives in slots of its own until it is answered, which
bounds the memory.
"""

from __future__ import annotations

import argparse
import errno
import gc
import select
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Final, Protocol

from twinset.errors import ProtocolError
from twinset.resources.mirror_disk import plan
from twinset.shell import memory
from twinset.wire import nbd
from twinset.wire.nbd_client import Chunk, ClientHandshake, OpenExport, parse_chunk

SLOT_BYTES: Final = 128 * 1024
SLOTS: Final = 64
RECEIVE_BYTES: Final = 2 * 1024 * 1024  # the largest answer fits
SEND_BUFFER_BYTES: Final = 4 * 1024 * 1024
SEND_PARTS_MAX: Final = 512
RETRY_S: Final = 0.05
HANDSHAKE_S: Final = 5.0
FIRST_CONNECT_S: Final = 5.0

_REPLY: Final = nbd.SIMPLE_REPLY


class Front(Protocol):
    """The kernel's side: a file of FUSE, or the kernel's own NBD client."""

    descriptor: int

    @property
    def data_offset(self) -> int:
        """Where the data of a write begin in each of its slots."""

    def open(self, size_bytes: int, flags: int) -> None:
        """Give the kernel its device; OSError when it refuses."""

    def take(self, device: BlockDevice) -> bool:
        """Read what the kernel asks and pass it to `ask`; False when the device is gone."""

    def answer(self, pending: Pending, failure: int, data: bytes | memoryview = b"") -> None:
        """Tell the kernel how a request ended: 0 or an errno, and what a read brought."""

    def flush(self) -> bool:
        """Send answers that wait; False while the kernel takes no more."""


class Pending:
    """A request that the mirror has to answer."""

    __slots__ = ("command", "error", "flags", "have", "length", "offset", "slots", "unique")

    def __init__(
        self, command: int, flags: int, unique: int, offset: int, length: int, slots: tuple[int, ...]
    ) -> None:
        self.command = command
        self.flags = flags
        self.unique = unique
        self.offset = offset
        self.length = length
        self.slots = slots
        self.have = 0  # bytes of a read that lie in its slots
        self.error = 0


class BlockDevice:
    """The process."""

    def __init__(self, export: str, server: Path, front: Front, reconnect_s: float) -> None:
        self._export = export
        self._server = server
        self._front = front
        self._reconnect_s = reconnect_s
        self.slots = [bytearray(front.data_offset + SLOT_BYTES) for _ in range(SLOTS)]
        self.views = [memoryview(slot) for slot in self.slots]
        self.free = list(range(SLOTS))
        self._pending: dict[int, Pending] = {}  # by cookie, in the order of their arrival
        self._cookie = 0
        self._out: deque[memoryview | bytes] = deque()
        self._in = bytearray(RECEIVE_BYTES)
        self._in_view = memoryview(self._in)
        self._in_end = 0
        self._nbd: socket.socket | None = None
        self._size = 0
        self._flags = 0
        self._down_since = time.monotonic()
        self._poll = select.epoll()
        self._watching = True  # whether the kernel's requests are read
        self._resume = False  # whether requests may wait that were read while no slot was free
        self._clogged = False  # whether answers wait for the kernel to take them
        self._sending = False  # whether the socket is watched for room

    # -- life -------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Open the export, give the kernel its device, serve until that is taken away."""
        self._connect_first()
        self._front.open(self._size, self._flags)
        self._poll.register(self._front.descriptor, select.EPOLLIN)
        while True:
            if self._nbd is None:
                self._reconnect()
            events = self._poll.poll(RETRY_S if self._nbd is None else -1)
            for descriptor, mask in events:
                if descriptor == self._front.descriptor:
                    if mask & select.EPOLLERR or not self._front.take(self):
                        return
                elif mask & ~select.EPOLLOUT:
                    self._receive()
            if self._resume:
                self._resume = False
                if not self._front.take(self):
                    return
            self._send()
            self._unclog()

    def state(self) -> str:
        """One line for whoever has to find out why something hangs: SIGUSR1 prints it."""
        oldest = next(iter(self._pending.values()), None)
        asked = "" if oldest is None else f", oldest: {oldest.command} at {oldest.offset} + {oldest.length}"
        return (
            f"{'not ' * (self._nbd is None)}connected, {len(self._pending)} pending{asked}, "
            f"{len(self.free)} slots free, {len(self._out)} parts unsent, {self._in_end} bytes unparsed"
        )

    # -- the kernel's side ------------------------------------------------------------------------------

    def ask(
        self, command: int, flags: int, unique: int, offset: int, length: int, slots: tuple[int, ...]
    ) -> None:
        """Pass a request of the kernel on; its slots, which its data pass through, are free once it was answered."""
        self._cookie += 1
        pending = Pending(command, flags, unique, offset, length, slots)
        self._pending[self._cookie] = pending
        if self._nbd is not None:
            self._queue(self._cookie, pending)
        elif self._gave_up():
            self._fail(self._cookie)

    def watch(self, wanted: bool) -> None:
        """Stop reading requests while every slot is taken, and begin again."""
        if wanted != self._watching:
            self._watching = wanted
            self._resume = wanted
            self._watch_front()

    def _unclog(self) -> None:
        """Have the poll tell when the kernel takes answers again."""
        clogged = not self._front.flush()
        if clogged != self._clogged:
            self._clogged = clogged
            self._watch_front()

    def _watch_front(self) -> None:
        mask = (select.EPOLLIN if self._watching else 0) | (select.EPOLLOUT if self._clogged else 0)
        self._poll.modify(self._front.descriptor, mask)

    # -- the mirror's side ------------------------------------------------------------------------------

    def _queue(self, cookie: int, pending: Pending) -> None:
        self._out.append(
            nbd.REQUEST.pack(
                nbd.NBD_REQUEST_MAGIC, pending.flags, pending.command, cookie, pending.offset, pending.length
            )
        )
        if pending.command == nbd.NBD_CMD_WRITE:
            self._out.extend(self.parts(pending.slots, 0, pending.length))

    def parts(self, slots: tuple[int, ...], at: int, length: int) -> list[memoryview]:
        """Return where `length` bytes of a request's data lie in its slots, from its byte `at` on."""
        start, parts = self._front.data_offset, []
        index, at = divmod(at, SLOT_BYTES)
        while length > 0:
            count = min(length, SLOT_BYTES - at)
            parts.append(self.views[slots[index]][start + at : start + at + count])
            index, at, length = index + 1, 0, length - count
        return parts

    def _send(self) -> None:
        if self._nbd is None or not self._out:
            return
        out = self._out
        try:
            while out:
                parts = [out[index] for index in range(min(len(out), SEND_PARTS_MAX))]
                sent = self._nbd.sendmsg(parts)
                while out and sent >= len(out[0]):
                    sent -= len(out.popleft())
                if sent:
                    out[0] = memoryview(out[0])[sent:]
        except BlockingIOError:
            if not self._sending:
                self._sending = True
                self._poll.modify(self._nbd.fileno(), select.EPOLLIN | select.EPOLLOUT)
            return
        except OSError:
            self._lost()
            return
        if self._sending:
            self._sending = False
            self._poll.modify(self._nbd.fileno(), select.EPOLLIN)

    def _receive(self) -> None:
        if self._nbd is None:
            return
        try:
            count = self._nbd.recv_into(self._in_view[self._in_end :])
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if not count:
            self._lost()
            return
        self._in_end += count
        try:
            position = self._replies()
        except ProtocolError as error:
            # It ends, or cannot be trusted: everything is asked again of the next one.
            say(f"reconnects: {error}")
            self._lost()
            return
        left = self._in_end - position
        if position and left:
            self._in[:left] = self._in[position : self._in_end]
        self._in_end = left
        if self.free:
            self.watch(True)

    def _replies(self) -> int:
        """Take what has arrived whole; return where the rest begins. ProtocolError ends the connection."""
        position, end = 0, self._in_end
        while end - position >= _REPLY.size:
            magic, error, cookie = _REPLY.unpack_from(self._in, position)
            if magic == nbd.NBD_STRUCTURED_REPLY_MAGIC:
                chunk = parse_chunk(self._in, position, end, RECEIVE_BYTES - nbd.CHUNK.size)
                if chunk is None:
                    break
                position += chunk.size
                self._take_chunk(chunk)
                continue
            if magic != nbd.NBD_SIMPLE_REPLY_MAGIC:
                raise ProtocolError(f"{magic:#x} begins no reply")
            pending = self._asked(cookie, error)
            position += _REPLY.size
            if pending.command != nbd.NBD_CMD_READ or error:
                self._answer(cookie, pending, error)
                continue
            if end - position < pending.length:
                position -= _REPLY.size
                break
            self._answer(cookie, pending, 0, self._in_view[position : position + pending.length])
            position += pending.length
        return position

    def _asked(self, cookie: int, error: int) -> Pending:
        """Return the request that a reply belongs to."""
        pending = self._pending.get(cookie)
        if pending is None:
            raise ProtocolError(f"a reply {cookie} to nothing that was asked")
        if error == nbd.NBD_ESHUTDOWN:
            raise ProtocolError("the server shuts down")
        return pending

    def _take_chunk(self, chunk: Chunk) -> None:
        """Take a part of a read; the last one answers it."""
        pending = self._asked(chunk.cookie, chunk.error)
        pending.error = pending.error or chunk.error
        if chunk.length:
            at = chunk.offset - pending.offset
            if pending.command != nbd.NBD_CMD_READ or at < 0 or at + chunk.length > pending.length:
                raise ProtocolError(f"{chunk.length} bytes at {chunk.offset} were not asked")
            pending.have += chunk.length
            if chunk.done and chunk.start >= 0 and chunk.length == pending.length and not pending.error:
                data = self._in_view[chunk.start : chunk.start + chunk.length]
                self._answer(chunk.cookie, pending, 0, data)
                return
            taken = chunk.start
            for part in self.parts(pending.slots, at, chunk.length):
                part[:] = self._in_view[taken : taken + len(part)] if chunk.start >= 0 else bytes(len(part))
                taken += len(part)
        if chunk.done:
            whole = pending.command != nbd.NBD_CMD_READ or pending.have == pending.length
            error = pending.error or (0 if whole else nbd.NBD_EIO)
            parts = (
                []
                if error or pending.command != nbd.NBD_CMD_READ
                else self.parts(pending.slots, 0, pending.length)
            )
            self._answer(chunk.cookie, pending, error, b"".join(parts))

    def _answer(self, cookie: int, pending: Pending, error: int, data: bytes | memoryview = b"") -> None:
        self._front.answer(pending, errno.EIO if error else 0, data)
        del self._pending[cookie]
        self.free.extend(pending.slots)

    def _lost(self) -> None:
        """The connection ended; what is pending stays and is sent again."""
        if self._nbd is not None:
            self._poll.unregister(self._nbd.fileno())
            self._nbd.close()
            self._nbd = None
            self._down_since = time.monotonic()
        self._out.clear()
        self._in_end = 0
        self._sending = False

    def _reconnect(self) -> None:
        """Try once; send everything again that is pending, or end it when the time is over."""
        try:
            connection, opened = _open(self._server, self._export)
        except (OSError, ProtocolError):
            if self._gave_up():
                for cookie in list(self._pending):
                    self._fail(cookie)
            return
        if opened.size_bytes != self._size:
            raise SystemExit(f"{self._export} has {opened.size_bytes} bytes, was {self._size} [8.5-01]")
        self._take_connection(connection)
        for cookie, pending in self._pending.items():
            pending.have = pending.error = 0
            self._queue(cookie, pending)
        self._send()

    def _connect_first(self) -> None:
        deadline = time.monotonic() + FIRST_CONNECT_S
        while True:
            try:
                connection, opened = _open(self._server, self._export)
            except (OSError, ProtocolError) as error:
                if time.monotonic() > deadline or isinstance(error, ProtocolError):
                    raise SystemExit(f"{self._server}: {error}") from None
                self._poll.poll(RETRY_S)
                continue
            self._size, self._flags = opened.size_bytes, opened.flags
            self._take_connection(connection)
            return

    def _take_connection(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._nbd = connection
        self._poll.register(connection.fileno(), select.EPOLLIN)

    def _gave_up(self) -> bool:
        return time.monotonic() - self._down_since > self._reconnect_s

    def _fail(self, cookie: int) -> None:
        pending = self._pending.pop(cookie)
        self._front.answer(pending, errno.EIO)
        self.free.extend(pending.slots)
        self.watch(True)


def _open(server: Path, export: str) -> tuple[socket.socket, OpenExport]:
    """Connect and open the export; OSError or ProtocolError when that fails."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(HANDSHAKE_S)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        connection.connect(str(server))
        handshake = ClientHandshake(export)
        while handshake.opened is None:
            handshake.receive_data(connection.recv(4096))
            connection.sendall(handshake.data_to_send())
    except BaseException:
        connection.close()
        raise
    return connection, handshake.opened


def _front(kind: str, file: Path) -> Front:
    if kind == "nbd":
        from twinset.shell.nbd_front import NbdFront

        return NbdFront(file.with_suffix(plan.NOTE), SLOT_BYTES)
    from twinset.shell.fuse_front import FuseFront

    return FuseFront(file, SLOTS, SLOT_BYTES)


def say(text: str) -> None:
    """Write to the log of this process."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> int:
    """Run the helper process."""
    parser = argparse.ArgumentParser(prog="twinset-block-device", description=__doc__)
    parser.add_argument("--export", required=True)
    parser.add_argument("--server", required=True, type=Path)
    parser.add_argument("--file", required=True, type=Path)
    parser.add_argument("--front", choices=("fuse", "nbd"), default="fuse")
    parser.add_argument("--reconnect-s", required=True, type=float)
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: say(device.state()))
    front = _front(arguments.front, arguments.file)
    device = BlockDevice(arguments.export, arguments.server, front, arguments.reconnect_s)
    for refusal in memory.protect_process():
        say(f"memory not protected: {refusal}")
    gc.freeze()
    gc.disable()  # nothing here makes cycles; a pause would be an I/O latency
    try:
        device.run()
    except OSError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
