"""twinsetd as a process, without a cluster: its socket, its end, its second self."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from twinset.errors import DaemonUnreachable, Refusal
from twinset.operator.client import Client
from twinset.shell import daemon as module
from twinset.shell import run, store
from twinset.shell.daemon import Daemon
from twinset.shell.paths import Paths

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]


class Process:
    """twinsetd in directories of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.env = {
            **os.environ,
            "TWINSET_ETC": str(directory / "etc"),
            "TWINSET_STATE": str(directory / "state"),
            "TWINSET_RUN": str(directory / "run"),
            "TWINSET_TIME_SCALE": "0.1",
        }
        (directory / "etc").mkdir()
        (directory / "etc" / "server").write_text("server1\n")
        self.pid = 0

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    async def start(self, until: Until) -> Client:
        self.pid = run.spawn_detached(
            [sys.executable, "-m", "twinset.shell.daemon"], self.directory / "log", self.env
        )
        return await until(self.client, "twinsetd to answer")  # type: ignore[no-any-return]

    def client(self) -> Client | None:
        if not run.is_alive(self.pid):
            raise AssertionError(self.log)
        try:
            return Client(self.directory / "run" / "twinsetd.sock")
        except DaemonUnreachable:
            return None

    async def end(self, number: int) -> None:
        os.kill(self.pid, number)
        assert await run.wait_exit(self.pid, 60.0), self.log
        self.pid = 0


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """Return a twinsetd that does not outlive its test."""
    made = Process(tmp_path)
    yield made
    if made.pid:
        asyncio.run(run.end_process(made.pid, 5.0))


def test_without_a_configuration_it_says_what_to_do(process: Process, until: Until) -> None:
    """A fresh server answers, and every verb of the cluster names the command that makes one."""

    async def scenario() -> None:
        client = await process.start(until)
        assert client.call("ping")["server"] == "server1"
        with pytest.raises(Refusal) as caught:
            client.call("cluster.status")
        assert "cluster.key" in caught.value.message
        assert caught.value.help == "twinset cluster create FILE"
        store.write_atomic(process.directory / "etc" / "cluster.key", "ab" * 32)
        await until(lambda: "no cluster" in client.call("ping")["reason"], "the key to be noticed")
        client.close()
        await process.end(signal.SIGTERM)
        assert "Traceback" not in process.log

    asyncio.run(scenario())


def test_a_killed_one_leaves_room_for_the_next(process: Process, until: Until) -> None:
    """After kill -9 the next twinsetd of the boot has the same boot id, and numbers its events on."""

    async def scenario() -> None:
        client = await process.start(until)
        boot, seen = client.call("ping")["boot_id"], client.call("events")["last"]
        client.close()
        await process.end(signal.SIGKILL)
        client = await process.start(until)
        assert client.call("ping")["boot_id"] == boot
        assert client.call("events", since=seen)["events"][0]["seq"] == seen + 1
        client.close()
        await process.end(signal.SIGTERM)

    asyncio.run(scenario())


def test_there_is_one_twinsetd_on_a_server(process: Process, until: Until) -> None:
    """A second one on the same directories ends with a word."""

    async def scenario() -> None:
        client = await process.start(until)
        client.close()
        second = await run.run([sys.executable, "-m", "twinset.shell.daemon"], env=process.env)
        assert second.code == 1
        assert "another twinsetd" in second.stderr
        await process.end(signal.SIGTERM)

    asyncio.run(scenario())


def test_a_bad_time_scale_is_refused(process: Process) -> None:
    """A time scale that makes no sense ends the daemon with its value, not with a traceback."""
    environment = {**process.env, "TWINSET_TIME_SCALE": "fast"}
    result = asyncio.run(run.run([sys.executable, "-m", "twinset.shell.daemon"], env=environment))
    assert result.code == 1
    assert "fast" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_damaged_configuration_is_told(process: Process, until: Until) -> None:
    """A stored configuration that is damaged does not keep the daemon from answering."""

    async def scenario() -> None:
        store.write_atomic(process.directory / "etc" / "cluster.key", "ab" * 32)
        (process.directory / "state").mkdir()
        (process.directory / "state" / "cluster.toml").write_bytes(b"\xff\x00 = [")
        (process.directory / "state" / "daemon.json").write_bytes(b"{")
        client = await process.start(until)
        with pytest.raises(Refusal, match=r"cluster\.toml"):
            client.call("cluster.start")
        client.close()
        lines = (process.directory / "state" / "events.jsonl").read_text().splitlines()
        assert any(json.loads(line)["event"] == "configuration_refused" for line in lines)
        await process.end(signal.SIGTERM)

    asyncio.run(scenario())


@pytest.fixture
def unborn(tmp_path: Path) -> Iterator[Daemon]:
    """Return a twinsetd that has not begun to serve."""
    paths = Paths(tmp_path / "etc", tmp_path / "state", tmp_path / "run")
    paths.create()
    daemon = Daemon(paths, 0.1)
    yield daemon
    daemon.event_log.close()


def told(daemon: Daemon, name: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (each["severity"], each["fields"]) for each in daemon.event_log.since(0, 10) if each["event"] == name
    ]


def test_programs_that_cannot_talk_are_one_alert(unborn: Daemon) -> None:
    """However often they try: the reason names both, and is told once an interval."""
    for _ in range(3):
        unborn.apart("ic1: the other side (twinset 9.9) speaks control version 7, this one version 1")
    ((severity, fields),) = told(unborn, "versions_apart")
    assert (severity, "9.9" in fields["reason"]) == ("error", True)


def test_groups_that_do_not_stop_in_time_are_told(unborn: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """After SIGTERM: then the mirror processes are left to their leases."""

    class Endless:
        async def request(self, _verb: str, _args: dict[str, Any]) -> None:
            await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(module, "ORDERLY_END_S", 0.02)
    monkeypatch.setattr(unborn, "runtime", Endless())
    assert not asyncio.run(unborn._leave())
    assert told(unborn, "orderly_end_failed") == [("error", {"after_s": 0.02})]


def test_a_machine_that_does_not_switch_off_is_told(unborn: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what the program said that should have done it (6.3-17)."""
    asyncio.run(unborn._switch_off(()))
    assert not told(unborn, "power_off_failed")
    asyncio.run(unborn._switch_off(("sh", "-c", "echo no power switch >&2; exit 3")))
    ((severity, fields),) = told(unborn, "power_off_failed")
    assert (severity, "no power switch" in fields["reason"]) == ("error", True)


def test_what_it_starts_inherits_the_token_and_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator who starts it by hand may have the cluster password in the environment."""
    monkeypatch.setenv("TWINSET_PASSWORD", "sesame")
    monkeypatch.setenv("TWINSET_TOKEN", "")
    paths = Paths(tmp_path / "etc", tmp_path / "state", tmp_path / "run")
    paths.create()

    async def ends(daemon: Daemon) -> int:
        daemon.event_log.close()
        return 0

    monkeypatch.setattr(Daemon, "run", ends)
    asyncio.run(module._serve(paths, 1.0))
    assert "TWINSET_PASSWORD" not in os.environ
    assert os.environ["TWINSET_TOKEN"] == paths.token.read_text()
