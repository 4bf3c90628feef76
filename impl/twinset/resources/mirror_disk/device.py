"""A data partition as a block device.

NBD export -> helper process -> the kernel's NBD client (decision record 0014), or, where the kernel has none,
-> FUSE file -> loop device (0004). Everything here can be found again by a later daemon: the record names the helper
process and the device.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from twinset.errors import StepFailed
from twinset.resources.mirror_disk import kernel_nbd, loop, parse, plan

if TYPE_CHECKING:
    from twinset.resources.context import Context

ATTACH_S_MAX: Final = 20.0
POLL_S: Final = 0.02
END_GRACE_S: Final = 3.0
MOUNTINFO: Final = Path("/proc/self/mountinfo")
MODULES: Final = Path("/lib/modules")
FORCED: Final = "TWINSET_BLOCK_DEVICE"  # "fuse": not the kernel's nbd, though it is there


@dataclass(frozen=True)
class Device:
    """An attached partition. `hold` is None when it needs none: an NBD device, or one that is mounted already."""

    path: str
    hold: loop.Loop | None

    async def release(self) -> None:
        """Give our hold up: by now it is mounted, or it shall go. A last close waits for requests under way."""
        if self.hold is not None:
            await asyncio.to_thread(self.hold.close)


def names(ctx: Context, set_name: str, letter: str) -> plan.Names:
    """Return the files of a partition."""
    return plan.Names(set_name, letter, ctx.run_dir / "devices")


async def attach(ctx: Context, set_name: str, letter: str) -> Device:
    """Make the partition a block device, or find the one that is there."""
    files = names(ctx, set_name, letter)
    found = adopt(ctx, files)
    if found is not None:
        return found
    await detach(ctx, set_name, letter)
    files.directory.mkdir(parents=True, exist_ok=True)
    files.file.touch(mode=0o600)
    front = plan.front(driver=await _driver(ctx), forced=os.environ.get(FORCED, ""))
    reconnect_s = ctx.config.timing.disk_io_wait_s
    argv = plan.block_server(files, ctx.run_dir / f"nbd-{set_name}.sock", reconnect_s, front)
    files.log.unlink(missing_ok=True)
    pid = ctx.system.spawn(argv, files.log)
    ctx.system.write_json(files.record, {"pid": pid, "device": ""})
    try:
        if front == plan.NBD:
            made = await _wait_for_nbd(ctx, files, pid)
        else:
            await _wait_for_file(ctx, files, pid)
            bound = await _bind(files.file)
            await asyncio.to_thread(loop.refuse_discard, bound.path)  # may wait for requests under way
            made = Device(bound.path, bound)
    except BaseException:
        await asyncio.shield(detach(ctx, set_name, letter))
        raise
    ctx.system.write_json(files.record, {"pid": pid, "device": made.path})
    return made


async def _driver(ctx: Context) -> bool:
    """True when the kernel's nbd is there; it is loaded where it can be."""
    if not kernel_nbd.loaded() and (MODULES / os.uname().release).is_dir():
        await ctx.system.run(plan.load_driver(), timeout_s=10)
    return kernel_nbd.loaded()


async def _bind(file: Path) -> loop.Loop:
    """Bind a loop device. A caller that is cancelled meanwhile leaves none: it is closed once it is bound."""
    binding = asyncio.ensure_future(asyncio.to_thread(loop.attach, file))
    try:
        return await asyncio.shield(binding)
    except asyncio.CancelledError:
        binding.add_done_callback(_unbind)
        raise


def _unbind(binding: asyncio.Future[loop.Loop]) -> None:
    if not binding.cancelled() and binding.exception() is None:
        asyncio.get_running_loop().run_in_executor(None, binding.result().close)


def adopt(ctx: Context, files: plan.Names) -> Device | None:
    """Return the device that an earlier daemon of this boot attached, when it still works."""
    pid, device = _record(ctx, files)
    if not pid or not _is_ours(ctx, files, pid) or not device:
        return None
    if kernel_nbd.is_nbd(device):
        return Device(device, None) if kernel_nbd.noted(files.note) == device else None
    return Device(device, None) if loop.backing_file(device) == str(files.file) else None


