"""Keeps the blocks of a side that is about to be given up, in a file of the system disk (mirror/kept.py).

The mirror process does it itself: the disk is its own. It serves nobody meanwhile, so a share of every tick is enough,
and requests and frames are still answered in between.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from twinset.mirror import divergence, kept

from . import store

if TYPE_CHECKING:
    from .mirror_loop import Mirrord

STEP_S: Final = 0.04
RESERVE_BYTES: Final = 64 << 20  # the system disk needs room for itself
_ALIGN_BYTES: Final = 4096
UNFINISHED: Final = ".part"


def directory(state_dir: Path) -> Path:
    """Return where the files lie."""
    return state_dir / "kept"


class Keeping:
    """The file that is written, or was written last by this process."""

    def __init__(self, daemon: Mirrord) -> None:
        self.daemon = daemon
        self.directory = directory(daemon.state_dir)
        self.plan: kept.Kept | None = None
        self.path: Path | None = None
        self.cur = 0  # of the record that the file belongs to
        self.done = 0
        self.failed = ""
        self._file: BinaryIO | None = None
        self._digests = bytearray()
        self._tail = b""  # of the data, shorter than a chunk
        self._at = (0, 0)  # extent, offset in it
        self._buffer = mmap.mmap(-1, kept.CHUNK_BYTES)

    # -- what is asked ------------------------------------------------------------------------------------

    def start(self, request: Any) -> None:
        """Begin to keep what `divergence.to_keep` names; refused where there is no room for it."""
        daemon, side = self.daemon, self.daemon.side
        if not divergence.apart(side):
            daemon.reply(request, ("E_STATE", f"this side is {side.record.state.name}, not DIVERGED"))
            return
        if self.plan is not None and self.cur == side.record.cur and not self.failed:
            daemon.reply(request, None)  # under way, or done
            return
        self._forget()
        scope, marks = divergence.to_keep(side)
        plan = kept.plan(self._meta(scope), list(side.maps.runs(marks)))
        room = self.room()
        if plan.file_bytes > room:
            reason = (
                f"{plan.file_bytes} bytes have to be kept, and {self.directory} has room for {max(0, room)}; make"
                " room, or give the blocks up with --discard"
            )
            daemon.reply(request, ("E_SPACE", reason))
            return
        try:
            self._open(plan)
        except OSError as error:
            daemon.reply(request, ("E_SPACE", f"{self.directory}: {error.strerror}"))
            return
        daemon.reply(request, None)

    def room(self) -> int:
        """Return the bytes that may be used here."""
        known = self.directory if self.directory.exists() else self.daemon.state_dir
        try:
            found = os.statvfs(known)
        except OSError:
            return 0
        return found.f_bavail * found.f_frsize - RESERVE_BYTES

    def _meta(self, scope: str) -> dict[str, Any]:
        spec, record = self.daemon.spec, self.daemon.side.record
        return {
            "set": spec.set,
            "server": spec.server,
            "set_uuid": record.set_uuid.hex(),
            "disk_uuid": record.disk_uuid.hex(),
            "cur": f"{record.cur:016x}",
            "base": f"{record.base:016x}",
            "kept_at_s": int(time.time()),
            "alone_since_s": record.alone_since_s,
            "alone_last_s": record.alone_last_s,
            "scope": scope,
            "size_bytes": record.size_bytes,
            "partitions": spec.placed(self.daemon.layout),
        }

    def _open(self, plan: kept.Kept) -> None:
        self.directory.mkdir(mode=0o700, exist_ok=True)
        for old in self.directory.glob(f"{self.daemon.spec.set}-*{UNFINISHED}"):
            old.unlink()
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(plan.meta["kept_at_s"]))
        self.path = self.directory / f"{self.daemon.spec.set}-{stamp}-{plan.meta['cur'][:8]}.kept"
        self._file = Path(f"{self.path}{UNFINISHED}").open("xb")  # noqa: SIM115 - closed when it is whole
        os.fchmod(self._file.fileno(), 0o600)
        self._file.write(kept.encode_head(plan))
        self.plan, self.cur, self.done, self._at = plan, self.daemon.side.record.cur, 0, (0, 0)

    def _forget(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self.plan = self.path = None
        self.failed, self.done = "", 0
        self._digests.clear()
        self._tail = b""

    # -- working ------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Do a share of the work; called every tick."""
        if self._file is None:
            return
        until = time.monotonic() + STEP_S
        self.daemon.changed()
        try:
            while time.monotonic() < until:
                if not self._copy_some():
                    self._finish()
                    return
        except OSError as error:
            self.failed = f"the blocks could not be kept: {error.strerror}"
            with contextlib.suppress(OSError):
                Path(f"{self.path}{UNFINISHED}").unlink()
            self._file = None

    def _copy_some(self) -> bool:
        plan, file = self.plan, self._file
        if plan is None or file is None:
            return False
        number, at = self._at
        if number == len(plan.runs):
            return False
        offset, length = plan.runs[number]
        data = self._read(offset + at, min(kept.CHUNK_BYTES, length - at))
        file.write(data)
        self._tail += data
        while len(self._tail) >= kept.CHUNK_BYTES:
            self._digests += kept.digest(self._tail[: kept.CHUNK_BYTES])
            self._tail = self._tail[kept.CHUNK_BYTES :]
        self.done += len(data)
        at += len(data)
        self._at = (number, at) if at < length else (number + 1, 0)
        return True

    def _read(self, offset: int, length: int) -> bytes:
        daemon = self.daemon
        start = daemon.data_start + offset
        first = start - start % _ALIGN_BYTES
        want = min(len(self._buffer), -(-(start + length - first) // _ALIGN_BYTES) * _ALIGN_BYTES)
        with memoryview(self._buffer)[:want] as block:
            count = os.preadv(daemon.disk.fd, [block], first)
        skip = start - first
        if count <= skip:
            raise OSError(5, f"the disk ends at {first + count}")
        return self._buffer[skip : min(skip + length, count)]

    def _finish(self) -> None:
        file, path = self._file, self.path
        if file is None or path is None or self.plan is None:
            return
        if self._tail:
            self._digests += kept.digest(self._tail)
        file.write(kept.encode_end(bytes(self._digests)))
        file.flush()
        os.fsync(file.fileno())
        file.close()
        self._file = None
        Path(f"{path}{UNFINISHED}").rename(path)
        store.sync_directory(self.directory)
        plan = self.plan
        self.daemon.log("blocks_kept", file=str(path), bytes=plan.data_bytes, scope=plan.meta["scope"])

    @property
    def complete(self) -> bool:
        """True once everything is in the file, durably, and still belongs to this side's record."""
        return self.plan is not None and self._file is None and not self.failed and self._current()

    def _current(self) -> bool:
        return self.cur == self.daemon.side.record.cur

    def told(self) -> dict[str, Any]:
        """Return what the status has beyond the core's: partitions, and of a side that diverged what is kept."""
        daemon = self.daemon
        told: dict[str, Any] = {"partitions": daemon.spec.placed(daemon.layout), "kept": None}
        if divergence.apart(daemon.side):
            told.update(kept=self.status(), kept_done=self.complete, kept_room_bytes=self.room())
        return told

    def status(self) -> dict[str, Any] | None:
        """Return how far it is; None when nothing was asked."""
        if self.plan is None or not self._current():
            return None
        return {
            "file": str(self.path),
            "bytes_done": self.done,
            "bytes_total": self.plan.data_bytes,
            "scope": self.plan.meta["scope"],
            "complete": self.complete,
            "failed": self.failed,
        }
