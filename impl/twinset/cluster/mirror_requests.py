"""Requests about mirror sets: create, status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.errors import Refusal

from . import messages, mirrors, report
from .groups import INACTIVE, RUNS_DOWN, RUNS_UP, START_FAILED
from .membership import ISOLATED, MEMBER, STARTING, STOPPED
from .outcomes import NotYet, Outcome, server_name, word

if TYPE_CHECKING:
    from collections.abc import Callable

    from .server import Cluster


# -- mirror sets ---------------------------------------------------------------------------------------


def _set_name(cluster: Cluster, args: dict[str, Any]) -> str:
    name = str(args.get("set") or args.get("name") or "")
    for known in cluster.view.sets:
        if known.lower() == name.lower():
            return known
    raise Refusal("E_NOTFOUND", f"there is no mirror set {name!r}", "2.2.2.1-03", "twinset mirror status")


CREATABLE = frozenset({"UNREGISTERED", "UNDECIDED", "DIVERGED", "ISOLATED", "UNDER_CONSTRUCTION"})


def mirror_create(cluster: Cluster, args: dict[str, Any]) -> Any:
    """First creation, or an operator's word which side is good: a full copy [4.3.4.3-01, 8.7-05]."""
    name = _set_name(cluster, args)
    what = f"mirror create {name}"
    if STARTING in (cluster.phase, cluster.told.phase if cluster.peer_reachable else ""):
        raise NotYet("E_STATE", f"{what}: the cluster is starting", "8.7-04", "twinset cluster status")
    if cluster.phase not in (MEMBER, ISOLATED, STOPPED):
        raise Refusal(
            "E_STATE", f"{what}: {cluster.me} is {cluster.phase}", "8.7-05", "twinset cluster status"
        )
    source, side = args.get("source"), cluster.mirrors[name]
    if source and server_name(cluster, str(source)) == cluster.me and not cluster.peer_reachable:
        return _force(cluster, name, what)
    if not cluster.peer_reachable or cluster.life.peer_status != cluster.status:
        held = word(cluster.life.peer_status) if cluster.peer_reachable else "not answering"
        raise Refusal(
            "E_STATE",
            f"{what}: both servers must operate, or both be isolated; {cluster.peer} is {held}",
            "8.7-05",
            f"twinset server return {cluster.peer}",
        )
    for server, known in ((cluster.me, side.known and side.up), (cluster.peer, name in cluster.told.sets)):
        if not known:
            raise NotYet(
                "E_STATE",
                f"{what}: its mirror process on {server} has not reported",
                "8.7-04",
                "twinset mirror status",
            )
    _refuse_creation(cluster, name, what)
    state = report.set_state(cluster, name)
    if not source and state in ("UNDECIDED", "DIVERGED"):
        raise Refusal(
            "E_STATE",
            f"{what}: it is {state}; name the server whose data is good, the other side will be overwritten",
            "2.2.1-11" if state == "DIVERGED" else "4.3.4.3-04",
            f"twinset mirror create {name} --source {cluster.me}",
        )
    group = next((group for group in cluster.view.groups if name in group.sets), None)
    default = group.policy[0] if group is not None else cluster.view.servers[0]
    if state == "ISOLATED":
        default = cluster.peer if mirrors.failed_here(cluster, name) else cluster.me
    server = server_name(cluster, str(source or default))
    return _Creation(cluster, name, server, wait=bool(args.get("wait"))).begin()


def _force(cluster: Cluster, name: str, what: str) -> Any:
    """Forced return: the operator names this side as the good one while the other server is away [8.7-06]."""
    if cluster.peer_operates and cluster.phase == MEMBER:
        raise Refusal(
            "E_STATE",
            f"{what}: {cluster.peer} is silent but not yet declared down",
            "8.7-06",
            "twinset cluster status",
        )
    _refuse_creation(cluster, name, what, forced=True)
    outcome: list[Outcome] = []

    def then(ok: bool, reason: str) -> None:
        refusal = Refusal("E_STATE", f"{what}: {reason}", "8.7-06", "twinset mirror status")
        state = {"set": name, "source": cluster.me, "state": report.set_state(cluster, name)}
        outcome.append((True, state) if ok else (False, dict(refusal.as_json())))

    cluster.log("forced_return", "warning", set=name, source=cluster.me)
    mirrors.create(cluster, name, source=True, then=then)
    return lambda: outcome[0] if outcome else None


