"""Every program that twinset starts is started here: argument lists only, own session, bounded output.

Exits are noticed through a pidfd, which also works for processes that another twinsetd started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from twinset.errors import StepFailed
from twinset.shell import memory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

OUTPUT_BYTES_MAX = 64 * 1024
KILL_GRACE_S = 5.0


@dataclass(frozen=True)
class Result:
    """What a program said and how it ended. `code` is -1 when it could not be started or was killed here."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """True when it ended by itself with status 0."""
        return self.code == 0 and not self.timed_out

    def reason(self) -> str:
        """One line for a human: program, status, the last line it said."""
        if self.timed_out:
            return f"{self.argv[0]} did not end in time and was killed"
        said = (self.stderr.strip() or self.stdout.strip()).splitlines()
        return f"{' '.join(self.argv)}: exit {self.code}" + (f": {said[-1].strip()}" if said else "")


async def run(
    argv: Sequence[str],
    *,
    timeout_s: float = 60.0,
    env: Mapping[str, str] | None = None,
    output: Path | None = None,
    pid_file: Path | None = None,
) -> Result:
    """Run a program to its end. Its process group is killed when the time is over or the caller is cancelled.

    With `output`, what it says is appended to that file instead of being returned. Only the program itself is
    waited for, not what it leaves in the background: a start script may start a daemon. `pid_file` names the
    program while this waits for it, so that it is found when this process dies meanwhile.
    """
    with contextlib.ExitStack() as stack:
        out, err = _sinks(stack, output)
        try:
            with memory.ordinary_child():
                process = subprocess.Popen(  # noqa: ASYNC220 - starting is quick; waiting is done by pidfd
                    list(argv),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    env=None if env is None else dict(env),
                    start_new_session=True,
                    close_fds=True,
                )
        except OSError as error:
            return Result(tuple(argv), -1, "", f"cannot be started: {error.strerror}")
        if pid_file is not None:
            _name(stack, pid_file, process.pid)
        timed_out = not await _wait_or_kill(process, timeout_s)
        code = -1 if timed_out else process.returncode
        if output is not None:
            return Result(tuple(argv), code, "", "", timed_out)
        return Result(tuple(argv), code, _read(out), _read(err), timed_out)


@contextlib.asynccontextmanager
async def reading(argv: Sequence[str], line_bytes_max: int) -> AsyncIterator[asyncio.StreamReader]:
    """Run a program and read what it prints while it runs; it ends with the reader. StepFailed when it cannot start."""
    with memory.ordinary_child():
        try:
            process = subprocess.Popen(  # noqa: ASYNC220 - starting is quick
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise StepFailed(f"{argv[0]} cannot be started: {error.strerror}") from None
    reader = asyncio.StreamReader(line_bytes_max)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stdout)
    try:
        yield reader
    finally:
        transport.close()
        _kill_group(process)
        await asyncio.shield(_popen_exit(process, KILL_GRACE_S))


def run_in_foreground(argv: Sequence[str]) -> int:
    """Run a program of an operator to its end, with this process's own input and output; return its status."""
    try:
        return subprocess.call(list(argv))
    except OSError as error:
        raise StepFailed(f"{argv[0]} cannot be started: {error.strerror}") from None


