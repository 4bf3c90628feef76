"""Keeps the twinset-mirrord of one mirror set running, and adopts the one that an earlier twinsetd started.

The process has its own session: it survives this daemon, and goes on as long as its lease is valid. A new one
is started only when the old one is gone and its lock file is free (mirror rule R5).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any, Final

from twinset.shell import clock, run, store
from twinset.shell.mirror_control import MirrorControl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from twinset.shell.paths import Paths

CONNECT_TRIES_S: Final = 0.05
RESTART_FIRST_S: Final = 0.1
RESTART_MAX_S: Final = 5.0
STEADY_S: Final = 10.0  # a process that ran this long failed anew, not again
STOP_GRACE_S: Final = 10.0
LOG_BYTES_MAX: Final = 1024 * 1024
_ENDED: Final = "the mirror process ended"


class MirrorProcess:
    """Start, adopt, watch, restart and end one mirror process."""

    def __init__(
        self,
        spec: dict[str, Any],
        paths: Paths,
        *,
        up: Callable[[str], None],
        died: Callable[[str, str], None],
        notified: Callable[[str, dict[str, Any]], None],
        log: Callable[[str, str, dict[str, Any]], None],
        admit: Callable[[dict[str, Any]], str] = lambda _spec: "",
    ) -> None:
        self.set: str = spec["set"]
        self._spec = spec
        self._spec_path = paths.mirror(self.set, "json")
        self._pid_path = paths.mirror(self.set, "pid")
        self._lock_path = paths.mirror(self.set, "lock")
        self._log_path = paths.mirror(self.set, "log")
        self._up, self._died, self._log, self._admit = up, died, log, admit
        self._short = ""  # the last reason why there was no memory for it
        self.control = MirrorControl(paths.mirror(self.set, "sock"), lambda body: notified(self.set, body))
        self.pid = 0
        self.why_not = "the mirror process does not run"
        """Why nobody answers, for an operator: with what the process said when it ended."""
        self._task: asyncio.Task[None] | None = None
        self._kick = asyncio.Event()

    def start(self) -> None:
        """Begin to keep the process running."""
        self._task = asyncio.create_task(self._keep())

    async def release(self) -> None:
        """Stop watching; the process goes on."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self.control.close()

    async def end(self) -> None:
        """Stop watching and end the process."""
        await self.release()
        if self.pid:
            await run.end_process(self.pid, STOP_GRACE_S)
            self._forget_pid()

    def restart_soon(self) -> None:
        """Do not wait any longer with the next start."""
        self._kick.set()

    async def _keep(self) -> None:
        delay_s = RESTART_FIRST_S
        while True:
            started_ms = clock.now_ms()
            reason = await self._one_life()
            self.why_not = (
                f"the mirror process does not run: {reason.removeprefix(_ENDED).removeprefix(': ')}"
            )
            if clock.now_ms() - started_ms > STEADY_S * 1000:
                delay_s = RESTART_FIRST_S
            self._died(self.set, reason)
            self._kick.clear()
            await clock.wait_event(self._kick, delay_s)
            delay_s = min(delay_s * 2, RESTART_MAX_S)

    async def _one_life(self) -> str:
        """From start or adoption to the end; return how it ended."""
        self.pid = self._adoptable()
        if self.pid and not self._same_spec():
            await run.end_process(self.pid, STOP_GRACE_S)
            self._forget_pid()
        if not self.pid:
            await self._wait_for_lock()
            if reason := self._no_memory():
                return reason
            try:
                self.pid = self._spawn()
            except OSError as error:
                return f"cannot be started: {error.strerror}"
        exited = asyncio.create_task(run.wait_exit(self.pid))
        try:
            await self._talk(exited)
        finally:
            exited.cancel()
            self.control.close()
        self._forget_pid()
        return self._last_words()

    async def _talk(self, exited: asyncio.Task[bool]) -> None:
        """Keep a control connection open until the process is gone."""
        while not exited.done():
            try:
                await self.control.open()
            except OSError:
                await asyncio.wait({exited}, timeout=CONNECT_TRIES_S)
                continue
            self._up(self.set)
            closed = asyncio.create_task(self.control.closed.wait())
            try:
                await asyncio.wait({exited, closed}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                closed.cancel()
            if not exited.done():
                await asyncio.wait({exited}, timeout=CONNECT_TRIES_S)

    def _adoptable(self) -> int:
        """Return the pid of a process that an earlier twinsetd started: by its pid file or by its socket."""
        for pid in (_pid_in(self._pid_path), _listener_pid(self.control.path)):
            if pid and run.is_alive(pid) and str(self._spec_path) in run.command_line(pid):
                return pid
        return 0

    def _same_spec(self) -> bool:
        spec, _ = store.read_json_object(self._spec_path)
        return spec == self._spec

    def _spawn(self) -> int:
        store.write_json(self._spec_path, self._spec)
        with contextlib.suppress(OSError):
            if self._log_path.stat().st_size > LOG_BYTES_MAX:
                self._log_path.unlink()
        argv = [sys.executable, "-m", "twinset.shell.mirrord", str(self._spec_path)]
        pid = run.spawn_detached(argv, self._log_path)
        store.write_atomic(self._pid_path, f"{pid}\n")
        return pid

    async def _wait_for_lock(self) -> None:
        """The old process may be gone and its last I/O not yet: its lock is free only then."""
        told = False
        while not _lockable(self._lock_path):
            if not told:
                self._log("mirrord_lock_held", "warning", {"set": self.set, "lock": str(self._lock_path)})
                told = True
            await clock.pause(CONNECT_TRIES_S)

    def _no_memory(self) -> str:
        """Return why the process may not start for want of memory (4.5.1-01); a new reason is an event."""
        reason = self._admit(self._spec)
        if reason and not self._short:
            self._log("memory_short", "error", {"set": self.set, "reason": reason})
        self._short = reason
        return reason

    def _forget_pid(self) -> None:
        self.pid = 0
        self._pid_path.unlink(missing_ok=True)

    def _last_words(self) -> str:
        try:
            with self._log_path.open("rb") as log:
                log.seek(max(0, self._log_path.stat().st_size - 2000))
                lines = log.read().decode(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return f"{_ENDED}{': ' + lines[-1].strip() if lines else ''}"


def _pid_in(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def _listener_pid(path: Path) -> int:
    """Return who listens on a socket: twinsetd may have been killed before it could write the pid file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return 0
        credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


def _lockable(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
