"""The server's own life: startup, shutdown, return, being declared down; and its verdicts on the peer.

Who decides what:
- Startup: both servers wait for each other in phase `starting`; the first server of the configuration then
  forms the cluster, places the automatic groups and admits the second. A server that waited the startup
  wait in vain goes on alone, and runs only groups whose mirror sides prove to be the latest (R7).
- Return: an isolated server asks, the operating server admits it; only its state message makes it a member.
- Down: silence through the time-out and the partition phase, a new boot id (R12), or the peer's own word
  that it has left. A server that hears that it was declared down stops its groups and is isolated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import arbitration, failback, messages, mirrors, permits, placement, program, running, verdicts
from .effects import Halt
from .membership import (
    DOWN,
    EXPELLED,
    ISOLATED,
    LEAVING,
    LEFT,
    MEMBER,
    OPERATING,
    PHASES,
    RETURNING,
    STARTING,
    STOPPED,
    STOPPING,
    phase_after_boot,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .server import Cluster
    from .view import ClusterView


@dataclass(slots=True)
class Life:
    """The phase of this server and its durable verdict on the peer."""

    phase: str
    was_down: bool  # went down and has not been returned since
    peer_status: str  # what this server holds of the peer; "" before anything is known
    peer_boot: str  # the boot id this verdict is about
    verdict_boot: str = ""  # the boot of the peer that this server, operating, declared down
    start_at_boot: bool = False
    invites: bool = False  # an operator asked for the startup: the peer is to take part
    entered_ms: int = 0  # ran_ms when the phase was entered
    judged_seq: int = 0  # sequence number of the newest word of the peer that was judged
    admitting_ms: int = -1  # ran_ms when the peer was admitted and has not yet said so itself
    paired_ms: int = -1  # ran_ms since when both servers are there at startup
    alone_at_stop: bool = False  # the peer was no member when the cluster shutdown began
    rights: dict[str, bool] = field(default_factory=dict)  # sets closed cleanly: with the solo right or not
    config_differs: bool = False
    differs_since_ms: int = -1  # ran_ms when it was first heard
    differs_told: bool = False
    alone: bool = False  # a member by a lone start: what it runs needs the proof of its own records (R7)
    settle_alone_ms: int = -1
    halted: bool = False
    doubtful: bool = False  # expelled by its own doubt: its sides may well be the latest
    doubt_since_ms: int = -1  # clock of the last gap so long that the peer may have declared this server down
    stranger_ran_ms: int = -1  # ran_ms when an operating peer was heard that does not hear this server
    alive_ms: int = -1  # clock of the last durable sign of life of this boot
    stays: bool = False  # it leaves the cluster to be isolated, not to be switched off [4.4-02]
    return_refusal: str = ""  # why the last return did not come about

    @classmethod
    def from_memory(cls, memory: Mapping[str, Any], boot_id: str, view: ClusterView) -> Life:
        """Decide what a starting twinsetd is, from what its predecessor made durable."""
        saved = memory.get("life", {})
        before = saved.get("phase", STOPPED)
        same_boot = saved.get("boot", boot_id) == boot_id
        was_down = bool(saved.get("was_down"))
        phase = phase_after_boot(before, same_boot=same_boot, was_down=was_down)
        stopped_cleanly = not same_boot and phase == STOPPED
        return cls(
            phase=phase,
            was_down=was_down or phase in (ISOLATED, EXPELLED),
            peer_status=saved.get("peer_status", ""),
            peer_boot=saved.get("peer_boot", ""),
            verdict_boot=saved.get("verdict_boot", ""),
            start_at_boot=stopped_cleanly and view.start_at_boot,
            alone_at_stop=bool(saved.get("alone_at_stop")),
            alone=bool(saved.get("alone")),
            stays=phase == LEAVING and bool(saved.get("stays")),
            rights=dict(memory.get("closed", {})),
            alive_ms=_last_alive(memory.get("alive"), boot_id),
        )

    def accept(self, peer_boot: str) -> None:
        """Hold the peer as operating, in this boot of it: no verdict on it from before is left."""
        self.peer_status, self.peer_boot, self.verdict_boot = "O", peer_boot, ""


def _last_alive(saved: Any, boot_id: str) -> int:
    match saved:
        case [str(boot), int(clock_ms)] if boot == boot_id:
            return clock_ms
    return -1


# -- phases --------------------------------------------------------------------------------------------


def enter(cluster: Cluster, trigger: str) -> None:
    """Change the phase by the table; durable before anything that follows from it."""
    life = cluster.life
    life.phase = PHASES[life.phase, trigger]
    life.entered_ms = cluster.ran_ms
    if life.phase == ISOLATED:
        life.was_down = True
    elif life.phase in (MEMBER, STOPPED):
        life.was_down = False
    if life.phase not in permits.AT_REST:
        permits.withdraw_all(cluster)
    if life.phase in (STARTING, MEMBER):
        mirrors.forget_creations(cluster)
        life.doubt_since_ms = -1
    save(cluster)
    cluster.log("server_phase", phase=life.phase, trigger=trigger, status=cluster.status)
    messages.send_state(cluster)
    cluster.dirty = True


def save(cluster: Cluster) -> None:
    """Persist the phase and the verdict on the peer."""
    life = cluster.life
    cluster.persist(
        "life",
        {
            "phase": life.phase,
            "boot": cluster.boot_id,
            "was_down": life.was_down,
            "peer_status": life.peer_status,
            "peer_boot": life.peer_boot,
            "verdict_boot": life.verdict_boot,
            "alone_at_stop": life.alone_at_stop,
            "alone": life.alone,
            "stays": life.stays,
        },
    )


def boot(cluster: Cluster) -> None:
    """The first tick of this twinsetd."""
    life = cluster.life
    save(cluster)
    if life.phase in OPERATING and life.alive_ms >= 0:
        verdicts.notice_gap(cluster, life.alive_ms, cluster.now_ms)
    cluster.log("twinsetd_started", phase=life.phase, status=cluster.status)
    if life.start_at_boot and life.phase == STOPPED:  # another boot: nothing can be left running
        start(cluster)


def since_entered(cluster: Cluster) -> int:
    """Running time spent in the present phase."""
    return cluster.ran_ms - cluster.life.entered_ms


# -- timers --------------------------------------------------------------------------------------------


def tick(cluster: Cluster) -> None:
    """What only time brings about."""
    life, timing = cluster.life, cluster.view.timing
    if life.phase == STARTING:
        _startup(cluster)
    elif life.phase == STOPPING:
        _shutdown(cluster)
    elif life.phase == LEAVING:
        if _idle(cluster) and mirrors.close_all(cluster, dict.fromkeys(cluster.view.sets, False)):
            enter(cluster, "closed")
    elif life.phase == LEFT:
        told = life.peer_status != "O" or since_entered(cluster) >= timing.timeout_ms
        if told and life.stays:
            life.stays = False
            enter(cluster, "stays")
            cluster.log("server_isolated", "warning", server=cluster.me)
        elif told and not life.halted:
            life.halted = True
            cluster.out.append(Halt("this server has left the cluster"))
    elif life.phase == EXPELLED and _idle(cluster):
        if not life.doubtful:
            mirrors.mark_all_stale(cluster)
        life.doubtful = False
        enter(cluster, "idle")
    elif life.phase == MEMBER:
        arbitration.tick(cluster)
        if life.settle_alone_ms >= 0 and cluster.ran_ms - life.settle_alone_ms >= timing.heartbeat_ms:
            life.settle_alone_ms = -1
            _place_alone(cluster)
        if 0 <= life.admitting_ms <= cluster.ran_ms - timing.timeout_ms:
            verdicts.declare_down(cluster, "it did not take its place after it was admitted")


def every_heartbeat(cluster: Cluster) -> None:
    """Repeat what may have been lost, and do what is due without anybody asking."""
    life, view = cluster.life, cluster.view
    if life.phase in OPERATING and cluster.now_ms - life.alive_ms >= view.timing.timeout_ms // 3:
        life.alive_ms = cluster.now_ms
        cluster.persist("alive", [cluster.boot_id, cluster.now_ms])
    if life.phase == STARTING and life.invites:
        messages.send(cluster, "start")
    if life.phase == RETURNING:
        if since_entered(cluster) > view.timing.timeout_ms:
            refused_return(cluster, f"{cluster.peer} did not answer")
        else:
            messages.send(cluster, "return")
    if not (view.auto_return and life.phase == ISOLATED and cluster.peer_reachable):
        return
    if permits.here_or_there(cluster, view.sets)[0]:
        return
    if not running.stop_again(cluster):
        return
    if life.peer_status == "O":
        enter(cluster, "return")
        messages.send(cluster, "return")
    elif life.peer_status == "Od" or cluster.told.phase == STARTING:
        start(cluster)


def _idle(cluster: Cluster) -> bool:
    return not any(run.running and run.state != "stop_failed" for run in cluster.runs.values())


# -- startup -------------------------------------------------------------------------------------------


def start(cluster: Cluster) -> None:
    """Begin cluster startup: wait for the peer."""
    life = cluster.life
    enter(cluster, "start")
    life.paired_ms = -1
    life.invites = False
    cluster.watch.restart()
    for name in cluster.view.sets:
        mirrors.command(cluster, name, "peer", {"state": "up", "boot_id": cluster.book.peer_boot})


def _startup(cluster: Cluster) -> None:
    life, timing = cluster.life, cluster.view.timing
    if cluster.peer_reachable and cluster.told.phase == STARTING and not life.config_differs:
        if life.paired_ms < 0:
            life.paired_ms = cluster.ran_ms
        known = all(side.known for side in cluster.mirrors.values())
        limit_ms = timing.mirror_timeout_ms if known else timing.timeout_ms
        waited = cluster.ran_ms - life.paired_ms >= limit_ms
        if cluster.me == cluster.view.servers[0] and (waited or mirrors.settled(cluster)):
            _form(cluster)
        return
    life.paired_ms = -1
    if cluster.watch.state == DOWN and since_entered(cluster) >= timing.startup_wait_ms:
        life.peer_status, life.alone = "Xd", True
        for name in cluster.records:
            cluster.set_record(name, owner=cluster.me, wanted=False, event="START")
            cluster.runs[name].attempt = -1
        enter(cluster, "alone")
        cluster.log("lone_start", "warning", waited_s=timing.startup_wait_ms // 1000)
        mirrors.peer_verdict(cluster, "down")
        life.settle_alone_ms = cluster.ran_ms


def _form(cluster: Cluster) -> None:
    """Both servers are there: become members, place the automatic groups [6.2.5-11]."""
    life = cluster.life
    life.accept(cluster.book.peer_boot)
    life.admitting_ms = cluster.ran_ms
    placed = placement.place(
        [group for group in cluster.view.groups if group.automatic],
        cluster.view.servers,
        (),
        lambda group, server: mirrors.able(cluster, group.sets, server),
    )
    for name, record in cluster.records.items():
        server, reason = placed.get(name, ("", ""))
        record.owner = server or record.owner
        record.wanted, record.event = bool(server), "START"
        record.version += 1
        cluster.runs[name].reason, cluster.runs[name].attempt = reason, -1
    enter(cluster, "formed")
    cluster.save_records()
    mirrors.both_operate(cluster)


def _place_alone(cluster: Cluster) -> None:
    """A lone start: only groups whose sets this server's own records call the latest (R7, promise 3)."""
    if cluster.peer_operates:
        return
    occupied: set[str] = set()
    for group in cluster.view.groups:
        record, run = cluster.records[group.name], cluster.runs[group.name]
        wanted = group.automatic and not record.wanted
        if not wanted or run.running or cluster.me not in group.policy:
            continue
        reason = mirrors.lone_refusal(cluster, group.sets)
        if not reason:
            server, reason = placement.destination(group, (cluster.me,), occupied)
            if server:
                occupied.add(server)
                cluster.set_record(group.name, owner=cluster.me, wanted=True, event="START")
        if reason:
            run.reason = reason
            cluster.log("group_not_started", "error", group=group.name, reason=reason)


