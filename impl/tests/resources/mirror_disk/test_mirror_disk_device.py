"""A mirror disk on a real block device: FUSE, loop device, ext4, with nbdkit in the place of the mirror."""

import asyncio
import contextlib
import dataclasses
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from twinset.errors import StepFailed
from twinset.resources.context import Context
from twinset.resources.mirror_disk import device, loop, parse
from twinset.resources.mirror_disk.resource import MirrorDiskResource
from twinset.shell import clock, run
from twinset.shell.name_service import NameService
from twinset.shell.system import LocalSystem

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not Path("/dev/fuse").exists(), reason="needs FUSE"),
    pytest.mark.skipif(not Path("/dev/loop-control").exists(), reason="needs loop devices"),
    pytest.mark.skipif(shutil.which("nbdkit") is None, reason="needs nbdkit"),
]

SIZE = 64 << 20
RESOURCE = MirrorDiskResource()


class Server:
    """nbdkit, which serves an image on the socket of the mirror set."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.image = directory / "image"
        self.socket = directory / "nbd-set1.sock"
        self.pid = 0
        with self.image.open("wb") as image:
            image.truncate(SIZE)

    async def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        argv = ["nbdkit", "-f", "-e", "E", "-U", str(self.socket), "file", str(self.image)]
        self.pid = run.spawn_detached(argv, self.directory / "nbdkit.log")
        async with asyncio.timeout(60):
            while not self.socket.exists():
                await clock.pause(0.01)

    async def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        await run.wait_exit(self.pid)
        self.pid = 0

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)


@dataclasses.dataclass
class World:
    """The server, the context, and what says that I/O is frozen."""

    server: Server
    ctx: Context
    path: Path
    frozen: str = ""
    failed: bool = False
    events: list[str] = dataclasses.field(default_factory=list)

    def nothing_left(self) -> None:
        """Neither mount nor loop device nor helper process nor file is left."""
        assert str(self.server.directory) not in Path("/proc/self/mountinfo").read_text()
        for block in Path("/sys/block").glob("loop*"):
            assert str(self.server.directory) not in loop.backing_file(f"/dev/{block.name}")
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                line = " ".join(run.command_line(int(process.name)))
                assert "block_device" not in line or str(self.server.directory) not in line
        left = [entry.name for entry in (self.server.directory / "devices").iterdir()]
        assert [name for name in left if not name.endswith(".log")] == []


@pytest.fixture
def world(make_context: Any, tmp_path: Path) -> Iterator[World]:
    """A context with a real system under it; taken down whatever the test does."""
    path = tmp_path / "mnt"
    made = make_context()
    mount = made.group.mirror_disks[0].mounts[0].model_copy(update={"path": str(path)})
    disk = made.group.mirror_disks[0].model_copy(update={"mounts": (mount,)})
    group = made.group.model_copy(update={"mirror_disks": (disk,)})
    world = World(Server(tmp_path), made, path)
    system = LocalSystem(
        lambda name, *_: world.events.append(name),
        lambda _: world.frozen,
        lambda _: world.failed,
        lambda: 10.0,
        Mock(),
        Mock(spec=NameService),
        Mock(),
        Mock(),
    )
    world.ctx = dataclasses.replace(made, system=system, group=group, time_scale=0.05)
    yield world
    world.frozen = world.frozen or "the test is over"

    async def take_down() -> None:
        if world.server.pid:
            await world.server.kill()
        with contextlib.suppress(StepFailed):
            await RESOURCE.stop(world.ctx)

    asyncio.run(take_down())
    world.nothing_left()


def test_a_blank_partition_gets_its_file_system_and_keeps_it(world: World) -> None:
    """The first start makes the file system, the next one finds it with its files; a stop leaves nothing."""

    async def scenario() -> None:
        await world.server.start()
        await RESOURCE.start(world.ctx)
        assert world.events == ["filesystem_made"]
        (world.path / "file").write_text("kept")
        await RESOURCE.stop(world.ctx)
        world.nothing_left()
        await RESOURCE.start(world.ctx)
        assert (world.path / "file").read_text() == "kept"
        assert world.events == ["filesystem_made"]
        await RESOURCE.stop(world.ctx)

    asyncio.run(scenario())


def test_starting_and_stopping_again_is_fine(world: World) -> None:
    """A restarted daemon finds what is mounted and changes nothing; stopping twice is harmless."""

    async def scenario() -> None:
        await world.server.start()
        await RESOURCE.start(world.ctx)
        before = world.path.stat().st_dev
        await RESOURCE.start(world.ctx)
        await RESOURCE.check(world.ctx)
        assert world.path.stat().st_dev == before
        await RESOURCE.stop(world.ctx)
        await RESOURCE.stop(world.ctx)
        with pytest.raises(StepFailed, match="is gone"):
            await RESOURCE.check(world.ctx)

    asyncio.run(scenario())


def test_writes_survive_a_killed_server(world: World) -> None:
    """Writes under way when the server dies end well with the next one: no error, nothing lost."""

    async def scenario() -> None:
        await world.server.start()
        await RESOURCE.start(world.ctx)
        target = world.path / "file"
        block = os.urandom(1 << 20)
        writing = asyncio.create_task(asyncio.to_thread(_write_synced, target, block, 24))
        for _ in range(3):
            await clock.pause(0.1)
            await world.server.kill()
            await clock.pause(0.1)
            await world.server.start()
        await writing
        await RESOURCE.stop(world.ctx)
        await RESOURCE.start(world.ctx)
        assert target.read_bytes() == block * 24
        await RESOURCE.stop(world.ctx)

    asyncio.run(scenario())


def _write_synced(target: Path, block: bytes, count: int) -> None:
    with target.open("wb") as file:
        for _ in range(count):
            file.write(block)
            file.flush()
            os.fsync(file.fileno())


def test_data_of_another_kind_is_never_overwritten(world: World) -> None:
    """A partition that holds something else than the configured file system is refused and left as it is."""

    async def scenario() -> None:
        content = b"no file system, but somebody's data"
        with world.server.image.open("r+b") as image:
            image.write(content)
        await world.server.start()
        with pytest.raises(StepFailed, match="holds data of an unknown kind"):
            await RESOURCE.start(world.ctx)
        await RESOURCE.stop(world.ctx)
        assert world.server.image.read_bytes()[: len(content)] == content

    asyncio.run(scenario())


def test_a_server_that_does_not_serve_is_told(world: World) -> None:
    """Without an export the start fails with a reason and leaves nothing."""

    async def scenario() -> None:
        world.server.image.unlink()
        world.server.socket.write_text("no socket")
        with pytest.raises(StepFailed, match="cannot be attached"):
            await RESOURCE.start(world.ctx)
        world.nothing_left()

    asyncio.run(scenario())


def test_a_busy_mount_is_released_by_force(world: World) -> None:
    """A process that keeps the mount busy is named in the reason; everything is gone all the same."""

    async def scenario() -> None:
        await world.server.start()
        await RESOURCE.start(world.ctx)
        with (world.path / "open").open("w"):
            with pytest.raises(StepFailed, match=r"by force.*\(\d+\)"):
                await RESOURCE.stop(world.ctx)
            assert parse.mounted_at(device.MOUNTINFO.read_text(), str(world.path)) is None

    asyncio.run(scenario())


def held_open(world: World, *, stubborn: bool = False) -> int:
    """Start a process that keeps a file of the mount open; return its pid."""
    trap = "trap '' TERM; " if stubborn else ""
    script = f"{trap}exec 3> {world.path}/open; touch {world.path}/there; while :; do sleep 0.05; done"
    return run.spawn_detached(["sh", "-c", script], world.server.directory / "holder.log")


async def held(world: World) -> None:
    async with asyncio.timeout(60):
        while not (world.path / "there").exists():
            await clock.pause(0.01)


@pytest.mark.parametrize("stubborn", [False, True], ids=["ends when asked", "has to be killed"])
def test_processes_that_keep_a_mount_busy_are_ended_where_that_is_wanted(
    world: World, stubborn: bool
) -> None:
    """Then the unmount is an ordinary one: nothing fails, nothing is lost, and the event names who was ended."""
    _with_disk(world, end_processes=True)

    async def scenario() -> None:
        await world.server.start()
        await RESOURCE.start(world.ctx)
        pid = held_open(world, stubborn=stubborn)
        await held(world)
        await RESOURCE.stop(world.ctx)
        assert not run.is_alive(pid)
        assert world.events == ["filesystem_made", "mirror_disk_users_ended"]
        world.nothing_left()

    asyncio.run(scenario())


def test_after_a_disk_error_a_busy_mount_is_no_failure_of_the_stop(world: World) -> None:
    """The group has to go on elsewhere: what was written is saved, the mount is taken, its user is left alone."""

    async def scenario() -> None:
        await world.server.start()
        await RESOURCE.start(world.ctx)
        (world.path / "dirty").write_bytes(b"kept")
        pid = held_open(world)
        await held(world)
        world.failed = True
        try:
            await RESOURCE.stop(world.ctx)
            assert run.is_alive(pid)
        finally:
            await run.end_process(pid)
        assert world.events == ["filesystem_made", "mirror_disk_forced"]
        await RESOURCE.start(world.ctx)
        assert (world.path / "dirty").read_bytes() == b"kept"
        await RESOURCE.stop(world.ctx)

    asyncio.run(scenario())


def test_looking_for_users_does_not_hold_the_stop_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process maps cannot be read while its I/O hangs: then nobody is named, and the stop goes on."""
    go_on = threading.Event()
    monkeypatch.setattr("twinset.resources.mirror_disk.users.find", lambda _: go_on.wait(60) and [])
    monkeypatch.setattr("twinset.resources.mirror_disk.resource.USERS_S", 0.1)

    async def scenario() -> None:
        await world.server.start()
        await RESOURCE.start(world.ctx)
        world.frozen = "the lease has run out"
        async with asyncio.timeout(30):
            await RESOURCE.stop(world.ctx)
        assert not go_on.is_set()
        go_on.set()
        world.nothing_left()

    asyncio.run(scenario())


