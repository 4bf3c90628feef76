"""The event log: numbers, bounds, torn lines."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinset.shell import event_log
from twinset.shell.event_log import EventLog


def in_loop(work: Callable[[], Any]) -> Any:
    async def scenario() -> Any:
        return work()

    return asyncio.run(scenario())


def test_the_journal_is_told_the_priority() -> None:
    """Under systemd a line begins with its syslog priority and carries the event's id; elsewhere it only has the id."""
    record = {"severity": "error", "event": "server_down", "fields": {"server": "server2"}, "id": "TS0201"}
    plain = "error: server_down {'server': 'server2'} [TS0201]\n"
    assert event_log.console_line(record, journal=False) == plain
    assert event_log.console_line(record, journal=True) == f"<3>{plain}"
    assert event_log.console_line({**record, "severity": "odd"}, journal=True).startswith("<6>")


def test_entries_are_numbered_and_written(tmp_path: Path) -> None:
    """An entry has a number, a name with its id, a severity and its fields, on disk as in memory."""

    def work() -> list[dict[str, Any]]:
        log = EventLog(tmp_path / "events.jsonl", "server1")
        log.write("server_down", "error", {"server": "server2"})
        log.write("mirror_normal", "", {"set": "set1"})
        log.close()
        return log.since(0, 10)

    kept = in_loop(work)
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert lines == kept
    assert [(each["seq"], each["event"], each["id"], each["severity"]) for each in kept] == [
        (1, "server_down", "TS0201", "error"),
        (2, "mirror_normal", "TS0406", "info"),
    ]


def test_numbers_go_on_after_a_restart_and_a_torn_line(tmp_path: Path) -> None:
    """A line torn by a power cut is left out, and the next entry begins a line of its own."""
    path = tmp_path / "events.jsonl"

    def first() -> None:
        log = EventLog(path, "server1")
        log.write("server_down", "error", {})
        log.close()

    in_loop(first)
    with path.open("a") as file:
        file.write('{"seq": 2, "ev')

    def second() -> list[int]:
        log = EventLog(path, "server1")
        log.write("server_down", "error", {})
        log.close()
        return [each["seq"] for each in log.since(0, 10)]

    assert in_loop(second) == [1, 2]
    assert json.loads(path.read_text().splitlines()[-1])["seq"] == 2


def test_a_power_cut_takes_no_entry_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came last before the cut is what its reader wants: the end of each burst is flushed to the disk."""
    path, seen = tmp_path / "events.jsonl", list[str]()
    real = os.fsync

    def note(descriptor: int) -> None:
        real(descriptor)
        seen.append(path.read_text().splitlines()[-1])

    monkeypatch.setattr(os, "fsync", note)

    def work() -> None:
        log = EventLog(path, "server1")
        log.write("server_down", "error", {"server": "server2"})
        log.write("mirror_normal", "", {"set": "set1"})
        log.close()

    in_loop(work)
    assert json.loads(seen[-1])["event"] == "mirror_normal"


def test_since_gives_the_oldest_first(tmp_path: Path) -> None:
    """A reader that is behind gets what follows its number, bounded."""

    def work() -> list[int]:
        log = EventLog(tmp_path / "e", "server1")
        for _ in range(5):
            log.write("server_down", "error", {})
        log.close()
        return [each["seq"] for each in log.since(2, 2)]

    assert in_loop(work) == [3, 4]


def test_the_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file is full, it becomes the old one."""
    monkeypatch.setattr(event_log, "FILE_BYTES_MAX", 1000)

    def work() -> None:
        log = EventLog(tmp_path / "e", "server1")
        for _ in range(40):
            log.write("server_down", "error", {"x": "y" * 50})
        log.close()

    in_loop(work)
    assert (tmp_path / "e").stat().st_size < 1500 if (tmp_path / "e").exists() else True
    assert (tmp_path / "e.1").stat().st_size < 1500


def test_fields_are_bounded_and_plain(tmp_path: Path) -> None:
    """Long texts are cut, and what JSON cannot say becomes text."""

    def work() -> dict[str, Any]:
        log = EventLog(tmp_path / "e", "server1")
        log.write("server_down", "error", {"long": "x" * 10_000, "odd": {1, 2}, "list": [1]})
        log.close()
        return dict(log.since(0, 1)[0]["fields"])

    fields = in_loop(work)
    assert len(fields["long"]) == event_log.FIELD_BYTES_MAX
    assert isinstance(fields["odd"], str)
    assert fields["list"] == [1]


def test_a_log_that_cannot_be_written_does_not_stop_the_daemon(tmp_path: Path) -> None:
    """A full or missing system disk costs the file, not the entry in memory."""

    def work() -> int:
        log = EventLog(tmp_path / "no" / "such" / "directory", "server1")
        log.write("server_down", "error", {})
        log.close()
        return log.last_number

    assert in_loop(work) == 1
