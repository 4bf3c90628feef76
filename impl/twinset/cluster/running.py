"""Groups at work on this server: following the records, walking the steps, moving, taking over.

Every function leaves the cluster in a state from which the same event may come again: records are the
wish, `follow` makes this server obey it, `drive` does the next step that is possible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.guide.names import is_dos_device

from . import failback, lifecycle, mirrors, permits, placement
from .effects import RunStep
from .groups import (
    ACTIVE,
    GROUP_STATES,
    INACTIVE,
    RUNS_DOWN,
    RUNS_UP,
    START_FAILED,
    STOP_FAILED,
    GroupRecord,
    GroupRun,
    Step,
    Wish,
    record_from_json,
)
from .membership import EXPELLED, LEAVING, MEMBER, STOPPING, UP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .events import ResourceLost, StepDone
    from .partition import Healing
    from .server import Cluster
    from .view import Resource

MUST_STOP = frozenset({STOPPING, LEAVING, EXPELLED})


def settle(cluster: Cluster) -> None:
    """Follow the records and do every step that is possible now."""
    phase = cluster.life.phase
    if phase == MEMBER and not cluster.frozen:
        _check_disks(cluster)
        _fail_back(cluster)
    must_stop = phase in MUST_STOP
    changed = False
    for name, run in cluster.runs.items():
        before = run.state
        if must_stop:
            if before in (RUNS_UP, ACTIVE):
                run.move_to = ""
                begin_stop(cluster, run)
        elif phase == MEMBER:
            follow(cluster, name, run)
        if run.wish is not None and run.state != RUNS_UP:
            _grant(cluster, run, run.wish)
        if run.state in (RUNS_UP, RUNS_DOWN):
            drive(cluster, run)
        changed = changed or run.state != before
    if changed:
        cluster.save_runs()
        cluster.told_dirty = True


def follow(cluster: Cluster, name: str, run: GroupRun) -> None:
    """Begin to start or to stop when the record asks for it."""
    record = cluster.records[name]
    mine = record.wanted and record.owner == cluster.me
    if mine:
        untried = run.attempt != record.version and run.state in (INACTIVE, START_FAILED)
        if untried and not cluster.frozen and not _mirrors_unknown(cluster, run):
            begin_start(cluster, run, record)
    elif run.state in (RUNS_UP, ACTIVE):
        begin_stop(cluster, run)


def begin_start(cluster: Cluster, run: GroupRun, record: GroupRecord) -> None:
    """Take up a start, or refuse it with a reason that can be read in the status."""
    reason = ""
    missing = mirrors.not_created(cluster, run.view.sets, cluster.me)
    if is_dos_device(run.view.name):
        reason = f"{run.view.name} is the name of a DOS device, under which no group starts [6.2.1-07]"
    elif missing:
        reason = (
            f"mirror set {missing} has not been created [4.3.4.1-01]; "
            f"twinset mirror create {missing}, then twinset group start {run.view.name}"
        )
    elif cluster.life.alone:
        reason = mirrors.lone_refusal(cluster, run.view.sets)
    reason = reason or permits.bars(cluster, run.view.sets)
    if reason:
        run.state = GROUP_STATES[run.state, "refuse"]
        run.attempt, run.reason, run.code = record.version, reason, ""
        cluster.log("group_start_refused", "error", group=run.view.name, reason=reason)
        return
    wanted = cluster.associations[run.view.name].wanted
    run.begin_start(record.version, record.event, associate=wanted)
    cluster.log("group_starting", group=run.view.name, event=record.event, server=cluster.me)


def begin_stop(cluster: Cluster, run: GroupRun) -> None:
    """Stop; a step that is under way is asked to end soon."""
    step, action_id = run.current, run.action_id
    if run.begin_stop() and step is not None and step.verb == "start":
        cluster.out.append(
            RunStep(action_id, run.view.name, step.resource.kind, step.resource.index, "abort")
        )
    cluster.log("group_stopping", group=run.view.name, server=cluster.me)


def drive(cluster: Cluster, run: GroupRun) -> None:
    """Begin the next step; at the end of a sequence, do what follows from it."""
    step = run.next_step()
    if step is not None:
        if step.verb == "activate" and _activation_waits(cluster, step.resource.set):
            run.waits = True
            return
        _begin(cluster, run, step)
        return
    trigger = run.finish()
    if not trigger:
        return
    name = run.view.name
    severity = "error" if run.state in (START_FAILED, STOP_FAILED) or run.disk_failure else "info"
    cluster.log("group_state", severity, group=name, state=run.state, server=cluster.me, reason=run.reason)
    if trigger == "stopped" and run.move_to:
        _hand_over(cluster, run)
    run.move_to = ""


def _activation_waits(cluster: Cluster, name: str) -> bool:
    return mirrors.session_bars(cluster, name) or cluster.frozen


def _mirrors_unknown(cluster: Cluster, run: GroupRun) -> bool:
    """A mirror process of the group has not reported yet: an attempt now could only fail.

    After the heartbeat time-out the attempt is made all the same, and gives the reason.
    """
    unknown = any(not cluster.mirrors[name].known for name in run.view.sets)
    return unknown and lifecycle.since_entered(cluster) < cluster.view.timing.timeout_ms


def _begin(cluster: Cluster, run: GroupRun, step: Step) -> None:
    def then(done: StepDone) -> None:
        run.step_done(ok=done.ok, reason=done.reason, code=done.code)

    resource = step.resource
    if step.verb == "activate":
        run.begin_step(
            mirrors.command(cluster, resource.set, "activate", {"peer": mirrors.peer_word(cluster)}, then)
        )
    elif step.verb == "deactivate":
        revoke = {"revoke": True} if cluster.phase == EXPELLED else {}
        run.begin_step(mirrors.command(cluster, resource.set, "deactivate", revoke, then))
    else:
        action_id = cluster.action(then)
        run.begin_step(action_id)
        environment = run.environment(cluster.me)
        cluster.out.append(
            RunStep(
                action_id, run.view.name, resource.kind, resource.index, step.verb, environment, run.associate
            )
        )


# -- from server to server -----------------------------------------------------------------------------


def move(cluster: Cluster, run: GroupRun, server: str, event: str, reason: str) -> None:
    """Stop the group here and start it on `server`; the record follows when it has stopped."""
    run.move_to, run.move_event = server, event
    cluster.failback.discard(run.view.name)
    cluster.log("group_moving", group=run.view.name, to=server, event=event, reason=reason)
    begin_stop(cluster, run)
    cluster.dirty = True


def _hand_over(cluster: Cluster, run: GroupRun) -> None:
    if cluster.phase != MEMBER:
        return
    name = run.view.name
    if cluster.peer_operates and cluster.watch.state == UP:
        cluster.set_record(name, owner=run.move_to, wanted=True, event=run.move_event)
    else:
        cluster.log("group_move_undone", "warning", group=name, reason=f"{run.move_to} was lost meanwhile")
        cluster.set_record(name, owner=cluster.me, wanted=True, event="START")


def stuck(cluster: Cluster) -> list[str]:
    """Groups that could not be stopped here: this server starts nothing new before they are [5.2.3-03]."""
    return [name for name, run in cluster.runs.items() if run.state == STOP_FAILED]


def stop_again(cluster: Cluster) -> bool:
    """Try once more to stop what could not be stopped; True when nothing is left of it."""
    for name in stuck(cluster):
        begin_stop(cluster, cluster.runs[name])
        cluster.dirty = True
    return not any(run.running for run in cluster.runs.values())


def take_over(cluster: Cluster) -> None:
    """The peer is down: own everything, start what is wanted and may come here [6.2.3-03, 6.2.5-13]."""
    occupied = {cluster.me} if any(run.running for run in cluster.runs.values()) else set()
    for group in cluster.view.groups:
        record = cluster.records[group.name]
        if record.owner != cluster.peer:
            continue
        server, reason = placement.destination(group, (cluster.me,), occupied)
        if not record.wanted or not server:
            if record.wanted:
                cluster.runs[group.name].reason = reason
                cluster.log("group_not_failed_over", "error", group=group.name, reason=reason)
            cluster.set_record(group.name, owner=cluster.me, wanted=False, event="START")
            continue
        occupied.add(cluster.me)
        cluster.log("group_fails_over", "warning", group=group.name, to=cluster.me)
        cluster.set_record(group.name, owner=cluster.me, wanted=True, event="FAILOVER")


def resource_lost(cluster: Cluster, event: ResourceLost) -> None:
    """Monitoring found a resource broken: the group fails over, if there is anywhere to go [6.3-19]."""
    run = cluster.runs.get(event.group)
    if run is None or run.state != ACTIVE:
        return
    reason = f"{event.kind} {event.index}: {event.reason}"
    if not fail_over(cluster, run, reason):
        run.reason = reason
        cluster.log("resource_lost", "error", group=event.group, reason=reason)


def fail_over(cluster: Cluster, run: GroupRun, reason: str) -> bool:
    """Move an active group to the peer because of a fault here; False when it cannot go there."""
    if failover_limitation(cluster, run):
        return False
    cluster.log("group_fails_over", "warning", group=run.view.name, to=cluster.peer, reason=reason)
    move(cluster, run, cluster.peer, "FAILOVER", reason)
    return True


def failover_limitation(cluster: Cluster, run: GroupRun) -> str:
    """Why a group cannot go to the peer because of a fault here; "" when it can."""
    peer = cluster.peer
    if cluster.phase != MEMBER or not cluster.peer_operates or cluster.watch.state != UP:
        return f"{peer} does not operate"
    if peer not in run.view.policy:
        return f"{peer} is not in its failover policy"
    bad = [name for name in run.view.sets if not mirrors.good_at_peer(cluster, name)]
    if bad:
        return f"mirror set {bad[0]} cannot be used on {peer}"
    if run.view.exclusive and any(
        told.get("state") not in (INACTIVE, START_FAILED) for told in cluster.told.runs.values()
    ):
        return f"failover attribute Exclusive: {peer} runs a group already"
    return ""


def _grant(cluster: Cluster, run: GroupRun, wish: Wish) -> None:
    """Do what a script asked for, unless the group did not come up meanwhile."""
    run.wish = None
    name = run.view.name
    record = cluster.records[name]
    if run.state != ACTIVE or cluster.phase != MEMBER or not record.wanted or record.owner != cluster.me:
        return
    if not wish.server:
        run.begin_restart()
        cluster.log("group_scripts_again", "warning", group=name, reason=wish.reason)
    elif not fail_over(cluster, run, wish.reason):
        reason = failover_limitation(cluster, run)
        cluster.log("group_not_failed_over", "error", group=name, reason=f"{wish.reason}; {reason}")
    cluster.dirty = True


def _check_disks(cluster: Cluster) -> None:
    """A faulty disk here makes its group fail over when the other side is good [8.4-01]."""
    for name, run in cluster.runs.items():
        record = cluster.records[name]
        if record.wanted and record.owner == cluster.me and run.state == ACTIVE and not run.disk_failure:
            for mirror_set in run.view.sets:
                reason = mirrors.failed_here(cluster, mirror_set)
                if reason and fail_over(cluster, run, f"mirror set {mirror_set}: {reason}"):
                    break


def _fail_back(cluster: Cluster) -> None:
    if not cluster.failback or not cluster.peer_operates or cluster.watch.state != UP:
        return
    ready = failback.due(
        cluster.view.groups, cluster.failback, lambda name: mirrors.all_normal(cluster, name)
    )
    for name in ready:
        run = cluster.runs[name]
        cluster.failback.discard(name)
        if run.state == ACTIVE and cluster.records[name].owner == cluster.me:
            move(cluster, run, cluster.peer, "START", "failback [6.2.4-02]")
    if ready:
        cluster.persist("failback", sorted(cluster.failback))


def run_recover_scripts(cluster: Cluster) -> None:
    """After a return, the start script of each group of this server's runs once with RECOVER [4.5.2-13]."""
    for group in cluster.view.groups:
        if cluster.me not in group.policy:
            continue
        environment = {
            "ARMS_EVENT": "RECOVER",
            "ARMS_SERVER": "HOME" if cluster.me == group.policy[0] else "OTHER",
            "ARMS_DISK": "SUCCESS",
            "ARMS_GROUPNAME": group.name,
        }
        for resource in group.resources:
            if resource.kind == "script":
                _run_recover(cluster, group.name, resource, environment)


