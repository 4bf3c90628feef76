"""The kernel's NBD client in front of the helper process; the test speaks as the kernel would, nbdkit is the mirror."""

import contextlib
import os
import random
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.run import Process, kill_group, popen
from harness.wait import wait_for
from twinset.resources.mirror_disk import kernel_nbd
from twinset.shell.block_device import SLOT_BYTES, SLOTS, BlockDevice
from twinset.shell.nbd_front import REQUEST_BYTES_MAX, NbdFront
from twinset.wire import nbd

pytestmark = pytest.mark.skipif(shutil.which("nbdkit") is None, reason="needs nbdkit")

SIZE = 4 << 20


class Kernel:
    """The kernel's end: requests out, replies in."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self.socket.settimeout(30)

    def ask(
        self, command: int, cookie: int, offset: int = 0, length: int = 0, data: bytes = b"", flags: int = 0
    ) -> None:
        head = nbd.REQUEST.pack(nbd.NBD_REQUEST_MAGIC, flags, command, cookie, offset, length or len(data))
        self.socket.sendall(head + data)

    def reply(self, lengths: dict[int, int]) -> tuple[int, int, bytes]:
        """(cookie, error, data) of the next reply; `lengths` says how much each read brings."""
        magic, error, cookie = nbd.SIMPLE_REPLY.unpack(self._exactly(nbd.SIMPLE_REPLY.size))
        assert magic == nbd.NBD_SIMPLE_REPLY_MAGIC
        return cookie, error, b"" if error else self._exactly(lengths.get(cookie, 0))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            assert part, "the helper process has gone"
            data += part
        return data


class Mirror:
    """nbdkit on the mirror's socket."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.options = options
        self.socket = directory / "nbd-set1.sock"
        self.image = directory / "image"
        self.image.write_bytes(bytes(SIZE))
        self.process: Process | None = None

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        self.process = popen(
            ["nbdkit", "-f", "-e", "E", *self.options, "-U", str(self.socket), "file", str(self.image)],
            stderr=None,
        )
        wait_for(self.socket.exists, 30, "nbdkit")

    def kill(self) -> None:
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            kill_group(self.process)
            self.process = None


World = tuple[Kernel, Mirror, threading.Thread]


@pytest.fixture(params=[(), ("--no-sr",)], ids=["structured replies", "simple replies"])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A helper process's loop in a thread, its front attached to the test instead of the kernel."""
    got: list[socket.socket] = []
    attached: list[tuple[int, int, str]] = []

    def connect(descriptor: int, size_bytes: int, flags: int, name: str) -> int:
        attached.append((size_bytes, flags, name))
        got.append(socket.socket(fileno=os.dup(descriptor)))
        return 7

    monkeypatch.setattr(kernel_nbd, "connect", connect)
    monkeypatch.setattr(kernel_nbd, "identifier", lambda _device: attached[0][2])
    mirror = Mirror(tmp_path, *request.param)
    mirror.start()
    note = tmp_path / "set1-E.nbd"
    device = BlockDevice("E", mirror.socket, NbdFront(note, SLOT_BYTES), reconnect_s=30.0)
    loop = threading.Thread(target=device.run, daemon=True)
    loop.start()
    wait_for(lambda: got and kernel_nbd.noted(note), 30, "the device to be attached")
    assert kernel_nbd.noted(note) == "/dev/nbd7"
    assert attached[0][0] == SIZE
    assert attached[0][2].startswith(str(note))
    kernel = Kernel(got[0])
    yield kernel, mirror, loop
    with contextlib.suppress(OSError):
        kernel.ask(nbd.NBD_CMD_DISC, 0)
    loop.join(30)
    assert not loop.is_alive()
    kernel.socket.close()
    mirror.kill()


def test_what_is_written_is_read(world: World) -> None:
    """Writes, one as large as the kernel sends, reads and a flush pass; the data are in the mirror."""
    kernel, mirror, _ = world
    large = os.urandom(REQUEST_BYTES_MAX)
    kernel.ask(nbd.NBD_CMD_WRITE, 1, 4096, data=b"x" * 512, flags=nbd.NBD_CMD_FLAG_FUA)
    kernel.ask(nbd.NBD_CMD_WRITE, 2, 1 << 20, data=large)
    assert sorted(kernel.reply({})[:2] for _ in range(2)) == [(1, 0), (2, 0)]
    kernel.ask(nbd.NBD_CMD_READ, 3, 1 << 20, REQUEST_BYTES_MAX)
    assert kernel.reply({3: REQUEST_BYTES_MAX}) == (3, 0, large)
    kernel.ask(nbd.NBD_CMD_FLUSH, 4)
    assert kernel.reply({})[:2] == (4, 0)
    assert mirror.image.read_bytes()[4096 : 4096 + 512] == b"x" * 512


