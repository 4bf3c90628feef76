"""Programs: their end, their time, their output."""

import asyncio
import os
import signal
from pathlib import Path

from twinset.shell import clock, run


def test_a_program_is_reported_with_status_and_output() -> None:
    """Status, standard output and standard error of a program come back apart."""
    result = asyncio.run(run.run(["sh", "-c", "echo out; echo err >&2; exit 3"]))
    assert (result.code, result.stdout, result.stderr, result.ok) == (3, "out\n", "err\n", False)
    assert "exit 3: err" in result.reason()


def test_a_program_that_does_not_exist_is_a_result() -> None:
    """A missing program is a result with a reason, not an exception."""
    result = asyncio.run(run.run(["/no/such/program"]))
    assert result.code == -1
    assert "cannot be started" in result.reason()


def test_a_program_that_takes_too_long_dies_with_its_children() -> None:
    """The whole process group of a program is killed when its time is over."""
    result = asyncio.run(run.run(["sh", "-c", "sleep 1000 & echo $!; wait"], timeout_s=0.5))
    assert result.timed_out
    child = int(result.stdout)
    assert asyncio.run(run.wait_exit(child, 30.0)) or not run.is_alive(child)


def test_what_a_program_leaves_in_the_background_is_not_waited_for() -> None:
    """A start script may leave a daemon that keeps its output open."""
    result = asyncio.run(run.run(["sh", "-c", "sleep 1000 & echo $!"], timeout_s=60))
    assert result.ok
    os.kill(int(result.stdout), signal.SIGKILL)


def test_output_goes_to_a_file(tmp_path: Path) -> None:
    """With a file given, the output of a program is appended to it."""
    log = tmp_path / "log"
    log.write_text("before\n")
    asyncio.run(run.run(["sh", "-c", "echo out; echo err >&2"], output=log))
    assert log.read_text() == "before\nout\nerr\n"


def test_a_pid_file_names_the_program_while_it_runs(tmp_path: Path) -> None:
    """The pid file holds the pid of the running program, and is gone when it has ended."""
    pid_file = tmp_path / "pid"
    script = f"until [ -s {pid_file} ]; do :; done; cat {pid_file}; echo $$"
    result = asyncio.run(run.run(["sh", "-c", script], pid_file=pid_file))
    written, own = result.stdout.split()
    assert written == own
    assert not pid_file.exists()


def test_returned_output_is_bounded() -> None:
    """A chatty program does not fill the daemon's memory."""
    result = asyncio.run(run.run(["head", "-c", "1000000", "/dev/zero"]))
    assert len(result.stdout) == run.OUTPUT_BYTES_MAX


def test_a_detached_program_has_a_session_of_its_own(tmp_path: Path) -> None:
    """A helper process survives the terminal and the process group of the daemon."""

    async def scenario() -> None:
        pid = run.spawn_detached(["sleep", "1000"], tmp_path / "log")
        assert os.getsid(pid) == pid
        assert run.is_alive(pid)
        assert await run.end_process(pid, 30.0)
        assert not run.is_alive(pid)

    asyncio.run(scenario())


def test_a_stubborn_process_is_killed(tmp_path: Path) -> None:
    """A process that ignores SIGTERM is ended by SIGKILL."""

    async def scenario() -> None:
        log = tmp_path / "log"
        pid = run.spawn_detached(["sh", "-c", "trap '' TERM; echo ready; sleep 1000 & wait; sleep 1000"], log)
        while "ready" not in log.read_text():
            assert not await run.wait_exit(pid, 0.01)
        assert await run.end_process(pid, 0.2) or await run.wait_exit(pid, 30.0)

    asyncio.run(scenario())


def test_a_cancelled_run_leaves_no_program() -> None:
    """Aborting a step kills the program that it runs."""

    async def scenario() -> None:
        task = asyncio.create_task(run.run(["sleep", "1000"], timeout_s=1000))
        while not (found := _children()):
            await clock.pause(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not any(run.is_alive(pid) for pid in found)

    asyncio.run(scenario())


def _children() -> list[int]:
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [pid for pid in map(int, text.split()) if run.command_line(pid)[:1] == ("sleep",)]


def test_the_children_of_a_process_are_found(tmp_path: Path) -> None:
    """Those that it started and that run; not its own parent, nor anybody's."""

    async def scenario() -> None:
        pid = run.spawn_detached(
            ["sh", "-c", "sleep 600 & echo $! > kid; wait"], tmp_path / "log", directory=tmp_path
        )
        async with asyncio.timeout(60):
            while not (tmp_path / "kid").exists() or not (tmp_path / "kid").read_text().strip():
                await clock.pause(0.01)
        child = int((tmp_path / "kid").read_text())
        assert run.children(pid) == [child]
        for each in (pid, child):
            await run.end_process(each, gently=False)
        assert run.children(pid) == []

    asyncio.run(scenario())
