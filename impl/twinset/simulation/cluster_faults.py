"""What is done to the simulated cluster: faults, and operators with good and bad timing.

The plan follows from the seed: bursts of faults, each with its end, and requests at any time. At the end
everything is healed and a patient operator brings the cluster back; the world then has to come to rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.cluster.groups import ACTIVE
from twinset.cluster.membership import ISOLATED, MEMBER, STOPPED

from .cluster_hosts import LANS

if TYPE_CHECKING:
    from .cluster_hosts import Host
    from .cluster_world import World

FAULTS_MS = 170_000  # faults and requests begin before this
HEAL_MS = 200_000
REST_MS = 330_000


class Faults:
    """The plan of one seed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = world.rng
        self.kinds = [
            (self.crash, 5),
            (self.quick_reboot, 3),
            (self.kill_daemon, 4),
            (self.pause_host, 3),
            (self.pause_daemon, 2),
            (self.cut_one_way, 3),
            (self.cut_lan, 3),
            (self.cut_all, 2),
            (self.kill_mirror, 2),
            (self.fail_disk, 1),
        ]

    def plan(self) -> None:
        """Schedule the startup, the faults, the requests and the end."""
        world, rng = self.world, self.rng
        world.after(2_000, self.startup)
        world.after(rng.randrange(8_000, 20_000), self.create_sets)
        for _ in range(rng.randrange(2, 6)):
            at_ms = rng.randrange(20_000, FAULTS_MS)
            for _ in range(rng.choice((1, 1, 2))):
                kind = rng.choices([kind for kind, _ in self.kinds], [weight for _, weight in self.kinds])[0]
                world.after(at_ms + rng.randrange(0, 12_000), self.inject, kind)
        for _ in range(rng.randrange(2, 8)):
            world.after(rng.randrange(12_000, FAULTS_MS), self.operate)
        world.after(HEAL_MS, self.heal)

    def startup(self) -> None:
        """The cluster is started; now and then on one server only by the operator's hand."""
        self.world.request(self.world.hosts[self.rng.randrange(2)], "cluster.start")

    def create_sets(self) -> None:
        """The first creation of a set [4.3.4.3-01]; then its group can be started."""
        world = self.world
        for name, mirror_set in world.sets.items():
            if all(side.state == "BLANK" for side in mirror_set.sides):
                world.request(world.hosts[0], "mirror.create", set=name, wait=True)
                for group in world.view.groups:
                    if name in group.sets:
                        world.after(500, world.request_later, "group.start", group.name)

    def inject(self, kind: Any) -> None:
        """Do one fault to a server."""
        self.world.fault_count += 1
        self.world.invariants.trouble()
        kind(self.rng.choice(self.world.hosts))

    # -- faults ----------------------------------------------------------------------------------------

    def crash(self, host: Host) -> None:
        """Power is lost and comes back much later."""
        if host.powered:
            self.world.power_off(host)
            self.world.after(self.rng.randrange(16_000, 60_000), self.power_on, host)

    def quick_reboot(self, host: Host) -> None:
        """A reboot faster than the time-out (R12)."""
        if host.powered:
            self.world.power_off(host)
            self.world.after(self.rng.randrange(1_000, 7_000), self.power_on, host)

    def power_on(self, host: Host) -> None:
        """Switch a server on, if it is off."""
        if not host.powered:
            self.world.boot(host)

    def kill_daemon(self, host: Host) -> None:
        """The daemon dies; it is restarted soon, or late."""
        if host.daemon:
            self.world.note(f"{host.name} twinsetd dies")
            self.world.end_daemon(host)
            delay_ms = self.rng.choice((1_000, 2_500, 5_000, 30_000))
            self.world.after(delay_ms, self.world.start_daemon, host)

    def pause_host(self, host: Host) -> None:
        """Everything of a server stands still."""
        if host.runs:
            host.paused = True
            self.world.note(f"{host.name} is paused")
            self.world.after(self.rng.choice((3_000, 12_000, 25_000, 45_000)), self.resume, host, host.boot)

    def pause_daemon(self, host: Host) -> None:
        """The daemon stands still; the data path goes on."""
        if host.runs and host.daemon:
            host.daemon_paused = True
            self.world.note(f"{host.name} twinsetd is paused")
            self.world.after(self.rng.choice((3_000, 12_000, 25_000)), self.resume, host, host.boot)

    def resume(self, host: Host, boot: int) -> None:
        """A paused server or daemon goes on."""
        if host.boot == boot and (host.paused or host.daemon_paused):
            host.paused = host.daemon_paused = False
            self.world.note(f"{host.name} goes on")

    def cut_one_way(self, host: Host) -> None:
        """What a server sends on all LANs is lost; it still hears."""
        self._cut({(lan, host.index) for lan in LANS}, f"what {host.name} sends is lost")

    def cut_lan(self, _host: Host) -> None:
        """One or two LANs fail."""
        lans = self.rng.sample(LANS, self.rng.choice((1, 1, 2)))
        self._cut({(lan, index) for lan in lans for index in (0, 1)}, f"{', '.join(lans)} cut")

    def cut_all(self, _host: Host) -> None:
        """A total partition."""
        self._cut({(lan, index) for lan in LANS for index in (0, 1)}, "all LANs cut")

    def _cut(self, cuts: set[tuple[str, int]], text: str) -> None:
        world = self.world
        if world.cuts:
            return
        world.note(text)
        world.cuts = cuts
        if not world.control_works():
            world.break_channel()
        world.after(self.rng.choice((4_000, 10_000, 20_000, 40_000)), self.mend, cuts)

    def mend(self, cuts: set[tuple[str, int]]) -> None:
        """The LANs work again."""
        if self.world.cuts is cuts:
            self.world.cuts = set()
            self.world.note("all LANs work")

    def kill_mirror(self, host: Host) -> None:
        """A mirror process dies and is restarted."""
        if host.runs:
            self.world.restart_mirror(host, self.rng.choice(self.world.view.sets))

    def fail_disk(self, host: Host) -> None:
        """A disk fails; its side is latched FAULTY and the other one, if it is in step, goes on (8.4)."""
        mirror_set = self.world.sets[self.rng.choice(self.world.view.sets)]
        side, other = mirror_set.side(host), mirror_set.side(self.world.hosts[1 - host.index])
        if side.session == "in_sync" and side.active and other.session == "in_sync" and other.host.runs:
            self.world.note(f"{host.name} disk of {mirror_set.name} fails")
            mirror_set.fail(side)

    # -- operators -------------------------------------------------------------------------------------

    def operate(self) -> None:
        """Some operator asks for something, sensible or not."""
        world, rng = self.world, self.rng
        host = rng.choice(world.hosts)
        group = rng.choice(world.view.groups).name
        server = rng.choice(world.view.servers)
        verb, args = rng.choice(
            (
                ("group.move", {"group": group}),
                ("group.move", {"group": group, "server": server}),
                ("group.stop", {"group": group}),
                ("group.start", {"group": group}),
                ("group.start", {"group": group, "server": server}),
                ("group.failover", {"group": group}),
                ("group.restart_scripts", {"group": group}),
                ("server.return", {}),
                ("server.return", {"server": server}),
                ("server.shutdown", {"server": server}),
                ("cluster.stop", {}),
                ("cluster.start", {}),
                ("cluster.status", {}),
                ("mirror.status", {}),
                ("mirror.create", {"set": rng.choice(world.view.sets), "source": server}),
            )
        )
        away = not world.control_works() or any(not other.runs for other in world.hosts)
        if verb == "mirror.create" and (away or not world.invariants.partitioned):
            verb, args = "group.list", {}  # naming a stale side is an operator's right, and not judged here
        if verb == "server.shutdown":
            world.invariants.trouble()
        world.request(host, verb, **args)
        if verb == "cluster.stop" and rng.random() < 0.8:
            world.after(rng.randrange(5_000, 25_000), self.restart_cluster)
        for off in world.hosts:
            if not off.powered:
                world.after(rng.randrange(20_000, 40_000), self.power_on, off)

    def restart_cluster(self) -> None:
        """After a shutdown, the operator starts the cluster again."""
        self.world.request(self.rng.choice(self.world.hosts), "cluster.start")

    # -- the end ---------------------------------------------------------------------------------------

    def heal(self) -> None:
        """No more faults: everything runs, and a patient operator looks after the cluster."""
        world = self.world
        world.note("everything is healed")
        world.cuts, world.loss, world.slow, world.step_failure = set(), 0.0, 0.0, 0.0
        for host in world.hosts:
            host.paused = host.daemon_paused = False
            self.power_on(host)
            world.start_daemon(host)
        self.look_after()

    def look_after(self) -> None:
        """What an operator who reads the status does."""
        world = self.world
        world.after(6_000, self.look_after)
        for host in world.hosts:
            self.power_on(host)
        if world.open_requests or any(host.cluster is None for host in world.hosts):
            return
        for host in world.hosts:
            stuck = (
                [name for name, run in host.cluster.runs.items() if run.state == "stop_failed"]
                if host.cluster
                else []
            )
            if stuck:
                world.request(host, "group.stop", group=stuck[0])
                return
        phases = [host.cluster.phase for host in world.hosts if host.cluster is not None]
        if ISOLATED in phases and MEMBER in phases:
            world.request(world.hosts[phases.index(ISOLATED)], "server.return")
        elif MEMBER not in phases and (STOPPED in phases or ISOLATED in phases):
            waiting = next(index for index, phase in enumerate(phases) if phase in (STOPPED, ISOLATED))
            world.request(world.hosts[waiting], "cluster.start")
        elif phases == [MEMBER, MEMBER]:
            self._care_for_sets()

    def _care_for_sets(self) -> None:
        """Name the good side of sets that cannot decide, replace failed disks."""
        world = self.world
        for name, mirror_set in world.sets.items():
            states = [side.state for side in mirror_set.sides]
            for side in mirror_set.sides:
                if side.state == "FAULTY":
                    side.state, side.data, side.session = "BLANK", 0, "none"
                    mirror_set.other(side).session = "none"
            idle = all(side.session not in ("in_sync", "copying") for side in mirror_set.sides)
            stuck = "DIVERGED" in states or not any(state == "SOLO" for state in states)
            if not idle or not stuck:
                continue
            for group in world.view.groups:
                owner = next(host for host in world.hosts if host.cluster is not None)
                if owner.cluster is not None and name in group.sets:
                    busy = any(
                        host.cluster is not None and host.cluster.runs[group.name].running
                        for host in world.hosts
                    )
                    if busy:
                        world.request(owner, "group.stop", group=group.name)
                        return
            best = max(mirror_set.sides, key=lambda side: side.data)
            world.request(world.hosts[0], "mirror.create", set=name, source=best.host.name)
            return

    def groups_at_work(self) -> int:
        """How many groups are active."""
        return sum(
            run.state == ACTIVE
            for host in self.world.hosts
            if host.cluster is not None
            for run in host.cluster.runs.values()
        )
