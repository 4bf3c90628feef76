"""Asynchronous direct I/O of the kernel (`io_submit`), by ctypes.

One `AioContext` serves one file. Every operation has a slot number of the caller's; the slot's control block
lies ready in memory, so that an operation costs one `struct` call, and a batch costs one system call. What
has ended is read from the ring that the kernel shares with the process: no system call at all.

Duties of the caller, in this order:
1. `prepare` a slot, then `submit` it; leave it and its buffer alone until `reap` returns it.
2. Register `eventfd` with EPOLLIN | EPOLLET: every completion is an edge. After a `reap` that returned
   something `drain_eventfd` spares the wake-up for what is known already.
3. After every wake-up `reap` until it returns nothing, or until it returned less than `inflight`.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import struct
from errno import EAGAIN, EINTR
from typing import Final

# struct iocb, little-endian (linux/aio_abi.h): data, key | rw_flags, opcode, reqprio, fildes, buf, nbytes,
# offset | reserved, flags, resfd. The middle part changes with every operation.
_IOCB_BYTES: Final = 64
_IOCB_HEAD: Final = struct.Struct("<QI")
_IOCB_BODY: Final = struct.Struct("<IHhIQQq")
_IOCB_BODY_OFFSET: Final = 12
_IOCB_TAIL: Final = struct.Struct("<QII")
_IOCB_TAIL_OFFSET: Final = 48
_IOCB_FLAG_RESFD: Final = 1
# struct io_event: data, obj, res, res2. Only the slot and the result are of interest.
_EVENT: Final = struct.Struct("<Q8xq8x")
_EVENT_BYTES: Final = 32
# struct aio_ring: id, nr, head, tail, magic, compat, incompat, header length; the events follow.
_RING_HEADER_BYTES: Final = 32
_RING_NR, _RING_HEAD, _RING_TAIL, _RING_MAGIC, _RING_INCOMPAT, _RING_LENGTH = 1, 2, 3, 4, 6, 7
_RING_MAGIC_VALUE: Final = 0xA10A10A1

PREAD: Final = 0
PWRITE: Final = 1
PREADV: Final = 7
PWRITEV: Final = 8
FSYNC: Final = 2
FDSYNC: Final = 3
RWF_DSYNC: Final = 0x02
"""Flag of a PWRITE that is durable when it ends (FUA)."""

DEPTH_MAX: Final = 1 << 16  # what a system grants all its processes together, by default

_SYSCALLS: Final = {  # setup, destroy, getevents, submit
    "x86_64": (206, 207, 208, 209),
    "aarch64": (0, 1, 4, 2),
}
# Only x86-64 orders the reads of the ring's tail and of its events without a barrier.
_RING_IS_ORDERED: Final = platform.machine() == "x86_64"


def _syscall(*arguments: type[ctypes._SimpleCData[int]]) -> ctypes._FuncPointer:
    function = ctypes.CDLL(None, use_errno=True).syscall
    function.argtypes = (ctypes.c_long, *arguments)
    function.restype = ctypes.c_long
    return function


_ulong, _long = ctypes.c_ulong, ctypes.c_long
_call3: Final = _syscall(_ulong, _long, _ulong)
_call5: Final = _syscall(_ulong, _long, _long, _ulong, _ulong)


class AioContext:
    """Operations of `depth` slots on the open file `fd`."""

    def __init__(self, fd: int, depth: int) -> None:
        if not 1 <= depth <= DEPTH_MAX:
            raise ValueError(f"depth {depth} is outside 1..{DEPTH_MAX}")
        numbers = _SYSCALLS.get(platform.machine())
        if numbers is None:
            raise OSError(f"asynchronous I/O is not known on {platform.machine()}")
        self._setup, self._destroy, self._getevents, self._submit = numbers
        self.fd = fd
        self.depth = depth
        self.inflight = 0
        self.eventfd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._late: list[int] = []  # the kernel was short of resources: submitted again later
        self._refused: list[tuple[int, int]] = []  # ended before they began

        self._memory = mmap.mmap(-1, depth * (_IOCB_BYTES + 8 + _EVENT_BYTES) + 32)
        self._keep = ctypes.c_char.from_buffer(self._memory)
        base = ctypes.addressof(self._keep)
        self._iocbs = [base + slot * _IOCB_BYTES for slot in range(depth)]
        self._bodies = [slot * _IOCB_BYTES + _IOCB_BODY_OFFSET for slot in range(depth)]
        for slot in range(depth):
            _IOCB_HEAD.pack_into(self._memory, slot * _IOCB_BYTES, slot, 0)
            _IOCB_TAIL.pack_into(
                self._memory, slot * _IOCB_BYTES + _IOCB_TAIL_OFFSET, 0, _IOCB_FLAG_RESFD, self.eventfd
            )
        batch = depth * _IOCB_BYTES
        self._batch = memoryview(self._memory)[batch : batch + depth * 8].cast("Q")
        self._batch_address = base + batch
        events = batch + depth * 8
        self._events = memoryview(self._memory)[events : events + depth * _EVENT_BYTES]
        self._events_address = base + events
        self._timeout_address = base + events + depth * _EVENT_BYTES  # no time at all

        context = ctypes.c_ulong(0)
        if _call3(self._setup, depth, ctypes.addressof(context), 0) < 0:
            code = ctypes.get_errno()
            os.close(self.eventfd)
            hint = " (fs.aio-max-nr is used up)" if code == EAGAIN else ""
            raise OSError(code, f"io_setup of {depth} operations: {os.strerror(code)}{hint}")
        self._context = context.value
        self._open_ring()

    def _open_ring(self) -> None:
        """Map the completion ring, which lies at the address that is the context's id."""
        header = (ctypes.c_char * _RING_HEADER_BYTES).from_address(self._context)
        self._ring = memoryview(header).cast("B").cast("I")
        ring = self._ring
        self.uses_ring = (
            _RING_IS_ORDERED
            and ring[_RING_MAGIC] == _RING_MAGIC_VALUE
            and ring[_RING_INCOMPAT] == 0
            and ring[_RING_LENGTH] == _RING_HEADER_BYTES
        )
        self._ring_size = ring[_RING_NR]
        body = (ctypes.c_char * (self._ring_size * _EVENT_BYTES)).from_address(
            self._context + _RING_HEADER_BYTES
        )
        self._ring_events = memoryview(body).cast("B")

    def prepare(
        self, slot: int, opcode: int, address: int, length: int, offset: int, rw_flags: int = 0
    ) -> None:
        """Describe the next operation of a slot. A flush has no address, length or offset: pass zeros."""
        _IOCB_BODY.pack_into(
            self._memory, self._bodies[slot], rw_flags, opcode, 0, self.fd, address, length, offset
        )

    def submit(self, slots: list[int]) -> int:
        """Hand prepared slots to the kernel in one system call; return how many it took.

        What the kernel has no room for stays queued and goes with the next `submit` or `reap`. An operation
        that the kernel refuses altogether is returned by the next `reap` with its negative errno.
        """
        if self._late:
            slots = self._late + slots
            self._late = []
        count = len(slots)
        batch, iocbs, address = self._batch, self._iocbs, self._batch_address
        for index in range(count):
            batch[index] = iocbs[slots[index]]
        done = taken = 0
        while done < count:
            result = _call3(self._submit, self._context, count - done, address + done * 8)
            if result > 0:
                done += result
                taken += result
                continue
            code = ctypes.get_errno()
            if code == EINTR:
                continue
            if code == EAGAIN:
                self._late = slots[done:]
                if not self.inflight + taken:  # nothing will end and wake the caller
                    os.eventfd_write(self.eventfd, 1)
                break
            self._refused.append((slots[done], -code))
            os.eventfd_write(self.eventfd, 1)
            done += 1
        self.inflight += taken
        return taken

    def reap(self) -> list[tuple[int, int]]:
        """Return (slot, result) of everything that has ended: bytes done, or a negative errno."""
        ended = self._read_ring() if self.uses_ring else self._get_events()
        if self._refused:
            ended += self._refused
            self._refused = []
        if self._late:
            self.submit([])
        return ended

    def _read_ring(self) -> list[tuple[int, int]]:
        ring = self._ring
        head, tail = ring[_RING_HEAD], ring[_RING_TAIL]
        if head == tail:
            return []
        events = self._ring_events
        if head < tail:
            ended = list(_EVENT.iter_unpack(events[head * _EVENT_BYTES : tail * _EVENT_BYTES]))
        else:
            ended = list(_EVENT.iter_unpack(events[head * _EVENT_BYTES :]))
            ended += _EVENT.iter_unpack(events[: tail * _EVENT_BYTES])
        ring[_RING_HEAD] = tail
        self.inflight -= len(ended)
        return ended

    def _get_events(self) -> list[tuple[int, int]]:
        count = _call5(
            self._getevents, self._context, 0, self.depth, self._events_address, self._timeout_address
        )
        if count < 0:
            code = ctypes.get_errno()
            if code == EINTR:
                return []
            raise OSError(code, f"io_getevents: {os.strerror(code)}")
        self.inflight -= count
        return list(_EVENT.iter_unpack(self._events[: count * _EVENT_BYTES]))

    def drain_eventfd(self) -> None:
        """Forget the wake-ups of what has been reaped: they would only cost a round."""
        try:  # in every round: contextlib.suppress would be interpreted code
            os.eventfd_read(self.eventfd)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Wait for what is in flight and release everything. The file stays open: it is the caller's."""
        if self._context:
            self._ring.release()
            self._ring_events.release()
            _call3(self._destroy, self._context, 0, 0)
            self._context = 0
            os.close(self.eventfd)
