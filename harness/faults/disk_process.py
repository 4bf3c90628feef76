"""The disk of one server: a process of its own, so that the server's power cut is not the disk's.

It serves one image file to the kernel through /dev/fuse, mounted on a plain file: the software under test
opens that file as it would a block device (direct I/O, Linux AIO, fdatasync). With a volatile cache a power
cut loses a random part of what was not flushed. Faults are switched at run time over a Unix socket, one JSON
object a packet:

    {"verb": "fault", "kind": "write" | "read" | "flush" | "full" | "stall" | "delay" | null,
     "first": 0, "last": null, "delay_ms": 0}
    {"verb": "cut", "seed": 7}      {"verb": "stats"}      {"verb": "stop"}

Killing this process aborts its mount: every request fails at once, nothing hangs. Run by labs/, with -I -S:
standard library only.
"""

import ctypes
import errno
import json
import os
import select
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

if __name__ == "__main__":  # started by file name and isolated: the package is found beside this file
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness.faults import fuse_wire as wire
from harness.faults.volatile import VolatileCache

MNT_DETACH = 2
MOUNT_FLAGS = 2 | 4  # nosuid, nodev
FALLOC_KEEP_SIZE = 1
KINDS = ("write", "read", "flush", "full", "stall", "delay")
# What each fault answers to which request. A disk that cannot write cannot flush what it holds either.
FAULTS: dict[str, dict[int, int]] = {
    "write": {wire.WRITE: errno.EIO, wire.FALLOCATE: errno.EIO},
    "read": {wire.READ: errno.EIO},
    "flush": {wire.FSYNC: errno.EIO},
    "full": {wire.WRITE: errno.ENOSPC, wire.FALLOCATE: errno.ENOSPC},
    "stall": {},
    "delay": {},
}


@dataclass(frozen=True)
class Fault:
    """A switched-on fault, for the bytes first to last."""

    kind: str
    first: int = 0
    last: int = 1 << 63
    delay_s: float = 0.0

    def answer(self, opcode: int, offset: int, size: int) -> int:
        """The errno for a request, 0 where the fault does not concern it."""
        code = FAULTS[self.kind].get(opcode, 0)
        if opcode != wire.FSYNC and (offset > self.last or offset + size <= self.first):
            return 0
        return code


class Disk:
    """The image behind the requests: reads, writes, the volatile cache and the faults."""

    def __init__(self, image: str, volatile: bool) -> None:
        self._fd = os.open(image, os.O_RDWR | os.O_CLOEXEC)
        self.size_bytes = os.fstat(self._fd).st_size
        self.cache = VolatileCache() if volatile else None
        self.fault: Fault | None = None
        self.counts = {"reads": 0, "writes": 0, "flushes": 0, "failed": 0}

    def handle(self, opcode: int, body: memoryview) -> bytes:
        """Serve one request: the answer's body, or OSError with the errno to report."""
        if opcode == wire.INIT:
            return wire.init_out(int.from_bytes(body[12:16], "little"))
        if opcode in (wire.GETATTR, wire.SETATTR):
            return wire.attr_out(self.size_bytes)
        if opcode == wire.OPEN:
            return wire.OPEN_OUT.pack(0, wire.OPEN_FLAGS, 0)
        if opcode == wire.STATFS:
            return wire.statfs_out(self.size_bytes)
        if opcode == wire.FSYNC:
            return self._flush()
        if opcode == wire.READ:
            _, offset, size, *_ = wire.IO_IN.unpack_from(body)
            return self._read(offset, size)
        if opcode == wire.WRITE:
            _, offset, size, _, _, flags, _ = wire.IO_IN.unpack_from(body)
            data = bytes(body[wire.IO_IN.size : wire.IO_IN.size + size])
            self._write(opcode, offset, data, durable=bool(flags & os.O_DSYNC))
            return wire.WRITE_OUT.pack(size, 0)
        if opcode == wire.FALLOCATE:
            _, offset, size, mode, _ = wire.FALLOCATE_IN.unpack_from(body)
            if not mode & FALLOC_KEEP_SIZE:
                raise OSError(errno.EOPNOTSUPP, "a disk does not grow")
            self._write(opcode, offset, bytes(size))
            return b""
        if opcode in (wire.FLUSH, wire.RELEASE, wire.ACCESS, wire.DESTROY):
            return b""
        raise OSError(errno.ENOSYS, f"opcode {opcode}")

    def _refuse(self, opcode: int, offset: int, size: int) -> None:
        code = self.fault.answer(opcode, offset, size) if self.fault else 0
        if code:
            self.counts["failed"] += 1
            raise OSError(code, "injected")

    def _read(self, offset: int, size: int) -> bytes:
        self._refuse(wire.READ, offset, size)
        self.counts["reads"] += 1
        return os.pread(self._fd, size, offset)

    def _write(self, opcode: int, offset: int, data: bytes, *, durable: bool = False) -> None:
        self._refuse(opcode, offset, len(data))
        if durable:  # write-through is a write and a flush of it
            self._refuse(wire.FSYNC, offset, len(data))
        if offset + len(data) > self.size_bytes:
            raise OSError(errno.ENOSPC, "past the end of the disk")
        self.counts["writes"] += 1
        if self.cache is not None:
            self.cache.record(offset, os.pread(self._fd, len(data), offset), data, durable=durable)
        self._write_image(offset, data)

    def _write_image(self, offset: int, data: bytes) -> None:
        while data:
            done = os.pwrite(self._fd, data, offset)
            offset, data = offset + done, data[done:]

    def _flush(self) -> bytes:
        self._refuse(wire.FSYNC, 0, 0)
        self.counts["flushes"] += 1
        if self.cache is not None:
            self.cache.flush()
        return b""

    def cut(self, seed: int) -> dict[str, int]:
        """Lose power: keep a random part of what was not flushed; return how much was at stake."""
        if self.cache is None:
            return {"unflushed_writes": 0, "unflushed_bytes": 0}
        at_stake = {
            "unflushed_writes": self.cache.unflushed_writes,
            "unflushed_bytes": self.cache.unflushed_bytes,
        }
        for offset, data in self.cache.cut(Random(seed)):
            self._write_image(offset, data)
        return at_stake

    def stats(self) -> dict[str, Any]:
        """Counters, and what a power cut now could lose."""
        unflushed = self.cache.unflushed_writes if self.cache is not None else 0
        return {
            **self.counts,
            "unflushed_writes": unflushed,
            "fault": self.fault.kind if self.fault else None,
        }