def test_a_request_of_many_slots_waits_until_they_are_free(world: World) -> None:
    """Large writes among small ones, more at once than there are slots, all arrive whole and in their place."""
    kernel, mirror, _ = world
    rng = random.Random(7)
    image, lengths, at = bytearray(SIZE), {}, 0
    stream = b""
    while at + REQUEST_BYTES_MAX <= SIZE:
        length = rng.choice(
            [512, SLOT_BYTES - 512, SLOT_BYTES + 512, REQUEST_BYTES_MAX - 512, REQUEST_BYTES_MAX]
        )
        image[at : at + length] = rng.randbytes(length)
        cookie = len(lengths) + 1
        lengths[cookie] = 0
        data = bytes(image[at : at + length])
        head = nbd.REQUEST.pack(nbd.NBD_REQUEST_MAGIC, 0, nbd.NBD_CMD_WRITE, cookie, at, length)
        stream += head + data
        at += length
    sender = threading.Thread(target=kernel.socket.sendall, args=(stream * 4,))
    sender.start()
    answered = [kernel.reply(lengths)[:2] for _ in range(4 * len(lengths))]
    sender.join(30)
    assert sorted(answered) == sorted([(cookie, 0) for cookie in lengths] * 4)
    assert mirror.image.read_bytes()[:at] == bytes(image[:at])
    kernel.ask(nbd.NBD_CMD_READ, 99, 512, REQUEST_BYTES_MAX)
    assert kernel.reply({99: REQUEST_BYTES_MAX}) == (99, 0, bytes(image[512 : 512 + REQUEST_BYTES_MAX]))


def test_more_requests_than_slots_are_all_answered(world: World) -> None:
    """A burst of three times as many requests as there are slots, sent before any reply is read, is answered whole."""
    kernel, _, _ = world
    count = 3 * SLOTS
    sender = threading.Thread(
        target=lambda: [kernel.ask(nbd.NBD_CMD_READ, n + 1, n * 512, 512) for n in range(count)]  # type: ignore[func-returns-value]
    )
    sender.start()
    lengths = dict.fromkeys(range(1, count + 1), 512)
    answered = {kernel.reply(lengths)[0] for _ in range(count)}
    sender.join(30)
    assert answered == set(lengths)


def test_requests_wait_for_a_killed_mirror_process(world: World) -> None:
    """What is asked while no mirror process serves is answered by the next one, without an error."""
    kernel, mirror, _ = world
    mirror.kill()
    kernel.ask(nbd.NBD_CMD_WRITE, 1, 0, data=b"y" * 4096)
    kernel.ask(nbd.NBD_CMD_READ, 2, 0, 4096)
    kernel.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        kernel.reply({2: 4096})
    kernel.socket.settimeout(30)
    mirror.start()
    replies = {cookie: (error, data) for cookie, error, data in (kernel.reply({2: 4096}) for _ in range(2))}
    assert replies[1] == (0, b"")
    assert replies[2][0] == 0
    assert mirror.image.read_bytes()[:4096] == b"y" * 4096


def test_the_kernels_farewell_ends_the_process(world: World) -> None:
    """A disconnect by netlink ends the helper process."""
    kernel, _, loop = world
    kernel.ask(nbd.NBD_CMD_DISC, 9)
    loop.join(30)
    assert not loop.is_alive()


def run_until_error(device: BlockDevice, errors: list[OSError]) -> Callable[[], None]:
    def run() -> None:
        try:
            device.run()
        except OSError as error:
            errors.append(error)

    return run


def test_a_request_that_no_slot_holds_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something else than a request of a known kind and size is an error, not a wrong write."""
    got: list[socket.socket] = []
    monkeypatch.setattr(
        kernel_nbd, "connect", lambda fd, *_: got.append(socket.socket(fileno=os.dup(fd))) or 7
    )
    mirror = Mirror(tmp_path)
    mirror.start()
    device = BlockDevice("E", mirror.socket, NbdFront(tmp_path / "n.nbd", SLOT_BYTES), reconnect_s=30.0)
    errors: list[OSError] = []
    loop = threading.Thread(target=run_until_error(device, errors), daemon=True)
    loop.start()
    wait_for(lambda: got, 30, "the device to be attached")
    Kernel(got[0]).ask(nbd.NBD_CMD_READ, 1, 0, REQUEST_BYTES_MAX + 512)
    loop.join(30)
    mirror.kill()
    assert "asked 0 of" in str(errors[0])
