"""Requests about the cluster and its servers: start, stop, status, return, shutdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.errors import Refusal

from . import lifecycle, messages, permits, report
from .groups import STOP_FAILED
from .membership import EXPELLED, ISOLATED, LEAVING, LEFT, MEMBER, RETURNING, STARTING, STOPPED, STOPPING
from .outcomes import ELSEWHERE, Outcome, require_nothing_stuck, require_operating, server_name, word

if TYPE_CHECKING:
    from collections.abc import Callable

    from .server import Cluster


# -- the cluster ---------------------------------------------------------------------------------------


def cluster_start(cluster: Cluster, _args: dict[str, Any]) -> Any:
    """Start the cluster on both servers [6.2.5-11]."""
    phase = cluster.phase
    if phase == MEMBER:
        return {"status": cluster.status, "already": True}
    if phase in (STOPPED, ISOLATED) and cluster.peer_reachable and cluster.life.peer_status == "O":
        help_ = f"twinset server return {cluster.me}" if phase == ISOLATED else "twinset cluster status"
        raise Refusal(
            "E_STATE",
            f"cluster start: {cluster.peer} operates and {cluster.me} is {word(cluster.status)}",
            "6.2.5-15",
            help_,
        )
    if phase not in (STOPPED, ISOLATED, STARTING):
        raise Refusal(
            "E_STATE", f"cluster start: {cluster.me} is {phase}", "6.2.5-11", "twinset cluster status"
        )
    if cluster.life.config_differs:
        raise Refusal(
            "E_STATE",
            "cluster start: the servers hold different configurations",
            "",
            "twinset cluster create",
        )
    permits.require_none(cluster, "cluster start")
    if phase != STARTING:
        require_nothing_stuck(cluster, "cluster start")
        lifecycle.start(cluster)
    cluster.life.invites = True
    messages.send(cluster, "start")
    return _when_operating(cluster, "cluster start")


def _when_operating(cluster: Cluster, what: str) -> Callable[[], Outcome | None]:
    def check() -> Outcome | None:
        settled = cluster.life.settle_alone_ms < 0 and cluster.life.admitting_ms < 0
        if cluster.phase == MEMBER and settled:
            alone = not cluster.peer_operates
            not_started = {
                name: run.reason for name, run in cluster.runs.items() if run.reason and not run.running
            }
            return True, {"status": "O", "alone": alone, "not_started": not_started}
        if cluster.phase in (STARTING, MEMBER):
            return None
        raise Refusal("E_STATE", f"{what}: {cluster.me} is {cluster.phase} now", "", "twinset cluster status")

    return check


def cluster_stop(cluster: Cluster, _args: dict[str, Any]) -> Any:
    """Stop the cluster on both servers, without failover [6.2.5-12]."""
    if cluster.phase == STOPPED:
        return {"status": "X", "already": True}
    if cluster.phase in (ISOLATED, RETURNING, EXPELLED) and cluster.life.peer_status == "O":
        return ELSEWHERE
    if cluster.phase not in (MEMBER, STOPPING, STARTING):
        raise Refusal(
            "E_STATE",
            f"cluster stop: {cluster.me} is {word(cluster.status)} and does not operate",
            "6.2.5-12",
            "twinset cluster status",
        )
    if cluster.phase != STOPPING:
        lifecycle.stop(cluster)

    def check() -> Outcome | None:
        if cluster.phase == STOPPED:
            if cluster.peer_reachable and cluster.life.peer_status == "O":
                return None  # it still closes its mirrors
            failed = {name: run.reason for name, run in cluster.runs.items() if run.state == STOP_FAILED}
            return True, {"status": "X", "stop_failed": failed}
        if cluster.phase == STOPPING:
            return None
        raise Refusal(
            "E_STATE", f"cluster stop: {cluster.me} is {cluster.phase} now", "", "twinset cluster status"
        )

    return check


def cluster_status(cluster: Cluster, _args: dict[str, Any]) -> Any:
    """Everything at a glance."""
    return report.cluster_status(cluster)


# -- servers -------------------------------------------------------------------------------------------


def server_return(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Restore an isolated server to the cluster [6.2.5-15]."""
    isolated = cluster.me if cluster.status == "Od" else cluster.peer
    name = server_name(cluster, str(args.get("server") or isolated))
    if name != cluster.me:
        if cluster.peer_operates and cluster.phase == MEMBER:
            return {"status": "O", "already": True}
        return ELSEWHERE
    if cluster.phase == MEMBER:
        return {"status": "O", "already": True}
    if cluster.phase not in (ISOLATED, RETURNING):
        raise Refusal(
            "E_STATE",
            f"server return: {cluster.me} is {word(cluster.status)}; only Od can be returned",
            "6.2.5-15",
            "twinset cluster start" if cluster.phase == STOPPED else "twinset cluster status",
        )
    if not cluster.peer_reachable or cluster.life.peer_status != "O":
        raise Refusal(
            "E_STATE",
            f"server return: {cluster.peer} does not operate, so there is no cluster to return to",
            "6.2.5-15",
            "twinset cluster start",
        )
    permits.require_none(cluster, "server return")
    if cluster.phase == ISOLATED:
        require_nothing_stuck(cluster, "server return")
        lifecycle.enter(cluster, "return")
    messages.send(cluster, "return")

    def check() -> Outcome | None:
        if cluster.phase == MEMBER:
            return True, {"status": "O"}
        if cluster.phase == RETURNING:
            return None
        raise Refusal(
            "E_STATE",
            f"server return: {cluster.life.return_refusal or 'the return did not come about'}",
            "6.2.5-15",
            "twinset cluster status",
        )

    return check


