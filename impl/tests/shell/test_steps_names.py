"""Steps of groups with virtual computer names: claimed beside the first step, served again by the next daemon."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from twinset.cluster.effects import RunStep
from twinset.cluster.events import StepDone
from twinset.config.cluster import ClusterConfig
from twinset.shell import steps as module
from twinset.shell.addresses import Addresses
from twinset.shell.name_service import NameService
from twinset.shell.paths import Paths
from twinset.shell.programs import Programs
from twinset.shell.steps import Steps
from twinset.shell.system import LocalSystem
from twinset.wire.rtnetlink import InterfaceState

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]

NAME = "virtual_computer_name"
LAN = {
    "name": "public",
    "roles": ["public"],
    "endpoints": [
        {"server": "server1", "interface": "eth0", "address": "10.0.1.1/24"},
        {"server": "server2", "interface": "eth0", "address": "10.0.1.2/24"},
    ],
}
GROUP = {
    "name": "db",
    "policy": ["server1"],
    "virtual_computer_name": [{"name": "DBSERVER"}],
    "floating_ip": [{"address": "10.0.1.100"}],
    "script": [{"start": "/a", "stop": "/b"}],
}


class World:
    """Steps of one group, with a name service that keeps what it is asked."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, lans: list[Any]) -> None:
        servers = [{"name": "server1"}, {"name": "server2"}]
        document = {"cluster": {"name": "demo"}, "server": servers, "lan": lans, "group": [GROUP]}
        self.config = ClusterConfig.model_validate(document, strict=False)
        self.paths = Paths(directory / "etc", directory / "state", directory / "run")
        self.paths.create()
        self.script = AsyncMock()
        monkeypatch.setitem(module.KINDS, "script", self.script)
        self.fed: list[Any] = []
        self.events: list[str] = []
        self.steps = self.new_daemon()

    def new_daemon(self) -> Steps:
        self.names = Mock(spec=NameService, **{"take.return_value": "", "holds.return_value": False})
        state = InterfaceState(up=True, carrier=True)
        self.addresses = Mock(
            spec=Addresses,
            **{"state.return_value": state, "holder.return_value": "", "announce.return_value": ""},
        )
        system = LocalSystem(
            lambda name, *_: self.events.append(name),
            lambda _: "",
            lambda _: False,
            lambda: 10.0,
            self.addresses,
            self.names,
            Mock(),
            Mock(),
        )
        programs = Mock(spec=Programs)
        return Steps(self.config, "server1", self.paths, 0.01, system, programs, self.fed.append, Mock())

    def ask(self, number: int, kind: str, event: str = "START", *, associate: bool = True) -> None:
        self.steps.perform(RunStep(number, "db", kind, 0, "start", {"ARMS_EVENT": event}, associate))

    def done(self, number: int = 1) -> StepDone | None:
        found = (each for each in self.fed if isinstance(each, StepDone) and each.action_id == number)
        return next(found, None)


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what plays a scenario on a world."""

    def play(work: Callable[[World], Awaitable[None]], lans: tuple[Any, ...] = (LAN,)) -> None:
        async def run() -> None:
            world = World(tmp_path, monkeypatch, list(lans))
            await work(world)
            await world.steps.stop()

        asyncio.run(run())

    return play


def test_names_and_addresses_are_asked_for_beside_the_first_step(
    scenario: Callable[..., None], until: Until
) -> None:
    """Claim and probe of a group begin with whatever step of its start comes first, not only with their own."""

    async def work(world: World) -> None:
        world.ask(1, "script")
        await until(world.done, "the answer")
        [call] = world.names.prepare.call_args_list
        assert call.args[0] == "DBSERVER"
        world.names.take.assert_not_called()
        world.addresses.prepare.assert_called_once_with("eth0", "10.0.1.100")
        world.addresses.holder.assert_not_called()

    scenario(work)


def test_what_was_prepared_ends_with_a_start_that_failed(scenario: Callable[..., None], until: Until) -> None:
    """A stop of anything of the group ends probe and claim that no step of their own had taken up (5.2.2-05)."""

    async def work(world: World) -> None:
        world.ask(1, "script")
        await until(world.done, "the start")
        world.steps.perform(RunStep(2, "db", "script", 0, "stop", {}))
        await until(lambda: world.done(2), "the stop")
        world.names.abandon.assert_called_once_with("DBSERVER")
        world.addresses.abandon.assert_called_once_with("eth0", "10.0.1.100")

    scenario(work)


def test_no_name_is_claimed_for_a_recover_script(scenario: Callable[..., None], until: Until) -> None:
    """The script that runs on a returned server is no start of its group, whose names live elsewhere."""

    async def work(world: World) -> None:
        world.ask(1, "script", event="RECOVER")
        await until(world.done, "the answer")
        world.names.prepare.assert_not_called()
        world.addresses.prepare.assert_not_called()

    scenario(work)


def test_a_name_that_has_no_place_fails_its_own_step(scenario: Callable[..., None], until: Until) -> None:
    """What is wrong with a name is not blamed on the step before it."""

    async def work(world: World) -> None:
        world.ask(1, "script")
        assert (await until(world.done, "the answer")).ok
        world.ask(2, NAME)
        answer = await until(lambda: world.done(2), "the second answer")
        assert "no public LAN of server1 serves DBSERVER" in answer.reason

    scenario(work, lans=())


def test_a_name_in_use_is_answered_with_its_class(scenario: Callable[..., None], until: Until) -> None:
    """The core learns the reason, and that it is E_DUP."""

    async def work(world: World) -> None:
        world.names.take.return_value = "DBSERVER belongs to the host at 10.0.1.60"
        world.ask(1, NAME)
        answer = await until(world.done, "the answer")
        assert (answer.ok, answer.reason, answer.code) == (False, world.names.take.return_value, "E_DUP")

    scenario(work)


def test_a_restarted_daemon_serves_the_names_of_its_predecessor(
    scenario: Callable[..., None], monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """The next twinsetd takes a started name up as soon as it has a lease, without a step."""
    monkeypatch.setattr(module, "RENEW_FLOOR_S", 0.01)

    async def work(world: World) -> None:
        world.ask(1, NAME)
        await until(world.done, "the answer")
        await world.steps.stop()
        world.steps = world.new_daemon()
        world.steps.start()
        await until(lambda: world.names.resume.called, "the name to be served again")
        assert "virtual_computer_name_resumed" in world.events

    scenario(work)


@pytest.mark.parametrize(("associate", "address"), [(True, "10.0.1.100"), (False, "10.0.1.1")])
def test_a_name_stands_for_what_its_start_was_told(
    scenario: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    until: Until,
    associate: bool,
    address: str,
) -> None:
    """Taken for the address that ARMVCSET wants, and served for the same one by the next twinsetd (7.3.1.4-01)."""
    monkeypatch.setattr(module, "RENEW_FLOOR_S", 0.01)

    async def work(world: World) -> None:
        world.ask(1, NAME, associate=associate)
        await until(world.done, "the answer")
        assert world.names.take.call_args.args[1].attachments[0].address == address
        world.ask(2, "script", event="RECOVER")
        await until(lambda: world.done(2), "the answer of the other script")
        group = world.steps._context(("db", NAME, 0), {}).group
        assert group.associated_address == ("10.0.1.100" if associate else "")
        await world.steps.stop()
        world.steps = world.new_daemon()
        world.steps.start()
        await until(lambda: world.names.resume.called, "the name to be served again")
        assert world.names.resume.call_args.args[1].attachments[0].address == address

    scenario(work)
