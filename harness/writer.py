"""A writer that knows what it was promised: stamped blocks, a log of the acknowledged ones, and the check.

``python -m harness.writer write FILE LOG SEED`` (on a server) overwrites random blocks of a file of fixed
size, each with O_DIRECT and O_DSYNC, and logs a block only after the write returned. It ends when its input
does.
``python -m harness.writer verify FILE LOG`` reads every logged block again, maybe on the other server:

- a block holds the last acknowledged write of it or a later one that was in the air when something broke;
- each sector is whole: a write never tears below 512 bytes.
"""

import mmap
import os
import select
import struct
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from harness.errors import HarnessError

BLOCK_BYTES = 4096
SECTOR_BYTES = 512
BLOCKS = 2048
FILL_BYTES = 1 << 20
STAMP = struct.Struct("<8sQQ")  # magic, block number, sequence number of the write
MAGIC = b"ledger\0\0"
READ_BACK_EVERY = 8
SLOW_S = 0.1  # a longer operation than all before it is noted


@dataclass(frozen=True)
class Finding:
    """One broken promise."""

    block: int
    acknowledged: int
    found: str


def stamped(block: int, sequence: int) -> bytes:
    """The bytes of a write: every sector says which block and which write it belongs to."""
    stamp = STAMP.pack(MAGIC, block, sequence)
    return (stamp + bytes([sequence % 251]) * (SECTOR_BYTES - len(stamp))) * (BLOCK_BYTES // SECTOR_BYTES)


def sequences(block: int, data: bytes) -> list[int]:
    """The write that each sector of a block belongs to; HarnessError when no write made a sector."""
    found = []
    for position in range(0, len(data), SECTOR_BYTES):
        sector = data[position : position + SECTOR_BYTES]
        if sector == bytes(SECTOR_BYTES):
            found.append(0)
            continue
        magic, number, sequence = STAMP.unpack_from(sector)
        expected = stamped(block, sequence)[:SECTOR_BYTES] if magic == MAGIC else b""
        if number != block or sector != expected:
            raise HarnessError(
                f"block {block}, byte {position}: not what any write put there: {sector[:32]!r}"
            )
        found.append(sequence)
    return found


def acknowledged(lines: Iterable[str]) -> tuple[dict[int, int], int]:
    """Of each block the last acknowledged write, and the last sequence number (a torn line is none)."""
    last: dict[int, int] = {}
    newest = 0
    for line in lines:
        words = line.split()
        if len(words) == 2 and line.endswith("\n") and words[0].isdigit():
            last[int(words[0])] = newest = int(words[1])
    return last, newest


def judge(block: int, promised: int, newest: int, data: bytes) -> Finding | None:
    """None when a block keeps its promise. One write may have been in the air: after the newest logged."""
    try:
        found = sequences(block, data)
    except HarnessError as error:
        return Finding(block, promised, str(error))
    if any(sequence != promised and sequence <= newest for sequence in found):
        return Finding(block, promised, f"writes {sorted(set(found))}")
    return None


class Writer:
    """Direct, synchronous writes to one file."""

    def __init__(self, file: str) -> None:
        Path(file).touch()
        self._fd = os.open(file, os.O_RDWR | os.O_DIRECT | os.O_DSYNC)
        self._buffer = mmap.mmap(-1, BLOCK_BYTES)  # direct I/O wants an aligned buffer
        if os.fstat(self._fd).st_size < BLOCKS * BLOCK_BYTES:
            zeros = mmap.mmap(
                -1, FILL_BYTES
            )  # few writes: each is durable, and emulated machines make two a second
            for position in range(0, BLOCKS * BLOCK_BYTES, FILL_BYTES):
                if os.pwrite(self._fd, zeros, position) != FILL_BYTES:
                    raise OSError("a short write")
            os.fsync(self._fd)

    def write(self, block: int, data: bytes) -> None:
        """Return only when the write is acknowledged."""
        self._buffer[:] = data
        if os.pwrite(self._fd, self._buffer, block * BLOCK_BYTES) != BLOCK_BYTES:
            raise OSError("a short write")

    def read(self, block: int) -> bytes:
        """Read one block past all caches."""
        if os.preadv(self._fd, [self._buffer], block * BLOCK_BYTES) != BLOCK_BYTES:
            raise OSError("a short read")
        return self._buffer[:]


def write(file: str, log: str, seed: int) -> int:
    """Write until told to stop; 1 when the disk gave an error or an old block."""
    writer, random = Writer(file), Random(seed)
    with Path(log).open("a", buffering=1) as output:
        output.write("# ready\n")
        sequence, slowest = 0, SLOW_S
        while not select.select([sys.stdin], [], [], 0)[0]:
            sequence += 1
            block = random.randrange(BLOCKS)
            began = time.monotonic()
            try:
                writer.write(block, stamped(block, sequence))
                output.write(f"{block} {sequence}\n")
                finding = (
                    judge(block, sequence, sequence, writer.read(block))
                    if sequence % READ_BACK_EVERY == 0
                    else None
                )
            except OSError as error:
                output.write(f"# error {error}\n")
                return 1
            if time.monotonic() - began > slowest:
                slowest = time.monotonic() - began
                output.write(f"slow {slowest:.3f}\n")
            if finding is not None:
                output.write(f"# wrong {finding}\n")
                return 1
    return 0


def verify(file: str, log: str) -> int:
    """Print every broken promise, and how many blocks were looked at."""
    with Path(log).open() as lines:
        promises, newest = acknowledged(lines)
    writer = Writer(file)
    findings = [
        judge(block, promised, newest, writer.read(block)) for block, promised in sorted(promises.items())
    ]
    broken = [finding for finding in findings if finding is not None]
    for finding in broken[:10]:
        print(finding)
    print(f"{len(findings)} blocks of {newest} acknowledged writes, {len(broken)} broken promises")
    return 1 if broken or not findings else 0


def main() -> None:
    """``write FILE LOG SEED`` or ``verify FILE LOG``."""
    verb, file, log, *rest = sys.argv[1:]
    sys.exit(write(file, log, int(rest[0])) if verb == "write" else verify(file, log))


if __name__ == "__main__":
    main()
