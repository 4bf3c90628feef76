"""Steps of groups: each answered once, remembered over a restart of the daemon."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from twinset.cluster.effects import Fence, RunStep
from twinset.cluster.events import ResourceLost, StepDone
from twinset.config.cluster import ClusterConfig
from twinset.errors import StepFailed
from twinset.resources.context import Context
from twinset.shell import clock
from twinset.shell import steps as module
from twinset.shell.name_service import NameService
from twinset.shell.paths import Paths
from twinset.shell.steps import Steps
from twinset.shell.system import LocalSystem

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]

CONFIG = ClusterConfig.model_validate(
    {
        "cluster": {"name": "demo"},
        "server": [{"name": "server1"}, {"name": "server2"}],
        "lan": [],
        "group": [{"name": "db", "policy": ["server1"], "script": [{"start": "/a", "stop": "/b"}]}],
    },
    strict=False,
)


class FakeResource:
    """A resource that does as it is told and keeps what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.order: list[Any] = []
        self.failure: BaseException | None = None
        self.sick = ""
        self.hold = asyncio.Event()
        self.hold.set()
        self.at_work = 0
        self.met = False  # two hands were on it at once

    async def start(self, ctx: Context) -> None:
        self.asked.append(("start", ctx.running))
        self.order.append("start")
        await self.hold.wait()
        if self.failure is not None:
            raise self.failure

    async def stop(self, ctx: Context) -> None:
        self.asked.append(("stop", ctx.running))
        self.met = self.met or self.at_work > 0
        self.order.append("stop")
        if self.failure is not None:
            raise self.failure

    async def check(self, ctx: Context) -> None:
        del ctx
        self.at_work += 1
        await self.hold.wait()
        self.at_work -= 1
        if self.sick:
            raise StepFailed(self.sick)


class FakePrograms:
    """Keeps what it is told of groups, in one list with what the resource is asked."""

    def __init__(self, told: list[Any]) -> None:
        self.told = told

    def start(self, groups: Iterable[str]) -> None:
        self.told.append(("adopt", *sorted(groups)))

    def open(self, group: str) -> None:
        self.told.append(("open", group))

    def suspend(self, group: str) -> None:
        self.told.append(("suspend", group))

    async def close(self, group: str) -> None:
        self.told.append(("close", group))


