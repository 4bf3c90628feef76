"""The keeper of a mirror process, with a small program in the place of twinset-mirrord."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from twinset.shell import mirror_process, run
from twinset.shell.mirror_control import MirrorRefused
from twinset.shell.mirror_process import MirrorProcess
from twinset.shell.paths import Paths

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]

# Listens on the control socket named by its spec, answers, and tells what it is told.
FAKE = """
import json, socket, sys, os
spec = json.load(open(sys.argv[1]))
if spec.get("broken"):
    print("this disk is broken", file=sys.stderr)
    sys.exit(1)
path = os.path.join(spec["run_dir"], f"mirror-{spec['set']}.sock")
if os.path.exists(path):
    os.unlink(path)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen(4)
while True:
    connection, _ = server.accept()
    for line in connection.makefile("rb"):
        request = json.loads(line)
        if request["verb"] == "die":
            os._exit(3)
        if request["verb"] == "silence":
            continue
        if request["verb"] == "refuse":
            answer = {"id": request["id"], "ok": False, "error": {"code": "E_STATE", "message": "not now"}}
        else:
            answer = {"id": request["id"], "ok": True, "result": {"role": "idle", "pid": os.getpid()}}
        connection.sendall(b"garbage\\n[1]\\n" + json.dumps({"event": "status", "n": 1}).encode() + b"\\n")
        connection.sendall(json.dumps(answer).encode() + b"\\n")
"""


class Keeper:
    """A MirrorProcess and everything it reported."""

    def __init__(self, directory: Path, admit: Callable[[Any], str] = lambda _: "", **spec: Any) -> None:
        self.paths = Paths(directory / "etc", directory / "state", directory / "run")
        self.paths.create()
        self.ups: list[str] = []
        self.deaths: list[str] = []
        self.told: list[dict[str, Any]] = []
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        body = {"set": "set1", "run_dir": str(self.paths.run), **spec}
        self.process = MirrorProcess(
            body,
            self.paths,
            up=self.ups.append,
            died=lambda _, reason: self.deaths.append(reason),
            notified=lambda _, body: self.told.append(body),
            log=lambda *event: self.events.append(event),
            admit=admit,
        )


@pytest.fixture(autouse=True)
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the fake where the module would start twinset-mirrord."""
    program = tmp_path / "fake.py"
    program.write_text(FAKE)
    spawn = run.spawn_detached

    def spawn_fake(argv: list[str], log: Path) -> int:
        return spawn([sys.executable, str(program), argv[-1]], log)

    monkeypatch.setattr(mirror_process.run, "spawn_detached", spawn_fake)
    monkeypatch.setattr(mirror_process, "RESTART_FIRST_S", 0.01)


def test_it_starts_answers_and_ends(tmp_path: Path, until: Until) -> None:
    """The process is started, its pid is written, its answers and notifications arrive, and it is ended."""

    async def scenario() -> None:
        keeper = Keeper(tmp_path)
        keeper.process.start()
        await until(lambda: keeper.ups, "the process to be up")
        answer = await keeper.process.control.ask("status", {}, 60)
        assert answer["pid"] == keeper.process.pid
        assert int(keeper.paths.mirror("set1", "pid").read_text()) == answer["pid"]
        assert keeper.told[0] == {"event": "status", "n": 1}
        with pytest.raises(MirrorRefused, match="not now"):
            await keeper.process.control.ask("refuse", {}, 60)
        await keeper.process.end()
        assert not run.is_alive(answer["pid"])

    asyncio.run(scenario())


def test_a_killed_process_is_started_again(tmp_path: Path, until: Until) -> None:
    """After a death there is a report, then a new process; what waited for an answer is refused."""

    async def scenario() -> None:
        keeper = Keeper(tmp_path)
        keeper.process.start()
        await until(lambda: keeper.ups, "the process to be up")
        waiting = asyncio.create_task(keeper.process.control.ask("silence", {}, 60))
        first = keeper.process.pid
        await asyncio.gather(keeper.process.control.ask("status", {}, 60))
        os.kill(first, signal.SIGKILL)
        await until(lambda: len(keeper.ups) == 2, "the second process")
        assert keeper.process.pid != first
        assert len(keeper.deaths) == 1
        with pytest.raises(MirrorRefused, match="does not run"):
            await waiting
        await keeper.process.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("with_pid_file", [True, False])
