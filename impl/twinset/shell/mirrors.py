"""All mirror sets of this server: their processes, their leases, the core's commands to them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from twinset.cluster import events
from twinset.mirror.cluster_partition import State
from twinset.shell import clock, latch
from twinset.shell.memory_claims import MemoryClaims
from twinset.shell.mirror_control import MirrorRefused
from twinset.shell.mirror_process import MirrorProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from twinset.cluster.effects import MirrorCommand
    from twinset.config.cluster import ClusterConfig
    from twinset.shell.paths import Paths

MIRROR_PORT: Final = 24003
ANSWER_FLOOR_S: Final = 60.0
STATUS_S: Final = 10.0
Feed = "Callable[[events.Event], None]"


def spec(config: ClusterConfig, me: str, set_name: str, paths: Paths, scale: float) -> dict[str, Any]:
    """Return the spec of the mirror process of a set (CONTRACTS: twinsetd <-> twinset-mirrord)."""
    mirror_set = config.mirror_set(set_name)
    peer = config.peer_of(me)
    index = config.mirror_set_index(set_name)
    return {
        "set": mirror_set.name,
        "set_index": index,
        "server": config.server(me).name,
        "peer": peer.name,
        "server_index": config.server_index(me),
        "disk": mirror_set.disk_path(me),
        "partitions": [{"number": item.number, "letter": item.letter} for item in mirror_set.partitions],
        "max_io_kib": mirror_set.max_io_kib,
        "max_io_count": mirror_set.max_io_count,
        "fastsync": mirror_set.fastsync and config.cluster.fastsync,
        "paths": [[lan.endpoint(me).ip, lan.endpoint(peer.name).ip] for lan in config.mirror_lans()],
        "connects": [lan.name for lan in config.mirror_lans()],
        "port": MIRROR_PORT + index,
        "key_file": str(paths.key),
        "state_dir": str(paths.state),
        "run_dir": str(paths.run),
        "time_scale": scale,
        "mirror_timeout_s": config.timing.mirror_timeout_s,
        "disk_timeout_s": config.timing.disk_timeout_s,
    }


def why_io_waits(status: Mapping[str, Any]) -> str:
    """Return why I/O to a side that tells this status cannot end, "" when it can."""
    if status.get("frozen"):
        return str(status["frozen"])
    verdict = status.get("may_activate") or {}
    if status.get("role") == "active" or verdict.get("ok", True):
        return ""
    return f"its side serves no more: {verdict.get('reason', '')}"


class Mirrors:
    """The mirror processes by set name. What happens to them is fed to the core as events."""

    def __init__(
        self,
        config: ClusterConfig,
        me: str,
        paths: Paths,
        scale: float,
        feed: Callable[[events.Event], None],
        log: Callable[[str, str, Mapping[str, Any]], None],
    ) -> None:
        self._paths = paths
        self._feed = feed
        self._log = log
        self._answer_s = max(ANSWER_FLOOR_S, config.timing.disk_io_wait_s * scale)
        self._status: dict[str, dict[str, Any]] = {}
        self._lease_until_ms = 0
        self._tasks: set[asyncio.Task[None]] = set()
        claims = MemoryClaims()
        self._processes = {
            item.name: MirrorProcess(
                spec(config, me, item.name, paths, scale),
                paths,
                up=self._up,
                died=self._died,
                notified=self._notified,
                log=log,
                admit=claims.admit,
            )
            for item in config.mirror_sets
        }

    def start(self) -> None:
        """Begin to keep every process running."""
        for process in self._processes.values():
            process.start()

    async def stop(self, *, end: bool) -> None:
        """Stop watching; end the processes too, or let them go on."""
        for task in list(self._tasks):
            task.cancel()
        for process in self._processes.values():
            await (process.end() if end else process.release())

    def grant(self, until_ms: int) -> None:
        """Tell every process until when it may do I/O."""
        self._lease_until_ms = until_ms
        for process in self._processes.values():
            process.control.tell("lease", {"until_boottime_ns": until_ms * 1_000_000})

    def lease_left_s(self) -> float:
        """Return for how long the newest lease is valid."""
        return max(0.0, (self._lease_until_ms - clock.now_ms()) / 1000)

    def frozen(self, set_name: str) -> str:
        """Return why I/O to a set cannot end now."""
        process = self._processes.get(set_name)
        if process is None or not process.control.is_open:
            return "its mirror process does not run"
        if self._lease_until_ms <= clock.now_ms():
            return "the lease has run out"
        return why_io_waits(self._status.get(set_name, {}))

    def disk_failed(self, set_name: str) -> bool:
        """True when this server's disk of a set has failed."""
        return self._status.get(set_name, {}).get("state") == State.FAULTY.name

    def command(self, effect: MirrorCommand) -> None:
        """Send a command of the core now; its StepDone follows (none for action id 0)."""
        process = self._processes.get(effect.set)
        if process is None:
            self._done(effect, reason=f"no mirror set {effect.set}")
        elif not process.control.is_open:
            self._without_process(effect)
        elif effect.action_id == 0:
            process.control.tell(effect.verb, dict(effect.args))
        else:
            # Written to the socket before this returns, so that commands keep their order.
            answer = process.control.ask(effect.verb, dict(effect.args), self._answer_s)
            self._spawn(self._finish(effect, answer))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self, effect: MirrorCommand, answer: Any) -> None:
        try:
            result = await answer
        except MirrorRefused as refusal:
            self._done(effect, reason=str(refusal))
        else:
            self._done(effect, result=result)

    def _done(
        self, effect: MirrorCommand, *, reason: str = "", result: Mapping[str, Any] | None = None
    ) -> None:
        if effect.action_id:
            self._feed(events.StepDone(effect.action_id, not reason, reason, result or {}))

    def _without_process(self, effect: MirrorCommand) -> None:
        """The process does not run: its latch can still be told that this side is stale (R1)."""
        if effect.verb != "mark_stale":
            self._done(effect, reason=self._processes[effect.set].why_not)
            return
        path = latch.path_of(self._paths.state, effect.set)
        try:
            known = latch.read(path)
            cur = int(str(effect.args["cur"]), 16)
            latch.write(
                path, state=State.STALE, cur=cur, disk_uuid=known["disk_uuid"] if known else bytes(16)
            )
        except (OSError, ValueError, KeyError) as error:
            self._done(effect, reason=f"{path}: {error}")
        else:
            self._done(effect)

    def _up(self, set_name: str) -> None:
        self._log("mirrord_up", "info", {"set": set_name, "pid": self._processes[set_name].pid})
        control = self._processes[set_name].control
        if self._lease_until_ms > clock.now_ms():
            control.tell("lease", {"until_boottime_ns": self._lease_until_ms * 1_000_000})
        self._feed(events.MirrordUp(set_name))
        self._spawn(self._ask_status(set_name))

    async def _ask_status(self, set_name: str) -> None:
        try:
            status = await self._processes[set_name].control.ask("status", {}, STATUS_S)
        except MirrorRefused:
            return
        self._take_status(set_name, status)

    def _died(self, set_name: str, reason: str) -> None:
        self._status.pop(set_name, None)
        self._feed(events.MirrordDied(set_name, reason))

    def _notified(self, set_name: str, body: dict[str, Any]) -> None:
        kind = body.get("event")
        if kind == "status":
            self._take_status(set_name, {key: value for key, value in body.items() if key != "event"})
        elif kind == "need_peer_stale" and isinstance(body.get("cur"), str):
            self._feed(events.MirrorNeedsPeerStale(set_name, body["cur"]))
        elif kind == "log" and isinstance(body.get("name"), str) and isinstance(body.get("fields"), dict):
            self._log(body["name"], "", {"set": set_name, **body["fields"]})

    def _take_status(self, set_name: str, status: dict[str, Any]) -> None:
        self._status[set_name] = status
        self._feed(events.MirrorStatus(set_name, status))
