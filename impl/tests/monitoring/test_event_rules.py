"""Rules about logs: what fits, and how often they act."""

import re
from typing import Any

from twinset.monitoring.event_rules import LINE_CHARS_MAX, Book, Lines, Rule

LOG = "/var/log/syslog"


def rule(**changes: Any) -> Rule:
    values: dict[str, Any] = {
        "name": "r",
        "action": "failover",
        "pattern": re.compile("I/O error"),
        "file": LOG,
    }
    return Rule(**{**values, **changes})


def test_a_line_of_the_file_fits_by_its_expression() -> None:
    """Other files and other lines do not."""
    assert rule().fits_line(LOG, "kernel: I/O error, dev sdb")
    assert not rule().fits_line("/var/log/other", "kernel: I/O error")
    assert not rule().fits_line(LOG, "kernel: fine")
    assert not rule().fits_line(LOG, "x" * LINE_CHARS_MAX + "I/O error")


def test_an_event_fits_by_name_or_id() -> None:
    """And by its fields, where an expression is given; a rule about a file fits no event."""
    by_event = rule(file="", event="TS0413", pattern=re.compile(""))
    assert by_event.fits_event("disk_lost", "TS0413", "{}")
    assert not by_event.fits_event("disk_error", "TS0412", "{}")
    assert rule(file="", event="disk_lost").fits_event("disk_lost", "TS0413", '{"reason": "I/O error"}')
    assert not rule(file="", event="disk_lost").fits_event("disk_lost", "TS0413", '{"reason": "gone"}')
    assert not rule().fits_event("", "", "I/O error")


def test_a_rule_rests_after_it_has_acted() -> None:
    """Each by itself, for its pause."""
    book = Book((rule(pause_ms=1000), rule(name="other", pattern=re.compile("fine"))))
    acted = [[each.name for each in book.of_line(LOG, "I/O error", now)] for now in (0, 999, 1000, 1001)]
    assert acted == [["r"], [], ["r"], []]
    assert [each.name for each in book.of_line(LOG, "fine", 1001)] == ["other"]
    event = Book((rule(file="", event="x", pattern=re.compile("")),))
    assert [len(event.of_event("x", "TS1", "", now)) for now in (0, 1)] == [1, 0]


def test_lines_come_in_pieces() -> None:
    """A line is whole when its end is there; what has no end is not kept for ever."""
    lines = Lines()
    assert [lines.feed(piece) for piece in ("a", "b\nc\nd", "\n", "")] == [[], ["ab", "c"], ["d"], []]
    lines.feed("x" * 10 * LINE_CHARS_MAX)
    assert len(lines.rest) == LINE_CHARS_MAX
