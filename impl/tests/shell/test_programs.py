"""What ARMLOAD starts: watched, restarted, ended with its group."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from twinset.errors import Refusal
from twinset.monitoring.restarts import Policy
from twinset.shell import program_targets, run
from twinset.shell.process_family import members

from .programs_world import SLEEP, World

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]


def test_a_program_runs_until_it_is_killed(scenario: Any) -> None:
    """It is listed with its process; ARMKILL ends it without reaction; a second ARMKILL knows it no more (6.3-08)."""

    async def work(world: World) -> None:
        loaded = await world.load()
        assert run.is_alive(loaded["pid"])
        await world.programs.kill("w1", 10.0)
        assert not run.is_alive(loaded["pid"])
        assert world.asked == []
        assert world.count("program_lost") == 0
        with pytest.raises(Refusal) as refused:
            await world.programs.kill("W1", 10.0)
        assert refused.value.code == "E_NOTFOUND"

    scenario(work)


def environment_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def test_a_program_may_use_the_script_commands(scenario: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the token that stands for the cluster password (2.2.2.3-14)."""
    monkeypatch.setenv("TWINSET_TOKEN", "t" * 64)

    async def work(world: World) -> None:
        loaded = await world.load(environment={"PATH": os.environ["PATH"]})
        assert f"TWINSET_TOKEN={'t' * 64}".encode() in environment_of(loaded["pid"])

    scenario(work)


def test_a_watch_id_is_used_once(scenario: Any) -> None:
    """A second program under the same ID, in any case, is refused; the first one stays (9.2-15)."""

    async def work(world: World) -> None:
        first = await world.load()
        with pytest.raises(Refusal) as refused:
            await world.load(watch="w1", group="other")
        assert (refused.value.code, refused.value.help) == ("E_DUP", "ARMKILL W1")
        assert run.is_alive(first["pid"])

    scenario(work)


def test_the_same_program_under_two_ids(scenario: Any, until: Until) -> None:
    """Two IDs with one executable run side by side and are watched each for itself (5.2.2-12)."""

    async def work(world: World) -> None:
        one = await world.load(policy=Policy(restarts_max=1))
        two = await world.load(watch="W2", policy=Policy(restarts_max=1))
        os.kill(one["pid"], signal.SIGKILL)
        await until(lambda: world.pid() not in (0, one["pid"]), "the restart of W1")
        assert world.pid("W2") == two["pid"]

    scenario(work)


def test_it_is_restarted_up_to_the_threshold_and_then_the_group_goes(scenario: Any, until: Until) -> None:
    """Killed /R times it comes back; at the next fault the group fails over, with the reason (6.3-12, 6.3-15)."""

    async def work(world: World) -> None:
        await world.load(policy=Policy(restarts_max=2, failover=True))
        for _ in range(2):
            pid = world.pid()
            os.kill(pid, signal.SIGKILL)
            await until(
                lambda old=pid: world.pid() not in (0, old) and run.is_alive(world.pid()), "a restart"
            )
            assert world.asked == []
        os.kill(world.pid(), signal.SIGKILL)
        await until(lambda: world.asked, "the failover")
        [(verb, args)] = world.asked
        assert (verb, args["group"]) == ("group.failover", "db")
        assert args["reason"] == "watch W1: it was killed by signal 9, after 2 restarts"

    scenario(work)


@pytest.mark.parametrize("status", [0, 3])
def test_ending_by_itself_is_a_fault(scenario: Any, until: Until, status: int) -> None:
    """A normal end counts too (6.3-09); without /R and /FOV the server is shut down at once (9.3-04)."""

    async def work(world: World) -> None:
        await world.load("sh", "-c", f"exit {status}")
        await until(lambda: world.verbs() == ["down"], "the shutdown")
        assert f"ended with status {status}" in world.asked[0][1]["reason"]

    scenario(work)


def test_what_is_refused_is_asked_again_and_told_once(scenario: Any, until: Until) -> None:
    """With nowhere to go the group stays, an alert says why, and it goes when the other server is back."""

    async def work(world: World) -> None:
        world.refusal = Refusal("E_STATE", "server2 does not operate")
        await world.load("true", policy=Policy(failover=True))
        await until(lambda: len(world.asked) >= 3, "three tries")
        assert world.count("program_cannot_act") == 1
        world.refusal = None
        tries = len(world.asked)
        await until(lambda: len(world.asked) > tries, "the try that is accepted")

    scenario(work)


def test_an_unmonitored_program_may_end(scenario: Any, until: Until) -> None:
    """Its end causes nothing and frees the watch ID (6.3-11); who waited learns the status, also late."""

    async def work(world: World) -> None:
        await world.load("sh", "-c", "exit 7", policy=Policy(monitor=False))
        assert await world.programs.wait("W1", 60.0) == {"watch": "W1", "ended": True, "status": 7}
        assert await world.programs.wait("w1", 0.0) == {"watch": "w1", "ended": True, "status": 7}
        assert world.asked == []
        await world.load()
        assert await world.programs.wait("W1", 0.0) == {"watch": "W1", "ended": False, "status": None}
        waiting = asyncio.create_task(world.programs.wait("W1", 60.0))
        await until(world.pid, "the second program")
        await world.programs.kill("W1", 10.0)
        assert (await waiting)["status"] is None

    scenario(work)


