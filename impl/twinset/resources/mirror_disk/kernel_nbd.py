"""Devices of the kernel's NBD driver by netlink: attached to a socket, found again by a name, taken away."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path
from typing import Final, Self

from twinset.wire import nbd, nbd_netlink

SYS_BLOCK: Final = Path("/sys/block")
MODULE: Final = Path("/sys/module/nbd")
BLOCK_BYTES: Final = (
    512  # as a loop device has it: a file system may move from one kind of device to the other
)
ANSWER_BYTES: Final = 64 * 1024
ANSWER_S: Final = 10.0
FLAGS: Final = nbd.NBD_FLAG_HAS_FLAGS | nbd.NBD_FLAG_SEND_FLUSH | nbd.NBD_FLAG_SEND_FUA


def loaded() -> bool:
    """True when the driver is there, as a module or built in."""
    return MODULE.is_dir()


def connect(descriptor: int, size_bytes: int, export_flags: int, identifier: str) -> int:
    """Attach a free device to a socket of this process; return its number. OSError says why not.

    Of the export's flags FLUSH and FUA are passed on. TRIM is not: by mirror rule R14 zeros would be written.
    """
    with _Netlink() as kernel:
        message = nbd_netlink.connect(
            kernel.family, kernel.next(), descriptor=descriptor, size_bytes=size_bytes, block_bytes=BLOCK_BYTES,
            flags=export_flags & FLAGS, identifier=identifier,
        )  # fmt: skip
        return kernel.ask(message, "no nbd device").index


def allow_requests(index: int, size_bytes: int) -> None:
    """Have the kernel send requests of up to so many bytes; where it refuses, it goes on with its own limit."""
    with contextlib.suppress(OSError):
        (SYS_BLOCK / f"nbd{index}/queue/max_sectors_kb").write_text(str(size_bytes >> 10))


def disconnect(device: str) -> None:
    """Take a device away; fine when it is gone or free. OSError says why it could not be."""
    with _Netlink() as kernel:
        try:
            kernel.ask(nbd_netlink.disconnect(kernel.family, kernel.next(), number(device)), device)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENODEV, errno.ENOENT):
                raise


def identifier(device: str) -> str:
    """The name that a device was attached under; "" when it is not attached."""
    try:
        return (SYS_BLOCK / Path(device).name / "backend").read_text().strip()
    except OSError:
        return ""


def note(file: Path, device: str, name: str) -> None:
    """Write down what was attached, for whoever takes it away."""
    file.write_text(f"{device}\n{name}\n")


def noted(file: Path) -> str:
    """The device that was noted in a file, while it is attached under the noted name; else ""."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return ""
    if len(lines) != 2 or not is_nbd(lines[0]) or identifier(lines[0]) != lines[1]:
        return ""
    return lines[0]


def is_nbd(device: str) -> bool:
    """True for the path of a device of this driver."""
    name = Path(device).name
    return name.startswith("nbd") and name[3:].isdigit()


def number(device: str) -> int:
    """The number in a device's path."""
    if not is_nbd(device):
        raise ValueError(f"{device} is no nbd device")
    return int(Path(device).name[3:])


class _Netlink:
    """One conversation with the driver."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, nbd_netlink.NETLINK_GENERIC)
        self._socket.settimeout(ANSWER_S)
        self._sequence = 0
        self.family = 0

    def __enter__(self) -> Self:
        try:
            self.family = self.ask(nbd_netlink.get_family(self.next()), "the kernel has no nbd").family
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def next(self) -> int:
        """The number of the next request."""
        self._sequence += 1
        return self._sequence

    def ask(self, message: bytes, what: str) -> nbd_netlink.Answer:
        """Send a request, return its answer; OSError with the kernel's errno when it refuses."""
        answer = nbd_netlink.Answer(self._sequence)
        self._socket.sendto(message, (0, 0))
        while not answer.done:
            answer.receive_data(self._socket.recv(ANSWER_BYTES))
        if answer.errno:
            raise OSError(answer.errno, f"{what}: {os.strerror(answer.errno)}")
        return answer
