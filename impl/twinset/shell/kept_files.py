"""Files of kept blocks on this server: which there are, and their blocks read back (mirror/kept.py)."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import TwinsetError
from twinset.mirror import kept

from .mirror_kept import UNFINISHED, directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIX: Final = ".kept"


class KeptFile:
    """An open file whose head and table of checksums are whole."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd
        try:
            self.head = kept.decode(self._read, os.fstat(fd).st_size)
            self._digests = kept.digests_of(self.head, self._read)
        except kept.KeptDamaged as error:
            raise kept.KeptDamaged(f"{path}: {error}") from None

    def _read(self, offset: int, length: int) -> bytes:
        return os.pread(self._fd, length, offset)

    def blocks(self, offset: int, length: int) -> Iterator[tuple[int, bytes]]:
        """Yield (offset in the mirrored area, bytes) of a range, each block checked."""
        return kept.blocks(self.head, self._digests, self._read, offset, length)

    def runs_within(self, start: int, length: int) -> Iterator[tuple[int, int]]:
        """Yield the kept extents within a range, cut to it."""
        for offset, size in self.head.runs:
            first, last = max(offset, start), min(offset + size, start + length)
            if first < last:
                yield first, last - first

    def span(self, letter: str | None) -> tuple[int, int]:
        """Return where a data partition, or the whole mirrored area, begins, and how long it is."""
        if letter is None:
            return 0, int(self.head.meta["size_bytes"])
        for part in self.head.meta["partitions"]:
            if part["letter"] == letter.upper():
                return int(part["start"]), int(part["length"])
        letters = ", ".join(part["letter"] for part in self.head.meta["partitions"])
        raise TwinsetError(f"{self.path}: there is no partition {letter}, only {letters}")


@contextmanager
def opened(state_dir: Path, name: str) -> Iterator[KeptFile]:
    """Open a file by its name, or by a beginning that only one has; TwinsetError when there is none."""
    found = [path for path in paths(state_dir) if path.name.startswith(name)]
    exact = [path for path in found if name in (path.name, path.name.removesuffix(SUFFIX))]
    if len(exact or found) != 1:
        known = ", ".join(path.name for path in found or paths(state_dir)) or "none"
        raise TwinsetError(f"{name!r} names {len(found)} files in {directory(state_dir)}; there are: {known}")
    path = (exact or found)[0]
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield KeptFile(path, fd)
    finally:
        os.close(fd)


def paths(state_dir: Path) -> list[Path]:
    """Return every finished file, the oldest first."""
    return sorted(directory(state_dir).glob(f"*{SUFFIX}"))


def listed(state_dir: Path) -> list[dict[str, Any]]:
    """Return what there is, damaged and unfinished ones with the reason."""
    found = []
    for path in paths(state_dir):
        row: dict[str, Any] = {"name": path.name, "file_bytes": path.stat().st_size, "damage": ""}
        try:
            with opened(state_dir, path.name) as file:
                row.update(file.head.meta, bytes=file.head.data_bytes, extents=len(file.head.runs))
        except (TwinsetError, OSError) as error:
            row["damage"] = str(error)
        found.append(row)
    for path in sorted(directory(state_dir).glob(f"*{SUFFIX}{UNFINISHED}")):
        row = {"name": path.name, "file_bytes": path.stat().st_size, "damage": "not finished"}
        found.append(row)
    return found


def write_onto(file: KeptFile, letter: str | None, image: Path) -> int:
    """Write every kept block to its place in an image of a partition, or of the mirrored area; return the bytes."""
    start, length = file.span(letter)
    written = 0
    with image.open("r+b") as out:
        size = out.seek(0, os.SEEK_END)
        if size != length:
            raise TwinsetError(f"{image} has {size} bytes, the image of what was kept has {length}")
        for first, count in file.runs_within(start, length):
            for offset, data in file.blocks(first, count):
                out.seek(offset - start)
                out.write(data)
                written += len(data)
        out.flush()
        os.fsync(out.fileno())
    return written
