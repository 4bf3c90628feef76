"""How the known bugs about failing disks and changing mirror connects are put in; see `mirror_mutants.py`."""

# ruff: noqa: D103

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from twinset.mirror import without_disk, write_path
from twinset.mirror.stream import Stream
from twinset.mirror.write_path import SourcePath

from . import mirror_links
from .mirror_mutant_patches import _method

# -- R10: disk errors --------------------------------------------------------------------------------------


def local_error_ignored() -> list[Any]:
    def local_done(path: SourcePath, op: Any, _error: int) -> None:
        original(path, op, 0)

    original = SourcePath.local_done
    return [_method(SourcePath, "local_done", local_done)]


def flush_error_ignored() -> list[Any]:
    def flush_done(path: SourcePath, token: int, _error: int, *, remote: bool) -> None:
        original(path, token, 0, remote=remote)

    original = SourcePath.flush_done
    return [_method(SourcePath, "flush_done", flush_done)]


def error_shown() -> list[Any]:
    def begin(path: SourcePath) -> None:
        original(path)
        path.mode = write_path.FAILED

    original = without_disk.begin
    return [patch.object(without_disk, "begin", begin)]


def read_error_shown() -> list[Any]:
    def read_failed(path: SourcePath, op: Any, errno: int) -> bool:
        waits = original(path, op, errno)
        if waits and op in path.unread:
            path.unread.remove(op)
            op.error = errno
            return False
        return waits

    original = SourcePath.read_failed
    return [_method(SourcePath, "read_failed", read_failed)]


def lost_disk_read() -> list[Any]:
    def read(path: SourcePath, op: Any) -> None:
        lost, path.lost = path.lost, path.lost and path.mode == write_path.REMOTE
        original(path, op)
        path.lost = lost

    original = SourcePath.read
    return [_method(SourcePath, "read", read)]


# -- R11: the session and its connections --------------------------------------------------------------------


def nothing_again() -> list[Any]:
    def resume(stream: Stream, epoch: int, count: int) -> list[Any]:
        original(stream, epoch, count)
        return []

    original = Stream.resume
    return [_method(Stream, "resume", resume)]


def taken_twice() -> list[Any]:
    def resume(stream: Stream, epoch: int, count: int) -> list[Any]:
        if stream.acknowledged < count:
            last = stream.log[count - stream.acknowledged - 1]
            return [last, *original(stream, epoch, count)]
        return original(stream, epoch, count)

    original = Stream.resume
    return [_method(Stream, "resume", resume)]


def old_path_read() -> list[Any]:
    def take(conn: Any, endpoint: int) -> Any:
        bound = conn.bound[endpoint]
        for at, path in enumerate(conn.paths):
            if path.queues[endpoint] and path.queues[endpoint][0][1][0] != "resume":
                conn.bound[endpoint] = at
                frame = original(conn, endpoint)
                conn.bound[endpoint] = bound
                return frame
        return original(conn, endpoint)

    original = mirror_links.Connection.take
    return [patch.object(mirror_links.Connection, "take", take)]