def _refuse_creation(cluster: Cluster, name: str, what: str, *, forced: bool = False) -> None:
    for group in cluster.view.groups:
        mine = cluster.runs[group.name].state
        told = cluster.told.runs.get(group.name, {}).get("state", INACTIVE)
        if name in group.sets and not {mine, told} <= {INACTIVE, START_FAILED}:
            passes = {mine, told} <= {INACTIVE, START_FAILED, RUNS_UP, RUNS_DOWN}
            raise (NotYet if passes else Refusal)(
                "E_STATE",
                f"{what}: its group {group.name} is in operation",
                "8.7-04",
                f"twinset group stop {group.name}",
            )
    state = report.set_state(cluster, name)
    side = cluster.mirrors[name].state
    if forced and side in ("SOLO", "BLANK", "FAULTY"):
        raise Refusal(
            "E_STATE",
            f"{what}: this side is {side}, there is nothing to force",
            "8.7-06",
            "twinset cluster start",
        )
    if state not in CREATABLE and not forced:
        raise Refusal(
            "E_STATE",
            f"{what}: it is {state}; a set of two good or recoverable sides is rebuilt by the return",
            "8.7-04",
            "twinset mirror status",
        )


def creation_refusal(cluster: Cluster, name: str) -> str:
    """Why the side here cannot be created anew for the peer; "" when it can."""
    if name not in cluster.mirrors or cluster.phase not in (MEMBER, ISOLATED, STOPPED):
        return f"{cluster.me} is {cluster.phase}"
    try:
        _refuse_creation(cluster, name, "mirror create")
    except Refusal as refusal:
        return refusal.message
    return ""


class _Creation:
    """Create a set: the target forgets its data first, then the source begins a new generation."""

    def __init__(self, cluster: Cluster, name: str, source: str, *, wait: bool) -> None:
        self.cluster, self.name, self.source, self.wait = cluster, name, source, wait
        self.outcome: Outcome | None = None
        self.created = False

    def begin(self) -> Callable[[], Outcome | None]:
        cluster = self.cluster
        if self.source != cluster.me:
            mirrors.create(cluster, self.name, source=False, then=self._target_done)
        else:
            self._ask_peer(source=False, then=self._peer_target_done)
        return self.check

    def check(self) -> Outcome | None:
        cluster = self.cluster
        if self.outcome is None and not cluster.peer_reachable:
            self._end(error=f"{cluster.peer} was lost meanwhile")
        if self.outcome is None and self.created:
            state = report.set_state(cluster, self.name)
            if not self.wait or state == "NORMAL":
                self.outcome = True, {"set": self.name, "source": self.source, "state": state}
        return self.outcome

    def _ask_peer(self, *, source: bool, then: Callable[[bool, str], None]) -> None:
        number = self.cluster.action_id = self.cluster.action_id + 1
        self.cluster.creations[number] = then
        messages.send(self.cluster, "create", number=number, set=self.name, source=source)

    def _peer_target_done(self, ok: bool, reason: str) -> None:
        if ok:
            mirrors.create(self.cluster, self.name, source=True, then=self._source_done)
        else:
            self._end(error=f"{self.cluster.peer}: {reason}")

    def _target_done(self, ok: bool, reason: str) -> None:
        if ok:
            self._ask_peer(source=True, then=self._source_done)
        else:
            self._end(error=reason)

    def _source_done(self, ok: bool, reason: str) -> None:
        if ok:
            self.created = True
        else:
            self._end(error=reason)

    def _end(self, *, error: str) -> None:
        refusal = Refusal("E_STATE", f"mirror create {self.name}: {error}", "8.7-04", "twinset mirror status")
        self.outcome = False, refusal.as_json()


def mirror_status(cluster: Cluster, args: dict[str, Any]) -> Any:
    """One mirror set, or all."""
    sets = report.mirror_sets(cluster)
    if args.get("set"):
        name = _set_name(cluster, args)
        return {name: sets[name]}
    return sets
