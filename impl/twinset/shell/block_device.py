"""twinset's helper process that makes a served data partition a file: NBD client below, FUSE server above.

A loop device on that file is the block device that is mounted (decision record 0004). What it is for: the
mirror process may be killed and started again at any time. Requests that are under way stay here, with their
data, and are sent again, in their order, to the next one. Only when none comes for `--reconnect-s` do they
end with an error.

One thread, one epoll loop; every request of the kernel lives in a slot of its own until it is answered, which
bounds the memory.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import gc
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Final

from twinset.errors import ProtocolError
from twinset.shell import memory
from twinset.wire import fuse, nbd
from twinset.wire.nbd_client import ClientHandshake, OpenExport

IO_BYTES_MAX: Final = 128 * 1024
SLOTS: Final = 64
READS_PER_ROUND: Final = 32
RECEIVE_BYTES: Final = 1024 * 1024
SEND_BUFFER_BYTES: Final = 4 * 1024 * 1024
SEND_PARTS_MAX: Final = 512
RETRY_S: Final = 0.05
HANDSHAKE_S: Final = 5.0
FIRST_CONNECT_S: Final = 5.0
MS_NOSUID: Final = 2
MS_NODEV: Final = 4

_REPLY: Final = nbd.SIMPLE_REPLY
_COMMANDS: Final = {fuse.READ: nbd.NBD_CMD_READ, fuse.WRITE: nbd.NBD_CMD_WRITE, fuse.FSYNC: nbd.NBD_CMD_FLUSH}


class Pending:
    """A request that the mirror has to answer."""

    __slots__ = ("length", "offset", "opcode", "slot", "unique")

    def __init__(self, opcode: int, unique: int, offset: int, length: int, slot: int) -> None:
        self.opcode = opcode
        self.unique = unique
        self.offset = offset
        self.length = length
        self.slot = slot


class BlockDevice:
    """The process."""

    def __init__(self, export: str, server: Path, file: Path, reconnect_s: float) -> None:
        self._export = export
        self._server = server
        self._file = file
        self._reconnect_s = reconnect_s
        self._slots = [bytearray(fuse.DATA_OFFSET + IO_BYTES_MAX) for _ in range(SLOTS)]
        self._views = [memoryview(slot) for slot in self._slots]
        self._free = list(range(SLOTS))
        self._pending: dict[int, Pending] = {}  # by cookie, in the order of their arrival
        self._cookie = 0
        self._out: deque[memoryview | bytes] = deque()
        self._in = bytearray(RECEIVE_BYTES)
        self._in_view = memoryview(self._in)
        self._in_end = 0
        self._nbd: socket.socket | None = None
        self._fuse = -1
        self._size = 0
        self._down_since = time.monotonic()
        self._poll = select.epoll()
        self._watching = True  # whether the kernel's requests are read
        self._sending = False  # whether the socket is watched for room

    # -- life -------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Open the export, mount the file, serve until it is unmounted."""
        self._connect_first()
        self._mount()
        while True:
            if self._nbd is None:
                self._reconnect()
            events = self._poll.poll(RETRY_S if self._nbd is None else -1)
            for descriptor, mask in events:
                if descriptor == self._fuse:
                    if mask & select.EPOLLERR or not self._take_requests():
                        return
                elif mask & ~select.EPOLLOUT:
                    self._receive()
            self._send()

    def _mount(self) -> None:
        self._fuse = os.open("/dev/fuse", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        options = f"fd={self._fuse},rootmode={fuse.FILE_MODE:o},user_id=0,group_id=0,max_read={IO_BYTES_MAX}"
        libc = ctypes.CDLL(None, use_errno=True)
        target, flags = os.fsencode(self._file), MS_NOSUID | MS_NODEV
        if libc.mount(b"twinset", target, b"fuse.twinset", flags, options.encode()):
            raise OSError(ctypes.get_errno(), f"mount {self._file}: {os.strerror(ctypes.get_errno())}")
        self._poll.register(self._fuse, select.EPOLLIN)

    def state(self) -> str:
        """One line for whoever has to find out why something hangs: SIGUSR1 prints it."""
        oldest = next(iter(self._pending.values()), None)
        asked = "" if oldest is None else f", oldest: {oldest.opcode} at {oldest.offset} + {oldest.length}"
        return (
            f"{'not ' * (self._nbd is None)}connected, {len(self._pending)} pending{asked}, "
            f"{len(self._free)} slots free, {len(self._out)} parts unsent, {self._in_end} bytes unparsed"
        )

    # -- the kernel's side ------------------------------------------------------------------------------

    def _take_requests(self) -> bool:
        """Read what the kernel asks; False when the file is unmounted."""
        for _ in range(READS_PER_ROUND):
            if not self._free:
                self._watch(False)
                return True
            slot = self._free.pop()
            try:
                count = os.readv(self._fuse, [self._slots[slot]])
            except BlockingIOError:
                self._free.append(slot)
                return True
            except OSError as error:
                self._free.append(slot)
                if error.errno in (errno.ENOENT, errno.EINTR):  # the request was taken back
                    continue
                return False
            if not self._request(slot, count):
                self._free.append(slot)
        return True

    def _request(self, slot: int, count: int) -> bool:
        """Answer a request or pass it on; True when its slot is still needed."""
        _, opcode, unique, _, _, _, _, _, _ = fuse.IN_HEADER.unpack_from(self._slots[slot])
        command = _COMMANDS.get(opcode)
        if command is None:
            self._answer_locally(opcode, unique, self._views[slot][fuse.HEADER_BYTES : count])
            return False
        offset = length = 0
        if opcode != fuse.FSYNC:
            _, offset, length, _, _, _, _ = fuse.IO_IN.unpack_from(self._slots[slot], fuse.HEADER_BYTES)
            if length > IO_BYTES_MAX or offset + length > self._size:
                length = max(0, min(length, IO_BYTES_MAX, self._size - offset))
                if not length:
                    self._reply(unique, 0 if opcode == fuse.READ else -errno.ENOSPC)
                    return False
        self._cookie += 1
        pending = Pending(opcode, unique, offset, length, slot)
        self._pending[self._cookie] = pending
        if self._nbd is not None:
            self._queue(self._cookie, pending)
        elif self._gave_up():
            self._fail(self._cookie)
        return True

    def _answer_locally(self, opcode: int, unique: int, body: memoryview) -> None:
        if opcode in fuse.NO_REPLY:
            return
        if opcode == fuse.INIT:
            self._reply(unique, 0, fuse.init_reply(body, requests_max=SLOTS, io_bytes_max=IO_BYTES_MAX))
        elif opcode in (fuse.GETATTR, fuse.SETATTR):
            self._reply(unique, 0, fuse.attributes_reply(self._size))
        elif opcode == fuse.OPEN:
            self._reply(unique, 0, fuse.open_reply())
        elif opcode == fuse.STATFS:
            self._reply(unique, 0, fuse.statfs_reply(self._size))
        elif opcode in (fuse.RELEASE, fuse.FLUSH, fuse.ACCESS, fuse.DESTROY):
            self._reply(unique, 0)
        else:
            self._reply(unique, -errno.ENOSYS)

    def _reply(self, unique: int, error: int, body: bytes | memoryview = b"") -> None:
        header = fuse.OUT_HEADER.pack(fuse.OUT_HEADER.size + len(body), error, unique)
        try:
            os.writev(self._fuse, [header, body])
        except OSError as failure:
            if failure.errno not in (errno.ENOENT, errno.ENODEV):  # taken back, unmounted
                what = f"reply of {len(body)} bytes, status {error}: {failure.strerror}"
                raise OSError(failure.errno, what) from None

    def _watch(self, wanted: bool) -> None:
        """Stop reading requests while every slot is taken, and begin again."""
        if wanted != self._watching:
            self._watching = wanted
            self._poll.modify(self._fuse, select.EPOLLIN if wanted else 0)

    # -- the mirror's side ------------------------------------------------------------------------------

    def _queue(self, cookie: int, pending: Pending) -> None:
        command = _COMMANDS[pending.opcode]
        self._out.append(
            nbd.REQUEST.pack(nbd.NBD_REQUEST_MAGIC, 0, command, cookie, pending.offset, pending.length)
        )
        if pending.opcode == fuse.WRITE:
            start = fuse.DATA_OFFSET
            self._out.append(self._views[pending.slot][start : start + pending.length])

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
        position, end = 0, self._in_end
        while end - position >= _REPLY.size:
            magic, error, cookie = _REPLY.unpack_from(self._in, position)
            pending = self._pending.get(cookie)
            if magic != nbd.NBD_SIMPLE_REPLY_MAGIC or pending is None or error == nbd.NBD_ESHUTDOWN:
                self._lost()  # it ends, or cannot be trusted: everything is asked again of the next one
                return
            if pending.opcode == fuse.READ and not error:
                if end - position < _REPLY.size + pending.length:
                    break
                start = position + _REPLY.size
                position = start + pending.length
                self._reply(pending.unique, 0, self._in_view[start:position])
            else:
                position += _REPLY.size
                body = fuse.write_reply(pending.length) if pending.opcode == fuse.WRITE and not error else b""
                self._reply(pending.unique, -errno.EIO if error else 0, body)
            del self._pending[cookie]
            self._free.append(pending.slot)
        left = end - position
        if position and left:
            self._in[:left] = self._in[position:end]
        self._in_end = left
        self._watch(True)

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
            self._size = opened.size_bytes
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
        self._reply(pending.unique, -errno.EIO)
        self._free.append(pending.slot)
        self._watch(True)


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
    parser.add_argument("--reconnect-s", required=True, type=float)
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: say(device.state()))
    device = BlockDevice(arguments.export, arguments.server, arguments.file, arguments.reconnect_s)
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
