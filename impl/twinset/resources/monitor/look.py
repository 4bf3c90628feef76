"""One look at one subject: "" when it is well, else what is wrong with it. The thin part; plan.py says what to run."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from twinset.monitoring.looks import PUBLIC_LAN
from twinset.resources.mirror_disk import device, parse
from twinset.resources.monitor import plan
from twinset.resources.public_lan import probe as public_lan
from twinset.resources.script import plan as script_plan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from twinset.monitoring.looks import Subject
    from twinset.resources.context import Context

FLOOR_S: Final = 2.0  # a lab's time scale must not blame what any machine needs


async def look(ctx: Context, subject: Subject) -> str:
    """Look once; `ctx.index` is the subject's."""
    return await _LOOKS[subject.kind](ctx)


async def _public_lan(ctx: Context) -> str:
    return await public_lan.look(ctx.system, ctx.config, ctx.me, ctx.group.monitor.public_lan_targets)


async def _mirror_disk_io(ctx: Context) -> str:
    """Read through everything that an application reads through, unless the mirror itself says why it waits."""
    disk = ctx.group.mirror_disks[ctx.index]
    for mount in disk.mounts:
        found = parse.mounted_at(device.MOUNTINFO.read_text(), mount.path)
        if found is None or ctx.system.io_frozen(disk.set):
            continue  # the check of mounts tells the one, the mirror set's state the other
        outcome = await ctx.system.run(plan.read(found.source), timeout_s=plan.READ_S)
        if not outcome.ok:
            return f"{mount.path} cannot be read: {outcome.reason()}"
    return ""


async def _process(ctx: Context) -> str:
    file = ctx.group.monitor.pid_files[ctx.index]
    pid = _pid(file)
    if not pid:
        return f"{file} names no process"
    return "" if ctx.system.is_alive(pid) else f"process {pid} of {file} does not run"


def _pid(file: str) -> int:
    """Return the pid in a file, 0 without one."""
    try:
        return int(Path(file).read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


async def _watch(ctx: Context) -> str:
    """A command that does not end in time is the sign of a stall, one that fails is a fault (6.3-20)."""
    watch = ctx.group.watches[ctx.index]
    environment = script_plan.environment(os.environ, ctx.environment, str(Path(sys.executable).parent))
    outcome = await ctx.system.run(
        [watch.command], timeout_s=ctx.scaled(watch.timeout_s, FLOOR_S), env=environment
    )
    return "" if outcome.ok else outcome.reason()


_LOOKS: Final[dict[str, Callable[[Context], Awaitable[str]]]] = {
    PUBLIC_LAN: _public_lan,
    plan.MIRROR_DISK_IO: _mirror_disk_io,
    plan.PROCESS: _process,
    plan.WATCH: _watch,
}
