"""What operators are told: the state of the cluster as this server knows it, in the words of the guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import program, redundancy
from .groups import ACTIVE, INACTIVE, START_FAILED
from .membership import OPERATING, WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .server import Cluster
    from .view import GroupView

# When both sides speak of the same set, the more alarming word is the truth for the operator.
_GRAVITY = (
    "DIVERGED",
    "UNREGISTERED",
    "ISOLATED",
    "RECONSTRUCTING",
    "UNDER_CONSTRUCTION",
    "INCONSISTENT",
    "UNDECIDED",
    "NORMAL",
)


def cluster_status(cluster: Cluster) -> dict[str, Any]:
    """The answer to cluster.status."""
    # A peer that was never heard does not run, as far as this server can know.
    mine, theirs = cluster.status, cluster.life.peer_status or "X"
    servers = {cluster.me: mine, cluster.peer: theirs}
    status = {
        "cluster": cluster.view.name,
        "this_server": cluster.me,
        "servers": {
            name: {"status": servers[name], "word": WORDS[servers[name]], "silent_s": silent_s(cluster, name)}
            for name in cluster.view.servers
        },
        "phase": cluster.phase,
        "peer_reachable": cluster.peer_reachable,
        "groups": groups(cluster),
        "mirror_sets": mirror_sets(cluster),
        "programs": program.status(cluster),
    }
    heard = [
        lan for lan in cluster.view.lans if cluster.peer_reachable and lan not in cluster.watch.lost_lans
    ]
    return {**status, "redundancy": redundancy.assessment(status, cluster.view, heard)}


def silent_s(cluster: Cluster, server: str) -> int | None:
    """For how long a server has not been heard: 0 while it is heard, None when it never was."""
    if server == cluster.me or cluster.peer_reachable:
        return 0
    return cluster.watch.unheard_ms // 1000 if cluster.watch.unheard_ms >= 0 else None


def groups(cluster: Cluster) -> dict[str, Any]:
    """Every group with its state and place."""
    return {group.name: _group(cluster, group.name) for group in cluster.view.groups}


def _group(cluster: Cluster, name: str) -> dict[str, Any]:
    run, told = cluster.runs[name], cluster.told.runs.get(name, {})
    record = cluster.records[name]
    if not run.running and told.get("state", INACTIVE) != INACTIVE and record.owner != cluster.me:
        return _told_row(cluster, run.view, told)
    row = run.to_json()
    if cluster.phase not in OPERATING and told.get("state", INACTIVE) != INACTIVE and not run.running:
        return _told_row(cluster, run.view, told)
    return _group_row(run.view, row, cluster.me)


def _told_row(cluster: Cluster, view: GroupView, told: Mapping[str, Any]) -> dict[str, Any]:
    """What the peer told last, with its age when it is not heard any more."""
    row = _group_row(view, told, cluster.peer)
    if age_s := silent_s(cluster, cluster.peer):
        last = f"what {cluster.peer} told {age_s} s ago, before it was silent"
        row["reason"] = "; ".join(part for part in (row["reason"], last) if part)
    return row


def _group_row(view: GroupView, row: Mapping[str, Any], server: str) -> dict[str, Any]:
    state = row.get("state", INACTIVE)
    reason = str(row.get("reason", ""))
    return {
        "virtual_computer_names": _descriptions(view, row, reason),
        "state": state,
        "server": server if state not in (INACTIVE, "start_failed") else None,
        "disk_failure": bool(row.get("disk_failure")) and state == ACTIVE,
        "reason": reason,
    }


def _descriptions(view: GroupView, row: Mapping[str, Any], reason: str) -> dict[str, str]:
    """Each virtual computer name with its description: the address, while it is in use or failed [7.3.1.3-08]."""
    kind, state = "virtual_computer_name", row.get("state", INACTIVE)
    shown = state == ACTIVE or (state == START_FAILED and reason.startswith(f"{kind} "))
    shown = shown and bool(row.get("associate", True))
    names = (resource for resource in view.resources if resource.kind == kind)
    return {resource.name: resource.description if shown else "" for resource in names}


def mirror_sets(cluster: Cluster) -> dict[str, Any]:
    """Every mirror set, both sides taken together."""
    return {name: _mirror_set(cluster, name) for name in cluster.view.sets}


def _mirror_set(cluster: Cluster, name: str) -> dict[str, Any]:
    side = cluster.mirrors[name]
    mine, theirs = side.status, cluster.told.sets.get(name, {})
    active = next(
        (
            server
            for server, row in ((cluster.me, mine), (cluster.peer, theirs))
            if row.get("role") == "active"
        ),
        None,
    )
    state = set_state(cluster, name)
    return {
        "state": state,
        "active_server": active,
        "permitted_on": next(
            (s for s, row in ((cluster.me, mine), (cluster.peer, theirs)) if row.get("permitted")), None
        ),
        "latest": _latest(cluster, mine, theirs, active),
        "dirty_bytes": max(int(mine.get("dirty_bytes") or 0), int(theirs.get("dirty_bytes") or 0)),
        "size_bytes": int(mine.get("size_bytes") or 0),
        "copy": mine.get("copy") or theirs.get("copy"),
        "copied_bytes_last": int(mine.get("copied_bytes_last") or theirs.get("copied_bytes_last") or 0),
        "copy_mode_last": mine.get("copy_mode_last") or theirs.get("copy_mode_last") or "",
        "diverged": {
            server: row["diverged"]
            for server, row in ((cluster.me, mine), (cluster.peer, theirs))
            if row.get("diverged")
        },
        "verify": _verify(mine, theirs),
        "partitions": mine.get("partitions") or [],
        "redundant": state == "NORMAL",
        "sides": {
            cluster.me: {
                "state": side.state or "unknown",
                "session": side.session,
                "frozen": mine.get("frozen"),
                "refused": side.refused,
                "connects": mine.get("connects") or [],
            },
            cluster.peer: {
                "state": theirs.get("state") or "unknown",
                "connects": theirs.get("connects") or [],
            },
        },
    }


def _verify(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any] | None:
    """The comparison of a set: the writing side's word, else the one that has seen more."""
    rows = [row for row in (mine, theirs) if row.get("verify")]
    jobs = [row["verify"] for row in rows if row.get("source")] or [row["verify"] for row in rows]
    return max(jobs, key=lambda job: int(job.get("bytes_done") or 0)) if jobs else None


