"""Disks in memory: a plan written into bytes, and marks on top."""

from collections.abc import Callable

import pytest

from twinset.disks.facts import DiskFacts
from twinset.disks.inspection import Inspection, inspect
from twinset.disks.plan import plan

MIB = 1 << 20
Look = Callable[..., Inspection]


class Memory:
    """The bytes of a disk that is mostly zeros."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pieces: dict[int, bytes] = {}

    def put(self, offset: int, data: bytes) -> None:
        self.pieces[offset] = data

    def read(self, offset: int, length: int) -> bytes:
        found = bytearray(max(0, min(length, self.size - offset)))
        for at, data in self.pieces.items():
            first, last = max(at, offset), min(at + len(data), offset + len(found))
            if first < last:
                found[first - offset : last - offset] = data[first - at : last - at]
        return bytes(found)


@pytest.fixture()
def look() -> Look:
    """Inspect a prepared disk of 64 MiB with these marks and facts."""

    def made(
        *marks: tuple[int, bytes], size: int = 64 * MIB, table: bool = True, **facts: object
    ) -> Inspection:
        memory = Memory(size)
        if table:
            for number, sector in plan(size, 4 * MIB, (16 * MIB, None)).sectors(7).items():
                memory.put(number * 512, sector)
        for offset, data in marks:
            memory.put(offset, data)
        known = facts.pop("known", {})
        return inspect(DiskFacts(path="/dev/x", size_bytes=size, **facts), memory.read, known)  # type: ignore[arg-type]

    return made