# -- shutdown ------------------------------------------------------------------------------------------


def stop(cluster: Cluster) -> None:
    """Cluster shutdown: groups stop, mirrors close cleanly, nothing fails over [6.2.5-12]."""
    life = cluster.life
    if life.phase == STARTING:
        enter(cluster, "stop")
        return
    life.alone_at_stop = not cluster.peer_operates
    cluster.failback.clear()
    enter(cluster, "stop")


def _shutdown(cluster: Cluster) -> None:
    if not _idle(cluster):
        return
    peer_ready = not cluster.peer_operates or cluster.told.ready
    if not peer_ready:
        return
    if mirrors.close_all(cluster, dict.fromkeys(cluster.view.sets, _gets_the_right(cluster))):
        for name, record in cluster.records.items():
            record.wanted = False
            cluster.runs[name].reason = ""
        cluster.save_records()
        enter(cluster, "closed")
        cluster.log("cluster_stopped")


def _gets_the_right(cluster: Cluster) -> bool:
    """Exactly one server may start alone after a cluster shutdown (R7)."""
    holder = cluster.view.preferred_survivor or cluster.view.servers[0]
    return cluster.life.alone_at_stop or holder == cluster.me


def has_given_the_right(cluster: Cluster) -> bool:
    """True from when this server is ready for the end: the peer may have closed with the right to start alone."""
    return cluster.phase == STOPPING and _idle(cluster) and not _gets_the_right(cluster)