def set_state(cluster: Cluster, name: str) -> str:
    """The state of a set: the active side's word, else the graver of both."""
    mine = cluster.mirrors[name].status
    theirs = cluster.told.sets.get(name, {}) if cluster.peer_reachable else {}
    words = {row.get("set_state"): row for row in (theirs, mine) if row.get("set_state")}
    if "DIVERGED" in words:
        return "DIVERGED"
    if mine and theirs and not mine.get("latest") and not theirs.get("latest"):
        return "UNDECIDED" if _written(mine) or _written(theirs) else str(mine.get("set_state"))
    if not words:
        return "UNDECIDED"
    for word, row in words.items():
        if row.get("role") == "active" or row.get("source"):
            return str(word)
    return str(min(words, key=lambda word: _GRAVITY.index(word) if word in _GRAVITY else len(_GRAVITY)))


def _written(row: Mapping[str, Any]) -> bool:
    """The side holds data that may be the latest."""
    return row.get("state") in ("IN_SYNC", "STALE", "INCONSISTENT", "SOLO", "FINISHING")


def _latest(
    cluster: Cluster, mine: Mapping[str, Any], theirs: Mapping[str, Any], active: str | None
) -> str | None:
    if active is not None:
        return active
    if mine.get("latest") and not theirs.get("latest"):
        return cluster.me
    if theirs.get("latest") and not mine.get("latest"):
        return cluster.peer
    if mine.get("latest") and theirs.get("latest"):
        solo = [
            name for name, row in ((cluster.me, mine), (cluster.peer, theirs)) if row.get("state") == "SOLO"
        ]
        return solo[0] if solo else cluster.view.servers[0]
    return None
