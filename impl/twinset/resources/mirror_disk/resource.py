"""Mirror disk of a group: attaches the data partitions and mounts their file systems (7.1, 5.2.2).

The mirror set itself is activated and deactivated by the cluster core, before and after.

A partition that was never written, all zeros, gets the file system that its mount entry names when it is
first started: nothing can be lost there. Anything else that is not that file system is refused with what was
found.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from twinset.errors import StepFailed
from twinset.resources.mirror_disk import device, parse, plan, users

if TYPE_CHECKING:
    from twinset.config.cluster import MirrorDisk, Mount
    from twinset.resources.context import Context, Outcome

BLANK_BYTES: Final = 1024 * 1024  # every file system has its first superblock within
BLANK_TAIL_BYTES: Final = 64 * 1024  # and some things, such as RAID members, sign at the end
UNMOUNT_TRY_S: Final = 60.0  # a lot of dirty data may have to be written back
UNMOUNT_FAILING_S: Final = 5.0
BUSY_S: Final = 10.0
BUSY_FLOOR_S: Final = 3.0
RETRY_S: Final = 0.25
LOOK_S: Final = 0.2  # between two looks whether an unmount can still end
MAKE_S: Final = 1800.0  # a large file system may be checked or made that long
FORCE_TRIES: Final = 8
USERS_S: Final = 5.0
END_GRACE_S: Final = 5.0  # from SIGTERM to SIGKILL, of each process that is ended


class MirrorDiskResource:
    """The thin part: runs the plan."""

    async def start(self, ctx: Context) -> None:
        """Attach and mount every partition of the mirror set that has a mount entry."""
        disk = _disk(ctx)
        for mount in disk.mounts:
            await _mount(ctx, disk.set, mount)

    async def stop(self, ctx: Context) -> None:
        """Unmount and detach everything, whatever it takes; StepFailed when force was needed."""
        disk = _disk(ctx)
        troubles = []
        for mount in reversed(disk.mounts):
            trouble = await _unmount(ctx, disk.set, mount)
            await device.detach(ctx, disk.set, mount.letter)
            if trouble:
                troubles.append(trouble)
        if troubles:
            raise StepFailed("; ".join(troubles))

    async def check(self, ctx: Context) -> None:
        """Every partition is attached and mounted."""
        disk = _disk(ctx)
        for mount in disk.mounts:
            if device.adopt(ctx, device.names(ctx, disk.set, mount.letter)) is None:
                raise StepFailed(f"the block device of {disk.set}:{mount.letter} is gone")
            if _mounted(mount.path) is None:
                raise StepFailed(f"{mount.path} is not mounted")


async def _mount(ctx: Context, set_name: str, mount: Mount) -> None:
    attached = await device.attach(ctx, set_name, mount.letter)
    try:
        await _mount_device(ctx, set_name, mount, attached.path)
    except BaseException:
        await asyncio.shield(device.abandon(ctx, set_name, mount.letter, attached))
        raise
    await attached.release()


async def _mount_device(ctx: Context, set_name: str, mount: Mount, path: str) -> None:
    present = _mounted(mount.path)
    if present is not None:
        if present.source == path:
            return
        raise StepFailed(f"{mount.path} carries another mount, of {present.source}")
    await _prepare(ctx, path, mount)
    await asyncio.to_thread(Path(mount.path).mkdir, parents=True, exist_ok=True)
    argv = plan.mount(path, mount.path, mount.filesystem, mount.options)
    outcome = await ctx.system.run(argv, timeout_s=UNMOUNT_TRY_S)
    if not outcome.ok:
        raise StepFailed(f"{set_name}:{mount.letter} cannot be mounted at {mount.path}: {outcome.reason()}")


async def _prepare(ctx: Context, path: str, mount: Mount) -> None:
    """Check the file system; make it when the partition is blank."""
    probed = await ctx.system.run(plan.probe_filesystem(path), timeout_s=UNMOUNT_TRY_S)
    found = parse.holds_something(probed.stdout)
    if not found:
        await _make_filesystem(ctx, path, mount)
        return
    if not parse.same_type(found, mount.filesystem):
        raise StepFailed(
            f"partition {mount.letter} holds {found}, the configuration says {mount.filesystem}; "
            f"correct the configuration, or fill the partition with zeros if nothing there is needed"
        )
    check = plan.check_filesystem(mount.filesystem, path)
    if check is not None:
        outcome = await ctx.system.run(check, timeout_s=MAKE_S)
        if not 0 <= outcome.code <= plan.CHECK_STATUS_GOOD_MAX:
            raise StepFailed(f"file system of partition {mount.letter} is damaged: {outcome.reason()}")


async def _make_filesystem(ctx: Context, path: str, mount: Mount) -> None:
    if not await asyncio.to_thread(_is_blank, path):
        raise StepFailed(
            f"partition {mount.letter} holds data of an unknown kind and no {mount.filesystem}; "
            f"make the file system yourself, or fill the partition with zeros if nothing there is needed"
        )
    argv = plan.make_filesystem(mount.filesystem, path)
    if argv is None:
        raise StepFailed(f"no way is known to make a file system of type {mount.filesystem}")
    outcome = await ctx.system.run(argv, timeout_s=MAKE_S)
    if not outcome.ok:
        raise StepFailed(f"file system {mount.filesystem} could not be made: {outcome.reason()}")
    ctx.system.log(
        "filesystem_made",
        "info",
        {"group": ctx.group.name, "letter": mount.letter, "filesystem": mount.filesystem},
    )


async def _unmount(ctx: Context, set_name: str, mount: Mount) -> str:
    """Unmount; return "" or what was wrong when it took force.

    Where the right to write is gone (frozen I/O) force is the only way, and nothing is wrong with the group. Where the
    disk has failed the group is to go on elsewhere, and after force nothing here reaches the disk any more.
    """
    waited_s, limit_s = 0.0, ctx.scaled(BUSY_S, BUSY_FLOOR_S)
    ends_users = _disk(ctx).end_processes
    trouble, frozen = "", ""
    await device.fail_if_orphaned(ctx, set_name, mount.letter)
    while (entry := _mounted(mount.path)) is not None:
        if frozen := ctx.system.io_frozen(set_name):
            break  # what is dirty cannot be written back: an unmount would hang
        outcome = await _patiently(ctx, set_name, mount, plan.unmount(mount.path))
        if outcome.ok:
            continue  # something may be mounted below
        trouble = outcome.reason()
        if outcome.timed_out:
            break
        if waited_s >= limit_s:
            if not ends_users:
                break
            ends_users, waited_s = False, 0.0
            await _end(ctx, mount.path, await _users(entry))
        await ctx.system.pause(RETRY_S)
        waited_s += RETRY_S
    else:
        return ""
    if not frozen:  # whoever keeps it busy, what others have written is saved first
        await _patiently(ctx, set_name, mount, plan.write_back(mount.path))
    await device.fail_io(ctx, set_name, mount.letter)
    found = await _users(entry)
    await _unmount_by_force(ctx, mount.path)
    if _disk(ctx).end_processes:
        await _end(ctx, mount.path, found)
    used = f", in use by {users.shown(found)}" if found else ""
    told = f"{mount.path} was released by force{used}: {frozen or trouble}"
    ctx.system.log("mirror_disk_forced", "warning", {"group": ctx.group.name, "reason": told})
    return "" if frozen or ctx.system.disk_failed(set_name) else told


async def _users(entry: parse.MountEntry) -> list[users.User]:
    """Look who uses it; nobody is named when that takes long, as it may while I/O of such a process hangs."""
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(asyncio.to_thread(users.find, entry), USERS_S)
    return []


async def _end(ctx: Context, path: str, found: list[users.User]) -> None:
    """End the processes that keep a file system busy, as the configuration wants it, and name them."""
    ended = [user for user in found if user.pid not in {1, os.getpid()}]
    if ended:
        fields = {"group": ctx.group.name, "path": path, "processes": [str(user) for user in ended]}
        ctx.system.log("mirror_disk_users_ended", "warning", fields)
    await asyncio.gather(*(ctx.system.end_process(user.pid, END_GRACE_S) for user in ended))


async def _patiently(ctx: Context, set_name: str, mount: Mount, argv: list[str]) -> Outcome:
    """Run what writes back; when the right to write is taken away meanwhile, it must not wait for ever."""
    trying = asyncio.ensure_future(ctx.system.run(argv, timeout_s=UNMOUNT_TRY_S))
    while not (await asyncio.wait({trying}, timeout=LOOK_S))[0]:
        if ctx.system.io_frozen(set_name):
            await device.fail_io(ctx, set_name, mount.letter)
            break
    return await trying


async def _unmount_by_force(ctx: Context, path: str) -> None:
    """The device gives errors now, so nothing can hang; open files keep a dead mount outside the tree."""
    for _ in range(FORCE_TRIES):
        if _mounted(path) is None:
            return
        outcome = await ctx.system.run(plan.unmount(path), timeout_s=UNMOUNT_FAILING_S)
        if not outcome.ok:
            await ctx.system.run(plan.unmount_lazily(path), timeout_s=UNMOUNT_FAILING_S)


def _disk(ctx: Context) -> MirrorDisk:
    return ctx.group.mirror_disks[ctx.index]


def _mounted(path: str) -> parse.MountEntry | None:
    return parse.mounted_at(device.MOUNTINFO.read_text(), path)


def _is_blank(path: str) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        tail = max(0, size - BLANK_TAIL_BYTES)
        pieces = (os.pread(descriptor, BLANK_BYTES, 0), os.pread(descriptor, BLANK_TAIL_BYTES, tail))
        return not any(piece.strip(b"\0") for piece in pieces)
    finally:
        os.close(descriptor)
