"""The start and stop script of a group. Their exit status is told, not obeyed: it has no meaning here."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from twinset.errors import StepFailed
from twinset.resources.script import plan
from twinset.resources.script.log import begin_log, trim_log

if TYPE_CHECKING:
    from twinset.config.cluster import Script
    from twinset.resources.context import Context

POLL_S: Final = 0.1
TIMEOUT_MIN_S: Final = 5.0  # a lab's time scale must not kill what any machine needs for its work


class ScriptResource:
    """The thin part: runs the plan."""

    async def start(self, ctx: Context) -> None:
        """Run the start script, unless an earlier daemon of this boot has."""
        if not ctx.running:
            await _run(ctx, "start")

    async def stop(self, ctx: Context) -> None:
        """Run the stop script."""
        await _run(ctx, "stop")

    async def check(self, ctx: Context) -> None:
        """What a script started is its own affair; ARMLOAD watches programs."""


async def _run(ctx: Context, action: str) -> None:
    script = ctx.group.scripts[ctx.index]
    program = Path(script.start if action == "start" else script.stop)
    if not _is_executable(program):
        raise StepFailed(f"{action} script {program} of group {ctx.group.name} is no executable file")
    log = ctx.state_dir / "scripts" / plan.log_name(ctx.group.name, action)
    pid_file = ctx.run_dir / plan.pid_name(ctx.group.name, ctx.index, action)
    seconds = _timeout_s(ctx, script)
    if await _ran_already(ctx, pid_file, program, seconds):
        return
    begin_log(log, ctx.environment, str(program))
    outcome = await ctx.system.run(
        plan.argv(script, action),
        timeout_s=seconds,
        env=plan.environment(os.environ, ctx.environment, str(Path(sys.executable).parent)),
        output=log,
        pid_file=pid_file,
    )
    trim_log(log)
    fields = {"group": ctx.group.name, "script": str(program), "log": str(log)}
    if outcome.timed_out:
        ctx.system.log("script_timeout", "error", {**fields, "timeout_s": seconds})
        raise StepFailed(f"{action} script {program} did not end within {seconds:g} s and was killed [5.2.5]")
    if outcome.code != 0:
        ctx.system.log("script_exit_status", "warning", {**fields, "status": outcome.code})


def _is_executable(program: Path) -> bool:
    return os.access(program, os.X_OK) and program.is_file()


async def _ran_already(ctx: Context, pid_file: Path, program: Path, seconds: float) -> bool:
    """A twinsetd that was killed while the script ran left its pid: the script is not to run twice at once.

    It is waited for, for as long as a script may take; how it ended, nobody knows.
    """
    pid = _read_pid(pid_file)
    if not pid:
        return False
    waited_s = 0.0
    while ctx.system.is_alive(pid) and str(program) in ctx.system.command_line(pid):
        if waited_s >= seconds:
            await ctx.system.end_process(pid, 0.0, gently=False)
            break
        await ctx.system.pause(POLL_S)
        waited_s += POLL_S
    _forget(pid_file)
    ctx.system.log("script_adopted", "warning", {"group": ctx.group.name, "script": str(program)})
    return True


def _read_pid(pid_file: Path) -> int:
    """Return the pid in the file, 0 without one."""
    try:
        return int(pid_file.read_text())
    except (OSError, ValueError):
        return 0


def _forget(pid_file: Path) -> None:
    pid_file.unlink(missing_ok=True)


def _timeout_s(ctx: Context, script: Script) -> float:
    seconds = script.timeout_s if script.timeout_s is not None else ctx.config.timing.script_timeout_s
    return ctx.scaled(seconds, TIMEOUT_MIN_S)