async def detach(ctx: Context, set_name: str, letter: str) -> None:
    """Take the device away with its helper process and file. Whoever still uses it gets errors."""
    files = names(ctx, set_name, letter)
    if ctx.system.io_frozen(set_name):
        await fail_io(ctx, set_name, letter)  # else the loop device waits for what cannot end
    pid, device = _record(ctx, files)
    if device and loop.backing_file(device).removesuffix(" (deleted)") == str(files.file):
        await asyncio.to_thread(loop.detach, device)
    await _disconnect(files)
    if pid and _is_ours(ctx, files, pid):
        await ctx.system.end_process(pid, END_GRACE_S)
    if _fuse_mounted(files.file):
        await ctx.system.run(plan.unmount_lazily(str(files.file)), timeout_s=10)
    for leftover in (files.file, files.note, files.record):
        with contextlib.suppress(OSError):
            leftover.unlink()


async def fail_io(ctx: Context, set_name: str, letter: str) -> None:
    """End every request that hangs, with an error: kill the helper process, the kernel does the rest.

    The kernel's NBD client keeps what was under way until it is told to disconnect.
    """
    files = names(ctx, set_name, letter)
    pid, _ = _record(ctx, files)
    if pid and _is_ours(ctx, files, pid):
        await ctx.system.end_process(pid, END_GRACE_S, gently=False)
    await _disconnect(files)


async def fail_if_orphaned(ctx: Context, set_name: str, letter: str) -> None:
    """Where the helper process is gone, end what waits for it: nobody will answer."""
    files = names(ctx, set_name, letter)
    pid, device = _record(ctx, files)
    if kernel_nbd.is_nbd(device) and not _is_ours(ctx, files, pid):
        await _disconnect(files)


async def _disconnect(files: plan.Names) -> None:
    """Take the kernel's NBD device away, if there is one."""
    device = kernel_nbd.noted(files.note)
    if device:
        with contextlib.suppress(OSError):  # it waits for nothing that could hang: errors end requests
            await asyncio.to_thread(kernel_nbd.disconnect, device)


async def abandon(ctx: Context, set_name: str, letter: str, attached: Device) -> None:
    """Give a device up that was attached and could not be mounted; what is under way to it may hang."""
    if attached.hold is not None or kernel_nbd.is_nbd(attached.path):
        await fail_io(ctx, set_name, letter)
        await attached.release()


async def _wait_for_nbd(ctx: Context, files: plan.Names, pid: int) -> Device:
    """The helper process writes down which device it has."""
    waited_s = 0.0
    while not (path := kernel_nbd.noted(files.note)):
        await _attach_pause(ctx, files, pid, waited_s)
        waited_s += POLL_S
    return Device(path, None)


async def _attach_pause(ctx: Context, files: plan.Names, pid: int, waited_s: float) -> None:
    """Wait a little for the helper process; StepFailed when it ended, or had time enough."""
    if not ctx.system.is_alive(pid):
        raise StepFailed(f"{files.set}:{files.letter} cannot be attached: {_last_line(files.log)}")
    if waited_s >= ATTACH_S_MAX:
        raise StepFailed(f"{files.set}:{files.letter} was not attached within {ATTACH_S_MAX:g} s")
    await ctx.system.pause(POLL_S)


async def _wait_for_file(ctx: Context, files: plan.Names, pid: int) -> None:
    """The file has the partition's size once the helper process serves it."""
    waited_s = 0.0
    while not (_fuse_mounted(files.file) and (await asyncio.to_thread(files.file.stat)).st_size):
        await _attach_pause(ctx, files, pid, waited_s)
        waited_s += POLL_S


def _fuse_mounted(file: Path) -> bool:
    return parse.mounted_at(MOUNTINFO.read_text(), str(file)) is not None


def _record(ctx: Context, files: plan.Names) -> tuple[int, str]:
    body = ctx.system.read_json(files.record)
    pid, device = body.get("pid"), body.get("device")
    return (pid if isinstance(pid, int) else 0), (device if isinstance(device, str) else "")


def _is_ours(ctx: Context, files: plan.Names, pid: int) -> bool:
    """A pid may have been given to another process since; ours has the file in its arguments."""
    return ctx.system.is_alive(pid) and any(str(files.file) in word for word in ctx.system.command_line(pid))


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1] if lines else "its helper process ended without a word"
