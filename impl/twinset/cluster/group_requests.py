"""Requests about failover groups: start, stop, move, list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.errors import Refusal

from . import mirrors, permits, placement, report, running
from .groups import ACTIVE, INACTIVE, RUNS_DOWN, RUNS_UP, START_FAILED, STOP_FAILED, Wish
from .membership import MEMBER, UP
from .outcomes import ELSEWHERE, Outcome, require_operating, server_name, word

if TYPE_CHECKING:
    from collections.abc import Callable

    from .groups import GroupRun
    from .server import Cluster


# -- groups --------------------------------------------------------------------------------------------


def _group(cluster: Cluster, args: dict[str, Any]) -> GroupRun:
    name = str(args.get("group") or args.get("name") or "")
    view = cluster.view.group(name)
    if view is None:
        raise Refusal("E_NOTFOUND", f"there is no failover group {name!r}", "6.2.1-01", "twinset group list")
    return cluster.runs[view.name]


def _owned_elsewhere(cluster: Cluster, run: GroupRun) -> bool:
    return cluster.records[run.view.name].owner != cluster.me


def _destination(cluster: Cluster, run: GroupRun, server: str, what: str) -> None:
    """Raise unless `server` may take the group now [6.2.5-02]."""
    if server not in run.view.policy:
        raise Refusal(
            "E_STATE", f"{what}: {server} is not in the failover policy", "6.2.5-01", "twinset group list"
        )
    if server == cluster.peer and not (cluster.peer_operates and cluster.watch.state == UP):
        status = cluster.life.peer_status or "?"
        state = f"{word(status)}" if status != "O" else "not answering"
        raise Refusal(
            "E_STATE", f"{what}: {server} is {state}", "6.2.5-02", f"twinset server return {server}"
        )
    if run.view.sets:
        permits.require_none(cluster, what, run.view.sets)
    missing = mirrors.not_created(cluster, run.view.sets, server)
    if missing:
        raise Refusal(
            "E_STATE",
            f"{what}: mirror set {missing} has not been created",
            "4.3.4.1-01",
            f"twinset mirror create {missing}",
        )


def _default_destination(cluster: Cluster, run: GroupRun) -> str:
    operating = [cluster.me, *([cluster.peer] if cluster.peer_operates and cluster.peer_reachable else [])]
    server, reason = placement.destination(
        run.view, operating, (), lambda name: mirrors.able(cluster, run.view.sets, name)
    )
    if not server:
        raise Refusal("E_STATE", f"group start: {reason}", "6.2.5-02", "twinset cluster status")
    return server


def group_start(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Start an inactive group, on the server named or the best of its policy [6.2.2-03]."""
    run = _group(cluster, args)
    what = f"group start {run.view.name}"
    require_operating(cluster, what)
    if _owned_elsewhere(cluster, run):
        return ELSEWHERE
    name, record = run.view.name, cluster.records[run.view.name]
    if run.state in (RUNS_UP, ACTIVE, RUNS_DOWN, STOP_FAILED):
        help_ = f"twinset group move {name}" if run.state == ACTIVE else f"twinset group stop {name}"
        raise Refusal("E_STATE", f"{what}: it is {run.state} on {cluster.me}", "6.2.2-03", help_)
    server = args.get("server")
    server = server_name(cluster, str(server)) if server else _default_destination(cluster, run)
    _destination(cluster, run, server, what)
    run.reason = ""
    record = cluster.set_record(name, owner=server, wanted=True, event="START")
    return _when_started(cluster, run, record.version, server, what)


def _when_started(
    cluster: Cluster, run: GroupRun, version: int, server: str, what: str
) -> Callable[[], Outcome | None]:
    name = run.view.name

    def check() -> Outcome | None:
        record = cluster.records[name]
        told = run.to_json() if server == cluster.me else cluster.told.runs.get(name, {})
        if record.owner != server or record.version < version or not record.wanted:
            raise Refusal("E_STATE", f"{what}: overtaken by another change", "", "twinset group list")
        if server == cluster.peer and not cluster.peer_operates:
            raise Refusal("E_STATE", f"{what}: {server} went down", "6.2.5-02", "twinset cluster status")
        if cluster.phase != MEMBER:
            raise Refusal(
                "E_STATE", f"{what}: {cluster.me} is {cluster.phase} now", "", "twinset cluster status"
            )
        if told.get("attempt") != record.version:
            return None
        if told.get("state") == ACTIVE:
            failure = bool(told.get("disk_failure"))
            return True, {"server": server, "disk_failure": failure, "reason": str(told.get("reason", ""))}
        if told.get("state") in (START_FAILED, STOP_FAILED, INACTIVE):
            raise Refusal(
                str(told.get("code") or "E_STATE"),
                f"{what} on {server}: {told.get('reason') or 'it was stopped meanwhile'}",
                "",
                f"twinset group stop {name}",
            )
        return None

    return check