class World:
    """Steps over a fake resource, and what they fed to the core."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths = Paths(directory / "etc", directory / "state", directory / "run")
        self.paths.create()
        self.resource = FakeResource()
        monkeypatch.setitem(module.KINDS, "script", self.resource)
        self.fed: list[Any] = []
        self.events: list[str] = []
        self.bugs: list[str] = []
        self.steps = self.new_daemon()

    def new_daemon(self) -> Steps:
        names = Mock(spec=NameService)
        system = LocalSystem(
            lambda name, *_: self.events.append(name),
            lambda _: "",
            lambda _: False,
            lambda: 10.0,
            Mock(),
            names,
            Mock(),
            Mock(),
        )
        programs: Any = FakePrograms(self.resource.order)
        return Steps(
            CONFIG,
            "server1",
            self.paths,
            0.01,
            system,
            programs,
            self.fed.append,
            lambda where, _: self.bugs.append(where),
        )

    def ask(self, action: str, number: int = 1, event: str = "START") -> None:
        self.steps.perform(RunStep(number, "db", "script", 0, action, {"ARMS_EVENT": event}))

    def done(self, number: int = 1) -> StepDone | None:
        return next(
            (each for each in self.fed if isinstance(each, StepDone) and each.action_id == number), None
        )


def scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[World], Awaitable[None]]
) -> None:
    async def run() -> None:
        world = World(tmp_path, monkeypatch)
        await work(world)
        await world.steps.stop()

    asyncio.run(run())


def test_a_step_is_answered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until) -> None:
    """A step that succeeds is answered with ok, once, and told in the event log."""

    async def work(world: World) -> None:
        world.ask("start")
        await until(world.done, "the answer")
        assert world.fed == [StepDone(1, True)]
        assert world.events == ["script_started"]

    scenario(tmp_path, monkeypatch, work)


def test_a_failure_carries_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until) -> None:
    """A step that fails is answered with the reason of the resource."""

    async def work(world: World) -> None:
        world.resource.failure = StepFailed("no such disk", "E_DISK")
        world.ask("start")
        await until(world.done, "the answer")
        assert world.fed == [StepDone(1, False, "no such disk", code="E_DISK")]
        assert world.events == ["script_start_failed"]

    scenario(tmp_path, monkeypatch, work)


# Every event of a step, by name: an operator looks them up.
STEP_EVENTS = {
    "mirror_disk": (
        "mirror_disk_started",
        "mirror_disk_stopped",
        "mirror_disk_start_failed",
        "mirror_disk_stop_failed",
    ),
    "registry_key": (
        "registry_key_started",
        "registry_key_stopped",
        "registry_key_start_failed",
        "registry_key_stop_failed",
    ),
    "floating_ip": (
        "floating_ip_started",
        "floating_ip_stopped",
        "floating_ip_start_failed",
        "floating_ip_stop_failed",
    ),
    "virtual_ip": (
        "virtual_ip_started",
        "virtual_ip_stopped",
        "virtual_ip_start_failed",
        "virtual_ip_stop_failed",
    ),
    "virtual_computer_name": (
        "virtual_computer_name_started",
        "virtual_computer_name_stopped",
        "virtual_computer_name_start_failed",
        "virtual_computer_name_stop_failed",
    ),
    "printer": ("printer_started", "printer_stopped", "printer_start_failed", "printer_stop_failed"),
    "script": ("script_started", "script_stopped", "script_start_failed", "script_stop_failed"),
}


@pytest.mark.parametrize("kind", STEP_EVENTS)
def test_every_step_is_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until, kind: str
) -> None:
    """Started, stopped, and why not, of each kind of resource."""
    written: list[str] = []

    async def work(world: World) -> None:
        monkeypatch.setitem(module.KINDS, kind, world.resource)
        monkeypatch.setattr(module, "written", lambda *_: {})
        for number, (action, failure) in enumerate(
            (("start", None), ("stop", None), ("start", StepFailed("no")), ("stop", StepFailed("no"))), 1
        ):
            world.resource.failure = failure
            world.steps.perform(RunStep(number, "db", kind, 0, action, {"ARMS_EVENT": "START"}))
            await until(lambda number=number: world.done(number), "the answer")
        written.extend(world.events)

    scenario(tmp_path, monkeypatch, work)
    assert tuple(written) == STEP_EVENTS[kind]


def test_a_bug_in_a_resource_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """A resource that fails in a way nobody foresaw does not stop the daemon or leave the core waiting."""

    async def work(world: World) -> None:
        world.resource.failure = ZeroDivisionError()
        world.ask("start")
        answer = await until(world.done, "the answer")
        assert not answer.ok
        assert world.bugs == ["start of script"]

    scenario(tmp_path, monkeypatch, work)


def test_an_abort_ends_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until) -> None:
    """An aborted step is answered too."""

    async def work(world: World) -> None:
        world.resource.hold.clear()
        world.ask("start")
        await until(lambda: world.resource.asked, "the step to run")
        world.ask("abort")
        await until(world.done, "the answer")
        assert world.fed == [StepDone(1, False, "aborted")]

    scenario(tmp_path, monkeypatch, work)


def test_a_later_daemon_knows_what_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """What an earlier daemon of this boot had started counts as running, until it is stopped."""

    async def work(world: World) -> None:
        world.ask("start", 1)
        await until(lambda: world.done(1), "the start")
        world.steps = world.new_daemon()
        world.ask("start", 2)
        await until(lambda: world.done(2), "the second start")
        world.ask("stop", 3)
        await until(lambda: world.done(3), "the stop")
        world.steps = world.new_daemon()
        world.ask("start", 4)
        await until(lambda: world.done(4), "the third start")
        assert world.resource.asked == [("start", False), ("start", True), ("stop", True), ("start", False)]

    scenario(tmp_path, monkeypatch, work)


def test_a_recover_script_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """The script that runs on a returned server with RECOVER does not make its group run there."""

    async def work(world: World) -> None:
        world.ask("start", 1, event="RECOVER")
        await until(lambda: world.done(1), "the recover script")
        world.ask("start", 2)
        await until(lambda: world.done(2), "the start")
        assert world.resource.asked == [("start", False), ("start", False)]

    scenario(tmp_path, monkeypatch, work)


def test_a_resource_that_is_gone_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """Monitoring tells the core what became of a started resource."""
    monkeypatch.setattr(module, "CHECK_FLOOR_S", 0.01)

    async def work(world: World) -> None:
        world.steps.start()
        world.ask("start")
        await until(world.done, "the answer")
        world.resource.sick = "it is gone"
        await until(lambda: len(world.fed) > 1, "the report")
        assert world.fed[1] == ResourceLost("db", "script", 0, "it is gone")

    scenario(tmp_path, monkeypatch, work)


def test_a_stop_and_a_check_do_not_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """A check puts back what is gone, so a stop waits for one that is under way; none follows it (promise 5)."""
    monkeypatch.setattr(module, "CHECK_FLOOR_S", 0.01)

    async def work(world: World) -> None:
        world.ask("start", 1)
        await until(lambda: world.done(1), "the start")
        world.resource.hold.clear()
        world.steps.start()
        await until(lambda: world.resource.at_work, "a check to begin")
        world.ask("stop", 2)
        await clock.pause(0.02)
        world.resource.hold.set()
        await until(lambda: world.done(2), "the stop")
        assert world.resource.asked == [("start", False), ("stop", True)]
        assert not world.resource.met

    scenario(tmp_path, monkeypatch, work)


def test_a_damaged_memory_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """A memory that makes no sense counts as empty."""

    async def work(world: World) -> None:
        world.paths.adopted.write_text('{"started": [3, {"group": 1}, {"group": "db", "kind": "zonk"}]}')
        world.steps = world.new_daemon()
        world.ask("start")
        await until(world.done, "the answer")
        assert world.resource.asked == [("start", False)]

    scenario(tmp_path, monkeypatch, work)


@pytest.mark.parametrize("failure", [None, StepFailed("it timed out")])
def test_programs_end_after_the_stop_script_and_before_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until, failure: StepFailed | None
) -> None:
    """A group may load from its first start step to the end of its stop scripts, also when one of them fails."""

    async def work(world: World) -> None:
        monkeypatch.setitem(module.KINDS, "floating_ip", world.resource)
        world.steps.start()
        world.ask("start")
        await until(world.done, "the start")
        world.resource.failure = failure
        for number, kind in ((2, "script"), (3, "floating_ip")):
            world.steps.perform(RunStep(number, "db", kind, 0, "stop", {}))
            await until(lambda n=number: world.done(n), "the stop")
        closed = [("suspend", "db"), "stop", ("close", "db"), ("suspend", "db"), ("close", "db"), "stop"]
        assert world.resource.order == [("adopt",), ("open", "db"), "start", *closed]

    scenario(tmp_path, monkeypatch, work)


def test_the_last_stop_script_is_the_first_of_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """Scripts stop in reverse: programs end after number 0 only."""

    async def work(world: World) -> None:
        world.steps.perform(RunStep(1, "db", "script", 1, "stop", {}))
        await until(world.done, "the stop")
        assert world.resource.order == [("suspend", "db"), "stop"]

    scenario(tmp_path, monkeypatch, work)


def test_a_recover_script_loads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """On a returned server the start script runs, but the group does not run there."""

    async def work(world: World) -> None:
        world.ask("start", event="RECOVER")
        await until(world.done, "the start")
        assert world.resource.order == ["start"]

    scenario(tmp_path, monkeypatch, work)


def test_the_next_daemon_opens_what_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """A group with something started may go on loading after a restart of twinsetd."""

    async def work(world: World) -> None:
        world.ask("start")
        await until(world.done, "the start")
        later = world.new_daemon()
        later.start()
        assert world.resource.order[-1] == ("adopt", "db")
        await later.stop()

    scenario(tmp_path, monkeypatch, work)


@pytest.mark.parametrize(("status", "reason"), [(0, ""), (1, "no answer of the power switch")])
def test_the_fencing_hook_is_told_whom_to_switch_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until, status: int, reason: str
) -> None:
    """By its environment; its status decides, and what it says is the reason."""
    hook = tmp_path / "fence"
    hook.write_text(
        f'#!/bin/sh\necho "$TWINSET_FENCE of $TWINSET_CLUSTER" > {tmp_path}/told\necho "{reason}" >&2\nexit {status}\n'
    )
    hook.chmod(0o755)
    settings = CONFIG.cluster.model_copy(update={"fence": str(hook), "fence_timeout_s": 20.0})

    async def work(world: World) -> None:
        world.steps._config = CONFIG.model_copy(update={"cluster": settings})
        world.steps.fence(Fence(1, "server2"))
        answer = await until(world.done, "the answer")
        assert answer.ok == (status == 0)
        assert reason in answer.reason

    scenario(tmp_path, monkeypatch, work)
    assert (tmp_path / "told").read_text() == "server2 of demo\n"
