"""Monitors of running groups: what is looked at, when the core hears of it, what is deselected."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from twinset.cluster.events import ResourceLost
from twinset.config.cluster import ClusterConfig
from twinset.errors import Refusal
from twinset.resources.monitor import plan
from twinset.shell import group_monitor as module
from twinset.shell.group_monitor import GroupMonitor

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]

NOTHING: Mapping[str, Any] = {"types": []}
WATCH = {"command": "/etc/alive", "looks": 2}


class World:
    """A monitor whose looks find what the test says, and everything it tells."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **group: Any) -> None:
        monkeypatch.setattr(module, "INTERVAL_FLOOR_S", 0.005)
        monkeypatch.setattr(module.look, "look", self.look)
        document = {
            "cluster": {"name": "demo"},
            "server": [{"name": "server1"}, {"name": "server2"}],
            "lan": [],
            "group": [{"name": "db", "policy": ["server1", "server2"], **group}],
        }
        self.wrong: dict[str, str] = {}
        self.looked: list[str] = []
        self.running = {"db"}
        self.fed: list[Any] = []
        self.asked: list[Any] = []
        self.downs: list[str] = []
        self.other: Any = {"good": True}
        self.system = Mock()
        self.system.lease_left_s.return_value = 10.0
        self.failed = Mock()
        self.monitor = GroupMonitor(
            ClusterConfig.model_validate(document, strict=False), "server1", 1e-6, self.system,
            lambda _group, kind, index: Mock(kind=kind, index=index), lambda: self.running,
            self.fed.append, self.request, self.down, self.failed,
        )  # fmt: skip

    async def look(self, ctx: Any, subject: Any) -> str:
        assert (ctx.kind, ctx.index) == (subject.kind, subject.index)
        self.looked.append(subject.kind)
        return self.wrong.get(subject.kind, "")

    async def request(self, verb: str, args: Mapping[str, Any]) -> Any:
        self.asked.append((verb, dict(args)))
        if isinstance(self.other, Refusal):
            raise self.other
        return self.other

    async def down(self, reason: str) -> str:
        self.downs.append(reason)
        return ""

    def events(self) -> list[str]:
        return [call.args[0] for call in self.system.log.call_args_list]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what plays a scenario on a group."""

    def run(work: Callable[[World], Awaitable[None]], **group: Any) -> None:
        async def whole() -> None:
            world = World(monkeypatch, **group)
            world.monitor.start()
            await work(world)
            await world.monitor.stop()
            world.failed.assert_not_called()

        asyncio.run(whole())

    return run


def subjects(**group: Any) -> list[tuple[str, int, int]]:
    document = {"name": "db", "policy": ["server1"], **group}
    config = ClusterConfig.model_validate(
        {"cluster": {"name": "demo"}, "server": [], "lan": [], "group": [document]}, strict=False
    )
    return [(each.kind, each.index, each.looks_max) for each in plan.subjects(config.groups[0])]


def test_types_are_looked_at_unless_they_are_deselected() -> None:
    """All of them by default, none with an empty list (9.2-05); watches are always looked at."""
    disks = [{"set": "set1"}, {"set": "set2"}]
    monitor = {"pid_files": ["/run/a.pid"], "looks": 5}
    found = subjects(mirror_disk=disks, monitor=monitor, watch=[WATCH])
    assert found == [
        ("public_lan", 0, 5), ("mirror_disk_io", 0, 5), ("mirror_disk_io", 1, 5), ("process", 0, 5), ("watch", 0, 2),
    ]  # fmt: skip
    assert subjects(mirror_disk=disks, monitor={**monitor, "types": []}, watch=[WATCH]) == [("watch", 0, 2)]
    assert subjects(mirror_disk=disks, monitor={"types": ["mount", "floating_ip"]}) == []


def test_a_lost_process_is_told_after_its_looks(play: Any, until: Until) -> None:
    """With its number and what is wrong; a group that went is looked at no more."""

    async def work(world: World) -> None:
        await until(lambda: len(world.looked) > 2, "some looks")
        assert world.fed == []
        world.wrong["process"] = "it does not run"
        await until(lambda: world.fed, "the loss")
        assert world.fed[0] == ResourceLost("db", "process", 0, "it does not run")
        world.running.clear()
        await until(lambda: _still(world), "the looks to end")

    play(work, monitor={"types": ["process"], "pid_files": ["/run/a.pid"]})


def _still(world: World) -> bool:
    """True when nothing was looked at since the last time this was asked."""
    before, world.looked = world.looked, []
    return not before


def test_a_server_without_a_lease_judges_nothing(play: Any, until: Until) -> None:
    """It may have stood still itself."""

    async def work(world: World) -> None:
        world.system.lease_left_s.return_value = 0.0
        world.wrong["watch"] = "no answer"
        await until(lambda: world.system.lease_left_s.call_count > 5, "some rounds")
        assert (world.looked, world.fed) == ([], [])

    play(work, monitor=NOTHING, watch=[WATCH])


def test_a_public_lan_is_left_only_for_a_better_one(play: Any, until: Until) -> None:
    """Lost on both servers: told once, the group stays; then the other one is better off, and the group goes."""

    async def work(world: World) -> None:
        world.other = {"good": False, "reason": "no link there either"}
        world.wrong["public_lan"] = "no link on eth0"
        await until(lambda: len(world.asked) >= 3, "some comparisons")
        assert world.asked[0] == ("lan.probe", {"server": "server2", "targets": []})
        assert world.events() == ["public_lan_lost"]
        world.other = Refusal("E_STATE", "server2 cannot be asked")
        count = len(world.asked)
        await until(lambda: len(world.asked) > count + 1, "a comparison that fails")
        assert world.fed == []
        world.other = {"good": True}
        await until(lambda: world.fed, "the loss")
        assert world.fed[0] == ResourceLost("db", "public_lan", 0, "no link on eth0")

    play(work, monitor={"types": ["public_lan"], "looks": 2})


def test_a_watch_may_shut_the_server_down(play: Any, until: Until) -> None:
    """Instead of a failover of its group alone (6.3-20)."""

    async def work(world: World) -> None:
        world.wrong["watch"] = "/etc/alive did not end in time and was killed"
        await until(lambda: world.downs, "the shutdown")
        assert world.downs[0] == "watch 0 of group db: /etc/alive did not end in time and was killed"
        assert world.fed == []

    play(work, monitor=NOTHING, watch=[{**WATCH, "action": "shutdown"}])


def test_a_look_that_breaks_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch, until: Until) -> None:
    """It is reported and tried again."""

    async def work() -> None:
        world = World(monkeypatch, monitor=NOTHING, watch=[WATCH])

        async def broken(*_: Any) -> str:
            raise ZeroDivisionError

        monkeypatch.setattr(module.look, "look", broken)
        world.monitor.start()
        await until(lambda: world.failed.call_count > 1, "two reports")
        await world.monitor.stop()

    asyncio.run(work())


@pytest.mark.parametrize("content", ["", "no number", None, "2147483000\n"])
def test_a_pid_file_names_a_process_that_runs(content: str | None, tmp_path: Path) -> None:
    """Without a number in it, or a process of that number, its process is lost."""
    from twinset.resources.monitor import look

    file = tmp_path / "a.pid"
    if content is not None:
        file.write_text(content)
    ctx = Mock(index=0)
    ctx.group.monitor.pid_files = [str(file)]
    ctx.system.is_alive = lambda pid: pid == 4711
    assert asyncio.run(look._process(ctx))
    file.write_text("4711\n/var/lib/data\n")
    assert asyncio.run(look._process(ctx)) == ""
