"""Follows logs for the rules of the configuration, and does what they say (6.3-16, 9.4-01).

Files are followed as `tail -F` does, from their end, over a rotation, the journal by `journalctl`; entries of
twinset's own event log count from the daemon's start. What is read at a time is bounded: a log that grows faster is
skipped, and that is told.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal
from twinset.monitoring.event_rules import ALERT, SHUT_DOWN, Book, Lines, Rule
from twinset.shell import clock
from twinset.shell.journal import AGAIN_S, Journal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

    from twinset.config.cluster import EventRule
    from twinset.monitoring.journal import Entry
    from twinset.shell.event_log import EventLog

LOOK_S: Final = 1.0
LOOK_FLOOR_S: Final = 0.2
PIECE_BYTES_MAX: Final = 256 * 1024
ENTRIES_MAX: Final = 1000
OWN: Final = frozenset({"event_rule_matched", "event_rule_refused"})  # a rule about rules would never end


@dataclass
class Tail:
    """How far a file has been read."""

    path: Path
    inode: int = 0
    offset: int = 0
    lines: Lines = field(default_factory=Lines)
    told: bool = False

    def open_at_end(self) -> None:
        """Pass over what is there."""
        try:
            status = self.path.stat()
        except OSError:
            return
        self.inode, self.offset = status.st_ino, status.st_size

    def read(self) -> tuple[list[str], bool]:
        """Return new lines, and whether something was skipped; OSError when the file cannot be read."""
        with self.path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_ino != self.inode or status.st_size < self.offset:
                self.inode, self.offset, self.lines = status.st_ino, 0, Lines()
            skipped = status.st_size - self.offset > PIECE_BYTES_MAX
            if skipped:
                self.offset, self.lines = status.st_size - PIECE_BYTES_MAX, Lines()
            file.seek(self.offset)
            piece = file.read(PIECE_BYTES_MAX)
        self.offset += len(piece)
        return self.lines.feed(piece.decode(errors="replace")), skipped


def rules_of(configured: Iterable[EventRule], scale: float) -> tuple[Rule, ...]:
    """Return the rules as they are judged."""
    return tuple(
        Rule(
            each.name, each.action, re.compile(each.match), each.file, each.event, each.journal,
            each.group, int(each.pause_s * scale * 1000),
        )
        for each in configured
    )  # fmt: skip


class EventRules:
    """The rules of this server."""

    def __init__(
        self,
        configured: Iterable[EventRule],
        scale: float,
        event_log: EventLog,
        running: Callable[[], Collection[str]],
        request: Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]],
        down: Callable[[str], Awaitable[str]],
        log: Callable[[str, str, Mapping[str, Any]], None],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._book = Book(rules_of(configured, scale))
        self._pause_s = max(LOOK_FLOOR_S, LOOK_S * scale)
        self._event_log = event_log
        self._running = running
        self._request = request
        self._down = down
        self._log = log
        self._failed = failed
        self._tails = [
            Tail(Path(name)) for name in sorted({rule.file for rule in self._book.rules if rule.file})
        ]
        self._journal = Journal(
            self._journal_entry, self._journal_trouble, max(LOOK_FLOOR_S, AGAIN_S * scale)
        )
        self._journal_told = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Follow from now on; without rules there is nothing to do."""
        for tail in self._tails:
            tail.open_at_end()
        if self._book.rules:
            self._tasks = [asyncio.create_task(self._follow(self._event_log.last_number))]
        if any(rule.journal for rule in self._book.rules):
            self._tasks.append(asyncio.create_task(self._journal.follow()))

    async def stop(self) -> None:
        """Follow no longer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, number: int) -> None:
        while True:
            await clock.pause(self._pause_s)
            try:
                for tail in self._tails:
                    await self._lines(tail)
                entries = self._event_log.since(number, ENTRIES_MAX)
                for entry in entries:
                    number = entry["seq"]
                    await self._entry(entry)
            except Exception as error:  # noqa: BLE001 - logged; the other rules have to go on
                self._failed("event rules", error)

    async def _lines(self, tail: Tail) -> None:
        try:
            lines, skipped = tail.read()
        except OSError as error:
            if not tail.told:
                tail.told = True
                self._unreadable(str(tail.path), str(error))
            return
        tail.told = False
        if skipped:
            self._unreadable(str(tail.path), f"grew by more than {PIECE_BYTES_MAX} bytes at once")
        for line in lines:
            for rule in self._book.of_line(str(tail.path), line, clock.now_ms()):
                await self._act(rule, line)

    def _unreadable(self, file: str, reason: str) -> None:
        self._log("event_rule_log_unreadable", "warning", {"file": file, "reason": reason})

    def _journal_trouble(self, reason: str) -> None:
        if not self._journal_told:
            self._journal_told = True
            self._unreadable("journal", reason)

    async def _journal_entry(self, entry: Entry) -> None:
        self._journal_told = False
        try:
            for rule in self._book.of_entry(entry, clock.now_ms()):
                await self._act(rule, f"{' '.join(entry.sources[:1])}: {entry.message}")
        except Exception as error:  # noqa: BLE001 - as in _follow
            self._failed("event rules", error)

    async def _entry(self, entry: Mapping[str, Any]) -> None:
        name = str(entry["event"])
        if name in OWN:
            return
        text = json.dumps(entry["fields"], ensure_ascii=False)
        for rule in self._book.of_event(name, str(entry["id"]), text, clock.now_ms()):
            await self._act(rule, f"{entry['id']} {name} {text}")

    async def _act(self, rule: Rule, found: str) -> None:
        severity = "error" if rule.action == ALERT else "warning"
        self._log("event_rule_matched", severity, {"rule": rule.name, "action": rule.action, "found": found})
        reason = f"event rule {rule.name} [6.3-16]: {found}"[:500]
        try:
            if rule.action == SHUT_DOWN:
                await self._down(reason)
            elif rule.action != ALERT:
                await self._fail_over(rule, reason)
        except Refusal as refusal:
            self._log("event_rule_refused", "error", {"rule": rule.name, "reason": str(refusal)})

    async def _fail_over(self, rule: Rule, reason: str) -> None:
        for group in sorted(self._running()):
            if rule.group in ("", group):
                await self._request("group.failover", {"group": group, "reason": reason})
