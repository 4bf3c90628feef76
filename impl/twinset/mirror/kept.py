"""The file in which the blocks of a side that was given up are kept, as bytes.

Layout (all numbers little-endian; details in docs/data-on-disk.md):

    0                       head: magic, version, lengths, SHA-256 of the head with what follows it
    88                      JSON: set, server, generation, times, partitions, scope
    behind it               the extents: (offset, length) in the mirrored area, ascending, 16 bytes each
    data_offset             their bytes, one behind the other
    data_offset+data_bytes  one BLAKE2b digest of 16 bytes for each CHUNK_BYTES of the data
    behind them             magic, SHA-256 of the digests

A file without its end was not finished. Version history: 1 - first version.
"""

from __future__ import annotations

import hashlib
import json
import struct
from bisect import bisect
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import TwinsetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

VERSION: Final = 1
MAGIC: Final = b"TWINKEPT"
END_MAGIC: Final = b"TWINKEND"
CHUNK_BYTES: Final = 64 << 10
DIGEST_BYTES: Final = 16
_ALIGN_BYTES: Final = 4096
_META_BYTES_MAX: Final = 1 << 20
_RUNS_MAX: Final = 1 << 22

_HEAD: Final = struct.Struct(
    "<"
    "8s"  # 0   magic
    "H"  # 8   version
    "2x"
    "I"  # 12  bytes of the JSON
    "Q"  # 16  number of extents
    "Q"  # 24  offset of the data
    "Q"  # 32  bytes of the data
)
_HEAD_DIGEST_AT: Final = 56  # 32 bytes: SHA-256 over bytes 0..39, the JSON and the extents; 40..55 are zero
_META_AT: Final = _HEAD_DIGEST_AT + 32
_RUN: Final = struct.Struct("<QQ")

Read = "Callable[[int, int], bytes]"


class KeptDamaged(TwinsetError):  # noqa: N818 - named for the fact
    """A file of kept blocks that is none, is not finished, or has changed; the text says where."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The head of a file. `runs` are (offset, length) in the mirrored area, `starts` where each begins in the data."""

    meta: dict[str, Any]
    runs: tuple[tuple[int, int], ...]
    data_offset: int
    data_bytes: int

    @property
    def starts(self) -> list[int]:
        """Return where in the data each extent begins."""
        starts, at = [], 0
        for _, length in self.runs:
            starts.append(at)
            at += length
        return starts

    @property
    def digests_offset(self) -> int:
        """Return where the digests of the data stand."""
        return self.data_offset + self.data_bytes

    @property
    def chunks(self) -> int:
        """Return how many chunks of the data have a digest each."""
        return -(-self.data_bytes // CHUNK_BYTES)

    @property
    def file_bytes(self) -> int:
        """Return the length of the whole file."""
        return self.digests_offset + self.chunks * DIGEST_BYTES + len(END_MAGIC) + 32

    def pieces(self, offset: int, length: int) -> list[tuple[int, int]]:
        """Return where a range of the mirrored area lies, as (offset in the data, length); KeptDamaged for a gap."""
        found, starts = [], self.starts
        while length > 0:
            at = bisect(self.runs, offset, key=itemgetter(0)) - 1
            run_offset, run_length = self.runs[at] if at >= 0 else (0, 0)
            if not run_offset <= offset < run_offset + run_length:
                raise KeptDamaged(f"byte {offset} was not kept: it did not differ, as far as was known")
            count = min(length, run_offset + run_length - offset)
            found.append((starts[at] + offset - run_offset, count))
            offset, length = offset + count, length - count
        return found


def plan(meta: dict[str, Any], runs: Sequence[tuple[int, int]]) -> Kept:
    """Return the head of a file to be written."""
    text = len(json.dumps(meta, sort_keys=True).encode())
    end = _META_AT + text + len(runs) * _RUN.size
    return Kept(meta, tuple(runs), -(-end // _ALIGN_BYTES) * _ALIGN_BYTES, sum(length for _, length in runs))


def encode_head(kept: Kept) -> bytes:
    """Return the bytes up to the data."""
    text = json.dumps(kept.meta, sort_keys=True).encode()
    head = _HEAD.pack(MAGIC, VERSION, len(text), len(kept.runs), kept.data_offset, kept.data_bytes)
    rest = text + b"".join(_RUN.pack(*run) for run in kept.runs)
    digest = hashlib.sha256(head + rest).digest()
    return (head.ljust(_HEAD_DIGEST_AT, b"\0") + digest + rest).ljust(kept.data_offset, b"\0")


def digest(chunk: bytes | memoryview) -> bytes:
    """Return the digest of a chunk of the data."""
    return hashlib.blake2b(chunk, digest_size=DIGEST_BYTES).digest()


def encode_end(digests: bytes) -> bytes:
    """Return the bytes behind the data."""
    return digests + END_MAGIC + hashlib.sha256(digests).digest()


def decode(read: Callable[[int, int], bytes], file_bytes: int) -> Kept:
    """Return the head of a finished file; `read(offset, length)` may be short at its end.

    Raises KeptDamaged with the reason.
    """
    head = read(0, _META_AT)
    if len(head) < _META_AT or head[: len(MAGIC)] != MAGIC:
        raise KeptDamaged("these are no kept blocks")
    _, version, text_bytes, count, data_offset, data_bytes = _HEAD.unpack_from(head)
    if version != VERSION:
        raise KeptDamaged(f"version {version} is not known, this program knows {VERSION}")
    if text_bytes > _META_BYTES_MAX or count > _RUNS_MAX:
        raise KeptDamaged(f"{text_bytes} bytes of description and {count} extents are too many")
    rest = read(_META_AT, text_bytes + count * _RUN.size)
    wanted = head[_HEAD_DIGEST_AT:_META_AT]
    if hashlib.sha256(head[: _HEAD.size] + rest).digest() != wanted:
        raise KeptDamaged("the checksum of the head does not match")
    meta = json.loads(rest[:text_bytes])
    kept = Kept(meta, tuple(_RUN.iter_unpack(rest[text_bytes:])), data_offset, data_bytes)
    if file_bytes != kept.file_bytes:
        raise KeptDamaged(f"{file_bytes} bytes instead of {kept.file_bytes}: it was not finished")
    return kept


def digests_of(kept: Kept, read: Callable[[int, int], bytes]) -> bytes:
    """Return the digests of the data; KeptDamaged when they themselves are damaged."""
    length = kept.chunks * DIGEST_BYTES
    end = read(kept.digests_offset, length + len(END_MAGIC) + 32)
    digests = end[:length]
    if end[length:] != END_MAGIC + hashlib.sha256(digests).digest():
        raise KeptDamaged("the checksums of the data do not match their own")
    return digests


def blocks(
    kept: Kept, digests: bytes, read: Callable[[int, int], bytes], offset: int, length: int
) -> Iterator[tuple[int, bytes]]:
    """Yield (offset in the mirrored area, bytes) of a range, each chunk checked; KeptDamaged says which is bad."""
    for begin, count in kept.pieces(offset, length):
        at, end = begin, begin + count
        while at < end:
            number = at // CHUNK_BYTES
            first = number * CHUNK_BYTES
            chunk = read(kept.data_offset + first, min(CHUNK_BYTES, kept.data_bytes - first))
            if digest(chunk) != digests[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES]:
                raise KeptDamaged(f"the block of byte {offset} has changed: its checksum does not match")
            part = chunk[at - first : end - first]
            yield offset, part
            at, offset = at + len(part), offset + len(part)
