"""The one place of the harness that starts programs. Argument lists only, no shell strings."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.errors import CommandFailed

Process = subprocess.Popen[str]
PIPE = subprocess.PIPE


@dataclass(frozen=True)
class Result:
    """What a finished command left: exit status and both outputs as text."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        """True when the command reported success."""
        return self.returncode == 0

    def require(self) -> "Result":
        """Return self, or raise CommandFailed with everything the command said."""
        if not self.ok:
            said = "\n".join(part.strip() for part in (self.stdout, self.stderr) if part.strip())
            raise CommandFailed(f"exit status {self.returncode} from {' '.join(self.argv)}\n{said[-4000:]}")
        return self


def run(
    argv: Sequence[str],
    *,
    check: bool = True,
    timeout_s: float = 60.0,
    input_text: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
) -> Result:
    """Run a command to its end; past the time-out it and what it started in its process group are killed."""
    process = popen(argv, stdin=PIPE if input_text is not None else None, env=env, cwd=cwd)
    try:
        stdout, stderr = process.communicate(input_text, timeout=timeout_s)
    except BaseException as error:
        kill_group(process)
        if isinstance(error, subprocess.TimeoutExpired):
            raise CommandFailed(f"no end within {timeout_s:g} s: {' '.join(argv)}") from error
        raise
    result = Result(tuple(argv), process.returncode, stdout, stderr)
    return result.require() if check else result


def popen(
    argv: Sequence[str],
    *,
    stdin: int | IO[str] | None = None,
    stdout: int | IO[str] | None = PIPE,
    stderr: int | IO[str] | None = PIPE,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
    pass_fds: Sequence[int] = (),
) -> Process:
    """Start a command in its own session (a Ctrl-C at the terminal reaches the harness, not the lab)."""
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=stdout,
        stderr=stderr,
        env=None if env is None else dict(env),
        cwd=cwd,
        text=True,
        bufsize=1,
        errors="replace",
        start_new_session=True,
        pass_fds=tuple(pass_fds),
    )


def kill_group(process: Process, *, reap_s: float = 10.0) -> None:
    """Kill a command started here together with its process group, and reap it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(reap_s)


def call_foreground(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
    """Run a command on this terminal (a person's shell in a host) and return its exit status."""
    return subprocess.call(list(argv), env=None if env is None else dict(env))
