"""The kernel's side of a block device as a regular file of FUSE; a loop device lies on it (decision 0004)."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING, Final

from twinset.wire import fuse, nbd

if TYPE_CHECKING:
    from pathlib import Path

    from twinset.shell.block_device import BlockDevice, Pending

READS_PER_ROUND: Final = 32
MS_NOSUID: Final = 2
MS_NODEV: Final = 4

_COMMANDS: Final = {fuse.READ: nbd.NBD_CMD_READ, fuse.WRITE: nbd.NBD_CMD_WRITE, fuse.FSYNC: nbd.NBD_CMD_FLUSH}


class FuseFront:
    """One file, served."""

    data_offset = fuse.DATA_OFFSET

    def __init__(self, file: Path, slots: int, io_bytes_max: int) -> None:
        self._file = file
        self._slots_max = slots
        self._io_bytes_max = io_bytes_max
        self._size = 0
        self.descriptor = -1

    def open(self, size_bytes: int, _flags: int) -> None:
        """Mount the file; OSError when the kernel refuses."""
        self._size = size_bytes
        self.descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        options = f"fd={self.descriptor},rootmode={fuse.FILE_MODE:o},user_id=0,group_id=0,max_read={self._io_bytes_max}"
        libc = ctypes.CDLL(None, use_errno=True)
        target, flags = os.fsencode(self._file), MS_NOSUID | MS_NODEV
        if libc.mount(b"twinset", target, b"fuse.twinset", flags, options.encode()):
            raise OSError(ctypes.get_errno(), f"mount {self._file}: {os.strerror(ctypes.get_errno())}")

    def take(self, device: BlockDevice) -> bool:
        """Read what the kernel asks; False when the file is unmounted."""
        for _ in range(READS_PER_ROUND):
            if not device.free:
                device.watch(False)
                return True
            slot = device.free.pop()
            try:
                count = os.readv(self.descriptor, [device.slots[slot]])
            except BlockingIOError:
                device.free.append(slot)
                return True
            except OSError as error:
                device.free.append(slot)
                if error.errno in (errno.ENOENT, errno.EINTR):  # the request was taken back
                    continue
                return False
            if not self._request(device, slot, count):
                device.free.append(slot)
        return True

    def _request(self, device: BlockDevice, slot: int, count: int) -> bool:
        """Answer a request or pass it on; True when its slot is still needed."""
        _, opcode, unique, _, _, _, _, _, _ = fuse.IN_HEADER.unpack_from(device.slots[slot])
        command = _COMMANDS.get(opcode)
        if command is None:
            self._answer_locally(opcode, unique, device.views[slot][fuse.HEADER_BYTES : count])
            return False
        offset = length = 0
        if opcode != fuse.FSYNC:
            _, offset, length, _, _, _, _ = fuse.IO_IN.unpack_from(device.slots[slot], fuse.HEADER_BYTES)
            if length > self._io_bytes_max or offset + length > self._size:
                length = max(0, min(length, self._io_bytes_max, self._size - offset))
                if not length:
                    self._reply(unique, 0 if opcode == fuse.READ else -errno.ENOSPC)
                    return False
        device.ask(command, 0, unique, offset, length, (slot,))
        return True

    def _answer_locally(self, opcode: int, unique: int, body: memoryview) -> None:
        if opcode in fuse.NO_REPLY:
            return
        if opcode == fuse.INIT:
            answer = fuse.init_reply(body, requests_max=self._slots_max, io_bytes_max=self._io_bytes_max)
            self._reply(unique, 0, answer)
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

    def answer(self, pending: Pending, failure: int, data: bytes | memoryview = b"") -> None:
        """Tell the kernel how a request ended: 0 or an errno, and what a read brought."""
        if not failure and pending.command == nbd.NBD_CMD_WRITE:
            data = fuse.write_reply(pending.length)
        self._reply(pending.unique, -failure, data)

    def flush(self) -> bool:
        """Nothing waits here: a reply is one system call."""
        return True

    def _reply(self, unique: int, error: int, body: bytes | memoryview = b"") -> None:
        header = fuse.OUT_HEADER.pack(fuse.OUT_HEADER.size + len(body), error, unique)
        try:
            os.writev(self.descriptor, [header, body])
        except OSError as failure:
            if failure.errno not in (errno.ENOENT, errno.ENODEV):  # taken back, unmounted
                what = f"reply of {len(body)} bytes, status {error}: {failure.strerror}"
                raise OSError(failure.errno, what) from None
