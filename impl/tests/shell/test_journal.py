"""The journal as it is followed, with a stand-in for journalctl; test_pair_failover_causes.py has the real one."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from twinset.monitoring.journal import Entry
from twinset.shell.journal import Journal

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]

# Writes down how it is called, then prints what stands in a file for that call and stays, or ends.
STAND_IN = """#!/bin/sh
here=${0%/*}
echo "$*" >> "$here/calls"
number=$(wc -l < "$here/calls")
cat "$here/say$number" 2> /dev/null
[ ! -e "$here/stay$number" ] || exec sleep 600
"""


class World:
    """A reader and what it took."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.troubles: list[str] = []
        self.journal = Journal(self.take, self.troubles.append, 0.005)

    async def take(self, entry: Entry) -> None:
        self.entries.append(entry)

    @property
    def messages(self) -> list[str]:
        return [entry.message for entry in self.entries]

    def follow(self, work: Callable[[], Awaitable[Any]]) -> None:
        async def whole() -> None:
            task = asyncio.create_task(self.journal.follow())
            try:
                await work()
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        asyncio.run(whole())


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "journalctl").write_text(STAND_IN)
    (tmp_path / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def line(message: str, cursor: str, pid: int = 1) -> str:
    return json.dumps({"MESSAGE": message, "__CURSOR": cursor, "_PID": str(pid), "_COMM": "app"}) + "\n"


def test_entries_are_taken_over_an_end_of_the_reader(stand_in: Path, until: Until) -> None:
    """The next one goes on behind the last entry, so none is lost and none comes twice; the end is told."""
    (stand_in / "say1").write_text(line("one", "c1") + "no entry\n" + line("two", "c2"))
    (stand_in / "say2").write_text(line("three", "c3"))
    (stand_in / "stay2").touch()
    world = World()
    world.follow(lambda: until(lambda: len(world.entries) == 3, "three entries"))
    assert world.messages == ["one", "two", "three"]
    calls = (stand_in / "calls").read_text().splitlines()
    assert ["--lines=0" in calls[0], "--after-cursor=c2" in calls[1]] == [True, True]
    assert world.troubles == ["journalctl has ended"]


def test_what_twinsetd_itself_wrote_is_passed_over(stand_in: Path, until: Until) -> None:
    """Else a rule would find its own event, and act for ever."""
    (stand_in / "say1").write_text(line("mine", "c1", os.getpid()) + line("of others", "c2"))
    (stand_in / "stay1").touch()
    world = World()
    world.follow(lambda: until(lambda: world.entries, "an entry"))
    assert world.messages == ["of others"]


def test_an_entry_that_is_too_long_is_told_and_reading_goes_on(
    stand_in: Path, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would not fit into memory that is bounded."""
    monkeypatch.setattr("twinset.shell.journal.LINE_BYTES_MAX", 1000)
    (stand_in / "say1").write_text(line("x" * 5000, "c1"))
    (stand_in / "say2").write_text(line("short", "c2"))
    (stand_in / "stay2").touch()
    world = World()
    world.follow(lambda: until(lambda: world.entries, "an entry"))
    assert (world.messages, len(world.troubles)) == (["short"], 1)


def test_a_machine_without_a_journal_is_told(
    tmp_path: Path, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And tried again; the reason names the program."""
    monkeypatch.setenv("PATH", str(tmp_path))
    world = World()
    world.follow(lambda: until(lambda: world.troubles, "the trouble"))
    assert world.troubles[0].startswith("journalctl cannot be started")