@dataclass(frozen=True)
class Identity:
    """Whom a program runs as."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def spawn_detached(
    argv: Sequence[str],
    log: Path,
    env: Mapping[str, str] | None = None,
    *,
    protected: bool = False,
    ordinary: bool = False,
    directory: Path | None = None,
    identity: Identity | None = None,
) -> int:
    """Start a program that outlives this one; return its pid. Its output goes to the end of `log`.

    A protected one serves a disk to this machine's own kernel: it must not wait for that disk when memory is
    short, and must not be killed for memory. The first is inherited from a daemon that has declared itself;
    an ordinary one inherits nothing of that.
    """
    as_user: dict[str, Any] = {} if identity is None else {
        "user": identity.uid, "group": identity.gid, "extra_groups": identity.groups
    }  # fmt: skip
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        with memory.ordinary_child() if ordinary else contextlib.nullcontext():
            process: subprocess.Popen[bytes] = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=None if env is None else dict(env),
                cwd=directory,
                start_new_session=True,
                close_fds=True,
                **as_user,
            )
    finally:
        os.close(descriptor)
    pid = process.pid
    process.returncode = 0  # reaped by `wait_exit`, not by Popen's finaliser
    if protected:
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/oom_score_adj").write_text(str(memory.OOM_SCORE_ADJ_NEVER))
    return pid


async def wait_exit(pid: int, timeout_s: float | None = None) -> bool:
    """Wait until a process, child or not, is gone, and reap it; False when the time is over before that."""
    if not await wait_gone(pid, timeout_s):
        return False
    reap(pid)
    return True


async def wait_gone(pid: int, timeout_s: float | None = None) -> bool:
    """Wait until a process has ended; whoever is its parent still has to reap it."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        async with asyncio.timeout(timeout_s):
            await gone.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return True


def reap(pid: int) -> int | None:
    """Take and return the exit status of a child that has ended (-N: killed by signal N); else None."""
    with contextlib.suppress(ChildProcessError):
        ended, status = os.waitpid(pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if ended else None
    return None


def is_alive(pid: int) -> bool:
    """True while the process runs; a zombie does not run."""
    return bool(stat_fields(pid))


def stat_fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; empty when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
    return [] if not fields or fields[0] in "ZX" else fields


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that run."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [other for other in pids if stat_fields(other)[1:2] == [str(pid)]]


def command_line(pid: int) -> tuple[str, ...]:
    """Return the arguments of a process; empty when it is gone."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(part.decode(errors="replace") for part in raw.split(b"\0")[:-1])


def signal_process(pid: int, number: int) -> bool:
    """Send a signal to one process; False when it is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


async def end_process(pid: int, grace_s: float = KILL_GRACE_S, *, gently: bool = True) -> bool:
    """End a process by its id: SIGTERM, then SIGKILL; True when it is gone."""
    if gently and signal_process(pid, signal.SIGTERM) and await wait_exit(pid, grace_s):
        return True
    signal_process(pid, signal.SIGKILL)
    return await wait_exit(pid, grace_s)


async def _wait_or_kill(process: subprocess.Popen[bytes], timeout_s: float) -> bool:
    try:
        ended = await _popen_exit(process, timeout_s)
    except asyncio.CancelledError:
        _kill_group(process)
        await asyncio.shield(_popen_exit(process, KILL_GRACE_S))
        raise
    if not ended:
        _kill_group(process)
        await _popen_exit(process, KILL_GRACE_S)
    return ended


async def _popen_exit(process: subprocess.Popen[bytes], timeout_s: float) -> bool:
    """Wait for the pidfd only; Popen itself reaps, so that its return code is right."""
    if process.poll() is not None:
        return True
    descriptor = os.pidfd_open(process.pid)
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        async with asyncio.timeout(timeout_s):
            await gone.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    process.wait()
    return True


def _name(stack: contextlib.ExitStack, pid_file: Path, pid: int) -> None:
    pid_file.write_text(f"{pid}\n")
    stack.callback(pid_file.unlink, missing_ok=True)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _sinks(stack: contextlib.ExitStack, output: Path | None) -> tuple[IO[bytes], IO[bytes]]:
    """Files, never pipes: a background process that keeps the descriptor must not keep us waiting."""
    if output is not None:
        sink = stack.enter_context(output.open("ab", buffering=0))
        return sink, sink
    out, err = (
        stack.enter_context(os.fdopen(os.memfd_create(name), "w+b", buffering=0)) for name in ("out", "err")
    )
    return out, err


def _read(sink: IO[bytes]) -> str:
    sink.seek(0)
    return sink.read(OUTPUT_BYTES_MAX).decode(errors="replace")
