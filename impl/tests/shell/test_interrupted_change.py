"""A change of the configuration, interrupted at every step: one text or the other, the same on both in the end."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from twinset.config import lineage
from twinset.errors import ProtocolError, Refusal
from twinset.shell import control_channel, disk_registration, store
from twinset.shell.configure import ADOPTED, Asked

from .configure_world import KEY, Line, Server, make_disk, text


class PowerCutError(BaseException):
    """The server is gone at this point; nothing catches it."""


@dataclass
class Points:
    """Every step that something durable or a frame makes; at one of them the world ends for somebody."""

    cut_at: int = -1
    how: str = "before"  # the step a power cut, "after" it, or a cut "link" in place of a frame
    seen: list[str] = field(default_factory=list)

    def before(self, what: str) -> None:
        self.seen.append(what)
        if len(self.seen) - 1 == self.cut_at and self.how != "after":
            raise ProtocolError("cut") if self.how == "link" else PowerCutError(what)

    def after(self) -> None:
        if self.how == "after" and len(self.seen) - 1 == self.cut_at:
            raise PowerCutError(self.seen[-1])


@dataclass
class World:
    """Two servers with generation 1, asked for generation 2."""

    one: Server
    two: Server
    old: str
    new: str
    points: Points = field(default_factory=Points)

    def reach(self, monkeypatch: pytest.MonkeyPatch, server: Server) -> list[Line]:
        """Let `control_channel.connect` lead to a server."""
        lines: list[Line] = []

        async def connect(*_: Any) -> Line:
            lines.append(Line(server, self.points.before))
            return lines[-1]

        monkeypatch.setattr(control_channel, "connect", connect)
        return lines

    async def change(self, monkeypatch: pytest.MonkeyPatch, wanted: str) -> str:
        """Ask server 1; return what became of it, as it tells itself."""
        lines = self.reach(monkeypatch, self.two)
        own = control_channel.hello("configure", "server1", "a" * 32)
        try:
            result = await self.one.configure.change(Asked(wanted, live=True), KEY, own)
        except Refusal:
            return "refused"
        except PowerCutError:
            return "dead"
        finally:
            for line in lines:
                line.close()
                await asyncio.gather(line.serving, return_exceptions=True)
        return "waits" if result["waits_for"] else "applied"

    async def meet(self, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
        """Both run again and compare, one after the other, until neither takes anything over."""
        for server in (self.one, self.two):
            server.boot()
        for who in order:
            asks, answers = (self.one, self.two) if who == "1" else (self.two, self.one)
            lines = self.reach(monkeypatch, answers)
            own = control_channel.hello("configure", asks.name, "a" * 32)
            outcome, _ = await asks.configure.agree(KEY, own)
            for line in lines:
                line.close()
                await line.serving
            assert outcome in (ADOPTED, lineage.SAME, lineage.OLDER, lineage.NEWER)

    def bodies(self) -> list[str]:
        """The active texts, without the line of the lineage."""
        return [lineage.body(server.configure.active_text()) for server in (self.one, self.two)]


@pytest.fixture
def world(tmp_path: Path, table: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return two servers that have the same generation."""
    make_disk(tmp_path / "disk", table)
    monkeypatch.setattr(disk_registration, "refuse_unfit", lambda *_: None)
    old = text(str(tmp_path / "disk"))
    made = World(Server(tmp_path, "server1"), Server(tmp_path, "server2"), old, f"{old}failback = true\n")
    made.new = old.replace('name = "db"\n', 'name = "db"\nfailback = true\n')

    async def first() -> None:
        lines = made.reach(monkeypatch, made.two)
        own = control_channel.hello("configure", "server1", "a" * 32)
        await made.one.configure.change(Asked(old), KEY, own)
        for line in lines:
            line.close()
            await line.serving

    asyncio.run(first())
    made.points.seen.clear()
    real_write, real_replace = store.write_atomic, Path.replace

    def write(path: Path, data: bytes | str, mode: int = 0o600) -> None:
        made.points.before(f"writes {path.parent.parent.name}/{path.name}")
        real_write(path, data, mode)
        made.points.after()

    def replace(self: Path, target: Path) -> Path:
        mine = target.name == "cluster.toml"
        if mine:
            made.points.before(f"decides {target.parent.parent.name}")
        moved = real_replace(self, target)
        if mine:
            made.points.after()
        return moved

    monkeypatch.setattr(store, "write_atomic", write)
    monkeypatch.setattr(Path, "replace", replace)
    return made