def _run_recover(cluster: Cluster, group: str, resource: Resource, environment: dict[str, str]) -> None:
    def then(done: StepDone) -> None:
        cluster.log("recover_script", "info" if done.ok else "warning", group=group, reason=done.reason)

    action_id = cluster.action(then)
    cluster.out.append(RunStep(action_id, group, "script", resource.index, "start", environment))


# -- after a total partition ---------------------------------------------------------------------------


def merge_records(
    cluster: Cluster,
    mine: frozenset[str],
    theirs: frozenset[str],
    records: Mapping[str, Any],
    verdict: Healing,
) -> None:
    """Both servers compute the same records from the same lists: who runs a group owns it."""
    preferred = cluster.view.preferred_survivor
    for group in cluster.view.groups:
        name = group.name
        own = cluster.records[name]
        other = record_from_json(records.get(name), cluster.view.servers) or own
        version = max(own.version, other.version) + 1
        if name in verdict.double:
            survivor = preferred if name in verdict.kept else ""
            owner, wanted = survivor or group.policy[0], bool(survivor)
            if not survivor:
                cluster.runs[name].last_words = "ran on both servers in a network partition [2.2.1-11]"
        elif name in mine:
            owner, wanted = cluster.me, own.wanted
        elif name in theirs:
            owner, wanted = cluster.peer, other.wanted
        else:
            newer = max(
                (own.version, own.owner, own), (other.version, other.owner, other), key=lambda x: x[:2]
            )
            owner, wanted = newer[2].owner, False
        keeps = owner == cluster.me and wanted and name in mine
        cluster.records[name] = GroupRecord(owner, version, wanted)
        if keeps:
            cluster.runs[name].attempt = version
    cluster.save_records()
