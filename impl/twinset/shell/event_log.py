"""The event log: a JSON object a line, with stable ids, bounded on disk, written beside the daemon's loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from twinset import events_catalogue
from twinset.shell import clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE_BYTES_MAX: Final = 8 * 1024 * 1024  # then it becomes events.jsonl.1, which replaces the one before
KEPT_MAX: Final = 4096  # entries that `events` can show without reading files
QUEUE_MAX: Final = 4096
FIELD_BYTES_MAX: Final = 2000
PRIORITIES: Final = {"error": 3, "warning": 4, "info": 6}  # of syslog


class EventLog:
    """Append entries; hand out the newest ones. Entries are numbered from 1 over restarts."""

    def __init__(self, path: Path, server: str) -> None:
        self._path = path
        self._server = server
        self._kept: deque[dict[str, Any]] = deque(self._load(), maxlen=KEPT_MAX)
        self._number = max((entry["seq"] for entry in self._kept), default=0)
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._grown = asyncio.Event()
        self._writer = threading.Thread(target=self._write_all, name="event-log", daemon=True)
        self._writer.start()

    def write(self, name: str, severity: str, fields: Mapping[str, Any]) -> None:
        """Add an entry; never blocks."""
        entry = events_catalogue.entry(name)
        self._number += 1
        record = {
            "seq": self._number,
            "time": round(clock.wall(), 3),
            "event": name,
            "id": entry.id,
            "severity": severity or entry.severity,
            "server": self._server,
            "fields": _plain(fields),
        }
        self._kept.append(record)
        line = json.dumps(record).encode() + b"\n"
        if self._queue.qsize() < QUEUE_MAX:  # a system disk that hangs must not eat the memory
            self._queue.put(line)
        sys.stderr.write(console_line(record, journal="JOURNAL_STREAM" in os.environ))
        sys.stderr.flush()
        self._grown.set()
        self._grown = asyncio.Event()

    def since(self, number: int, limit: int) -> list[dict[str, Any]]:
        """Return the entries after a number, the oldest of them first."""
        return [entry for entry in self._kept if entry["seq"] > number][:limit]

    @property
    def last_number(self) -> int:
        """The number of the newest entry."""
        return self._number

    async def wait_grown(self, seconds: float) -> None:
        """Wait until there is a new entry, or the time is over."""
        await clock.wait_event(self._grown, seconds)

    def close(self) -> None:
        """Write what is queued."""
        self._queue.put(None)
        self._writer.join(timeout=5)

    def _load(self) -> list[dict[str, Any]]:
        """Read what an earlier daemon wrote; a line torn by a power cut is left out."""
        found: list[dict[str, Any]] = []
        for path in (self._path.with_name(self._path.name + ".1"), self._path):
            try:
                lines = path.read_bytes().splitlines()
            except OSError:
                continue
            for line in lines[-KEPT_MAX:]:
                with contextlib.suppress(ValueError):
                    body = json.loads(line)
                    if isinstance(body, dict) and isinstance(body.get("seq"), int):
                        found.append(body)
        return found

    def _write_all(self) -> None:
        while (line := self._queue.get()) is not None:
            with contextlib.suppress(OSError):
                self._append(line)
                # The last of a burst takes the others with it; the mark of the end counts.
                if self._queue.qsize() <= 1:
                    self._sync()

    def _append(self, line: bytes) -> None:
        with self._path.open("ab+") as file:
            size = file.tell()
            if size:  # begin on a line of its own after a torn one
                file.seek(size - 1)
                if file.read(1) != b"\n":
                    line = b"\n" + line
            file.write(line)
        if size > FILE_BYTES_MAX:
            self._path.replace(self._path.with_name(self._path.name + ".1"))

    def _sync(self) -> None:
        """A power cut takes no entry back: what came last before it is what its reader wants."""
        with self._path.open("rb") as file:
            os.fsync(file.fileno())


def console_line(record: Mapping[str, Any], *, journal: bool) -> str:
    """Return an entry as people read it; for the journal with its priority in front, sd-daemon(3)."""
    text = f"{record['severity']}: {record['event']} {record['fields']} [{record['id']}]\n"
    return f"<{PRIORITIES.get(str(record['severity']), PRIORITIES['info'])}>{text}" if journal else text


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields as JSON values of bounded size."""
    plain: dict[str, Any] = {}
    for key, value in fields.items():
        if value is None or isinstance(value, (bool, int, float)):
            plain[key] = value
        elif isinstance(value, str):
            plain[key] = value[:FIELD_BYTES_MAX]
        else:
            try:
                plain[key] = json.loads(json.dumps(value))
            except (TypeError, ValueError):
                plain[key] = str(value)[:FIELD_BYTES_MAX]
    return plain
