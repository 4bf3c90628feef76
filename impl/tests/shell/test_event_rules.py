"""Rules about logs at work: files as `tail -F` follows them, twinset's own events, and the three actions."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from twinset.config.cluster import EventRule
from twinset.errors import Refusal
from twinset.shell import event_rules as module
from twinset.shell.event_rules import EventRules

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]


class World:
    """Rules over a log file and an event log, and everything they do."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, **rule: Any) -> None:
        monkeypatch.setattr(module, "LOOK_FLOOR_S", 0.005)
        self.file = directory / "app.log"
        self.file.write_text("FATAL of yesterday\n")
        source = {} if "event" in rule else {"file": str(self.file), "match": "FATAL"}
        self.entries: list[dict[str, Any]] = []
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.downs: list[str] = []
        self.logged: list[tuple[str, str, Mapping[str, Any]]] = []
        self.refusal: Refusal | None = None
        self.failed = Mock()
        event_log = Mock()
        event_log.last_number = 0
        event_log.since = lambda number, _limit: [each for each in self.entries if each["seq"] > number]
        self.rules = EventRules(
            [EventRule(name="r", **{**source, **rule})], 1e-6, event_log, lambda: {"db", "web"},
            self.request, self.down, lambda *args: self.logged.append(args), self.failed,
        )  # fmt: skip

    async def request(self, verb: str, args: Mapping[str, Any]) -> Any:
        self.asked.append((verb, args["group"]))
        if self.refusal is not None:
            raise self.refusal

    async def down(self, reason: str) -> str:
        self.downs.append(reason)
        return ""

    def say(self, text: str) -> None:
        with self.file.open("a") as file:
            file.write(text)

    def told(self) -> list[str]:
        return [name for name, *_ in self.logged]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what plays a scenario with one rule."""

    def run(work: Callable[[World], Awaitable[None]], **rule: Any) -> None:
        async def whole() -> None:
            world = World(tmp_path, monkeypatch, **rule)
            world.rules.start()
            await work(world)
            await world.rules.stop()
            world.failed.assert_not_called()

        asyncio.run(whole())

    return run


def test_a_new_line_makes_every_group_fail_over(play: Any, until: Until) -> None:
    """What was there before counts for nothing; a line counts when its end is there."""

    async def work(world: World) -> None:
        world.say("fine\nFATAL")
        world.say(": the instance died\n")
        await until(lambda: len(world.asked) == 2, "both failovers")
        assert world.asked == [("group.failover", "db"), ("group.failover", "web")]
        assert world.logged[0][2]["found"] == "FATAL: the instance died"

    play(work)


def test_a_rule_may_name_its_group(play: Any, until: Until) -> None:
    """The others stay."""

    async def work(world: World) -> None:
        world.say("FATAL\n")
        await until(lambda: world.asked, "the failover")
        assert world.asked == [("group.failover", "web")]

    play(work, group="web")


def test_a_rotated_file_is_followed(play: Any, until: Until) -> None:
    """The new file is read from its beginning; so is one that was cut."""

    async def work(world: World) -> None:
        world.file.rename(world.file.with_suffix(".1"))
        await until(lambda: "event_rule_log_unreadable" in world.told(), "the missing file to be told")
        world.file.write_text("FATAL 1\n")
        await until(lambda: len(world.asked) == 2, "the failovers")

    play(work)


def test_an_event_of_twinset_counts(play: Any, until: Until) -> None:
    """By its id and its fields; a rule shuts the server down where it says so."""

    async def work(world: World) -> None:
        entry = {"event": "disk_error", "id": "TS0412", "fields": {"set": "set1"}}
        world.entries.append({"seq": 1, **entry})
        world.entries.append({"seq": 2, **entry, "fields": {"set": "set2"}})
        await until(lambda: world.downs, "the shutdown")
        assert "set2" in world.downs[0]
        assert "set1" not in world.downs[0]

    play(work, event="TS0412", match="set2", action="shutdown")


def test_an_alert_is_only_told(play: Any, until: Until) -> None:
    """An entry of severity error, and nothing moves."""

    async def work(world: World) -> None:
        world.say("FATAL\n")
        await until(lambda: world.logged, "the alert")
        assert world.logged[0][:2] == ("event_rule_matched", "error")
        assert (world.asked, world.downs) == ([], [])

    play(work, action="alert")


def test_a_refused_action_is_told(play: Any, until: Until) -> None:
    """The group stays, with the reason in the event log."""

    async def work(world: World) -> None:
        world.refusal = Refusal("E_STATE", "server2 does not operate")
        world.say("FATAL\n")
        await until(lambda: "event_rule_refused" in world.told(), "the refusal")
        assert "server2 does not operate" in world.logged[-1][2]["reason"]

    play(work)


def test_a_log_that_grows_too_fast_is_skipped(
    play: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end is read, and the gap is told."""
    monkeypatch.setattr(module, "PIECE_BYTES_MAX", 100)

    async def work(world: World) -> None:
        world.say("FATAL\n" + "x" * 1000 + "\nfine\n")
        await until(lambda: "event_rule_log_unreadable" in world.told(), "the gap to be told")
        world.say("FATAL\n")
        await until(lambda: world.asked, "the failover")

    play(work)
