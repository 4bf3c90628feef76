"""The helper process's side towards the mirror: replies however they are cut and ordered."""

from __future__ import annotations

import itertools
import random
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from twinset.shell.block_device import SLOT_BYTES, SLOTS, BlockDevice, Pending
from twinset.wire import nbd

if TYPE_CHECKING:
    from collections.abc import Iterator

READ, WRITE = nbd.NBD_CMD_READ, nbd.NBD_CMD_WRITE


class Front:
    """Takes answers; nobody asks."""

    data_offset = 80
    descriptor = -1

    def __init__(self) -> None:
        self.answers: dict[int, tuple[int, bytes]] = {}

    def open(self, size_bytes: int, flags: int) -> None:
        raise AssertionError

    def take(self, device: BlockDevice) -> bool:
        raise AssertionError

    def answer(self, pending: Pending, failure: int, data: bytes | memoryview = b"") -> None:
        assert pending.unique not in self.answers
        self.answers[pending.unique] = (failure, bytes(data))

    def flush(self) -> bool:
        return True


World = tuple[BlockDevice, Front, socket.socket]


@pytest.fixture()
def world() -> Iterator[World]:
    front = Front()
    device = BlockDevice("E", Path("/nowhere"), front, 1.0)
    near, far = socket.socketpair()
    for end in (near, far):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
    device._take_connection(near)
    yield device, front, far
    near.close()
    far.close()


def ask(device: BlockDevice, unique: int, length: int, command: int = READ) -> int:
    """Ask for what lies at `unique` MiB; return the cookie of the request."""
    slots = tuple([device.free.pop() for _ in range(max(1, -(-length // SLOT_BYTES)))])
    device.ask(command, 0, unique, unique << 20, length, slots)
    return device._cookie


def data(cookie: int, offset: int, part: bytes, flags: int = 0) -> bytes:
    """A chunk of data."""
    return (
        struct.pack(">IHHQIQ", nbd.NBD_STRUCTURED_REPLY_MAGIC, flags, 1, cookie, 8 + len(part), offset) + part
    )


@pytest.mark.parametrize("seed", range(5))
def test_chunks_in_any_order_make_the_reads_they_belong_to(world: World, seed: int) -> None:
    """Parts of several reads in any order, holes among them, writes between, cut anywhere: every byte in its place."""
    device, front, far = world
    rng = random.Random(seed)
    wanted, frames = {}, []
    for unique in range(6):
        length = rng.choice([512, 4096, SLOT_BYTES, 3 * SLOT_BYTES + 512, 8 * SLOT_BYTES])
        cookie = ask(device, unique, length)
        content = bytearray(rng.randbytes(length))
        cuts = sorted({0, length, *(rng.randrange(length) for _ in range(3))})
        parts = list(itertools.pairwise(cuts))
        rng.shuffle(parts)
        mine = []
        for begin, end in parts:
            if rng.random() < 0.2:
                content[begin:end] = bytes(end - begin)
                mine.append(nbd.hole_chunk(cookie, (unique << 20) + begin, end - begin, 0))
            else:
                mine.append(data(cookie, (unique << 20) + begin, bytes(content[begin:end])))
        frames.append([*mine, nbd.none_chunk(cookie)])
        wanted[unique] = (0, bytes(content))
    cookie = ask(device, 99, 512, WRITE)
    frames.append([nbd.simple_reply(cookie)])
    wanted[99] = (0, b"")
    stream = b""
    while frames:
        mine = rng.choice(frames)
        stream += mine.pop(0)
        if not mine:
            frames.remove(mine)
    while stream:
        size = rng.choice([1, 19, 20, 28, 4000, SLOT_BYTES, 1 << 20])
        far.sendall(stream[:size])
        stream = stream[size:]
        device._receive()
    assert front.answers == wanted
    assert len(device.free) == SLOTS


def test_a_read_of_which_a_part_failed_is_an_error(world: World) -> None:
    """So is one that ends before all of it came; the ones beside it are not touched."""
    device, front, far = world
    failed, short, whole = (ask(device, unique, 8192) for unique in range(3))
    far.sendall(
        data(failed, 0, bytes(4096)) + nbd.error_chunk(failed, nbd.NBD_EIO)
        + data(short, 1 << 20, bytes(4096), nbd.NBD_REPLY_FLAG_DONE)
        + data(whole, 2 << 20, b"w" * 8192, nbd.NBD_REPLY_FLAG_DONE)
    )  # fmt: skip
    device._receive()
    assert {unique: bool(failure) for unique, (failure, _) in front.answers.items()} == {
        0: True,
        1: True,
        2: False,
    }
    assert front.answers[2][1] == b"w" * 8192
    assert len(device.free) == SLOTS


@pytest.mark.parametrize(
    "reply",
    [
        data(1, 4096, bytes(8192)),
        data(1, (1 << 20) - 512, bytes(512)),
        data(77, 1 << 20, bytes(512)),
        nbd.error_chunk(1, nbd.NBD_ESHUTDOWN),
        nbd.simple_reply(1, nbd.NBD_ESHUTDOWN),
        b"x" * 64,
    ],
    ids=["beyond", "before", "not asked", "shuts down", "shuts down, simply", "garbage"],
)
def test_what_cannot_be_trusted_is_asked_again(world: World, reply: bytes) -> None:
    """The connection is given up, the request is not: the next server is asked for all of it."""
    device, front, far = world
    assert ask(device, 1, 8192) == 1
    far.sendall(data(1, 1 << 20, bytes(4096)) + reply)
    device._receive()
    assert device._nbd is None
    assert not front.answers
    assert list(device._pending) == [1]
