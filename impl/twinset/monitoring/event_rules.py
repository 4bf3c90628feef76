"""Which entries of logs count as a reason to act, and how often (6.3-16, 9.4-01). Pure.

A rule acts at the first entry that fits, then not again before its pause is over: a log often says a thing many
times, and a group that goes to and fro serves nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .journal import EVERYTHING

if TYPE_CHECKING:
    import re

    from .journal import Entry

FAIL_OVER, SHUT_DOWN, ALERT = "failover", "shutdown", "alert"
LINE_CHARS_MAX: Final = 2000  # of a line, the expression sees no more


@dataclass(frozen=True, slots=True)
class Rule:
    """What to look for: in the lines of a file, in the journal, or among entries of twinset's own event log."""

    name: str
    action: str
    pattern: re.Pattern[str]
    file: str = ""
    event: str = ""
    journal: str = ""
    group: str = ""
    pause_ms: int = 60_000

    def fits_line(self, file: str, line: str) -> bool:
        """True when the rule watches this file and finds its expression in the line."""
        return bool(self.file) and self.file == file and bool(self.pattern.search(line[:LINE_CHARS_MAX]))

    def fits_entry(self, entry: Entry) -> bool:
        """True when the rule watches this part of the journal and finds its expression in the message."""
        if self.journal not in (EVERYTHING, *entry.sources) or not self.journal:
            return False
        return bool(self.pattern.search(entry.message[:LINE_CHARS_MAX]))

    def fits_event(self, name: str, number: str, text: str) -> bool:
        """True when the rule names this event, by name or id, and finds its expression in the fields' text."""
        return (
            self.event in (name, number)
            and bool(self.event)
            and bool(self.pattern.search(text[:LINE_CHARS_MAX]))
        )


@dataclass(slots=True)
class Book:
    """When each rule has acted last."""

    rules: tuple[Rule, ...]
    acted_ms: dict[str, int] = field(default_factory=dict)

    def of_line(self, file: str, line: str, now_ms: int) -> list[Rule]:
        """Return the rules that act on a line now."""
        return [rule for rule in self.rules if rule.fits_line(file, line) and self._due(rule, now_ms)]

    def of_entry(self, entry: Entry, now_ms: int) -> list[Rule]:
        """Return the rules that act on an entry of the journal now."""
        return [rule for rule in self.rules if rule.fits_entry(entry) and self._due(rule, now_ms)]

    def of_event(self, name: str, number: str, text: str, now_ms: int) -> list[Rule]:
        """Return the rules that act on an entry of the event log now."""
        return [
            rule for rule in self.rules if rule.fits_event(name, number, text) and self._due(rule, now_ms)
        ]

    def _due(self, rule: Rule, now_ms: int) -> bool:
        last = self.acted_ms.get(rule.name)
        if last is not None and now_ms - last < rule.pause_ms:
            return False
        self.acted_ms[rule.name] = now_ms
        return True


@dataclass(slots=True)
class Lines:
    """Whole lines out of pieces of a file; what is longer than a line may be is cut, never kept."""

    rest: str = ""

    def feed(self, piece: str) -> list[str]:
        """Return the lines that a piece completes."""
        *lines, self.rest = (self.rest + piece).split("\n")
        self.rest = self.rest[-LINE_CHARS_MAX:]
        return lines
