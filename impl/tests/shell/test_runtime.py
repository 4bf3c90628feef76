"""The loop around the cluster core: order, durability, bugs, answers."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from twinset.cluster import effects, events
from twinset.config.cluster import ClusterConfig
from twinset.errors import Refusal
from twinset.shell import runtime as module
from twinset.shell import store
from twinset.shell.event_log import EventLog
from twinset.shell.paths import Paths
from twinset.shell.runtime import Runtime
from twinset.wire.keyring import Keyring

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]

# Addresses of the loopback network that no other test uses.
NET = f"127.{100 + os.getpid() % 100}.{os.getpid() // 100 % 250}"
CONFIG = ClusterConfig.model_validate(
    {
        "cluster": {"name": "demo"},
        "server": [{"name": "server1"}, {"name": "server2"}],
        "lan": [
            {
                "name": "ic1",
                "roles": ["interconnect"],
                "endpoints": [
                    {"server": "server1", "interface": "lo", "address": f"{NET}.1/24"},
                    {"server": "server2", "interface": "lo", "address": f"{NET}.2/24"},
                ],
            }
        ],
    },
    strict=False,
)


class FakeCore:
    """Answers each event from a script; keeps what it was fed."""

    def __init__(self, *_: Any) -> None:
        self.runs: dict[str, Any] = {}
        self.fed: list[events.Event] = []
        self.script: Callable[[events.Event], list[effects.Effect]] = lambda _: []

    def step(self, event: events.Event) -> list[effects.Effect]:
        if not isinstance(event, events.Tick):
            self.fed.append(event)
        return self.script(event)


class World:
    """A runtime over a fake core."""

    def __init__(self, directory: Path) -> None:
        self.paths = Paths(directory / "etc", directory / "state", directory / "run")
        self.paths.create()
        self.bugs: list[str] = []
        self.log = EventLog(self.paths.events, "server1")
        self.runtime = Runtime(
            CONFIG, b"text", "server1", "0" * 32, Keyring(b"k" * 32), self.paths, 0.1, self.log,
            lambda *_: None, lambda _: None, lambda where, _: self.bugs.append(where),
        )  # fmt: skip
        core = self.runtime._core
        assert isinstance(core, FakeCore)
        self.core = core

    def events(self) -> list[str]:
        return [entry["event"] for entry in self.log.since(0, 1000)]


def scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[World], Awaitable[None]]
) -> None:
    monkeypatch.setattr(module, "Cluster", FakeCore)

    async def run() -> None:
        world = World(tmp_path)
        world.runtime.start()
        await work(world)
        await world.runtime.stop(end_mirrors=True)
        world.log.close()

    asyncio.run(run())


def reply(event: events.Event, **changes: Any) -> list[effects.Effect]:
    if not isinstance(event, events.Request):
        return []
    return [effects.Reply(event.request_id, **{"ok": True, "result": {"verb": event.verb}, **changes})]


def test_a_request_gets_the_cores_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the core replies is what the operator gets."""

    async def work(world: World) -> None:
        world.core.script = reply
        assert await world.runtime.request("cluster.status", {}) == {"verb": "cluster.status"}

    scenario(tmp_path, monkeypatch, work)


def test_a_refusal_of_the_core_reaches_the_operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code, message, clause and help survive the way."""

    async def work(world: World) -> None:
        error = {"code": "E_STATE", "message": "no", "clause": "6.2", "help": "yes"}
        world.core.script = lambda event: reply(event, ok=False, error=error)
        with pytest.raises(Refusal) as caught:
            await world.runtime.request("group.start", {})
        assert caught.value.as_json() == error

    scenario(tmp_path, monkeypatch, work)


def test_what_is_persisted_is_durable_before_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When an answer arrives, what came before it in the list is on the disk."""

    async def work(world: World) -> None:
        world.core.script = lambda event: (
            [effects.Persist("a", 1), effects.Persist("b", [2]), *reply(event)] if reply(event) else []
        )
        await world.runtime.request("x", {})
        values, reason = store.read_json_object(world.paths.memory)
        assert reason == ""
        assert values["values"] == {"a": 1, "b": [2]}

    scenario(tmp_path, monkeypatch, work)


def test_a_disk_that_cannot_be_written_stops_everything_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """Nothing that depends on a memory is done before it is durable; afterwards it goes on."""
    monkeypatch.setattr(module, "SAVE_AGAIN_S", 0.01)
    full = [True]
    write = store.write_json

    def write_when_there_is_room(path: Path, value: Any) -> None:
        if full[0] and path.name == "daemon.json":
            raise OSError(28, "No space left on device")
        write(path, value)

    monkeypatch.setattr(store, "write_json", write_when_there_is_room)

    async def work(world: World) -> None:
        world.core.script = lambda event: [effects.Persist("a", 1), *reply(event)] if reply(event) else []
        asked = asyncio.create_task(world.runtime.request("x", {}))
        await until(lambda: "memory_not_durable" in world.events(), "the alert")
        assert not asked.done()
        full[0] = False
        assert await asked == {"verb": "x"}

    scenario(tmp_path, monkeypatch, work)


