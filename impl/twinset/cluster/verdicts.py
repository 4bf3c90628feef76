"""Verdicts: what this server holds of its peer, and what it does when it hears the peer's verdict on itself.

The peer is down when it was silent through the time-out and the partition phase, when its boot id is new
(R12), or when it says itself that it no longer operates. What it owned is this server's from then on. A
server that hears from the operating peer that it was declared down stops everything (`expel`); when both
had declared each other down, both settle it by the rules of partition.py (`heal`, `resolve`).

Words count in the order in which they were spoken: heartbeats and state messages share one numbering, and
what is older than the newest word judged is ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import arbitration, lifecycle, messages, mirrors, partition, requests, running
from .membership import LEFT, MEMBER, OPERATING, STARTING, STOPPED, STOPPING, UP

OUTCAST = ("Xd", "Od")  # what a server holds of a peer that it has declared down

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twinset.wire.heartbeat import Heartbeat

    from .server import Cluster


def silence(cluster: Cluster, trigger: str) -> None:
    """The peer has been silent for H ("timeout") or for H + N ("waited")."""
    if trigger == "timeout":
        cluster.log("heartbeat_lost", "warning", server=cluster.peer)
        return
    forget_healing(cluster)
    if cluster.phase in OPERATING and cluster.life.peer_status in ("O", ""):
        reason = _doubt(cluster)
        if reason:
            give_up(cluster, reason)
        else:
            arbitration.silent(cluster)
    elif cluster.phase in OPERATING:
        if cluster.life.peer_status == "Od":
            _judge_outsider(cluster, "Xd")  # it was isolated, and is gone
            _forget_told(cluster)
    elif cluster.life.peer_status in ("O", "Od"):
        cluster.life.peer_status = "Xd"
        _forget_told(cluster)


# -- verdicts on the peer ------------------------------------------------------------------------------


def _forget_told(cluster: Cluster) -> None:
    """Nothing the peer had told holds any more; its numbering goes on."""
    cluster.told.runs, cluster.told.sets, cluster.told.ready = {}, {}, False


def _doubt(cluster: Cluster) -> str:
    """Why the silence of the peer does not prove that it is down; "" when it does."""
    life = cluster.life
    if life.doubt_since_ms >= 0:
        return f"{cluster.peer} may have gone on alone while this server stood still"
    heard_ms = life.stranger_ran_ms
    if heard_ms >= 0 and cluster.ran_ms - heard_ms < cluster.view.timing.timeout_ms:
        return f"{cluster.peer} operates and cannot hear this server"
    return ""


def notice_gap(cluster: Cluster, before_ms: int, clock_ms: int) -> None:
    """This server did not run, or had no twinsetd, from `before_ms` to `clock_ms`, real time.

    After a gap in which the peer may have declared it down and gone on alone, silence proves nothing: if the
    peer dies before it can tell, this server would take over with old data. So it decides nothing by silence
    until the peer has confirmed it.
    """
    timing, life, gap_ms = cluster.view.timing, cluster.life, clock_ms - before_ms
    limit_ms = timing.timeout_ms + timing.partition_wait_ms - 2 * timing.heartbeat_ms
    if cluster.phase in OPERATING and life.peer_status in ("O", "") and gap_ms >= limit_ms:
        life.doubt_since_ms = clock_ms
        cluster.log("server_stood_still", "warning", seconds=round(gap_ms / 1000, 1))


def give_up(cluster: Cluster, reason: str) -> None:
    """The peer stays silent and may operate all the same: this server is isolated, the peer not judged."""
    cluster.log("in_doubt", "error", reason=reason)
    requests.fail_forwarded(cluster, f"{cluster.me} is isolated: {reason}")
    lifecycle.enter(cluster, "expelled")
    cluster.life.doubtful = True
    mirrors.revoke_all(cluster)
    cluster.failback.clear()


def declare_down(cluster: Cluster, reason: str, *, left: bool = False) -> None:
    """The peer is no member any more; what it owned is this server's now [6.3-02 to 6.3-06].

    `left`: by its own word and in order, which nobody has to be alarmed about.
    """
    life = cluster.life
    life.peer_status, life.peer_boot = "Xd", cluster.book.peer_boot or life.peer_boot
    life.verdict_boot = life.peer_boot
    life.admitting_ms = -1
    forget_healing(cluster)
    lifecycle.save(cluster)
    name, severity = ("server_left", "warning") if left else ("server_down", "error")
    cluster.log(name, severity, server=cluster.peer, reason=reason)
    requests.fail_forwarded(cluster, f"{cluster.peer} went down")
    if mirrors.peer_word(cluster) == "down":
        mirrors.peer_verdict(cluster, "down")
    cluster.failback.clear()
    _forget_told(cluster)
    if life.phase == MEMBER:
        running.take_over(cluster)
    messages.send_state(cluster)
    cluster.dirty = True


def new_run(cluster: Cluster, heartbeat: Heartbeat, *, new_boot: bool) -> None:
    """A twinsetd of the peer that was not heard before, perhaps after a reboot (R12)."""
    life = cluster.life
    cluster.told = type(cluster.told)()
    life.judged_seq = 0
    forget_healing(cluster)
    requests.fail_forwarded(cluster, f"twinsetd of {cluster.peer} was restarted")
    if new_boot and life.peer_boot not in ("", heartbeat.boot_id):
        if cluster.phase in OPERATING and cluster.peer_operates:
            if heartbeat.peer_boot == cluster.boot_id and heartbeat.peer_status in OUTCAST:
                expel(cluster)  # before it was restarted, it had declared this server down
            else:
                declare_down(cluster, "it was restarted: its boot id is new")
        life.peer_boot = heartbeat.boot_id
    elif not life.peer_boot:
        life.peer_boot = heartbeat.boot_id


def judge(cluster: Cluster, seq: int, says: str, held: str) -> None:
    """Weigh the peer's newest word: what it is (`says`), and what it holds of this server (`held`)."""
    life = cluster.life
    if seq <= life.judged_seq:
        return
    life.judged_seq = seq
    outcast = held in OUTCAST
    if life.phase in (STOPPED, STARTING):
        life.peer_status = says
        if outcast and says == "O":
            lifecycle.enter(cluster, "outvoted")
    elif life.phase not in OPERATING:
        if life.phase != LEFT or says != "O" or held in ("Xd", "Od"):
            life.peer_status = "Od" if life.phase == LEFT and says == "O" else says
    elif cluster.peer_operates:
        _judge_member(cluster, says, held, outcast=outcast)
    elif says != "O":
        _judge_outsider(cluster, says)
    elif outcast and cluster.healing is None and life.phase == MEMBER:
        heal(cluster)