def _with_disk(world: World, **changes: Any) -> None:
    disk = world.ctx.group.mirror_disks[0].model_copy(update=changes)
    world.ctx = dataclasses.replace(
        world.ctx, group=world.ctx.group.model_copy(update={"mirror_disks": (disk,)})
    )


def test_frozen_io_does_not_hold_the_stop_up(world: World) -> None:
    """Where I/O cannot end, the stop fails it instead of waiting, and that is no failure of the group."""

    async def scenario() -> None:
        await world.server.start()
        await RESOURCE.start(world.ctx)
        (world.path / "dirty").write_bytes(b"x" * 100_000)
        world.server.signal(signal.SIGSTOP)
        world.frozen = "the lease has run out"
        await RESOURCE.stop(world.ctx)
        assert "mirror_disk_forced" in world.events
        world.nothing_left()

    asyncio.run(scenario())


def test_io_that_freezes_during_an_unmount_does_not_hold_it_up(world: World) -> None:
    """Access ends while the unmount writes back: the stop fails that I/O at once, and it is no failure of the group."""

    async def scenario() -> None:
        await world.server.start()
        await RESOURCE.start(world.ctx)
        (world.path / "dirty").write_bytes(b"x" * 100_000)
        world.server.signal(signal.SIGSTOP)
        stopping = asyncio.create_task(RESOURCE.stop(world.ctx))
        async with asyncio.timeout(20):
            while not _in_flight(world):
                await clock.pause(0.02)
            world.frozen = "both sides were written separately"
            await stopping
        world.nothing_left()

    asyncio.run(scenario())