def test_a_later_daemon_adopts_the_process(tmp_path: Path, until: Until, with_pid_file: bool) -> None:
    """A process that survived its twinsetd is adopted, by its pid file or by its socket, not doubled."""

    async def scenario() -> None:
        first = Keeper(tmp_path)
        first.process.start()
        await until(lambda: first.ups, "the process to be up")
        pid = first.process.pid
        await first.process.release()
        assert run.is_alive(pid)
        second = Keeper(tmp_path)
        if not with_pid_file:
            second.paths.mirror("set1", "pid").unlink()
        second.process.start()
        await until(lambda: second.ups, "the adoption")
        assert second.process.pid == pid
        await second.process.end()

    asyncio.run(scenario())


def test_another_spec_replaces_the_process(tmp_path: Path, until: Until) -> None:
    """A process that runs with an old spec is ended before one with the new spec is started."""

    async def scenario() -> None:
        first = Keeper(tmp_path)
        first.process.start()
        await until(lambda: first.ups, "the process to be up")
        pid = first.process.pid
        await first.process.release()
        second = Keeper(tmp_path, max_io_kib=128)
        second.process.start()
        await until(lambda: second.ups, "the new process")
        assert second.process.pid != pid
        assert not run.is_alive(pid)
        assert json.loads(second.paths.mirror("set1", "json").read_text())["max_io_kib"] == 128
        await second.process.end()

    asyncio.run(scenario())


def test_a_foreign_pid_is_not_adopted(tmp_path: Path, until: Until) -> None:
    """A pid file that names another program is ignored, and that program is left alone."""

    async def scenario() -> None:
        keeper = Keeper(tmp_path)
        keeper.paths.mirror("set1", "pid").write_text(f"{os.getpid()}\n")
        keeper.process.start()
        await until(lambda: keeper.ups, "the process to be up")
        assert keeper.process.pid != os.getpid()
        await keeper.process.end()

    asyncio.run(scenario())


def test_why_it_cannot_run_is_told(tmp_path: Path, until: Until) -> None:
    """A process that ends at once is reported with the last line of its log, again and again."""

    async def scenario() -> None:
        keeper = Keeper(tmp_path, broken=True)
        keeper.process.start()
        await until(lambda: len(keeper.deaths) >= 2, "two failures")
        assert "this disk is broken" in keeper.deaths[0]
        assert keeper.process.why_not == "the mirror process does not run: this disk is broken"
        with pytest.raises(MirrorRefused, match="does not run"):
            await keeper.process.control.ask("status", {}, 60)
        await keeper.process.end()

    asyncio.run(scenario())


def test_without_memory_it_is_not_started(tmp_path: Path, until: Until) -> None:
    """The reason is an event, once, and what ends the wait is memory: the process starts by itself then."""

    async def scenario() -> None:
        left = ["18432 KiB are needed, 5 are available"]
        asked: list[Any] = []

        def admit(spec: Any) -> str:
            asked.append(spec)
            return left[0]

        keeper = Keeper(tmp_path, admit)
        keeper.process.start()
        await until(lambda: len(asked) >= 3, "three tries")
        assert keeper.events == [("memory_short", "error", {"set": "set1", "reason": left[0]})]
        assert set(keeper.deaths) == {left[0]}
        assert asked[0]["set"] == "set1"
        assert not keeper.paths.mirror("set1", "log").exists()
        left[0] = ""
        await until(lambda: keeper.ups, "the process to be up")
        await keeper.process.end()

    asyncio.run(scenario())


def test_a_process_that_runs_needs_no_memory_anew(tmp_path: Path, until: Until) -> None:
    """A later twinsetd takes it over without asking (4.5.1-01 is about the start)."""

    async def scenario() -> None:
        first = Keeper(tmp_path)
        first.process.start()
        await until(lambda: first.ups, "the process to be up")
        await first.process.release()
        second = Keeper(tmp_path, lambda _: "none left")
        second.process.start()
        await until(lambda: second.ups, "the adoption")
        assert second.events == []
        await second.process.end()

    asyncio.run(scenario())
