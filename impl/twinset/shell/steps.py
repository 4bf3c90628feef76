"""Runs the core's steps of groups as tasks, and remembers on this boot what is started.

The memory lies in the run directory, which dies with the boot: a twinsetd that was killed finds there that a
start script has run, and does not run it again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from twinset.cluster import events
from twinset.errors import StepFailed, TwinsetError
from twinset.resources.context import Context
from twinset.resources.floating_ip.resource import FloatingIpResource
from twinset.resources.kinds import KINDS
from twinset.resources.public_lan import probe as public_lan
from twinset.resources.virtual_computer_name.resource import VirtualComputerNameResource
from twinset.resources.virtual_ip.resource import VirtualIpResource
from twinset.shell import clock, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from twinset.cluster.effects import Probe, RunStep
    from twinset.config.cluster import ClusterConfig
    from twinset.resources.context import Resource, System
    from twinset.shell.paths import Paths
    from twinset.shell.programs import Programs

RENEWALS_PER_LEASE: Final = 3
RENEW_FLOOR_S: Final = 0.2
CHECK_S: Final = 10.0
CHECK_FLOOR_S: Final = 2.0
NAME: Final = "virtual_computer_name"
ADDRESS: Final = "floating_ip"
_NAMES: Final = VirtualComputerNameResource()
_ADDRESSES: Final = FloatingIpResource()
_RENEWED: Final[dict[str, FloatingIpResource | VirtualIpResource | VirtualComputerNameResource]] = {
    ADDRESS: _ADDRESSES,
    "virtual_ip": VirtualIpResource(),
    NAME: _NAMES,
}
_TYPES: Final = {ADDRESS: "floating_ip", "mirror_disk": "mount"}  # of monitoring, by kind of resource
RECOVER: Final = "RECOVER"  # the start script runs once on a returned server; the group does not run there

Key = tuple[str, str, int]  # group, kind, index


class Steps:
    """The resources of this server."""

    def __init__(
        self,
        config: ClusterConfig,
        me: str,
        paths: Paths,
        scale: float,
        system: System,
        programs: Programs,
        feed: Callable[[events.Event], None],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._config = config
        self._me = me
        self._paths = paths
        self._scale = scale
        self._system = system
        self._programs = programs
        self._feed = feed
        self._failed = failed
        self._running: dict[int, asyncio.Task[None]] = {}
        self._side: set[asyncio.Task[None]] = set()
        self._hands: defaultdict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)  # one at a time on a resource
        self._announcing: dict[Key, asyncio.Task[None]] = {}
        body, _ = store.read_json_object(paths.adopted)
        self._started: dict[Key, dict[str, str]] = {}
        self._associate: dict[str, bool] = {}  # by group, as its last start here was told [7.3.1.4-01]
        for key, environment, associate in _entries(body):
            self._started[key] = environment
            self._associate[key[0]] = associate

    def start(self) -> None:
        """Begin to renew addresses and to check what is started."""
        self._programs.start({group for group, _, _ in self._started})
        self._beside(self._renew_addresses())
        self._beside(self._check())

    async def stop(self) -> None:
        """End every task; what is started stays started."""
        tasks = [*self._running.values(), *self._side]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def perform(self, effect: RunStep) -> None:
        """Begin a step, or abort one."""
        if effect.action == "abort":
            task = self._running.get(effect.action_id)
            if task is not None:
                task.cancel()
            return
        task = asyncio.create_task(self._step(effect))
        self._running[effect.action_id] = task
        task.add_done_callback(lambda _: self._running.pop(effect.action_id, None))

    def probe(self, effect: Probe) -> None:
        """Look at the public LANs."""
        self._beside(self._look(effect))

    async def _look(self, effect: Probe) -> None:
        reason = "it could not be looked at"
        try:
            reason = await public_lan.look(self._system, self._config, self._me, effect.targets)
        finally:
            self._feed(events.StepDone(effect.action_id, not reason, reason))

    async def _step(self, effect: RunStep) -> None:
        reason, code = "aborted", ""
        key = (effect.group, effect.kind, effect.index)
        try:
            async with self._hands[key]:
                reason, code = await self._carry_out(effect, key)
        except asyncio.CancelledError:
            reason, code = "aborted", ""
        finally:
            self._feed(events.StepDone(effect.action_id, not reason, reason, code=code))

    async def _carry_out(self, effect: RunStep, key: Key) -> tuple[str, str]:
        """Return "" or why the step failed, and the class of that error where it has one of its own."""
        resource = KINDS.get(effect.kind)
        if resource is None:
            return f"unknown kind of resource {effect.kind}", ""
        starts = effect.action == "start"
        runs_here = starts and effect.environment.get("ARMS_EVENT") != RECOVER
        if runs_here:
            self._associate[effect.group] = effect.associate
        ctx = self._context(key, effect.environment)
        before = clock.now_ms()
        try:
            if starts:
                if runs_here:
                    self._programs.open(effect.group)
                    self._prepare(effect)
                await resource.start(ctx)
                if runs_here:
                    self._remember(key, dict(effect.environment))
                if isinstance(resource, FloatingIpResource):
                    self._announcing[key] = self._beside(resource.announce(ctx))
            else:
                self._forget(key)
                self._abandon(effect)
                if key in self._announcing:
                    self._announcing.pop(key).cancel()  # the address is about to be another server's
                await self._stop(resource, ctx, effect)
        except TwinsetError as failure:
            self._log(effect, f"{effect.kind}_{effect.action}_failed", "error", reason=str(failure))
            return str(failure) or "failed", failure.code if isinstance(failure, StepFailed) else ""
        except Exception as failure:  # noqa: BLE001 - a bug in one resource must not stop the daemon
            self._failed(f"{effect.action} of {effect.kind}", failure)
            return (
                f"{effect.kind} failed inside twinsetd: {type(failure).__name__}; its log has the details",
                "",
            )
        done = "started" if effect.action == "start" else "stopped"
        self._log(effect, f"{effect.kind}_{done}", "info", ms=clock.now_ms() - before)
        return "", ""

    async def _stop(self, resource: Resource, ctx: Context, effect: RunStep) -> None:
        """What ARMLOAD started ends after the last stop script, and before anything that it may use goes."""
        self._programs.suspend(effect.group)
        if effect.kind != "script":
            await self._programs.close(effect.group)
            await resource.stop(ctx)
            return
        try:
            await resource.stop(ctx)
        finally:
            if effect.index == 0:
                await self._programs.close(effect.group)

    def _prepare(self, effect: RunStep) -> None:
        """Let probes of the group's addresses and claims of its names run beside the steps before theirs."""
        for key, resource in self._not_started(effect.group):
            with contextlib.suppress(TwinsetError):  # the step itself tells
                resource.prepare(self._context(key, effect.environment))

    def _abandon(self, effect: RunStep) -> None:
        """Probe and claim no longer for a group that stops: what it had prepared and not started is part of it."""
        for key, resource in self._not_started(effect.group):
            with contextlib.suppress(TwinsetError):  # it has no place, so nothing was prepared
                resource.abandon(self._context(key, effect.environment))

    def _not_started(
        self, name: str
    ) -> Iterator[tuple[Key, FloatingIpResource | VirtualComputerNameResource]]:
        group = self._config.group(name)
        counts = ((ADDRESS, len(group.floating_ips)), (NAME, len(group.virtual_computer_names)))
        for kind, count in counts:
            for index in range(count):
                if (name, kind, index) not in self._started:
                    yield (name, kind, index), _ADDRESSES if kind == ADDRESS else _NAMES

    def _context(self, key: Key, environment: Mapping[str, str]) -> Context:
        name, _, index = key
        group = self._config.group(name)
        if name in self._associate:
            group = group.with_association(associate=self._associate[name])
        return Context(
            system=self._system,
            config=self._config,
            me=self._me,
            group=group,
            index=index,
            run_dir=self._paths.run,
            state_dir=self._paths.state,
            time_scale=self._scale,
            environment=environment,
            running=key in self._started and environment.get("ARMS_EVENT") != RECOVER,
        )

    def _log(self, effect: RunStep, name: str, severity: str, **fields: Any) -> None:
        self._system.log(name, severity, {"group": effect.group, "index": effect.index, **fields})

    def _remember(self, key: Key, environment: dict[str, str]) -> None:
        self._started[key] = environment
        self._save()

    def _forget(self, key: Key) -> None:
        if self._started.pop(key, None) is not None:
            self._save()

    def _save(self) -> None:
        entries = [
            {
                "group": group,
                "kind": kind,
                "index": index,
                "environment": environment,
                "associate": self._associate.get(group, True),
            }
            for (group, kind, index), environment in self._started.items()
        ]
        store.write_json(self._paths.adopted, {"started": entries})

    def _beside(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._side.add(task)
        task.add_done_callback(self._side.discard)
        return task

    async def _renew_addresses(self) -> None:
        """The kernel drops a floating IP address whose life is not renewed; it lives as long as the lease.

        A restarted daemon begins as soon as it has a lease, and serves the names of its predecessor again.
        """
        lease_s = self._config.timing.lease_s * self._scale
        while True:
            leased = self._system.lease_left_s() > 0
            await clock.pause(max(RENEW_FLOOR_S, lease_s / RENEWALS_PER_LEASE) if leased else RENEW_FLOOR_S)
            for key in [key for key in self._started if key[1] in _RENEWED]:
                async with self._hands[key]:
                    if self._system.lease_left_s() > 0 and key in self._started:
                        with contextlib.suppress(TwinsetError):  # the check tells
                            await _RENEWED[key[1]].renew(self._context(key, {}))

    async def _check(self) -> None:
        """Monitoring: a resource that is gone makes its group fail over (6.3-19)."""
        while True:
            await clock.pause(max(CHECK_FLOOR_S, CHECK_S * self._scale))
            for key in list(self._started):
                if self._system.lease_left_s() > 0 and not self._busy(key):
                    await self._check_one(key)

    async def _check_one(self, key: Key) -> None:
        group, kind, index = key
        try:
            async with self._hands[key]:
                if key not in self._started:  # stopped meanwhile: a check might put it back
                    return
                await KINDS[kind].check(self._context(key, {}))
        except TwinsetError as failure:
            if key in self._started and not self._busy(key) and self._monitored(group, kind):
                self._feed(events.ResourceLost(group, kind, index, str(failure)))
        except Exception as failure:  # noqa: BLE001 - see _carry_out
            self._failed(f"check of {kind}", failure)

    def _monitored(self, group: str, kind: str) -> bool:
        """False for a type of monitoring that is deselected in the group (9.2-05)."""
        return _TYPES.get(kind) in (None, *self._config.group(group).monitor.types)

    def context(self, group: str, kind: str, index: int) -> Context:
        """The context of something of a group; it sees the environment of the group's scripts."""
        environment = next((kept for (name, _, _), kept in self._started.items() if name == group), {})
        return self._context((group, kind, index), environment)

    def groups_at_rest(self) -> set[str]:
        """The groups that run here, while no step of any group is under way."""
        return set() if self._running else {group for group, _, _ in self._started}

    def _busy(self, _key: Key) -> bool:
        """While any step runs, resources are in motion."""
        return bool(self._running)


def _entries(body: Mapping[str, Any]) -> list[tuple[Key, dict[str, str], bool]]:
    found: list[tuple[Key, dict[str, str], bool]] = []
    entries = body.get("started")
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            continue
        group, kind, index = entry.get("group"), entry.get("kind"), entry.get("index")
        environment = entry.get("environment")
        if isinstance(group, str) and kind in KINDS and isinstance(index, int):
            kept = environment if isinstance(environment, dict) else {}
            found.append(((group, kind, index), kept, bool(entry.get("associate", True))))
    return found
