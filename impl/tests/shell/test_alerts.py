"""Events that reach people: hooks and notifications, bounded in every way."""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from impl.tests.samples import TWO_SERVERS
from twinset import config as configuration
from twinset.shell import alerts
from twinset.shell.alerts import BACKLOG_MAX, Alerts
from twinset.shell.event_log import EventLog

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


class World:
    """An event log and its teller."""

    def __init__(self, directory: Path, extra: str) -> None:
        self.directory = directory
        self.config = configuration.loads(f"{TWO_SERVERS}\n{extra}")
        self.log = EventLog(directory / "events.jsonl", "server1")
        self.failures: list[Any] = []

    def teller(self) -> Alerts:
        return Alerts(
            self.directory, self.log, lambda: self.config, "server1", lambda *a: self.failures.append(a)
        )

    def names(self) -> list[str]:
        return [entry["event"] for entry in self.log.since(0, 10_000)]


def play(world: World, scenario: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        task = asyncio.create_task(world.teller().run())
        try:
            await scenario()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert not world.failures

    asyncio.run(run())
    world.log.close()


def test_a_hook_is_told_everything_of_its_severity(tmp_path: Path, until: Until) -> None:
    """Name, id, cause, evidence, remedy; of an error, and of nothing else."""
    out = tmp_path / "out"
    hook = script(tmp_path / "hook", f"env | grep ^TWINSET_ | sort > {out}.new && mv {out}.new {out}")
    world = World(tmp_path, f'[alerts]\nhook_error = "{hook}"\n')

    async def scenario() -> None:
        world.log.write("server_phase", "info", {})
        world.log.write("server_down", "error", {"server": "server2", "reason": "no heartbeat"})
        await until(out.exists, "the hook to have run")
        told = dict(line.split("=", 1) for line in out.read_text().splitlines())
        assert told["TWINSET_EVENT_ID"] == "TS0201"
        assert (told["TWINSET_EVENT"], told["TWINSET_SEVERITY"]) == ("server_down", "error")
        assert (told["TWINSET_SERVER"], told["TWINSET_CLUSTER"]) == ("server1", "demo")
        assert json.loads(told["TWINSET_EVIDENCE"]) == {"server": "server2", "reason": "no heartbeat"}
        assert "twinset server return" in told["TWINSET_REMEDY"]
        assert told["TWINSET_CAUSE"].startswith("no heartbeat of the other server")
        documented = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
        assert all(f"`{name}`" in documented for name in told if name not in os.environ)

    play(world, scenario)
    assert world.names() == ["server_phase", "server_down"]


@pytest.mark.parametrize("text", ["exit 3", "exec sleep 1000", None])
def test_a_bad_hook_is_an_event_that_is_not_told_in_its_turn(
    tmp_path: Path, until: Until, text: str | None
) -> None:
    """It fails, does not end, or is not there: killed when its time is over, one event each, and no loop."""
    hook = script(tmp_path / "hook", text) if text else "/nonexistent/hook"
    extra = f'[alerts]\nhook_error = "{hook}"\nhook_warning = "{hook}"\nhook_timeout_s = 0.2\n'
    world = World(tmp_path, extra)

    async def scenario() -> None:
        world.log.write("server_down", "error", {})
        world.log.write("declared_down", "error", {})
        await until(lambda: world.names().count("alert_hook_failed") == 2, "both failures to be told")

    play(world, scenario)
    assert len(world.names()) == 4


def test_a_flood_is_bounded(tmp_path: Path, until: Until) -> None:
    """The newest entries are told; how many were left out is an event."""
    out = tmp_path / "out"
    hook = script(tmp_path / "hook", f'echo "$TWINSET_NUMBER" >> {out}')
    world = World(tmp_path, f'[alerts]\nhook_warning = "{hook}"\n')

    async def scenario() -> None:
        for _ in range(BACKLOG_MAX):
            world.log.write("server_phase", "info", {})
        for _ in range(5):
            world.log.write("interconnect_lost", "warning", {})
        await until(lambda: out.exists() and len(out.read_text().split()) == 5, "the newest to be told")

    play(world, scenario)
    (entry,) = [each for each in world.log.since(0, 10_000) if each["event"] == "alerts_left_out"]
    assert entry["fields"] == {"count": 5}


def test_what_happened_while_the_daemon_was_down_is_told(tmp_path: Path, until: Until) -> None:
    """How far it got is remembered; the first teller of all does not tell what is older than itself."""
    out = tmp_path / "out"
    hook = script(tmp_path / "hook", f'echo "$TWINSET_EVENT" >> {out}')
    world = World(tmp_path, f'[alerts]\nhook_error = "{hook}"\n')
    world.log.write("server_down", "error", {})

    async def first() -> None:
        await until((tmp_path / alerts.FILE).exists, "the place to be remembered")

    play(world, first)
    assert not out.exists()
    world = World(tmp_path, f'[alerts]\nhook_error = "{hook}"\n')
    world.log.write("declared_down", "error", {})

    async def second() -> None:
        await until(out.exists, "the hook to have run")

    play(world, second)
    assert out.read_text().split() == ["declared_down"]


def test_receivers_get_what_is_grave_enough(tmp_path: Path, until: Until) -> None:
    """One of version 2c from warnings on, one of version 3 for errors only."""
    receivers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    extra = ""
    signed = 'severity = "error"\nversion = "3"\nuser = "ops"\npassword = "longenough"'
    for receiver, rest in zip(receivers, ('community = "c0mm"', signed), strict=True):
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        extra += f'[[trap]]\naddress = "127.0.0.1"\nport = {receiver.getsockname()[1]}\n{rest}\n'
    world = World(tmp_path, extra)
    got: list[list[bytes]] = [[], []]

    def drain() -> bool:
        for number, receiver in enumerate(receivers):
            try:
                while True:
                    got[number].append(receiver.recv(65535))
            except BlockingIOError:
                continue
        return len(got[0]) >= 2 and len(got[1]) >= 1

    async def scenario() -> None:
        world.log.write("server_phase", "info", {})
        world.log.write("interconnect_lost", "warning", {"lan": "ic1"})
        world.log.write("server_down", "error", {"server": "server2"})
        await until(drain, "the notifications to arrive")

    play(world, scenario)
    for receiver in receivers:
        receiver.close()
    assert [len(each) for each in got] == [2, 1]
    assert b"c0mm" in got[0][0]
    assert b"interconnect_lost" in got[0][0]
    assert b"server_down" in got[1][0]
    assert b"longenough" not in got[1][0]
    assert (tmp_path / alerts.FILE).stat().st_mode & 0o077 == 0


def test_a_receiver_that_cannot_be_sent_to_is_an_event(tmp_path: Path, until: Until) -> None:
    """A broadcast address is none of a receiver: the kernel refuses it, and the next alert is told all the same."""
    world = World(tmp_path, '[[trap]]\naddress = "255.255.255.255"\n')

    async def scenario() -> None:
        world.log.write("server_down", "error", {})
        await until(lambda: "alert_trap_failed" in world.names(), "the failure to be told")

    play(world, scenario)
    assert world.names() == ["server_down", "alert_trap_failed"]
