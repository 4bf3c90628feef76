"""Entries of the journal, as journalctl printed them, and the rules that fit them."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.monitoring import journal
from twinset.monitoring.event_rules import Book, Rule

# Recorded from journald and journalctl 252; the unit of the first one is added, cursors are cut.
SERVICE = (
    '{"__REALTIME_TIMESTAMP":"1795953340007561","SYSLOG_IDENTIFIER":"postgres","_PID":"8","_SYSTEMD_UNIT":"postgresql.service",'
    '"_BOOT_ID":"55f9bc7bda70489a91fa0de13620a3bf","__MONOTONIC_TIMESTAMP":"15186892078","__CURSOR":"s=1;i=7d9",'
    '"MESSAGE":"FATAL:  could not open file"}'
)
KERNEL = (
    '{"__REALTIME_TIMESTAMP":"1795953339054556","__CURSOR":"s=1;i=7d6","__MONOTONIC_TIMESTAMP":"15185939072",'
    '"SYSLOG_IDENTIFIER":"kernel","_BOOT_ID":"55f9bc7bda70489a91fa0de13620a3bf",'
    '"MESSAGE":"br-public: port 2(server2-public) entered disabled state"}'
)
BYTES = (
    '{"__REALTIME_TIMESTAMP":"1795953340007561","__CURSOR":"s=1;i=7da","__MONOTONIC_TIMESTAMP":"15186892078",'
    '"_BOOT_ID":"55f9bc7bda70489a91fa0de13620a3bf","_PID":"8","MESSAGE":[27,91,49,109,70,65,84,65,76],'
    '"SYSLOG_IDENTIFIER":"postgres"}'
)
# Not recorded (no systemd was there): what it says about a unit.
FAILED = (
    '{"_COMM":"systemd","UNIT":"db.service","MESSAGE":"db.service: Failed with result \'exit-code\'.","_PID":"1",'
    '"SYSLOG_IDENTIFIER":"systemd","_SYSTEMD_UNIT":"init.scope","__CURSOR":"s=1;i=7db"}'
)


def rule(source: str, pattern: str = "") -> Rule:
    return Rule("r", "failover", re.compile(pattern), journal=source)


@pytest.mark.parametrize(
    ("line", "message", "sources"),
    [
        (SERVICE, "FATAL:  could not open file", ("postgresql.service", "postgres")),
        (KERNEL, "br-public: port 2(server2-public) entered disabled state", ("kernel",)),
        (FAILED, "db.service: Failed with result 'exit-code'.", ("init.scope", "db.service", "systemd")),
        (BYTES, "\x1b[1mFATAL", ("postgres",)),
    ],
    ids=["unit", "kernel", "about a unit", "bytes"],
)
def test_an_entry_has_a_message_and_sources(line: str, message: str, sources: tuple[str, ...]) -> None:
    """Also one whose message holds bytes that cannot be printed."""
    entry = journal.parse(line)
    assert entry is not None
    assert (entry.message, entry.sources) == (message, sources)
    assert entry.cursor.startswith("s=1;i=")


@pytest.mark.parametrize("line", ["", "-- No entries --", "[1]", '{"MESSAGE": null}', '{"MESSAGE": ""}', "{"])
def test_what_says_nothing_is_no_entry(line: str) -> None:
    """Whatever it is."""
    assert journal.parse(line) is None


@given(st.dictionaries(st.sampled_from(["MESSAGE", "_PID", "__CURSOR", *journal.SOURCES]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5,
)))  # fmt: skip
def test_any_fields_are_parsed(fields: dict[str, Any]) -> None:
    """No entry makes the parser fail."""
    journal.parse(json.dumps(fields))


@pytest.mark.parametrize(
    ("source", "pattern", "fits"),
    [
        ("postgresql.service", "FATAL", True),
        ("postgres", "FATAL", True),
        ("*", "FATAL", True),
        ("*", "PANIC", False),
        ("mysql.service", "FATAL", False),
        ("", "FATAL", False),
    ],
)
def test_a_rule_fits_by_source_and_expression(source: str, pattern: str, fits: bool) -> None:
    """Unit, identifier or program; a rule about something else fits no entry of the journal."""
    entry = journal.parse(SERVICE)
    assert entry is not None
    assert rule(source, pattern).fits_entry(entry) is fits


def test_a_rule_about_the_journal_rests_too() -> None:
    """For its pause after it has acted."""
    entry = journal.parse(KERNEL)
    assert entry is not None
    book = Book((rule("kernel", "disabled state"),))
    assert [len(book.of_entry(entry, now)) for now in (0, 59_999, 60_000)] == [1, 0, 1]


def test_reading_goes_on_behind_the_last_entry() -> None:
    """Without one, only what is new counts."""
    assert journal.follow("")[-1] == "--lines=0"
    assert journal.follow("s=1;i=7")[-2:] == ["--no-tail", "--after-cursor=s=1;i=7"]
