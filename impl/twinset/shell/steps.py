"""Runs the core's steps of groups as tasks, and remembers on this boot what is started.

The memory lies in the run directory, which dies with the boot: a twinsetd that was killed finds there that a
start script has run, and does not run it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from twinset.cluster import events
from twinset.cluster.effects import RunStep
from twinset.errors import StepFailed, TwinsetError
from twinset.resources.context import Context
from twinset.resources.floating_ip.resource import FloatingIpResource, take_away
from twinset.resources.kinds import KINDS
from twinset.resources.public_lan import probe as public_lan
from twinset.resources.virtual_computer_name.resource import VirtualComputerNameResource
from twinset.resources.virtual_ip.resource import VirtualIpResource
from twinset.shell import clock, store
from twinset.shell.started import added, remembered, written

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from twinset.cluster.effects import Fence, Probe
    from twinset.config.cluster import ClusterConfig
    from twinset.resources.context import Resource, System
    from twinset.shell.paths import Paths
    from twinset.shell.programs import Programs
    from twinset.shell.started import Key

RENEWALS_PER_LEASE: Final = 3
RENEW_FLOOR_S: Final = 0.2
CHECK_S: Final = 10.0
CHECK_FLOOR_S: Final = 2.0
ADD_AGAIN_S: Final = 60.0
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
        found = remembered(body, config)
        self._started, self._gone = found.keys, found.gone
        self._associate = found.associate  # by group, as its last start here was told [7.3.1.4-01]

    def start(self, active: Collection[str] = ()) -> None:
        """Begin to renew addresses and to check what is started; `active` are the groups that are up here."""
        self._programs.start({group for group, _, _ in self._started})
        for group, address in self._gone:
            self._beside(self._take_away(group, address))
        for key in added(self._started, active, self._config):
            self._beside(self._add(key))
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

    def fence(self, effect: Fence) -> None:
        """Have the hook switch the other server off."""
        self._beside(self._fence(effect))

    async def _fence(self, effect: Fence) -> None:
        reason = "it could not be run"
        settings = self._config.cluster
        try:
            env = {**os.environ, "TWINSET_FENCE": effect.server, "TWINSET_CLUSTER": settings.name}
            outcome = await self._system.run([settings.fence], timeout_s=settings.fence_timeout_s, env=env)
            reason = "" if outcome.ok else outcome.reason()
        finally:
            self._feed(events.StepDone(effect.action_id, not reason, reason))

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
        store.write_json(self._paths.adopted, written(self._started, self._associate, self._config))

    async def _take_away(self, group: str, address: str) -> None:
        """A floating IP address that a change took from a group that runs (7.2.2-03)."""
        try:
            reason = await take_away(self._system, self._config, self._me, address)
        except (
            TwinsetError
        ) as failure:  # its network is configured no more: it lives as long as its last renewal
            reason = str(failure)
        name = "floating_ip_stop_failed" if reason else "floating_ip_stopped"
        severity = "error" if reason else "info"
        self._system.log(name, severity, {"group": group, "address": address, "reason": reason})
        self._save()

    async def _add(self, key: Key) -> None:
        """A floating IP address that a change gave to a group that runs: tried as long as the group is up."""
        group, kind, index = key
        while True:
            environment = next((env for (name, _, _), env in self._started.items() if name == group), None)
            if environment is None or key in self._started:
                return
            if self._system.lease_left_s() > 0:
                associate = self._associate.get(group, True)
                effect = RunStep(0, group, kind, index, "start", environment, associate)
                async with self._hands[key]:
                    reason, _ = await self._carry_out(effect, key)
                if not reason:
                    return
                await clock.pause(max(CHECK_FLOOR_S, ADD_AGAIN_S * self._scale))
            await clock.pause(RENEW_FLOOR_S)

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