def test_what_an_unmonitored_program_leaves_behind_belongs_to_the_group(scenario: Any) -> None:
    """It went into the background: its ID stays in use, and the end of the group is the end of what it left."""

    async def work(world: World) -> None:
        await world.load("sh", "-c", "setsid sleep 1000 & exit 0", policy=Policy(monitor=False))
        assert (await world.programs.wait("W1", 60.0))["status"] == 0
        mark = world.programs._entries["w1"].loaded.mark
        assert len(members(mark)) == 1
        with pytest.raises(Refusal, match="in use"):
            await world.load()
        world.programs.suspend("db")
        await world.programs.close("db")
        assert members(mark) == []
        assert world.programs.list() == []

    scenario(work)


def test_nothing_is_loaded_for_a_group_that_does_not_run_here(scenario: Any) -> None:
    """Neither before its start nor after its stop; nothing is started (6.3-07)."""

    async def work(world: World) -> None:
        with pytest.raises(Refusal, match="neither starts nor is active") as refused:
            await world.load(group="other")
        assert refused.value.code == "E_STATE"
        await world.programs.close("db")
        with pytest.raises(Refusal, match="neither starts nor is active"):
            await world.load()
        assert world.programs.list() == []

    scenario(work)


def test_everything_ends_with_the_group_and_only_with_its_own(scenario: Any) -> None:
    """After the stop scripts all programs of the group are gone with their children; other groups' go on."""

    async def work(world: World) -> None:
        world.programs.open("other")
        one = await world.load("sh", "-c", "setsid sleep 1000 & exec sleep 1000")
        two = await world.load(watch="W2", group="other")
        world.programs.suspend("db")
        await world.programs.close("db")
        assert not run.is_alive(one["pid"])
        assert [row["watch"] for row in world.programs.list()] == ["W2"]
        assert run.is_alive(two["pid"])
        assert world.asked == []
        await world.programs.close("other")

    scenario(work)


def test_a_stop_script_may_end_its_application(scenario: Any) -> None:
    """From the begin of the stop on the loss of a program is no fault: no restart, no failover."""

    async def work(world: World) -> None:
        loaded = await world.load(policy=Policy(restarts_max=5))
        world.programs.suspend("db")
        os.kill(loaded["pid"], signal.SIGKILL)
        await run.wait_gone(loaded["pid"], 30.0)
        entry = world.programs._entries["w1"]
        assert entry.watcher is not None
        await asyncio.wait_for(entry.watcher, 30.0)
        assert world.count("program_lost") == 0

    scenario(work)


def test_a_program_that_cannot_be_started_is_refused_and_forgotten(scenario: Any, tmp_path: Path) -> None:
    """Missing, not executable, in no directory: E_LAUNCH with the reason, and the watch ID is free."""

    async def work(world: World) -> None:
        (tmp_path / "text").write_text("no program")
        for argv, directory in ((("/no/such",), "/"), ((str(tmp_path / "text"),), "/"), (SLEEP, "/no/such")):
            with pytest.raises(Refusal) as refused:
                await world.load(*argv, directory=directory)
            assert refused.value.code == "E_LAUNCH"
        assert world.programs.list() == []

    scenario(work)


def test_a_restart_that_fails_counts_as_a_fault(scenario: Any, until: Until, tmp_path: Path) -> None:
    """The program is gone from the disk: each try counts, and at the threshold the group goes."""

    async def work(world: World) -> None:
        program = tmp_path / "program"
        program.write_text("#!/bin/sh\nrm $0\n")
        program.chmod(0o755)
        await world.load(str(program), policy=Policy(restarts_max=3, failover=True))
        await until(lambda: world.asked, "the failover")
        assert world.count("program_lost") == 4
        assert "cannot be started" in world.asked[0][1]["reason"]

    scenario(work)


def test_it_gets_environment_directory_and_log(scenario: Any, tmp_path: Path, until: Until) -> None:
    """It sees the environment and directory of its ARMLOAD, not the daemon's supervisor; its words are kept."""

    async def work(world: World) -> None:
        await world.load(
            "sh", "-c", "echo $ARMS_GROUPNAME $PWD ${NOTIFY_SOCKET-none}",
            directory=str(tmp_path), policy=Policy(monitor=False),
            environment={**os.environ, "ARMS_GROUPNAME": "db", "NOTIFY_SOCKET": "x"},
        )  # fmt: skip
        await world.programs.wait("W1", 60.0)
        assert (world.paths.scripts / "db_w1-program.log").read_text() == f"db {tmp_path} none\n"

    scenario(work)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts programs of other users")
def test_it_runs_as_the_user(scenario: Any, tmp_path: Path) -> None:
    """With /U it runs under that user with its groups and home; an unknown one is E_DENIED (9.2-15)."""

    async def work(world: World) -> None:
        await world.load("sh", "-c", "id -un; echo $HOME", user="nobody", policy=Policy(monitor=False))
        await world.programs.wait("W1", 60.0)
        said = (world.paths.scripts / "db_w1-program.log").read_text().splitlines()
        assert said == ["nobody", program_targets.identity_of("nobody").home]
        with pytest.raises(Refusal) as refused:
            await world.load(user="no-such-user")
        assert refused.value.code == "E_DENIED"

    scenario(work)


def test_a_program_that_cannot_be_ended_is_told(scenario: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even by SIGKILL, as when it waits for a disk: the alert names its processes."""
    end = program_targets.Program.end

    async def stuck(program: program_targets.Program, grace_s: float) -> str:
        await end(program, grace_s)
        return "processes 4711"

    async def work(world: World) -> None:
        await world.load()
        monkeypatch.setattr(program_targets.Program, "end", stuck)
        with pytest.raises(Refusal, match="processes 4711"):
            await world.programs.kill("W1", 10.0)
        (fields,) = [fields for name, fields in world.events if name == "program_not_ended"]
        assert (fields["watch"], fields["left"]) == ("W1", "processes 4711")

    scenario(work)
