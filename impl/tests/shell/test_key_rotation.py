"""The cluster key is changed on two servers, and the change is cut off at every step."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from twinset.errors import ProtocolError, Refusal
from twinset.shell import store
from twinset.shell.key_rotation import KeyRotation
from twinset.shell.paths import Paths
from twinset.wire.keyring import Keyring

OLD = Keyring(b"o" * 32)


class Line:
    """One end of a line; `passes` counts what goes over it and may cut it."""

    def __init__(self, passes: Any) -> None:
        self.arrived: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.other: Line | None = None
        self.passes = passes

    async def frames(self) -> AsyncIterator[dict[str, Any]]:
        while (frame := await self.arrived.get()) is not None:
            yield frame

    def send(self, frame: dict[str, Any]) -> None:
        assert self.other is not None
        self.passes(frame)
        self.other.arrived.put_nowait(frame)

    async def drained(self) -> None:
        """Nothing to wait for."""

    def close(self) -> None:
        assert self.other is not None
        self.other.arrived.put_nowait(None)
        self.arrived.put_nowait(None)


class Daemon:
    """As much of one as the rotation needs."""

    def __init__(self, directory: Path, name: str) -> None:
        self.paths = Paths(*(directory / name / part for part in ("etc", "state", "run")))
        self.paths.etc.mkdir(parents=True)
        self.keys: Keyring | None = OLD
        store.write_atomic(self.paths.key, OLD.text())
        self.told: list[str] = []
        self.event_log = SimpleNamespace(write=lambda event, *_: self.told.append(event))
        self.rotation = KeyRotation(self)  # type: ignore[arg-type]
        self.support: Any = None

    def take_keys(self, keys: Keyring) -> None:
        self.keys = keys


class World:
    """Two servers with one key; the line between them can be cut at a frame."""

    def __init__(self, directory: Path) -> None:
        self.one, self.two = Daemon(directory, "server1"), Daemon(directory, "server2")
        self.frames: list[dict[str, Any]] = []
        self.cut_at = -1
        self.one.support = SimpleNamespace(reach=self._reach)

    def _passes(self, frame: dict[str, Any]) -> None:
        if len(self.frames) == self.cut_at:
            raise ProtocolError("cut")
        self.frames.append(frame)

    async def _reach(self, _kind: str) -> Line:
        here, there = Line(self._passes), Line(self._passes)
        here.other, there.other = there, here

        async def serve() -> None:
            try:
                await self.two.rotation.serve(there)  # type: ignore[arg-type]
            except ProtocolError:
                there.close()

        self.serving = asyncio.create_task(serve())
        return here

    def rotate(self, cut_at: int = -1) -> bool:
        """Ask; return whether it was told as done."""
        self.frames.clear()
        self.cut_at = cut_at

        async def scenario() -> bool:
            try:
                await self.one.rotation.rotate()
            except Refusal:
                return False
            finally:
                await self.serving
            return True

        return asyncio.run(scenario())

    def kept(self) -> list[Keyring]:
        """What is on the disks, which is what is in use."""
        rings = [store.read_keys(daemon.paths.key) for daemon in (self.one, self.two)]
        assert rings == [self.one.keys, self.two.keys]
        return rings


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return two servers."""
    return World(tmp_path)


def test_both_servers_get_a_new_key_that_nobody_overhears(world: World) -> None:
    """One key on both, another than before, in a file of root's; no frame has it, nor the old one."""
    assert world.rotate()
    one, two = world.kept()
    assert one == two
    assert one.others == ()
    assert one.current != OLD.current
    said = repr(world.frames)
    assert one.current.hex() not in said
    assert OLD.current.hex() not in said
    assert world.one.paths.key.stat().st_mode & 0o777 == 0o600
    assert (world.one.told, world.two.told) == (["key_rotated"], ["key_rotated"])


@pytest.mark.parametrize("step", range(8))
def test_cut_off_at_any_frame_both_understand_each_other(world: World, step: int) -> None:
    """The refusal says so, an event tells it, and the next rotation makes it good."""
    assert not world.rotate(step)
    one, two = world.kept()
    assert one.understands(two)
    assert two.understands(one)
    assert world.one.told == ["key_rotation_incomplete"]
    assert world.rotate()
    after = world.kept()
    assert after[0] == after[1]
    assert after[0].others == ()
    assert after[0].current not in (one.current, two.current)


def test_without_the_other_server_nothing_changes(world: World) -> None:
    """It has to be there."""

    async def nobody(_kind: str) -> None:
        raise OSError("no route")

    world.one.support = SimpleNamespace(reach=nobody)
    with pytest.raises(Refusal, match="no route"):
        asyncio.run(world.one.rotation.rotate())
    assert world.kept() == [OLD, OLD]


@pytest.mark.parametrize(
    "frame", [{}, {"t": "use"}, {"t": "settle"}, {"t": "believe"}, {"t": "offer", "public": "x"}]
)
def test_steps_out_of_order_are_a_breach(world: World, frame: dict[str, Any]) -> None:
    """Nothing is used that was not offered."""

    async def scenario() -> None:
        line, other = Line(lambda _: None), Line(lambda _: None)
        line.other, other.other = other, line
        line.arrived.put_nowait(frame)
        with pytest.raises(ProtocolError):
            await world.two.rotation.serve(line)  # type: ignore[arg-type]

    asyncio.run(scenario())
    assert world.kept() == [OLD, OLD]