def is_ready(cluster: Cluster) -> bool:
    """True when nothing runs here any more and the mirrors may be closed on both servers."""
    return cluster.phase == STOPPED or (cluster.phase == STOPPING and _idle(cluster))


def leave(cluster: Cluster, reason: str) -> None:
    """This server leaves the cluster in order; what it runs fails over [6.3-02]."""
    if program.both_can(cluster, program.LEAVING):
        messages.send(cluster, "leaving", reason=reason)
    enter(cluster, "shutdown")


# -- return --------------------------------------------------------------------------------------------


def admit(cluster: Cluster) -> str:
    """Make the isolated peer a member again; returns the reason when it cannot be."""
    life = cluster.life
    if life.phase != MEMBER:
        return f"{cluster.me} is {cluster.phase}, not operating"
    if life.config_differs:
        return "the configurations of the two servers differ"
    if cluster.peer_operates:
        return ""
    if life.peer_status != "Od" or not cluster.peer_reachable:
        return f"{cluster.me} holds {cluster.peer} as {life.peer_status}"
    life.accept(cluster.book.peer_boot)
    life.admitting_ms = cluster.ran_ms
    save(cluster)
    cluster.log("server_returned", server=cluster.peer)
    here = [name for name, run in cluster.runs.items() if run.running]
    cluster.failback |= failback.armed_by_return(cluster.view.groups, cluster.peer, here)
    cluster.persist("failback", sorted(cluster.failback))
    mirrors.both_operate(cluster)
    cluster.save_records()
    return ""


def admitted(cluster: Cluster, records: Mapping[str, Any]) -> None:
    """The operating peer holds this server as operating: it is a member; the peer's records rule."""
    life = cluster.life
    returned = life.phase != STARTING
    life.accept(cluster.book.peer_boot)
    life.admitting_ms = -1
    messages.adopt_records(cluster, records, unconditionally=True)
    enter(cluster, "admitted")
    mirrors.both_operate(cluster)
    if returned:
        cluster.log("server_returned", server=cluster.me)
        running.run_recover_scripts(cluster)


def refused_return(cluster: Cluster, reason: str) -> None:
    """The return did not come about."""
    if cluster.phase == RETURNING:
        cluster.log("return_refused", "warning", reason=reason)
        cluster.life.return_refusal = reason
        enter(cluster, "refused")