def group_stop(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Stop a group; a failed start or stop is cleared or tried again."""
    run = _group(cluster, args)
    name = run.view.name
    what = f"group stop {name}"
    if run.state == STOP_FAILED:  # whoever owns it now, here is what has to be stopped
        mine = cluster.records[name]
        if (
            mine.owner == cluster.me and mine.wanted and cluster.phase == MEMBER
        ):  # a move that did not come to its end
            cluster.set_record(name, wanted=False, event="START")
        running.begin_stop(cluster, run)
        return lambda: _stopped(run, what)
    require_operating(cluster, what)
    if _owned_elsewhere(cluster, run):
        return ELSEWHERE
    record = cluster.records[name]
    if run.state == INACTIVE and not record.wanted:
        return {"state": INACTIVE, "already": True}
    run.move_to = ""
    if record.wanted:
        record = cluster.set_record(name, wanted=False, event="START")
    if run.state == START_FAILED:
        running.begin_stop(cluster, run)

    def check() -> Outcome | None:
        outcome = _stopped(run, what)
        if outcome is not None:
            return outcome
        if cluster.records[name].owner != cluster.me or cluster.records[name].wanted:
            raise Refusal("E_STATE", f"{what}: overtaken by another change", "", "twinset group list")
        return None

    return check


def _stopped(run: GroupRun, what: str) -> Outcome | None:
    if run.state == INACTIVE:
        return True, {"state": INACTIVE}
    if run.state == STOP_FAILED:
        raise Refusal("E_STATE", f"{what}: {run.reason}", "5.2.3-03", f"twinset group stop {run.view.name}")
    return None


def group_move(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Stop an active group here and start it on the other server [6.2.5-17]."""
    run = _group(cluster, args)
    name = run.view.name
    what = f"group move {name}"
    require_operating(cluster, what)
    if _owned_elsewhere(cluster, run):
        return ELSEWHERE
    server = server_name(cluster, str(args.get("server") or cluster.peer))
    if run.state != ACTIVE:
        help_ = (
            f"twinset group start {name} {server}"
            if run.state in (INACTIVE, START_FAILED)
            else "twinset group list"
        )
        raise Refusal("E_STATE", f"{what}: it is {run.state}, not active", "6.2.5-17", help_)
    if server == cluster.me:
        return {"server": server, "already": True}
    _destination(cluster, run, server, what)
    version = cluster.records[name].version
    running.move(cluster, run, server, str(args.get("event") or "START"), "asked by an operator")

    def moved() -> Outcome | None:
        record = cluster.records[name]
        if record.version == version:
            if run.state == STOP_FAILED:
                raise Refusal("E_STATE", f"{what}: {run.reason}", "5.2.3-03", f"twinset group stop {name}")
            if cluster.phase != MEMBER:
                raise Refusal(
                    "E_STATE", f"{what}: {cluster.me} is {cluster.phase} now", "", "twinset cluster status"
                )
            return None
        return _when_started(cluster, run, version + 1, server, what)()

    return moved


def _up_here(cluster: Cluster, args: dict[str, Any], verb: str, clause: str) -> GroupRun:
    """The group named, which has to be starting or active on this server."""
    run = _group(cluster, args)
    what = f"{verb} {run.view.name}"
    require_operating(cluster, what)
    if run.state not in (RUNS_UP, ACTIVE) or _owned_elsewhere(cluster, run):
        raise Refusal(
            "E_STATE", f"{what}: it is {run.state} on {cluster.me}, not active", clause, "twinset group list"
        )
    return run


def group_failover(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Let a group that runs here fail over; answered at once, done when it has started [4.5.2-17, 6.3-18]."""
    run = _up_here(cluster, args, "group failover", "4.5.2-17")
    what = f"group failover {run.view.name}"
    server = server_name(cluster, str(args.get("server") or cluster.peer))
    if server == cluster.me:
        raise Refusal("E_STATE", f"{what}: it runs on {server} already", "4.5.2-17", "twinset group list")
    limitation = running.failover_limitation(cluster, run)
    if limitation:
        raise Refusal("E_STATE", f"{what}: {limitation}", "6.2.5-02", "twinset cluster status")
    run.wish = Wish(str(args.get("reason") or "asked by ARMFOVER"), server)
    return {"group": run.view.name, "server": server, "waits": run.state == RUNS_UP}


def group_restart_scripts(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Run the stop and the start scripts of a group that runs here, on this server [6.3-14]."""
    run = _up_here(cluster, args, "group restart_scripts", "6.3-14")
    what = f"group restart_scripts {run.view.name}"
    if not run.scripts:
        raise Refusal("E_STATE", f"{what}: it has no scripts", "6.3-14", "ARMLOAD without /SCR")
    run.wish = Wish(str(args.get("reason") or "asked"))

    def restarted() -> Outcome | None:
        if run.wish is not None or run.state in (RUNS_UP, RUNS_DOWN):
            return None
        if run.state == ACTIVE:
            return True, {"server": cluster.me}
        why = run.reason or "it was stopped meanwhile"
        raise Refusal("E_STATE", f"{what}: it is {run.state} now: {why}", "", "twinset group list")

    return restarted


def group_list(cluster: Cluster, _args: dict[str, Any]) -> Any:
    """Every group with its state and place."""
    return report.groups(cluster)