def test_an_aborted_start_does_not_hold_the_daemon_up(world: World) -> None:
    """A start is aborted while a read of the device hangs: the daemon goes on at once, a stop leaves nothing."""
    late = threading.Event()

    def rescue() -> None:  # a daemon that waits for the device cannot be interrupted
        late.set()
        world.server.signal(signal.SIGCONT)

    async def scenario() -> None:
        await world.server.start()
        world.ctx = dataclasses.replace(world.ctx, system=HangingDevice(world))
        starting = asyncio.create_task(RESOURCE.start(world.ctx))
        async with asyncio.timeout(60):
            while not _in_flight(world):
                await clock.pause(0.02)
        timer = threading.Timer(20.0, rescue)
        timer.start()
        try:
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            await RESOURCE.stop(world.ctx)
        finally:
            timer.cancel()
        assert not late.is_set()
        world.nothing_left()

    asyncio.run(scenario())


def test_a_start_aborted_while_the_device_is_bound_keeps_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Binding a loop device cannot be interrupted; what it has bound after all is closed again."""
    go_on, closed = threading.Event(), threading.Event()

    class Bound:
        def close(self) -> None:
            closed.set()

    def attach(_file: Path) -> Bound:
        assert go_on.wait(60)
        return Bound()

    async def scenario() -> None:
        monkeypatch.setattr(loop, "attach", attach)
        binding = asyncio.create_task(device._bind(tmp_path))
        await clock.pause(0.05)
        binding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await binding
        go_on.set()
        assert await asyncio.to_thread(closed.wait, 60)

    asyncio.run(scenario())


class HangingDevice(LocalSystem):
    """The server of the device stands still from the moment the file system is looked for."""

    def __init__(self, world: World) -> None:
        names = Mock(spec=NameService)
        super().__init__(
            lambda name, *_: world.events.append(name),
            lambda _: world.frozen,
            lambda _: world.failed,
            lambda: 10.0,
            Mock(),
            names,
            Mock(),
            Mock(),
        )
        self._world = world

    async def run(self, argv: Sequence[str], **options: Any) -> run.Result:
        if argv[0] == "blkid":
            self._world.server.signal(signal.SIGSTOP)
        return await super().run(argv, **options)


def _in_flight(world: World) -> bool:
    """Tell whether a request to the loop device is under way."""
    for block in Path("/sys/block").glob("loop*"):
        if str(world.server.directory) in loop.backing_file(f"/dev/{block.name}"):
            return any(int(word) for word in (block / "inflight").read_text().split())
    return False