class Server:
    """The loop: requests from /dev/fuse, orders from the control socket."""

    def __init__(self, disk: Disk, mount_point: str, control: str) -> None:
        self._disk = disk
        self._mount_point = mount_point
        self._fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        self._buffer = bytearray(wire.REQUEST_BYTES_MAX)
        self._view = memoryview(self._buffer)
        self._stalled: list[bytes] = []
        self._delayed: deque[tuple[float, bytes]] = deque()
        self._running = True
        mount(self._fuse, mount_point)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(control)
        self._listener.listen(8)

    def serve(self) -> None:
        """Serve until told to stop, or until the mount is gone."""
        poll = select.poll()
        poll.register(self._fuse, select.POLLIN)
        poll.register(self._listener, select.POLLIN)
        while self._running:
            for fd, event in poll.poll(self._wait_ms()):
                if fd == self._listener.fileno():
                    self._control()
                elif event & select.POLLERR or not self._drain():
                    self._running = False
            self._answer_due()
        libc().umount2(self._mount_point.encode(), MNT_DETACH)

    def _wait_ms(self) -> float | None:
        return max(0.0, (self._delayed[0][0] - time.monotonic()) * 1000) if self._delayed else None

    def _answer_due(self) -> None:
        while self._delayed and self._delayed[0][0] <= time.monotonic():
            self._answer(memoryview(self._delayed.popleft()[1]))

    def _drain(self) -> bool:
        """Serve all requests that wait; False when the mount has gone."""
        while True:
            try:
                length = os.readv(self._fuse, [self._buffer])
            except BlockingIOError:
                return True
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):  # the request was taken back
                    continue
                return False
            if self._disk.fault is not None and self._disk.fault.kind == "stall":
                self._stalled.append(bytes(self._view[:length]))
            elif self._disk.fault is not None and self._disk.fault.kind == "delay":
                due = time.monotonic() + self._disk.fault.delay_s
                self._delayed.append((due, bytes(self._view[:length])))
            else:
                self._answer(self._view[:length])

    def _answer(self, request: memoryview) -> None:
        _, opcode, unique, *_ = wire.IN_HEADER.unpack_from(request)
        if opcode in wire.NO_ANSWER:
            return
        code, body = 0, b""
        try:
            body = self._disk.handle(opcode, request[wire.IN_HEADER.size :])
        except OSError as error:
            code = error.errno or errno.EIO
        header = wire.OUT_HEADER.pack(wire.OUT_HEADER.size + len(body), -code, unique)
        try:
            os.writev(self._fuse, [header, body])
        except OSError as error:
            if error.errno not in (
                errno.ENOENT,
                errno.ENODEV,
                errno.ECONNABORTED,
            ):  # the asker died meanwhile
                raise

    def _control(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(5)
            order = json.loads(connection.recv(4096) or b"{}")
            try:
                answer = {"ok": True, **self._obey(order)}
            except (ValueError, KeyError, OSError) as error:
                answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
            connection.send(json.dumps(answer).encode())

    def _obey(self, order: dict[str, Any]) -> dict[str, Any]:
        verb = order.get("verb")
        if verb == "fault":
            self._set_fault(order)
        elif verb == "cut":
            self._stalled.clear()
            self._delayed.clear()
            return self._disk.cut(int(order["seed"]))
        elif verb == "stop":
            self._running = False
        elif verb != "stats":
            raise ValueError(f"unknown verb {verb!r}")
        return self._disk.stats()

    def _set_fault(self, order: dict[str, Any]) -> None:
        kind = order["kind"]
        if kind is not None and kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; there are {', '.join(KINDS)}")
        last = order.get("last")
        self._disk.fault = None
        if kind is not None:
            self._disk.fault = Fault(
                kind, int(order.get("first") or 0), 1 << 63 if last is None else int(last),
                int(order.get("delay_ms") or 0) / 1000,
            )  # fmt: skip
        held, self._stalled = [*self._stalled, *(request for _, request in self._delayed)], []
        self._delayed.clear()
        for request in held:
            self._answer(memoryview(request))


def libc() -> ctypes.CDLL:
    """The C library, with errno kept."""
    return ctypes.CDLL(None, use_errno=True)


def mount(fuse_fd: int, mount_point: str) -> None:
    """Mount the one file that /dev/fuse serves over a plain file."""
    options = f"fd={fuse_fd},rootmode={wire.FILE_MODE:o},user_id=0,group_id=0,allow_other"
    kind = b"fuse.twinset-lab"
    status = libc().mount(b"twinset-lab-disk", mount_point.encode(), kind, MOUNT_FLAGS, options.encode())
    if status != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"mount of the disk on {mount_point}: {os.strerror(code)}")


def main() -> None:
    """``disk_process.py IMAGE MOUNT_POINT CONTROL_SOCKET volatile|durable``."""
    image, mount_point, control, kind = sys.argv[1:]
    Server(Disk(image, kind == "volatile"), mount_point, control).serve()


if __name__ == "__main__":
    main()