def test_the_steps_are_those_that_are_cut(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uninterrupted, a change goes through these steps in this order, and both servers have it."""
    assert asyncio.run(world.change(monkeypatch, world.new)) == "applied"
    assert world.bodies() == [world.new, world.new]
    assert world.points.seen == STEPS


STEPS = [
    "asks claim",
    "answers claim",
    "asks offer",
    "writes server2/cluster.toml.offered",
    "answers done",
    "writes server1/cluster.toml.offered",
    "decides server1",
    "asks commit",
    "writes server2/cluster.toml.offered",
    "decides server2",
    "answers done",
]


@pytest.mark.parametrize("order", ["1212", "2121", "2211"])
@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("step", range(len(STEPS)), ids=STEPS)
def test_a_power_cut_at_any_step_leaves_one_text_or_the_other(
    world: World, monkeypatch: pytest.MonkeyPatch, step: int, how: str, order: str
) -> None:
    """Each server has one of the two texts whole; when both meet again, in any order, they have the same one, and it
    is the new one exactly when it was decided: never the old one after a success was told.
    """
    world.points.cut_at, world.points.how = step, how

    async def scenario() -> str:
        told = await world.change(monkeypatch, world.new)
        world.points.cut_at = -1
        alone = world.bodies()
        assert set(alone) <= {world.old, world.new}
        await world.meet(monkeypatch, order)
        assert not world.one.configure.in_doubt
        assert not world.two.configure.in_doubt
        return told if world.new in alone else f"{told}, undecided"

    told = asyncio.run(scenario())
    after = world.bodies()
    assert after[0] == after[1]
    decided = "undecided" not in told
    assert after[0] == (world.new if decided else world.old)
    if told.startswith(("applied", "waits")):
        assert after[0] == world.new
    if told.startswith("refused"):
        assert after[0] == world.old


@pytest.mark.parametrize("order", ["1212", "2121"])
@pytest.mark.parametrize("step", [n for n, each in enumerate(STEPS) if each.startswith(("asks", "answers"))])
def test_a_cut_link_leaves_both_with_what_was_told(
    world: World, monkeypatch: pytest.MonkeyPatch, step: int, order: str
) -> None:
    """Both servers go on; what was refused changed nothing, and what was told as done is on both when they meet."""
    world.points.cut_at, world.points.how = step, "link"

    async def scenario() -> str:
        told = await world.change(monkeypatch, world.new)
        world.points.cut_at = -1
        await world.meet(monkeypatch, order)
        return told

    told = asyncio.run(scenario())
    assert told in ("refused", "waits")
    assert world.bodies() == [world.old if told == "refused" else world.new] * 2


def test_a_server_in_doubt_that_goes_on_alone_replaces_what_it_was_offered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Server 1 has decided and died; a change on server 2 alone follows it, so that they do not diverge."""
    world.points.cut_at, world.points.how = STEPS.index("asks commit"), "before"

    async def scenario() -> None:
        assert await world.change(monkeypatch, world.new) == "dead"
        world.points.cut_at = -1
        world.two.boot()
        assert world.two.configure.in_doubt

        async def nobody(*_: Any) -> None:
            raise OSError("no route")

        monkeypatch.setattr(control_channel, "connect", nobody)
        own = control_channel.hello("configure", "server2", "a" * 32)
        third = world.old.replace('name = "db"\n', 'name = "db"\nstartup = "manual"\n')
        result = await world.two.configure.change(Asked(third, live=True, alone=True), KEY, own)
        assert result["generation"] == 3
        await world.meet(monkeypatch, "12")
        assert world.bodies() == [third, third]

    asyncio.run(scenario())


def test_changes_apart_from_each_other_are_shown_and_not_merged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each server keeps its own text until an operator's text follows both."""
    texts = [world.old.replace('name = "db"\n', f'name = "db"\nstartup = "{word}"\nfailback = {flag}\n')
             for word, flag in (("manual", "true"), ("automatic", "true"))]  # fmt: skip

    async def scenario() -> None:
        async def nobody(*_: Any) -> None:
            raise OSError("no route")

        monkeypatch.setattr(control_channel, "connect", nobody)
        for server, wanted in zip((world.one, world.two), texts, strict=True):
            own = control_channel.hello("configure", server.name, "a" * 32)
            await server.configure.change(Asked(wanted, live=True, alone=True), KEY, own)
        for asks, answers in ((world.one, world.two), (world.two, world.one)):
            lines = world.reach(monkeypatch, answers)
            own = control_channel.hello("configure", asks.name, "a" * 32)
            outcome, _ = await asks.configure.agree(KEY, own)
            lines[0].close()
            await lines[0].serving
            assert outcome == lineage.DIVERGED
        assert world.bodies() == texts
        assert await world.change(monkeypatch, world.new) == "refused"
        assert world.bodies() == texts
        lines = world.reach(monkeypatch, world.two)
        own = control_channel.hello("configure", "server1", "a" * 32)
        asked = Asked(world.new, live=True, resolve=True)
        result = await world.one.configure.change(asked, KEY, own)
        assert result["generation"] == 3
        lines[0].close()
        await lines[0].serving
        assert world.bodies() == [world.new, world.new]

    asyncio.run(scenario())


def test_a_dry_run_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells the difference, both servers judge it, and no file is written."""
    world.reach(monkeypatch, world.two)

    async def scenario() -> dict[str, Any]:
        lines = world.reach(monkeypatch, world.two)
        own = control_channel.hello("configure", "server1", "a" * 32)
        try:
            asked = Asked(world.new, live=True, dry_run=True)
            return await world.one.configure.change(asked, KEY, own)
        finally:
            lines[0].close()
            await lines[0].serving

    result = asyncio.run(scenario())
    assert (result["applied"], result["generation"]) == (False, 2)
    assert [each["path"] for each in result["changes"]] == ["group db.failback"]
    assert world.bodies() == [world.old, world.old]
    assert not [what for what in world.points.seen if what.startswith("writes")]
    world.two.why_not = "it is busy"
    with pytest.raises(Refusal, match="server2 refuses: it is busy"):
        asyncio.run(scenario())
