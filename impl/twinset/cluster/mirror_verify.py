"""`mirror verify`: both sides of a set are compared by the one that writes, while it is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.errors import Refusal

from . import mirrors, permits, report
from .outcomes import ELSEWHERE, NotYet, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .events import StepDone
    from .server import Cluster

OPEN = frozenset({"running", "repairing"})


def mirror_verify(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Begin a comparison, repair what the last one found, or stop the one that runs."""
    name = mirrors.set_name(cluster, args)
    what, stop = f"mirror verify {name}", bool(args.get("stop"))
    permits.require_none(cluster, what, (name,))
    side, told = cluster.mirrors[name], cluster.told.sets.get(name, {}) if cluster.peer_reachable else {}
    if not stop:
        _require_normal(cluster, name, what)
    if not side.status.get("source"):
        if told.get("source"):
            return ELSEWHERE
        if not stop:
            raise NotYet("E_STATE", f"{what}: no side writes at this moment", help="twinset mirror status")
    if stop and not is_open(side.status.get("verify")):
        raise Refusal("E_STATE", f"{what}: nothing is being compared", help=f"twinset mirror status {name}")
    return _command(cluster, name, what, {"stop": stop, "repair": bool(args.get("repair"))})


def is_open(job: Any) -> bool:
    """Tell whether a comparison, as a side tells of it, goes on."""
    return isinstance(job, dict) and job.get("state") in OPEN


def _require_normal(cluster: Cluster, name: str, what: str) -> None:
    state = report.set_state(cluster, name)
    if not cluster.peer_reachable:
        reason, helps = f"{cluster.peer} cannot be reached", "twinset cluster status"
    elif state != "NORMAL" or cluster.mirrors[name].session != "in_sync":
        reason = f"it is {state}; only sides that are in sync can be compared"
        helps = f"twinset mirror status {name}"
    else:
        return
    raise Refusal("E_STATE", f"{what}: {reason}", help=helps)


def _command(cluster: Cluster, name: str, what: str, args: Mapping[str, Any]) -> Any:
    outcome: list[Outcome] = []

    def then(done: StepDone) -> None:
        if done.ok:
            outcome.append((True, {"set": name, "server": cluster.me, **args}))
        else:
            refusal = Refusal("E_STATE", f"{what}: {done.reason}", help=f"twinset mirror status {name}")
            outcome.append((False, refusal.as_json()))

    mirrors.command(cluster, name, "verify", args, then)
    return lambda: outcome[0] if outcome else None
