"""What ARMLOAD started, over restarts of twinsetd and of scripts; services."""

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from twinset.errors import Refusal
from twinset.monitoring.loaded import Loaded, Order
from twinset.monitoring.restarts import Policy
from twinset.shell import power, run, store
from twinset.shell.process_family import MARK, members

from .programs_world import SLEEP, World

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]


def test_the_next_daemon_goes_on(scenario: Any, until: Until) -> None:
    """After kill -9 of twinsetd the program is the same one, with its count, and still watched."""

    async def work(world: World) -> None:
        await world.load(policy=Policy(restarts_max=2))
        os.kill(world.pid(), signal.SIGKILL)
        await until(
            lambda: world.programs.list()[0]["restarts"] == 1 and run.is_alive(world.pid()), "the restart"
        )
        pid = world.pid()
        await world.programs.stop()
        world.programs = world.new_daemon()
        world.programs.start()
        assert (world.pid(), world.programs.list()[0]["restarts"]) == (pid, 1)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: world.pid() not in (0, pid), "the restart by the next daemon")

    scenario(work)


def test_what_died_while_nobody_watched_is_a_fault(scenario: Any, until: Until) -> None:
    """A program that was lost between two daemons is noticed by the second one."""

    async def work(world: World) -> None:
        await world.load(policy=Policy(restarts_max=1))
        pid = world.pid()
        await world.programs.stop()
        os.kill(pid, signal.SIGKILL)
        await run.wait_exit(pid, 30.0)
        world.programs = world.new_daemon()
        world.programs.start()
        await until(lambda: world.pid() not in (0, pid), "the restart")

    scenario(work)


def test_a_program_whose_pid_was_never_written_is_found(scenario: Any, tmp_path: Path) -> None:
    """The daemon died between start and writing: the mark in the environment leads to the process."""

    async def work(world: World) -> None:
        mark = f"lost-{os.getpid()}"
        pid = run.spawn_detached(SLEEP, tmp_path / "log", {**os.environ, MARK: mark})
        kept = Loaded(Order("W1", "db", SLEEP), mark).to_json()
        store.write_json(world.paths.programs, {"loaded": [kept, {"damaged": True}]})
        world.programs = world.new_daemon()
        world.programs.start()
        assert world.pid() == pid
        await world.programs.kill("W1", 10.0)
        assert members(mark) == []

    scenario(work)


def test_scripts_run_again_with_the_count_kept(scenario: Any, until: Until) -> None:
    """/SCR: the scripts load the program anew; the count goes on, so that the threshold is reached (6.3-14)."""

    async def work(world: World) -> None:
        policy = Policy(restarts_max=1, scripts=True, failover=True)

        async def scripts() -> None:
            world.programs.suspend("db")
            await world.programs.close("db")
            world.programs.open("db")
            world.answer = None
            await world.load(policy=policy)

        world.answer = scripts
        first = await world.load(policy=policy)
        os.kill(first["pid"], signal.SIGKILL)
        await until(lambda: world.pid() not in (0, first["pid"]), "the program of the second start script")
        assert world.verbs() == ["group.restart_scripts"]
        assert world.programs.list()[0]["restarts"] == 1
        os.kill(world.pid(), signal.SIGKILL)
        await until(lambda: world.verbs()[-1] == "group.failover", "the failover")

    scenario(work)


def test_a_new_start_of_the_group_begins_with_zero(scenario: Any, until: Until) -> None:
    """What was counted before the group was stopped is forgotten."""

    async def work(world: World) -> None:
        await world.load(policy=Policy(restarts_max=1))
        os.kill(world.pid(), signal.SIGKILL)
        await until(lambda: world.programs.list()[0]["restarts"] == 1, "the restart")
        await world.programs.close("db")
        world.programs.open("db")
        await world.load(policy=Policy(restarts_max=1))
        assert world.programs.list()[0]["restarts"] == 0

    scenario(work)


def test_a_service_needs_systemd(scenario: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where systemd does not run, /S is refused with the clause, and nothing is loaded (6.3-10)."""

    async def work(world: World) -> None:
        monkeypatch.setattr(power, "systemd_runs", lambda: False)
        with pytest.raises(Refusal) as refused:
            await world.load("postgresql.service", service=True)
        assert (refused.value.code, refused.value.clause) == ("E_UNSUPPORTED", "6.3-10")
        assert world.programs.list() == []

    scenario(work)


def test_a_service_is_watched_by_its_state(
    scenario: Any, monkeypatch: pytest.MonkeyPatch, until: Until, tmp_path: Path
) -> None:
    """A unit is started, its stop outside is a fault, it is restarted, and ARMKILL stops it (6.3-10)."""
    said = tmp_path / "said"
    fake = tmp_path / "systemctl"
    fake.write_text(
        f'#!/bin/sh\necho "$*" >> {said}\n'
        'case "$*" in *show*) echo LoadState=loaded; echo SubState=x; echo Result=x; '
        f"[ -e {tmp_path}/down ] && echo ActiveState=inactive || echo ActiveState=active;;\n"
        f"*restart*) rm -f {tmp_path}/down;; esac\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(power, "systemd_runs", lambda: True)

    def verbs() -> list[str]:
        lines = said.read_text().splitlines()
        return [line.split()[1] for line in lines if "show" not in line]

    async def work(world: World) -> None:
        await world.load("app.service", service=True, policy=Policy(restarts_max=1))
        (tmp_path / "down").touch()
        await until(lambda: "restart" in verbs(), "the restart")
        await world.programs.kill("W1", 1.0)
        assert verbs() == ["start", "stop", "restart", "stop"]

    scenario(work)


def test_a_program_is_in_the_table_before_it_starts(scenario: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A twinsetd that dies right after the start leaves its mark in the file, by which the process is found."""

    async def work(world: World) -> None:
        marks: list[str] = []
        real = run.spawn_detached

        def spawn(argv: Any, log: Any, env: Any, **how: Any) -> int:
            kept = store.read_json_object(world.paths.programs)[0]["loaded"]
            marks.extend(entry["mark"] for entry in kept if entry["mark"] == env[MARK])
            return real(argv, log, env, **how)

        monkeypatch.setattr(run, "spawn_detached", spawn)
        await world.load()
        assert len(marks) == 1

    scenario(work)
