"""May the configuration change now, and may the new one be taken up: what the core says of a change.

`judge` is asked before anything is decided, on both servers; a refusal changes nothing. `ready` is asked when it is
decided: the text is durable, on this server at least, and takes effect as soon as nothing is in motion. A group that
has to be stopped for it and was started in between is stopped then: a decided change is carried out, not argued with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.errors import Refusal

from . import permits
from .groups import INACTIVE, RUNS_DOWN, RUNS_UP, START_FAILED
from .membership import ISOLATED, MEMBER, STARTING, STOPPED, STOPPING
from .outcomes import NotYet, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .server import Cluster

CLAUSE = "6.2.5-12"
IN_MOTION = (RUNS_UP, RUNS_DOWN)
STOPPED_GROUP = (INACTIVE, START_FAILED)


def judge(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Refuse a change that this server cannot take now.

    Arguments: `live` (whether a server at work may take it at all), `cluster` (path and clause of the first change
    that needs the cluster stopped, or nothing), `groups` (name and clause of each group that has to be stopped).
    """
    what = "a change of the configuration"
    permits.require_none(cluster, what)
    if cluster.phase in (STOPPED, ISOLATED):
        return {}
    if cluster.phase not in (MEMBER, STARTING, STOPPING):
        state = f"{cluster.me} is {cluster.phase}"
        raise NotYet("E_STATE", f"{what}: {state}", CLAUSE, "twinset cluster status")
    if not args["live"]:
        raise Refusal("E_STATE", f"{what}: the cluster operates", CLAUSE, "twinset cluster stop")
    if cluster.phase != MEMBER or cluster.frozen:
        state = f"{cluster.me} is {word(cluster.status)} ({cluster.phase})"
        raise NotYet("E_STATE", f"{what}: {state}", CLAUSE, "twinset cluster status")
    if args.get("cluster"):
        path, clause = args["cluster"]
        raise Refusal(
            "E_STATE", f"{path} changes only while the cluster is stopped", clause, "twinset cluster stop"
        )
    for name, clause in args["groups"]:
        state = _state(cluster, name)
        if state not in STOPPED_GROUP:
            text = f"group {name} is {state}, and what changes of it takes effect while it is stopped"
            raise Refusal("E_STATE", text, clause, f"twinset group stop {name}")
    if busy := _in_motion(cluster):
        raise NotYet("E_STATE", f"{what}: {busy}", "", "twinset group list")
    return {}


def ready(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Say why a decided change cannot take effect yet ("" when it can), and stop groups that are in its way.

    Arguments: `cluster` and `groups` as of `judge`.
    """
    if cluster.phase in (STOPPED, ISOLATED, STARTING):
        up = next((name for name, run in cluster.runs.items() if run.running), "")
        return {"reason": f"group {up} is not stopped here" if up else ""}
    if cluster.phase != MEMBER or cluster.frozen:
        return {"reason": f"{cluster.me} is {cluster.phase}"}
    if args.get("cluster"):
        path, clause = args["cluster"]
        return {"reason": f"{path} changes only while the cluster is stopped [{clause}]"}
    in_the_way = ""
    for name, clause in args["groups"]:
        run, record = cluster.runs.get(name), cluster.records.get(name)
        if run is None or record is None:
            continue
        if record.wanted and record.owner == cluster.me:
            cluster.log("group_stopped_for_change", "warning", group=name, clause=clause)
            cluster.set_record(name, wanted=False, event="START")
        if run.running:
            in_the_way = f"group {name} is being stopped"
    return {"reason": in_the_way or _in_motion(cluster)}


def _in_motion(cluster: Cluster) -> str:
    """What would be interrupted by taking another configuration up; "" when nothing is."""
    for name, run in cluster.runs.items():
        if run.state in IN_MOTION or run.wish is not None:
            return f"group {name} is {run.state}"
        record = cluster.records[name]
        if record.wanted and record.owner == cluster.me and run.attempt != record.version:
            return f"group {name} is about to start"
    for name, side in cluster.mirrors.items():
        if side.creating:
            return f"mirror set {name} is being created"
    if cluster.permitting or cluster.creations or cluster.permissions:
        return "a mirror function is being carried out"
    return ""


def _state(cluster: Cluster, name: str) -> str:
    """The state of a group, here or as the other server told it."""
    run = cluster.runs.get(name)
    if run is None:
        return INACTIVE
    told: Mapping[str, Any] = cluster.told.runs.get(name, {}) if cluster.peer_reachable else {}
    return run.state if run.state not in STOPPED_GROUP else str(told.get("state", run.state))
