"""Printer of a group: a print scheduler whose jobs and queues lie on the mirror disk (6.1-06)."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Final

from twinset.errors import StepFailed
from twinset.resources.printer import parse, plan

if TYPE_CHECKING:
    from twinset.config.cluster import Printer
    from twinset.resources.context import Context

ANSWER_S: Final = 20.0
POLL_S: Final = 0.05
TOOL_S: Final = 30.0
END_GRACE_S: Final = 10.0


class PrinterResource:
    """The thin part: runs the plan."""

    async def start(self, ctx: Context) -> None:
        """Start the scheduler and make its queues those of the configuration.

        Without the disk nothing is spooled, and the start script is to see that (4.5.2-01): no scheduler then.
        """
        if ctx.environment.get("ARMS_DISK") == "FAILURE":
            ctx.system.log("printer_without_disk", "warning", {"group": ctx.group.name})
            return
        where = _files(ctx)
        if not _process(ctx, where):
            await asyncio.to_thread(_prepare, where, ctx)
            pid = ctx.system.spawn(plan.scheduler(where), where.log, protected=False)
            ctx.system.write_json(where.record, {"pid": pid})
        present = await _answer(ctx, where)
        if trouble := parse.not_listening(_log(where)):  # it goes on without that address
            raise StepFailed(f"the print scheduler is not heard: {trouble}")
        for argv in plan.changes(where, _printer(ctx).queues, present):
            outcome = await ctx.system.run(argv, timeout_s=TOOL_S)
            if not outcome.ok:
                raise StepFailed(f"a queue of {ctx.group.name} could not be set up: {outcome.reason()}")

    async def stop(self, ctx: Context) -> None:
        """End the scheduler; jobs that are not printed stay in the spool."""
        where = _files(ctx)
        pid = _process(ctx, where)
        printing = ctx.system.children(pid) if pid else []  # each has its job open in the spool
        for each in [pid, *printing] if pid else []:
            if not await ctx.system.end_process(each, END_GRACE_S):
                raise StepFailed(f"the print scheduler (process {each}) could not be ended")
        await asyncio.to_thread(shutil.rmtree, where.run, ignore_errors=True)

    async def check(self, ctx: Context) -> None:
        """The scheduler that was started runs."""
        where = _files(ctx)
        if ctx.system.read_json(where.record) and not _process(ctx, where):
            raise StepFailed(f"the print scheduler of {ctx.group.name} has ended: {_last_line(where)}")


async def _answer(ctx: Context, where: plan.Files) -> dict[str, str]:
    """Wait until the scheduler answers; return its queues with their devices."""
    waited_s = 0.0
    while True:
        outcome = await ctx.system.run(plan.ask(where), timeout_s=TOOL_S)
        if parse.runs(outcome.stdout):
            return parse.devices(outcome.stdout)
        if not _process(ctx, where):
            raise StepFailed(f"the print scheduler did not start: {_last_line(where) or outcome.reason()}")
        if waited_s >= ANSWER_S:
            raise StepFailed(f"the print scheduler did not answer within {ANSWER_S:g} s")
        await ctx.system.pause(POLL_S)
        waited_s += POLL_S


def _prepare(where: plan.Files, ctx: Context) -> None:
    for directory in where.directories:
        directory.mkdir(parents=True, exist_ok=True)
    where.settings.write_text(plan.settings(where, [item.address for item in ctx.group.floating_ips]))
    where.places.write_text(plan.places(where))


def _printer(ctx: Context) -> Printer:
    return ctx.group.printers[ctx.index]


def _files(ctx: Context) -> plan.Files:
    return plan.files(ctx.run_dir, ctx.group.name, _printer(ctx).spool)


def _process(ctx: Context, where: plan.Files) -> int:
    """The scheduler's process, 0 when it does not run; ours has its settings in its arguments."""
    pid = ctx.system.read_json(where.record).get("pid")
    if not isinstance(pid, int) or not ctx.system.is_alive(pid):
        return 0
    return pid if str(where.settings) in ctx.system.command_line(pid) else 0


def _log(where: plan.Files) -> str:
    try:
        return where.log.read_text(errors="replace")
    except OSError:
        return ""


def _last_line(where: plan.Files) -> str:
    return _log(where).strip().rpartition("\n")[2]
