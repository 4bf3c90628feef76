"""What must hold in the simulated cluster, whatever happens. Each broken rule raises Violation with its name.

The world knows the truth (who has power, which writes were acknowledged, who may write); the cores do not.
A total partition is the one exception that the guide and the design grant: while it lasts, and until both
servers have settled it, both may be active, and a set that was written on both sides is `forked` until an
operator has named the good side.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from twinset.cluster import effects, events, verdicts
from twinset.cluster.groups import ACTIVE, RUNS_UP, START_FAILED, STOP_FAILED
from twinset.cluster.membership import ISOLATED, LEFT, MEMBER, OPERATING, STOPPED, STOPPING, UP

from .cluster_hosts import TICK_MS, TIMING, Violation
from .cluster_side import OUTDATED

if TYPE_CHECKING:
    from twinset.cluster.server import Cluster

    from .cluster_hosts import Host
    from .cluster_mirror import MirrorSet
    from .cluster_side import Side
    from .cluster_world import World

DOWN_MS = TIMING.timeout_ms + TIMING.partition_wait_ms
# From the fault to the last step of the longest group: detection, mirror session, five slow steps, slack.
FAILOVER_MS = DOWN_MS + TIMING.mirror_timeout_ms + 5 * 1_500 + 12_000
CALM_MS = 45_000


class Invariants:
    """Checks after every step of a core, and every second of the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.checked: Counter[str] = Counter()
        self.partitioned = False
        self.cut_since_ms = -1
        self.trouble_ms = 0  # when something was last not as it should be
        self.seen_replies: set[int] = set()
        self.unrest_ms: dict[tuple[str, str], int] = {}
        self.dead_ms: dict[str, int] = {}
        self.unnoticed_ms: dict[str, int] = {}  # server -> when its peer lost power, not yet declared down
        self.double: set[str] = set()  # groups found to run on both after a total partition
        self.disagree_ms = -1

    def trouble(self) -> None:
        """A fault was injected or lasts."""
        self.trouble_ms = self.world.now_ms

    def require(self, name: str, holds: bool, text: str) -> None:
        """Count the check, and raise when it fails."""
        self.checked[name] += 1
        if not holds:
            raise Violation(f"{name}: {text}")

    # -- every second -- -------------------------------------------------------------------------------

    def always(self) -> None:
        """Check what must hold at any time."""
        self._note_partition()
        for mirror_set in self.world.sets.values():
            self._one_writer(mirror_set)
            self._one_solo_right(mirror_set)
        for host in self.world.hosts:
            self._crash_is_noticed(host)
            if host.cluster is not None:
                self._groups_come_to_rest(host, host.cluster)
                self._dead_peer_owns_nothing(host, host.cluster)
            else:
                self.dead_ms.pop(host.name, None)
        self._members_agree()
        self._requests_are_answered()

    def _note_partition(self) -> None:
        world = self.world
        if world.cuts or any(not host.runs or not host.daemon or host.daemon_paused for host in world.hosts):
            self.trouble()
        if not world.totally_cut():
            self.cut_since_ms = -1
            self.partitioned = self.partitioned and not self._settled()
            return
        if self.cut_since_ms < 0:
            self.cut_since_ms = world.now_ms
        self.partitioned = self.partitioned or world.now_ms - self.cut_since_ms >= TIMING.timeout_ms - 2_000

    def _settled(self) -> bool:
        """Both servers run and at most one holds the other as down while both operate."""
        clusters = [host.cluster for host in self.world.hosts]
        if any(host.paused or host.daemon_paused for host in self.world.hosts):
            return False
        operating = [cluster for cluster in clusters if cluster is not None and cluster.phase in OPERATING]
        active = [
            sum(side.active and side.alive for side in mirror_set.sides)
            for mirror_set in self.world.sets.values()
        ]
        if max(active) > 1:
            return False
        return len(operating) < 2 or all(
            cluster.peer_operates and cluster.watch.state == UP and not cluster.frozen
            for cluster in operating
        )

    def _one_writer(self, mirror_set: MirrorSet) -> None:
        both = all(side.can_write for side in mirror_set.sides)
        if both and self.partitioned:
            mirror_set.forked = True
        self.require(
            "one-writer",
            not both or self.partitioned or mirror_set.forked,
            f"{mirror_set.name} is served on both",
        )

    def _one_solo_right(self, mirror_set: MirrorSet) -> None:
        both = all(side.solo_right and side.clean for side in mirror_set.sides)
        self.require(
            "one-solo-right",
            not both or self.partitioned or mirror_set.forked,
            f"{mirror_set.name}: both sides may start alone",
        )

    def _groups_come_to_rest(self, host: Host, cluster: Cluster) -> None:
        now_ms, healthy = self.world.now_ms, host.runs and not host.daemon_paused
        for name, run in cluster.runs.items():
            record = cluster.records[name]
            wanted = cluster.phase == MEMBER and record.owner == cluster.me and record.wanted
            rest = not wanted or run.state in (ACTIVE, START_FAILED, STOP_FAILED) or cluster.frozen
            if rest or not healthy or self.partitioned:
                self.unrest_ms.pop((host.name, name), None)
                continue
            since_ms = self.unrest_ms.setdefault((host.name, name), now_ms)
            self.require(
                "group-comes-to-rest",
                now_ms - since_ms <= FAILOVER_MS,
                f"{name} on {host.name} is {run.state} for {now_ms - since_ms} ms (waits: {run.waits})",
            )

    def _waits_for_others(self) -> bool:
        """A take-over may wait for a hook or an answer, for as long as they take (arbitration.py)."""
        return bool(self.world.view.fences or self.world.view.ping_targets)

    def _dead_peer_owns_nothing(self, host: Host, cluster: Cluster) -> None:
        """A group of a server without power is taken over in bounded time."""
        peer = self.world.hosts[1 - host.index]
        isolated = peer.cluster is not None and peer.cluster.phase == ISOLATED and peer.runs
        gone = not peer.powered or (isolated and not peer.daemon_paused and not self.world.cuts)
        waits = self._waits_for_others()
        if waits or not gone or not host.runs or host.daemon_paused or cluster.phase != MEMBER:
            self.dead_ms.pop(host.name, None)
            return
        since_ms = self.dead_ms.setdefault(host.name, self.world.now_ms)
        owned = [name for name, record in cluster.records.items() if record.owner == cluster.peer]
        self.require(
            "failover-in-time",
            not owned or self.world.now_ms - since_ms <= DOWN_MS + 5_000,
            f"{peer.name} is off or isolated for {self.world.now_ms - since_ms} ms and still owns {owned}",
        )

    def power_lost(self, host: Host) -> None:
        """An operating server loses power: its peer has to notice, however soon it is back (R12)."""
        peer = self.world.hosts[1 - host.index]
        operated = host.cluster is not None and host.cluster.phase in (MEMBER, STOPPING)
        if (
            operated
            and peer.cluster is not None
            and peer.cluster.phase == MEMBER
            and peer.cluster.peer_operates
        ):
            self.unnoticed_ms[peer.name] = self.world.now_ms

    def _crash_is_noticed(self, host: Host) -> None:
        cluster = host.cluster
        healthy = host.runs and not host.daemon_paused and cluster is not None
        if not healthy or cluster is None or cluster.phase != MEMBER or not cluster.peer_operates:
            self.unnoticed_ms.pop(host.name, None)
        if self._waits_for_others():
            return
        lost_ms = self.unnoticed_ms.get(host.name, self.world.now_ms)
        self.require(
            "crash-noticed",
            self.world.now_ms - lost_ms <= DOWN_MS + 5_000,
            f"{host.name} holds its peer as operating {self.world.now_ms - lost_ms} ms after a power loss",
        )

    def _members_agree(self) -> None:
        """In calm, what each server holds of the other is what the other is; no group runs on both."""
        one, two = (host.cluster for host in self.world.hosts)
        if one is None or two is None:
            return
        if not self.partitioned and all(map(verdicts.is_member_pair, (one, two))):
            self._one_server_per_group(one, two)
        if self.world.now_ms - self.trouble_ms < CALM_MS:
            self.disagree_ms = -1
            return
        agree = one.life.peer_status == two.status and two.life.peer_status == one.status
        if agree or LEFT in (one.phase, two.phase):
            self.disagree_ms = -1
            return
        self.disagree_ms = self.disagree_ms if self.disagree_ms >= 0 else self.world.now_ms
        self.require(
            "servers-agree",
            self.world.now_ms - self.disagree_ms < 10_000,
            f"{one.me} is {one.status} and holds {two.me} as {one.life.peer_status}; "
            f"{two.me} is {two.status} and holds {one.me} as {two.life.peer_status}",
        )

    def _one_server_per_group(self, one: Cluster, two: Cluster) -> None:
        work = (ACTIVE, RUNS_UP)
        twice = [name for name, run in one.runs.items() if run.state in work and two.runs[name].state in work]
        self.require("one-server-per-group", not twice, f"{twice} run on both members")
        up = [{item[0] for item in host.resources} for host in self.world.hosts]
        both = up[0] & up[1]
        self.double &= both
        self.require(
            "resources-on-one-server",
            not both - self.double,
            f"{sorted(both)} up on both {one.me} and {two.me}",
        )

    def _requests_are_answered(self) -> None:
        for number, (host, _, verb) in self.world.open_requests.items():
            if host.paused or host.daemon_paused:
                self.world.open_requests[number] = (host, self.world.now_ms, verb)
        late = [
            f"{verb} at {host.name}"
            for host, asked_ms, verb in self.world.open_requests.values()
            if self.world.now_ms - asked_ms > 150_000
        ]
        self.require("answered", not late, f"no answer after 150 s: {late}")

    # -- steps -----------------------------------------------------------------------------------------

    def before_effects(self, host: Host, event: events.Event, out: list[effects.Effect]) -> None:
        """Check what a core wants before the world obeys."""
        cluster = host.cluster
        if cluster is None:
            return
        for effect in out:
            if isinstance(effect, effects.MirrorCommand) and effect.verb == "peer_stale":
                self._stale_is_durable(host, effect)
            elif isinstance(effect, effects.RunStep) and effect.action == "start":
                recover = effect.environment.get("ARMS_EVENT") == "RECOVER"
                self.require(
                    "only-members-start",
                    recover or cluster.phase == MEMBER,
                    f"{host.name} starts {effect.group} {effect.kind} while it is {cluster.phase}",
                )
            elif isinstance(effect, effects.MirrorCommand) and effect.verb == "activate":
                self.require(
                    "only-members-activate",
                    cluster.phase in OPERATING,
                    f"{host.name} activates {effect.set} while it is {cluster.phase}",
                )
                side = self.world.sets[effect.set].sides[host.index]
                self.require(
                    "lone-start-proven",
                    not cluster.life.alone or side.state == "SOLO" or side.solo_right or side.active,
                    f"{host.name} activates {effect.set} alone, its side is {side.state} without the right",
                )
        if isinstance(event, events.HeartbeatReceived) and cluster.watch.silent_ms == 0:
            host.last_heard_ran_ms = host.ran_ms

    def after_step(self, host: Host, _event: events.Event) -> None:
        """Check the core itself."""
        cluster = host.cluster
        if cluster is not None and cluster.phase in (STOPPED, STOPPING):
            starting = [
                name for name, run in cluster.runs.items() if run.state == RUNS_UP and run.current is None
            ]
            self.require(
                "stopped-stays-stopped", not starting, f"{host.name} {cluster.phase}: {starting} start"
            )

    def _stale_is_durable(self, host: Host, effect: effects.MirrorCommand) -> None:
        other = self.world.sets[effect.set].sides[1 - host.index]
        believes = other.state not in OUTDATED and str(other.cur) == effect.args["cur"]
        self.require(
            "stale-before-solo",
            not believes or other.state == "DIVERGED",
            f"{host.name} goes on alone with {effect.set}, but {other.host.name} is {other.state}",
        )

    def activated(self, mirror_set: MirrorSet, side: Side) -> None:
        """A side begins to serve: it has to be the latest, and the other one without a lease."""
        other = mirror_set.other(side)
        lagging = side.data < mirror_set.acked
        rival = other.active and other.alive and other.host.powered and not other.frozen
        if self.partitioned and (lagging or rival or other.active):
            mirror_set.forked = True
        name = f"{mirror_set.name} on {side.host.name}"
        self.require(
            "latest-only",
            not lagging or mirror_set.forked,
            f"{name} holds write {side.data}, acknowledged are {mirror_set.acked}",
        )
        self.require(
            "lease-before-takeover",
            not rival or mirror_set.forked,
            f"{name} is activated while {other.host.name} may still write",
        )

    def logged(self, host: Host, entry: effects.Log) -> None:
        """Check decisions by what the core says of them."""
        fields = entry.fields
        if entry.name == "server_down":
            self.unnoticed_ms.pop(host.name, None)
        if entry.name == "double_activation":
            self.double.add(str(fields["group"]))
        if entry.name == "server_down" and str(fields["reason"]).startswith("no heartbeat"):
            silent_ms = host.ran_ms - host.last_heard_ran_ms
            self.require(
                "full-silence",
                silent_ms >= DOWN_MS - TICK_MS,
                f"{host.name} declares its peer down after {silent_ms} ms of silence",
            )
        elif entry.name == "group_fails_over":
            calm_ms = self.world.now_ms - self.trouble_ms
            reason = str(fields.get("reason", ""))
            self.require(
                "failover-has-a-cause",
                reason.startswith(("mirror set", "asked by ARMFOVER")) or calm_ms < CALM_MS,
                f"{fields} though all is calm for {calm_ms} ms",
            )
            self._exclusive(host, str(fields["group"]), str(fields["to"]))
        elif entry.name == "group_moving" and str(fields["reason"]).startswith("failback"):
            self._failback_to_latest(host, str(fields["group"]))

    def _exclusive(self, host: Host, group: str, to: str) -> None:
        view = self.world.view.group(group)
        if view is None or not view.exclusive or to != host.name:
            return
        others = {item[0] for item in host.resources} - {group}
        self.require("exclusive", not others, f"{group} fails over to {to}, which runs {sorted(others)}")

    def _failback_to_latest(self, host: Host, group: str) -> None:
        view = self.world.view.group(group)
        for name in view.sets if view is not None else ():
            target = self.world.sets[name].sides[1 - host.index]
            self.require(
                "failback-to-latest",
                target.state not in OUTDATED,
                f"{group} goes home to {target.host.name}, whose side of {name} is {target.state}",
            )

    def replied(self, reply: effects.Reply) -> None:
        """Every request is answered once."""
        self.require("one-reply", reply.request_id not in self.seen_replies, f"{reply.request_id} again")
        self.seen_replies.add(reply.request_id)
        if not reply.ok:
            self.require(
                "refusals-explain",
                bool(reply.error.get("message")),
                f"refusal {reply.request_id} says nothing",
            )

    # -- the end ---------------------------------------------------------------------------------------

    def at_rest(self) -> str:
        """Why the healed world is not at rest yet; "" when it is."""
        one, two = (host.cluster for host in self.world.hosts)
        if one is None or two is None:
            return "a server is not running"
        if one.status != "O" or two.status != "O":
            return f"servers are {one.status} ({one.phase}) and {two.status} ({two.phase})"
        for name, mirror_set in self.world.sets.items():
            if any(side.session != "in_sync" for side in mirror_set.sides):
                return f"{name} is {[side.state for side in mirror_set.sides]}"
        if self.world.open_requests:
            return f"requests wait: {[verb for _, _, verb in self.world.open_requests.values()]}"
        return ""
