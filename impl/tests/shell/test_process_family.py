"""All that came from one program, whatever it did to be forgotten."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from twinset.shell import process_family, run

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]
# Each line leaves a process behind and is told apart by its argument.
BACKGROUND = "sleep 1001 & exec sleep 1000"
OWN_SESSION = "setsid sleep 1001 & exec sleep 1000"
ORPHAN = "(sleep 1001 &) ; exec sleep 1000"
NO_ENVIRONMENT = "env -i /bin/sleep 1001 & exec sleep 1000"
DEAF = "trap '' TERM; (trap '' TERM; exec sleep 1001) & while :; do sleep 1; done"


def start(text: str, mark: str, directory: Path) -> tuple[int, int]:
    environment = {**os.environ, process_family.MARK: mark}
    pid = run.spawn_detached(["sh", "-c", text], directory / "log", environment, ordinary=True)
    return pid, process_family.start_ticks(pid)


@pytest.mark.parametrize("text", [BACKGROUND, OWN_SESSION, ORPHAN, NO_ENVIRONMENT, DEAF])
def test_everything_that_came_from_it_ends(tmp_path: Path, until: Until, text: str) -> None:
    """Children in the background, in a session of their own, orphaned, without environment, deaf to SIGTERM."""

    async def work() -> None:
        mark = f"{os.getpid()}-{hash(text)}"
        pid, ticks = start(text, mark, tmp_path)
        await until(lambda: len(process_family.members(mark, pid, ticks)) >= 2, "both processes")
        assert await process_family.end(mark, pid, ticks, 0.5) == []
        assert process_family.members(mark, pid, ticks) == []
        run.reap(pid)

    asyncio.run(work())


def test_a_program_gets_its_time_to_end(tmp_path: Path, until: Until) -> None:
    """SIGTERM comes first, once: what the program does then is done."""

    async def work() -> None:
        flag = tmp_path / "flag"
        text = f"trap 'echo end >> {flag}; exit 0' TERM; echo ready > {tmp_path}/ready; while :; do sleep 0.05; done"
        pid, ticks = start(text, "gentle", tmp_path)
        await until((tmp_path / "ready").exists, "the trap")
        assert await process_family.end("gentle", pid, ticks, 30.0) == []
        run.reap(pid)
        assert flag.read_text() == "end\n"

    asyncio.run(work())


def test_a_stranger_with_the_same_pid_is_left_alone() -> None:
    """Pids are reused: the session of a process that started at another time is not ours."""
    mine = os.getsid(0)
    assert process_family.members("nobody", mine, process_family.start_ticks(mine) + 1) == []
    assert not process_family.is_same(os.getpid(), 1)
    assert process_family.is_same(os.getpid(), process_family.start_ticks(os.getpid()))
    assert not process_family.is_same(0, 0)


def test_the_first_process_is_found_by_its_mark(tmp_path: Path, until: Until) -> None:
    """Without its pid the leader of the session with the mark is found, not its children."""

    async def work() -> None:
        pid, ticks = start(OWN_SESSION, "found", tmp_path)
        await until(lambda: len(process_family.members("found")) >= 2, "both processes")
        assert process_family.leader_of("found") == (pid, ticks)
        await process_family.end("found", pid, ticks, 5.0)
        run.reap(pid)
        assert process_family.leader_of("found") == (0, 0)

    asyncio.run(work())
