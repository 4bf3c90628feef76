"""The kernel's side of a block device as the kernel's own NBD client (decision 0014).

The kernel's socket ends in this process, not in the mirror process: when the mirror process dies, the kernel's
connection does not, and what is under way waits here, as it does behind FUSE. A socket of the kernel that dies
keeps its requests until they time out, so a short time-out would be needed, and with that a mirror that is only
slow would be sent its requests twice over two connections, in no order.
"""

from __future__ import annotations

import errno
import secrets
import socket
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from twinset.resources.mirror_disk import kernel_nbd
from twinset.wire import nbd

if TYPE_CHECKING:
    from pathlib import Path

    from twinset.shell.block_device import BlockDevice, Pending

# A disk is mostly paid by the request; by itself the driver sends 128 KiB.
REQUEST_BYTES_MAX: Final = 1024 * 1024
RECEIVE_BYTES: Final = 256 * 1024
SOCKET_BUFFER_BYTES: Final = 4 * 1024 * 1024
_REQUEST: Final = nbd.REQUEST
_KNOWN: Final = frozenset({nbd.NBD_CMD_READ, nbd.NBD_CMD_WRITE, nbd.NBD_CMD_FLUSH})


@dataclass(slots=True)
class _Write:
    """A write whose data have not all arrived: `have` of `length` bytes lie in its slots."""

    flags: int
    cookie: int
    offset: int
    length: int
    slots: tuple[int, ...]
    have: int = 0


class NbdFront:
    """One /dev/nbdN; the file carries its path and name once it is there."""

    data_offset = 0

    def __init__(self, file: Path, slot_bytes: int) -> None:
        self._file = file
        self._slot_bytes = slot_bytes
        self._kernel: socket.socket | None = None
        self._in = bytearray(RECEIVE_BYTES)
        self._view = memoryview(self._in)
        self._begin = self._end = 0
        self._out: deque[bytes | memoryview] = deque()
        self._partial: _Write | None = None
        self.descriptor = -1
        self.index = -1

    def open(self, size_bytes: int, flags: int) -> None:
        """Attach a free device; OSError when the kernel has none, or no such driver."""
        own, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        for end in (own, kernels):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
        own.setblocking(False)
        with kernels:
            name = f"{self._file} {secrets.token_hex(8)}"  # of this machine's kernel, which labs share
            self.index = kernel_nbd.connect(kernels.fileno(), size_bytes, flags, name)
        kernel_nbd.allow_requests(self.index, REQUEST_BYTES_MAX)
        self._kernel = own
        self.descriptor = own.fileno()
        kernel_nbd.note(self._file, f"/dev/nbd{self.index}", name)

    def take(self, device: BlockDevice) -> bool:
        """Read what the kernel asks; False when it has disconnected the device."""
        if self._kernel is None:
            return False
        while True:
            if not self._parse(device):
                return False
            if self._partial is None and self._waits(device):
                device.watch(False)
                return True
            try:
                count = self._receive(device)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not count:
                return False

    def _receive(self, device: BlockDevice) -> int:
        """Receive: the rest of a write straight into its slots, else whatever comes."""
        if self._kernel is None:
            return 0
        if self._partial is not None:
            write = self._partial
            count = self._kernel.recvmsg_into(
                device.parts(write.slots, write.have, write.length - write.have)
            )[0]
            write.have += count
            self._pass_on(device, write)
            return count
        if self._begin:
            left = self._end - self._begin
            self._in[:left] = self._in[self._begin : self._end]
            self._begin, self._end = 0, left
        count = self._kernel.recv_into(self._view[self._end :])
        self._end += count
        return count

    def _parse(self, device: BlockDevice) -> bool:
        """Take whole requests out of the buffer while there are slots; False at the kernel's farewell."""
        while self._partial is None and not self._waits(device) and self._end - self._begin >= _REQUEST.size:
            magic, flags, command, cookie, offset, length = _REQUEST.unpack_from(self._in, self._begin)
            if magic != nbd.NBD_REQUEST_MAGIC:
                raise OSError(errno.EPROTO, f"the kernel sent {magic:#x} where a request begins")
            if command == nbd.NBD_CMD_DISC:
                return False
            if command not in _KNOWN or length > REQUEST_BYTES_MAX:
                raise OSError(errno.EPROTO, f"the kernel asked {command} of {length} bytes")
            self._begin += _REQUEST.size
            slots = tuple([device.free.pop() for _ in range(self._slots_of(length))])
            if command != nbd.NBD_CMD_WRITE:
                device.ask(command, flags, cookie, offset, length, slots)
                continue
            write = self._partial = _Write(flags, cookie, offset, length, slots)
            for part in device.parts(slots, 0, length):
                count = min(len(part), self._end - self._begin)
                part[:count] = self._view[self._begin : self._begin + count]
                self._begin += count
                write.have += count
            self._pass_on(device, write)
        return True

    def _waits(self, device: BlockDevice) -> bool:
        """True while the next request needs more slots than are free."""
        if len(device.free) >= self._slots_of(REQUEST_BYTES_MAX):
            return False
        if self._end - self._begin < _REQUEST.size:
            return not device.free
        length = _REQUEST.unpack_from(self._in, self._begin)[-1]
        return len(device.free) < self._slots_of(length) <= self._slots_of(REQUEST_BYTES_MAX)

    def _slots_of(self, length: int) -> int:
        return max(1, -(-length // self._slot_bytes))

    def _pass_on(self, device: BlockDevice, write: _Write) -> None:
        if write.have == write.length:
            self._partial = None
            device.ask(nbd.NBD_CMD_WRITE, write.flags, write.cookie, write.offset, write.length, write.slots)

    def answer(self, pending: Pending, failure: int, data: bytes | memoryview = b"") -> None:
        """Tell the kernel how a request ended; what a read brought is copied, its buffer is used again."""
        code = nbd.NBD_EIO if failure else nbd.NBD_SUCCESS
        header = nbd.SIMPLE_REPLY.pack(nbd.NBD_SIMPLE_REPLY_MAGIC, code, pending.unique)
        self._out.append(header + bytes(data) if len(data) else header)
        self.flush()

    def flush(self) -> bool:
        """Send what waits; False while the kernel takes no more."""
        if self._kernel is None:
            return True
        while self._out:
            try:
                sent = self._kernel.send(self._out[0])
            except BlockingIOError:
                return False
            except OSError:
                self._out.clear()  # disconnected: the next read says so
                return True
            if sent == len(self._out[0]):
                self._out.popleft()
            else:
                self._out[0] = memoryview(self._out[0])[sent:]
        return True

    def close(self) -> None:
        """Let go of the socket."""
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None