def server_isolate(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Take a server that runs no group out of the cluster for a snapshot or a backup; it goes on running [4.4-02]."""
    name = server_name(cluster, str(args.get("server") or ""))
    if name != cluster.me:
        return ELSEWHERE
    what, clause = f"server isolate {name}", "4.4-02"
    if cluster.phase == ISOLATED:
        return {"status": "Od", "already": True}
    require_operating(cluster, what)
    if not (cluster.peer_operates and cluster.peer_reachable):
        text = f"{what}: {cluster.peer} does not operate, so nothing would go on"
        raise Refusal("E_STATE", text, clause, "twinset cluster status")
    for group, run in cluster.runs.items():
        record = cluster.records[group]
        if run.running or (record.wanted and record.owner == cluster.me):
            text = f"{what}: group {group} runs on {name}"
            raise Refusal("E_STATE", text, clause, f"twinset group move {group} {cluster.peer}")
    for mirror_set, side in cluster.mirrors.items():
        if side.state not in ("IN_SYNC", "BLANK"):
            text = f"{what}: its side of mirror set {mirror_set} is {side.state or 'unknown'}: no whole copy to read"
            raise Refusal("E_STATE", text, clause, f"twinset mirror status {mirror_set}")
    cluster.life.stays = True
    cluster.log("server_isolating", "info", server=name)
    lifecycle.leave(cluster, "isolated for a snapshot, a backup or an upgrade")

    def check() -> Outcome | None:
        if cluster.phase in (
            LEFT,
            ISOLATED,
        ):  # closed; the other server drops what it had forwarded once it knows
            return True, {"status": "Od"}
        if cluster.phase == LEAVING:
            return None
        raise Refusal("E_STATE", f"{what}: {name} is {cluster.phase} now", clause, "twinset cluster status")

    return check


def server_shutdown(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Take one server out of operation; its groups fail over [6.3-02].

    `at_once`: answered when it begins, for scripts that are stopped along [6.3-17]. `needs_peer`: refused
    when nobody could take over.
    """
    name = server_name(cluster, str(args.get("server") or cluster.me))
    if name != cluster.me:
        return ELSEWHERE
    if cluster.phase not in (MEMBER, LEAVING):
        raise Refusal(
            "E_STATE",
            f"server shutdown: {cluster.me} is {word(cluster.status)} ; it can be switched off",
            "6.3-02",
            "twinset cluster status",
        )
    if args.get("needs_peer") and not (cluster.peer_operates and cluster.peer_reachable):
        raise Refusal(
            "E_STATE",
            f"server shutdown: {cluster.peer} does not operate, so nothing would take over",
            "6.3-17",
            "ARMDOWN /F",
        )
    if cluster.phase == MEMBER:
        reason = str(args.get("reason") or "asked by an operator")
        cluster.log("server_shutdown", "warning", server=cluster.me, reason=reason)
        lifecycle.leave(cluster, reason)
    if args.get("at_once"):
        return {"server": cluster.me}

    def check() -> Outcome | None:
        return (True, {"status": "Xd"}) if cluster.phase == LEFT else None

    return check
