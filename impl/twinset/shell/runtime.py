"""The daemon of a configured server: feeds the cluster core and carries out what it asks.

One task takes events, in order, and performs the effects of each before it takes the next (duties: see
cluster/events.py and cluster/effects.py). Nothing in it waits for a program, a disk of a group or the other
server: steps and commands run beside it and come back as events. It only waits for `Persist` to be durable.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from twinset.cluster import effects, events
from twinset.cluster.groups import ACTIVE
from twinset.cluster.membership import OPERATING
from twinset.cluster.server import Cluster
from twinset.config import lineage
from twinset.config.cluster_view import cluster_view
from twinset.errors import Refusal, VersionsApart
from twinset.shell import clock, power
from twinset.shell.addresses import Addresses
from twinset.shell.event_rules import EventRules
from twinset.shell.group_monitor import GroupMonitor
from twinset.shell.links import LanPath, Links
from twinset.shell.memory_store import MemoryStore
from twinset.shell.mirrors import Mirrors
from twinset.shell.name_service import NameService
from twinset.shell.peer_link import LinkTimes, PeerLink
from twinset.shell.programs import Programs
from twinset.shell.registry_sync import KINDS as REGISTRY_KINDS
from twinset.shell.registry_sync import RegistrySync
from twinset.shell.rip_sender import RipSender
from twinset.shell.steps import Steps
from twinset.shell.system import LocalSystem
from twinset.wire import heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from twinset.config.cluster import ClusterConfig
    from twinset.shell.control_channel import Channel
    from twinset.shell.event_log import EventLog
    from twinset.shell.paths import Paths
    from twinset.wire.keyring import Keyring

REBIND_S: Final = 1.0
NETWORK_REPORT_S: Final = 30.0
SAVE_AGAIN_S: Final = 0.5
EVENTS_MAX: Final = 100_000
TRACE_EVENTS: Final = 2_000
LATE_TICK_MS: Final = 1000


class Runtime:
    """One server of one configured cluster."""

    def __init__(
        self,
        config: ClusterConfig,
        text: bytes,
        me: str,
        boot_id: str,
        keys: Keyring,
        paths: Paths,
        scale: float,
        event_log: EventLog,
        problem: Callable[[str, str], None],
        apart: Callable[[str], None],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        digest = heartbeat.config_digest(text)
        self.config = config
        self.me = config.server(me).name
        self.peer = config.peer_of(me).name
        self.halted = asyncio.Event()
        self.halt_reason = ""
        self._event_log = event_log
        self._problem = problem
        self._apart = apart
        self._failed = failed
        self._view = cluster_view(config, scale=scale, digest=digest)
        made_from = lineage.claim(text.decode(), digest).ancestors
        self._memory = MemoryStore(paths.memory, digest, made_from)
        if self._memory.damage:
            problem("memory", self._memory.damage)
        self._heartbeat_keys = [heartbeat.derive_key(key) for key in keys]
        incarnation = secrets.token_hex(8)
        self._core = Cluster(self._view, self.me, boot_id, incarnation, dict(self._memory.values))
        self._queue: asyncio.Queue[events.Event] = asyncio.Queue(EVENTS_MAX)
        self._tick_pending = False
        self._replies: dict[int, asyncio.Future[effects.Reply]] = {}
        self._next_request = 1
        self._paths_of_lans = [
            LanPath(lan.name, lan.endpoint(self.me).ip, lan.endpoint(self.peer).ip) for lan in config.lans
        ]
        self.mirrors = Mirrors(config, self.me, paths, scale, self.feed, self._log)
        self._routes = RipSender(self._log, self.mirrors.lease_left_s)
        self._addresses = Addresses(failed)
        self._names = NameService(self._log, self.mirrors.lease_left_s, failed)
        self.programs = Programs(paths, self._log, self.request, self.down, failed)
        self.last_act: tuple[str, ...] = ()  # what is to happen to the machine once this server has left
        self._links = Links(self._paths_of_lans, self._datagram, self._network_trouble)
        self._link = PeerLink(
            keys=keys,
            me=self.me,
            peer=self.peer,
            received=self._received,
            unreachable=lambda: self.feed(events.PeerUnreachable()),
            problem=lambda text: problem("peer_link", text),
            apart=apart,
            times=LinkTimes.scaled(scale),
        )
        self.registry = RegistrySync(
            config, paths, self._log, self._link.send, lambda: self._link.peer_run, failed
        )
        system = LocalSystem(
            self._log, self.mirrors.frozen, self.mirrors.disk_failed, self.mirrors.lease_left_s,
            self._addresses, self._names, self.registry, self._routes,
        )  # fmt: skip
        self._steps = Steps(config, self.me, paths, scale, system, self.programs, self.feed, failed)
        self._watchers = self._new_watchers(scale, system)
        self._limit = clock.RateLimit(NETWORK_REPORT_S)
        self._trace: deque[tuple[float, events.Event]] = deque(maxlen=TRACE_EVENTS)
        self._tasks: list[asyncio.Task[None]] = []

    def _new_watchers(self, scale: float, system: LocalSystem) -> tuple[GroupMonitor, EventRules]:
        """What looks at running groups from outside."""
        at_rest = self._steps.groups_at_rest
        return (
            GroupMonitor(
                self.config, self.me, scale, system, self._steps.context, at_rest,
                self.feed, self.request, self.down, self._failed,
            ),
            EventRules(
                self.config.event_rules, scale, self._event_log, at_rest,
                self.request, self.down, self._log, self._failed,
            ),
        )  # fmt: skip

    @property
    def local_addresses(self) -> list[str]:
        """This server's address on every LAN."""
        return [path.local for path in self._paths_of_lans]

    @property
    def operates(self) -> bool:
        """True while this server takes part in a cluster at work."""
        return self._core.phase in OPERATING

    @property
    def meets_another_configuration(self) -> bool:
        """True while the other server is heard with another configuration."""
        return self._core.life.config_differs

    @property
    def hears_peer(self) -> bool:
        """True while heartbeats of the other server arrive."""
        return self._core.peer_reachable

    def take_keys(self, keys: Keyring) -> None:
        """Use another ring from now on."""
        self._heartbeat_keys = [heartbeat.derive_key(key) for key in keys]
        self._link.keys = keys

    async def serve_link(self, channel: Channel) -> None:
        """Use an incoming control connection."""
        await self._link.serve(channel)

    def own_hello(self) -> Any:
        """Return the hello of incoming control connections."""
        return self._link.own_hello()

    def start(self) -> None:
        """Begin to take part."""
        self._links.open()
        listens = self.config.server_index(self.me) == 0
        self._link.start([] if listens else self._paths_of_lans)
        self.mirrors.start()
        self.registry.start()
        self._steps.start([name for name, run in self._core.runs.items() if run.state == ACTIVE])
        for watcher in self._watchers:
            watcher.start()
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._tick())]

    async def stop(self, *, end_mirrors: bool) -> None:
        """Stop taking part. Groups are not touched: that is the core's business, before this."""
        await self._link.flush(1.0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for watcher in self._watchers:
            await watcher.stop()
        await self._steps.stop()
        await self.programs.stop()
        await self.registry.stop()
        await self._addresses.close()
        await self._names.close()
        await self._routes.close()
        await self.mirrors.stop(end=end_mirrors)
        await self._link.stop()
        self._links.close()
        self._memory.close()
        for future in self._replies.values():
            if not future.done():
                future.set_exception(Refusal("E_STATE", "twinsetd ends", help="try again in a moment"))

    async def request(self, verb: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Let the core answer a request; Refusal carries its reason."""
        request_id, self._next_request = self._next_request, self._next_request + 1
        future: asyncio.Future[effects.Reply] = asyncio.get_running_loop().create_future()
        self._replies[request_id] = future
        try:
            self.feed(events.Request(request_id, verb, args))
            reply = await future
        finally:
            self._replies.pop(request_id, None)
        if reply.ok:
            return reply.result
        error = reply.error
        raise Refusal(
            error.get("code", "E_STATE"),
            error.get("message", "refused"),
            error.get("clause", ""),
            error.get("help", ""),
        )

    async def down(self, reason: str, *, reboot: bool = False, force: bool = False) -> str:
        """Leave the cluster, then power the machine off (6.3-17); returns what happens to it when it begins."""
        await self.request("server.shutdown", {"at_once": True, "needs_peer": not force, "reason": reason})
        self.last_act = power.plan(systemd=power.systemd_runs(), reboot=reboot)
        return power.said(self.last_act)

    def trace_text(self) -> str:
        """Return what the core was told lately, but for ticks: one event a line, oldest first."""
        return "".join(f"{at:.3f} {event!r:.2000}\n" for at, event in self._trace)

    def feed(self, event: events.Event) -> None:
        """Queue an event for the core."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._problem("events", f"more than {EVENTS_MAX} events wait, one was dropped")

    def _received(self, message: dict[str, Any]) -> None:
        """Of what the other daemon sends, registry keys are no business of the core."""
        if message.get("kind") in REGISTRY_KINDS:
            self.registry.receive(message)
        else:
            self.feed(events.PeerMessage(message))

    def _network_trouble(self, lan: str, text: str) -> None:
        if (more := self._limit.admit(lan)) is not None:
            self._log("network_trouble", "warning", {"lan": lan, "reason": text, "more": more})

    def _datagram(self, lan: str, data: bytes) -> None:
        try:
            decoded = heartbeat.decode_by_any(data, self._heartbeat_keys)
        except VersionsApart as error:
            self._apart(f"{lan}: {error}")
            return
        except heartbeat.HeartbeatError as error:
            self._problem(f"heartbeat {lan}", str(error))
            return
        self.feed(events.HeartbeatReceived(lan, decoded))

    async def _tick(self) -> None:
        """Drain the sockets, then let time pass: never the other way round (R13)."""
        period_s = self._view.timing.tick_ms / 1000
        rebind_ms = last_ms = clock.now_ms()
        while True:
            await clock.pause(period_s)
            now = clock.now_ms()
            if now - last_ms > LATE_TICK_MS + 2 * self._view.timing.tick_ms:
                self._log("daemon_was_late", "warning", {"ms": now - last_ms})
            last_ms = now
            if now - rebind_ms >= REBIND_S * 1000:
                rebind_ms = now
                self._links.open()
            self._links.drain()
            if not self._tick_pending:
                self._tick_pending = True
                self.feed(events.Tick(now))

    async def _run(self) -> None:
        """Take events one by one."""
        while True:
            event = await self._queue.get()
            if isinstance(event, events.Tick):
                self._tick_pending = False
            else:
                self._trace.append((clock.wall(), event))
            try:
                await self._perform(self._core.step(event))
            except Exception as error:  # noqa: BLE001 - logged; the next event may well be fine
                self._failed(f"step {type(event).__name__}", error)

    async def _perform(self, todo: list[effects.Effect]) -> None:
        """Carry effects out in order; neighbouring Persists become one write."""
        changes: dict[str, Any] = {}
        for effect in todo:
            if isinstance(effect, effects.Persist):
                changes[effect.key] = effect.value
                continue
            if changes:
                await self._save(changes)
                changes = {}
            try:
                self._perform_one(effect)
            except Exception as error:  # noqa: BLE001 - logged; the effects after it are needed all the same
                self._failed(f"effect {type(effect).__name__}", error)
        if changes:
            await self._save(changes)

    async def _save(self, changes: dict[str, Any]) -> None:
        """Nothing goes on before the memory is durable, no heartbeat either: the other server takes over."""
        while True:
            try:
                await self._memory.save(changes)
            except OSError as error:
                if self._limit.admit("memory") is not None:
                    self._log("memory_not_durable", "error", {"reason": str(error)})
                await clock.pause(SAVE_AGAIN_S)
            else:
                return

    def _perform_one(self, effect: effects.Effect) -> None:
        if isinstance(effect, effects.SendHeartbeat):
            self._links.send(effect.lan, heartbeat.encode(effect.heartbeat, self._heartbeat_keys[0]))
        elif isinstance(effect, effects.SendPeer):
            if not self._link.send(dict(effect.message)):  # no link yet, or none any more: it is lost
                self.feed(events.PeerUnreachable())
        elif isinstance(effect, effects.GrantLease):
            self.mirrors.grant(effect.until_ms)
        elif isinstance(effect, effects.RunStep):
            self._steps.perform(effect)
        elif isinstance(effect, effects.Probe):
            self._steps.probe(effect)
        elif isinstance(effect, effects.Fence):
            self._steps.fence(effect)
        elif isinstance(effect, effects.MirrorCommand):
            self.mirrors.command(effect)
        elif isinstance(effect, effects.Log):
            self._log(effect.name, effect.severity, effect.fields)
        elif isinstance(effect, effects.Reply):
            future = self._replies.get(effect.request_id)
            if future is not None and not future.done():
                future.set_result(effect)
        elif isinstance(effect, effects.Halt):
            self.halt_reason = effect.reason
            self.halted.set()
        else:
            raise AssertionError(f"an effect nobody carries out: {effect!r}")  # noqa: TRY004 - a bug

    def _log(self, name: str, severity: str, fields: Mapping[str, Any]) -> None:
        self._event_log.write(name, severity, fields)