def test_a_bug_in_one_step_does_not_end_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that the core cannot digest is logged, and the next one is served."""

    async def work(world: World) -> None:
        def script(event: events.Event) -> list[effects.Effect]:
            if isinstance(event, events.PeerMessage):
                raise ZeroDivisionError
            return reply(event)

        world.core.script = script
        world.runtime.feed(events.PeerMessage({}))
        assert await world.runtime.request("x", {}) == {"verb": "x"}
        assert world.bugs == ["step PeerMessage"]

    scenario(tmp_path, monkeypatch, work)


def test_a_bug_in_one_effect_does_not_lose_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An effect that cannot be carried out is logged, and those after it are carried out."""

    async def work(world: World) -> None:
        world.core.script = lambda event: [object(), *reply(event)] if reply(event) else []  # type: ignore[list-item]
        assert await world.runtime.request("x", {}) == {"verb": "x"}
        assert world.bugs == ["effect object"]

    scenario(tmp_path, monkeypatch, work)


def test_a_forged_heartbeat_never_reaches_the_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A datagram that is not authentic is dropped before the core."""

    async def work(world: World) -> None:
        world.core.script = reply
        world.runtime._datagram("ic1", b"x" * 185)
        world.runtime._datagram("ic1", b"")
        await world.runtime.request("x", {})
        assert [type(event).__name__ for event in world.core.fed] == ["Request"]

    scenario(tmp_path, monkeypatch, work)


def test_halt_ends_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until) -> None:
    """When the core has left the cluster, the daemon hears of it."""

    async def work(world: World) -> None:
        world.core.script = lambda event: [effects.Halt("left")] if reply(event) else []
        asking = asyncio.create_task(world.runtime.request("x", {}))
        await until(world.runtime.halted.is_set, "the halt")
        assert world.runtime.halt_reason == "left"
        asking.cancel()

    scenario(tmp_path, monkeypatch, work)


def test_a_look_at_the_public_lan_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """A Probe ends in one StepDone; without public LAN and targets there is nothing to complain about."""

    async def work(world: World) -> None:
        world.core.script = lambda event: (
            [effects.Probe(7, ())] if isinstance(event, events.PeerUnreachable) else []
        )
        world.runtime.feed(events.PeerUnreachable())
        await until(lambda: events.StepDone(7, True, "") in world.core.fed, "the answer")

    scenario(tmp_path, monkeypatch, work)


@pytest.mark.parametrize(
    ("systemd", "reboot", "said", "act"),
    [
        (True, False, "powers off", ("systemctl", "poweroff")),
        (True, True, "starts again", ("systemctl", "reboot")),
        (False, False, "stays on (no systemd here)", ()),
    ],
)
def test_down_leaves_first_and_then_ends_the_machine(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    systemd: bool,
    reboot: bool,
    said: str,
    act: tuple[str, ...],
) -> None:
    """The core is asked to leave at once; what happens to the machine afterwards is remembered (6.3-17)."""

    async def work(world: World) -> None:
        monkeypatch.setattr(module.power, "systemd_runs", lambda: systemd)
        world.core.script = reply
        assert await world.runtime.down("test", reboot=reboot) == said
        [request] = [event for event in world.core.fed if isinstance(event, events.Request)]
        assert request.args == {"at_once": True, "needs_peer": True, "reason": "test"}
        assert world.runtime.last_act == act

    scenario(tmp_path, monkeypatch, work)


def test_a_refused_down_leaves_the_machine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the core refuses, the machine is not switched off later either."""

    async def work(world: World) -> None:
        monkeypatch.setattr(module.power, "systemd_runs", lambda: True)
        world.core.script = lambda event: reply(event, ok=False, error={"message": "nobody would take over"})
        with pytest.raises(Refusal, match="nobody would take over"):
            await world.runtime.down("test")
        assert world.runtime.last_act == ()

    scenario(tmp_path, monkeypatch, work)


def test_a_message_that_no_link_takes_ends_what_waits_for_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peer may be heard before it is connected: a request passed on then is lost, and the core hears so."""

    async def work(world: World) -> None:
        def lost(event: events.Event) -> list[effects.Effect]:
            if isinstance(event, events.Request):
                return [effects.SendPeer({"kind": "request"})]
            if isinstance(event, events.PeerUnreachable):
                return [effects.Reply(1, ok=True, result={"told": True})]
            return []

        world.core.script = lost
        async with asyncio.timeout(5):
            assert await world.runtime.request("server.return", {}) == {"told": True}

    scenario(tmp_path, monkeypatch, work)
