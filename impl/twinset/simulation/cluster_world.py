"""A seeded world of two servers around the real cluster cores: clocks, networks, power, processes, resources.

Time is true time in milliseconds; each server's clock drifts and starts anywhere. A server can lose power,
pause as a whole (a virtual machine, a stopped process tree), or lose its twinsetd only: the mirror
processes and resources live on. LANs lose, delay and reorder datagrams and can be cut in each direction;
control messages are ordered and lost with their connection. Everything that happens follows from the seed.
"""

from __future__ import annotations

import copy
import heapq
import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

from twinset.cluster import effects, events
from twinset.cluster.server import Cluster

from .cluster_hosts import LANS, MIRROR_LAN, TICK_MS, Host, make_view
from .cluster_mirror import POLL_MS, MirrorSet
from .cluster_side import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .cluster_invariants import Invariants


class World:
    """Both servers, everything between them, and what will happen."""

    def __init__(self, seed: int, invariants: Callable[[World], Invariants]) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.now_ms = 0
        self.view = make_view(self.rng)
        self.queue: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self.order = 0
        self.step_count = 0
        self.fault_count = 0
        self.coverage: Counter[tuple[str, str, str]] = Counter()
        self.journal: list[str] = []
        self.hosts = [
            Host(self, name, index, self.rng.uniform(0.995, 1.005), self.rng.randrange(10**6))
            for index, name in enumerate(self.view.servers)
        ]
        self.sets = {
            name: MirrorSet(self, name, [Side(host) for host in self.hosts]) for name in self.view.sets
        }
        if self.rng.random() < 0.15:  # a set that nobody has created yet
            for side in self.sets[self.view.sets[-1]].sides:
                side.state, side.cur = "BLANK", 0
        self.cuts: set[tuple[str, int]] = set()  # LAN, sending server
        self.loss = self.rng.choice((0.0, 0.02, 0.1))
        self.slow = self.rng.choice((0.0, 0.02, 0.1))  # share of datagrams that take seconds
        self.channel = 0  # counts control connections; what is on its way dies with one
        self.channel_free_ms = [0, 0]
        self.command_free_ms: dict[tuple[str, str], int] = {}
        self.recorded: list[tuple[Host, effects.SendHeartbeat]] = []
        self.replays = self.rng.choice((0.0, 0.0, 0.05))
        self.request_id = 0
        self.open_requests: dict[int, tuple[Host, int, str]] = {}
        self.replies: dict[int, effects.Reply] = {}
        self.step_failure = self.rng.choice((0.0, 0.0, 0.02))
        self.invariants = invariants(self)
        for host in self.hosts:
            self.boot(host)
        self.after(POLL_MS, self._poll)

    # -- time ------------------------------------------------------------------------------------------

    def after(self, delay_ms: int, then: Callable[..., None], *args: Any) -> None:
        """Let something happen later."""
        self.order += 1
        heapq.heappush(self.queue, (self.now_ms + delay_ms, self.order, then, args))

    def run_until(self, end_ms: int) -> None:
        """Let everything happen until a point of time."""
        queue = self.queue
        while queue and queue[0][0] <= end_ms:
            self.now_ms, _, then, args = heapq.heappop(queue)
            then(*args)
        self.now_ms = end_ms

    def note(self, text: str) -> None:
        """Keep a line for the report of a failure."""
        self.journal.append(f"{self.now_ms / 1000:9.3f} {text}")

    def _poll(self) -> None:
        for mirror_set in self.sets.values():
            mirror_set.poll()
        self.invariants.always()
        self.after(POLL_MS, self._poll)

    # -- power and processes ---------------------------------------------------------------------------

    def boot(self, host: Host) -> None:
        """Switch a server on: a new boot, new processes."""
        host.powered, host.paused, host.daemon_paused = True, False, False
        host.boot += 1
        host.boot_id = f"{self.rng.getrandbits(128):032x}"
        self.note(f"{host.name} powers on, boot {host.boot_id[:8]}")
        for mirror_set in self.sets.values():
            mirror_set.process_up(host)
        self.start_daemon(host)

    def power_off(self, host: Host) -> None:
        """Cut the power: what is not durable is gone."""
        self.invariants.power_lost(host)
        self.note(f"{host.name} loses power")
        self.end_daemon(host)
        host.powered = host.paused = False
        host.resources.clear()
        for mirror_set in self.sets.values():
            mirror_set.process_down(host)

    def start_daemon(self, host: Host) -> None:
        """Start twinsetd with what its predecessor made durable."""
        if not host.powered or host.daemon:
            return
        host.daemon, host.daemon_paused = True, False
        host.run += 1
        memory = copy.deepcopy(host.memory)
        incarnation = f"{self.rng.getrandbits(64):016x}"
        host.cluster = Cluster(self.view, host.name, host.boot_id, incarnation, memory)
        host.inbox, host.steps = [], {}
        host.last_tick_ms, host.ran_ms, host.last_heard_ran_ms = -1, 0, 0
        self.note(f"{host.name} twinsetd starts as {host.cluster.phase}")
        for name, mirror_set in self.sets.items():
            if mirror_set.side(host).alive:
                mirror_set.last_told[host.index] = {}
                self.feed(host, events.MirrordUp(name))
        self.after(self.rng.randrange(TICK_MS), self._tick, host, host.run)

    def end_daemon(self, host: Host) -> None:
        """The daemon is gone; resources and mirror processes stay."""
        if not host.daemon:
            return
        host.daemon = False
        host.cluster = None
        for number, (owner, _, _) in list(self.open_requests.items()):
            if owner is host:
                del self.open_requests[number]
        self.break_channel()

    def restart_mirror(self, host: Host, name: str) -> None:
        """The mirror process of a set dies and is started again."""
        mirror_set = self.sets[name]
        mirror_set.process_down(host)
        self.note(f"{host.name} mirror process of {name} dies")
        self.feed(host, events.MirrordDied(name, "killed"))

        def again(boot: int) -> None:
            if host.powered and host.boot == boot and not mirror_set.side(host).alive:
                mirror_set.process_up(host)
                mirror_set.last_told[host.index] = {}
                self.feed(host, events.MirrordUp(name))

        self.after(self.rng.randrange(200, 1500), again, host.boot)

    def _tick(self, host: Host, run: int) -> None:
        if not host.daemon or host.run != run:
            return
        self.after(TICK_MS, self._tick, host, run)
        if host.paused or host.daemon_paused:
            return
        inbox, host.inbox = host.inbox, []
        for event in inbox:
            self._step(host, event)
            if not host.daemon or host.run != run:
                return
        clock_ms = host.clock_ms()
        if host.last_tick_ms >= 0:
            host.ran_ms += min(clock_ms - host.last_tick_ms, TICK_MS)
        host.last_tick_ms = clock_ms
        self._step(host, events.Tick(clock_ms))

    # -- events and effects ----------------------------------------------------------------------------

    def feed(self, host: Host, event: events.Event) -> None:
        """Bring an event to a server's core, at once or when it wakes up."""
        if not host.powered or not host.daemon:
            return
        if host.paused and isinstance(event, events.HeartbeatReceived) and self.rng.random() < 0.7:
            return  # nobody takes datagrams off a paused machine's wire for long
        if host.paused or host.daemon_paused or host.inbox:  # what is new does not overtake what waits
            host.inbox.append(event)
        else:
            self._step(host, event)

    def _step(self, host: Host, event: events.Event) -> None:
        cluster = host.cluster
        if cluster is None:
            return
        self.step_count += 1
        before = (cluster.life.phase, cluster.watch.state, [run.state for run in cluster.runs.values()])
        effects_out = cluster.step(event)
        self._cover(cluster, before)
        self.invariants.before_effects(host, event, effects_out)
        run = host.run
        for effect in effects_out:
            if host.run != run or not host.daemon:
                return
            _PERFORM[type(effect)](self, host, effect)
        self.invariants.after_step(host, event)

    def _cover(self, cluster: Cluster, before: tuple[str, str, list[str]]) -> None:
        if cluster.life.phase != before[0]:
            self.coverage["phase", before[0], cluster.life.phase] += 1
        if cluster.watch.state != before[1]:
            self.coverage["liveness", before[1], cluster.watch.state] += 1
        for run, state in zip(cluster.runs.values(), before[2], strict=True):
            if run.state != state:
                self.coverage["group", state, run.state] += 1

    def request(self, host: Host, verb: str, **args: Any) -> int:
        """Let an operator ask a server."""
        self.request_id += 1
        self.note(f"{host.name} is asked: {verb} {args or ''}")
        if host.daemon and host.powered:
            self.open_requests[self.request_id] = (host, self.now_ms, verb)
            self.feed(host, events.Request(self.request_id, verb, args))
        return self.request_id

    def request_later(self, verb: str, group: str) -> None:
        """Ask the first server something about a group."""
        self.request(self.hosts[0], verb, group=group)

    def _send_heartbeat(self, host: Host, effect: effects.SendHeartbeat) -> None:
        if (effect.lan, host.index) in self.cuts or self.rng.random() < self.loss:
            return
        delay_ms = self.rng.randrange(1, 60)
        if self.rng.random() < self.slow:
            delay_ms = self.rng.randrange(60, 4_000)
        self.after(delay_ms, self._datagram, self.hosts[1 - host.index], effect)

    def _datagram(self, host: Host, effect: effects.SendHeartbeat) -> None:
        self.feed(host, events.HeartbeatReceived(effect.lan, effect.heartbeat))
        if self.replays and self.rng.random() < self.replays:
            self._replay(host, effect)

    def _replay(self, host: Host, effect: effects.SendHeartbeat) -> None:
        """Somebody has recorded datagrams and sends an old one again, for as long as they like."""
        self.recorded.append((host, effect))
        for old_host, old in self.rng.sample(self.recorded, min(3, len(self.recorded))):
            for delay_ms in (1_000, 4_000, 8_000, 12_000, 16_000, 20_000, 24_000):
                event = events.HeartbeatReceived(old.lan, old.heartbeat)
                self.after(delay_ms, self.feed, old_host, event)

    def _send_peer(self, host: Host, effect: effects.SendPeer) -> None:
        peer = self.hosts[1 - host.index]
        if not self.control_works() or not peer.daemon or not peer.powered:
            self.break_channel()
            return
        arrival_ms = max(self.channel_free_ms[host.index], self.now_ms + self.rng.randrange(1, 40))
        self.channel_free_ms[host.index] = arrival_ms
        message = effect.message
        if self.order % 16 == 0:
            message = json.loads(json.dumps(message))  # what is sent is JSON
        self.after(arrival_ms - self.now_ms, self._deliver, peer, peer.run, self.channel, message)

    def _deliver(self, host: Host, run: int, channel: int, message: Mapping[str, Any]) -> None:
        if channel == self.channel and host.run == run:
            self.feed(host, events.PeerMessage(message))

    def break_channel(self) -> None:
        """The control connection breaks; both daemons hear of it a little later."""
        self.channel += 1
        self.channel_free_ms = [self.now_ms, self.now_ms]
        for host in self.hosts:
            self.after(self.rng.randrange(10, 1_000), self.feed, host, events.PeerUnreachable())

    def control_works(self) -> bool:
        """Some LAN carries data both ways."""
        return any((lan, 0) not in self.cuts and (lan, 1) not in self.cuts for lan in LANS)

    def mirror_link_works(self) -> bool:
        """The mirror connect carries data both ways."""
        return (MIRROR_LAN, 0) not in self.cuts and (MIRROR_LAN, 1) not in self.cuts

    def totally_cut(self) -> bool:
        """No datagram of either server reaches the other."""
        return len(self.cuts) == 2 * len(LANS)

    # -- resources and mirrors -------------------------------------------------------------------------

    def _run_step(self, host: Host, effect: effects.RunStep) -> None:
        if effect.action == "abort":
            finish = host.steps.get(effect.action_id)
            if finish is not None:
                self.after(self.rng.randrange(1, 300), finish)
            return
        boot, run = host.boot, host.run
        ok = self.rng.random() >= self.step_failure

        def end() -> None:
            if not host.powered or host.boot != boot:
                return
            if host.run != run or host.steps.pop(effect.action_id, None) is None:
                return
            item = (effect.group, effect.kind, effect.index)
            if effect.action == "start" and ok and effect.environment.get("ARMS_EVENT") != "RECOVER":
                host.resources.add(item)
            elif effect.action == "stop" and ok:
                host.resources.discard(item)
            self.feed(host, events.StepDone(effect.action_id, ok, "" if ok else "it broke"))

        host.steps[effect.action_id] = end
        self.after(self.rng.choice((5, 50, 400, 1_500)), end)

    def _mirror_command(self, host: Host, effect: effects.MirrorCommand) -> None:
        boot, run = host.boot, host.run
        if effect.verb in ("activate", "close", "mark_stale", "peer_stale", "create"):
            self.note(f"{host.name} mirror {effect.set} {effect.verb} {dict(effect.args)}")

        def answer(ok: bool, reason: str) -> None:
            self.after(self.rng.randrange(1, 50), deliver, ok, reason)

        def deliver(ok: bool, reason: str) -> None:
            if host.powered and host.boot == boot and host.run == run and effect.action_id:
                self.feed(host, events.StepDone(effect.action_id, ok, reason))

        def execute() -> None:
            if host.powered and host.boot == boot:
                self.sets[effect.set].command(host, effect.verb, effect.args, answer)

        # Commands to one process keep their order.
        key = (host.name, effect.set)
        start_ms = max(self.command_free_ms.get(key, 0), self.now_ms + self.rng.choice((1, 10, 60)))
        self.command_free_ms[key] = start_ms
        self.after(start_ms - self.now_ms, execute)

    def mirror_status(self, host: Host, name: str, status: Mapping[str, Any]) -> None:
        """A mirror process reports to its daemon."""
        self.after(1, self.feed, host, events.MirrorStatus(name, status))

    def needs_peer_stale(self, host: Host, name: str, cur: int) -> None:
        """A mirror process needs the other side's STALE."""
        self.after(1, self.feed, host, events.MirrorNeedsPeerStale(name, str(cur)))

    def activated(self, mirror_set: MirrorSet, side: Side) -> None:
        """A side begins to serve."""
        self.invariants.activated(mirror_set, side)

    def _grant_lease(self, host: Host, effect: effects.GrantLease) -> None:
        for mirror_set in self.sets.values():
            side = mirror_set.side(host)
            if side.alive:
                side.lease_ms = effect.until_ms

    def _log(self, host: Host, effect: effects.Log) -> None:
        self.coverage["event", effect.severity, effect.name] += 1
        self.note(f"{host.name} {effect.severity:7} {effect.name} {dict(effect.fields)}")
        self.invariants.logged(host, effect)

    def _reply(self, host: Host, effect: effects.Reply) -> None:
        self.note(
            f"{host.name} replies {effect.request_id} {effect.ok} {dict(effect.result or effect.error)}"
        )
        self.invariants.replied(effect)
        self.replies[effect.request_id] = effect
        self.open_requests.pop(effect.request_id, None)

    def _persist(self, host: Host, effect: effects.Persist) -> None:
        host.memory[effect.key] = copy.deepcopy(effect.value)

    def _probe(self, host: Host, effect: effects.Probe) -> None:
        """The public LAN answers unless this server is cut off it."""
        boot, run = host.boot, host.run

        def end() -> None:
            if host.powered and host.boot == boot and host.run == run:
                cut = (LANS[0], host.index) in self.cuts
                self.feed(host, events.StepDone(effect.action_id, not cut, "no answer" if cut else ""))

        self.after(self.rng.randrange(50, 2_500), end)

    def _fence(self, host: Host, effect: effects.Fence) -> None:
        """The hook switches the other server off, now and then only at the second try."""
        boot, run, ok = host.boot, host.run, self.rng.random() < 0.7
        other = self.hosts[1 - host.index]
        if ok and other.powered:
            self.power_off(other)

        def end() -> None:
            if host.powered and host.boot == boot and host.run == run:
                self.feed(
                    host, events.StepDone(effect.action_id, ok, "" if ok else "no answer of the power switch")
                )

        self.after(self.rng.randrange(200, 5_000), end)

    def _halt(self, host: Host, effect: effects.Halt) -> None:
        self.note(f"{host.name} halts: {effect.reason}")
        self.power_off(host)


_PERFORM: dict[type, Callable[[World, Host, Any], None]] = {
    effects.SendHeartbeat: World._send_heartbeat,  # noqa: SLF001
    effects.SendPeer: World._send_peer,  # noqa: SLF001
    effects.RunStep: World._run_step,  # noqa: SLF001
    effects.MirrorCommand: World._mirror_command,  # noqa: SLF001
    effects.GrantLease: World._grant_lease,  # noqa: SLF001
    effects.Log: World._log,  # noqa: SLF001
    effects.Reply: World._reply,  # noqa: SLF001
    effects.Persist: World._persist,  # noqa: SLF001
    effects.Probe: World._probe,  # noqa: SLF001
    effects.Fence: World._fence,  # noqa: SLF001
    effects.Halt: World._halt,  # noqa: SLF001
}