def _judge_member(cluster: Cluster, says: str, held: str, *, outcast: bool) -> None:
    life = cluster.life
    if outcast:
        if life.admitting_ms < 0:  # else it has not heard yet that it is settled
            expel(cluster)
    elif says == "O":
        life.admitting_ms = -1
        if held == "O" and cluster.book.echoed_ms > life.doubt_since_ms:
            life.doubt_since_ms = -1
        forget_healing(cluster)
    elif says == "Xd":
        declare_down(cluster, cluster.told.leaving or "it says so", left=True)
    elif says == "X" and life.phase == STOPPING:
        life.peer_status = "X"
        lifecycle.save(cluster)
    elif life.admitting_ms < 0:
        declare_down(cluster, f"it says that it is {says}")
        _judge_outsider(cluster, says)


def _judge_outsider(cluster: Cluster, says: str) -> None:
    """The peer is no member: note what it has become. Down shows as isolated once it runs again."""
    life = cluster.life
    forget_healing(cluster)
    if says in ("Od", "Xd") and says != life.peer_status:
        life.peer_status = says
        life.peer_boot = cluster.book.peer_boot
        lifecycle.save(cluster)
        if says == "Od":
            cluster.log("server_restarted", "warning", server=cluster.peer, status=says)


def expel(cluster: Cluster) -> None:
    """The peer operates and has declared this server down: stop everything here (R12, R13)."""
    cluster.log("declared_down", "error", by=cluster.peer)
    requests.fail_forwarded(cluster, f"{cluster.peer} has declared this server down")
    cluster.life.verdict_boot = ""
    lifecycle.enter(cluster, "expelled")
    mirrors.revoke_all(cluster)
    cluster.failback.clear()


def compare_configuration(cluster: Cluster, digest: str) -> None:
    """Servers with different configurations never form a cluster."""
    life = cluster.life
    if digest == cluster.view.digest:
        life.config_differs, life.differs_since_ms, life.differs_told = False, -1, False
        return
    if not life.config_differs:
        life.config_differs, life.differs_since_ms = True, cluster.ran_ms
    lasts_ms = cluster.ran_ms - life.differs_since_ms  # a change that is being handed over passes by itself
    if lasts_ms >= cluster.view.timing.timeout_ms and not life.differs_told:
        life.differs_told = True
        cluster.log("configuration_differs", "error", server=cluster.peer)


# -- after a total partition ---------------------------------------------------------------------------


def forget_healing(cluster: Cluster) -> None:
    """The partition is settled on both servers, or the peer is gone again."""
    cluster.healing, cluster.healed = None, False


def heal(cluster: Cluster) -> None:
    """Both had declared each other down and operate: freeze, tell what runs here, wait for the same."""
    cluster.healed = False
    cluster.healing = frozenset(name for name, run in cluster.runs.items() if run.running)
    cluster.log("partition_healed", "warning", runs=sorted(cluster.healing))
    messages.send_state(cluster)


def resolve(cluster: Cluster, theirs: frozenset[str], records: Mapping[str, Any]) -> None:
    """Both lists are known: carry out the common verdict (partition.py)."""
    if not cluster.frozen or cluster.healing is None:
        return
    mine = cluster.healing
    cluster.healed = True
    mirrored = frozenset(group.name for group in cluster.view.groups if group.sets)
    verdict = partition.resolve(cluster.me, mine, theirs, cluster.view.preferred_survivor, mirrored)
    for name in sorted(verdict.double):
        cluster.log(
            "double_activation", "error", group=name, stops=name in verdict.stop, help="mirror create"
        )
    if verdict.isolate_me:
        forget_healing(cluster)
        expel(cluster)
        return
    if verdict.isolate_peer:
        return
    life = cluster.life
    life.accept(cluster.book.peer_boot)
    life.admitting_ms = cluster.ran_ms
    lifecycle.save(cluster)
    running.merge_records(cluster, mine, theirs, records, verdict)
    mirrors.both_operate(cluster)


def is_member_pair(cluster: Cluster) -> bool:
    """True while both servers operate and hear each other."""
    return cluster.phase == MEMBER and cluster.peer_operates and cluster.watch.state == UP
