"""Requests about mirror sets: create, forced return, status, statistics, what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.errors import Refusal
from twinset.mirror.latency import EVERY_MAX

from . import messages, mirror_functions, mirrors, permits, program, report
from .membership import ISOLATED, MEMBER, STARTING, STOPPED
from .mirror_functions import CREATE, FORCED_RETURN
from .outcomes import ELSEWHERE, NotYet, Outcome, server_name, word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .events import StepDone
    from .server import Cluster

RETURN_MEANS = (
    "this side becomes the latest by your word, whatever the other one holds; the other side is overwritten by a"
    " full copy when both meet, unless it went on alone unheard: then you are asked again"
)


# -- creating ------------------------------------------------------------------------------------------


def mirror_create(cluster: Cluster, args: dict[str, Any]) -> Any:
    """First creation, or an operator's word which side is good: a full copy [4.3.4.3-01, 8.7-05]."""
    name = mirrors.set_name(cluster, args)
    what = f"mirror create {name}"
    _require_phase(cluster, what)
    permits.require_none(cluster, what, (name,))
    source = args.get("source")
    if source and server_name(cluster, str(source)) == cluster.me and not cluster.peer_reachable:
        return _without_peer(cluster, name, what)
    require_both_alike(cluster, what)
    require_processes(cluster, name, what)
    mirror_functions.require(cluster, name, CREATE)
    state = report.set_state(cluster, name)
    if not source and state not in ("UNREGISTERED", "UNDER_CONSTRUCTION", "ISOLATED"):
        raise Refusal(
            "E_STATE",
            f"{what}: it is {state}; name the server whose data is good, the other side will be overwritten",
            "2.2.1-11" if state == "DIVERGED" else "4.3.4.3-04",
            f"twinset mirror create {name} --source {cluster.me}",
        )
    group = mirror_functions.group_of(cluster, name)
    default = group.policy[0] if group is not None else cluster.view.servers[0]
    if state == "ISOLATED":
        default = cluster.peer if mirrors.failed_here(cluster, name) else cluster.me
    server = server_name(cluster, str(source or default))
    return _Creation(cluster, name, server, wait=bool(args.get("wait"))).begin()


def _require_phase(cluster: Cluster, what: str) -> None:
    if STARTING in (cluster.phase, cluster.told.phase if cluster.peer_reachable else ""):
        raise NotYet("E_STATE", f"{what}: the cluster is starting", "8.7-04", "twinset cluster status")
    if cluster.phase not in (MEMBER, ISOLATED, STOPPED):
        raise Refusal(
            "E_STATE", f"{what}: {cluster.me} is {cluster.phase}", "8.7-05", "twinset cluster status"
        )


def require_both_alike(cluster: Cluster, what: str) -> None:
    """Raise unless both servers operate, or neither does [8.7-05]."""
    _require_phase(cluster, what)
    if not cluster.peer_reachable or cluster.life.peer_status != cluster.status:
        held = word(cluster.life.peer_status) if cluster.peer_reachable else "not answering"
        raise Refusal(
            "E_STATE",
            f"{what}: both servers must operate, or both be isolated; {cluster.peer} is {held}",
            "8.7-05",
            f"twinset server return {cluster.peer}",
        )


def require_processes(cluster: Cluster, name: str, what: str) -> None:
    """Raise until the mirror processes of both servers have reported."""
    side = cluster.mirrors[name]
    for server, known in ((cluster.me, side.known and side.up), (cluster.peer, name in cluster.told.sets)):
        if not known:
            raise NotYet(
                "E_STATE",
                f"{what}: its mirror process on {server} has not reported",
                "8.7-04",
                "twinset mirror status",
            )


def _without_peer(cluster: Cluster, name: str, what: str) -> Any:
    """The operator names this side as the good one while the other server is away [8.7-05]."""
    mirror_functions.require(cluster, name, CREATE)
    if cluster.mirrors[name].state == "FAULTY":
        raise Refusal(
            "E_STATE",
            f"{what}: the disk of this side has failed",
            "8.4-01",
            f"twinset mirror forced-return {name}, if it works again",
        )
    return _force(cluster, name, what)


def mirror_forced_return(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Make this side of a set the latest by an operator's word, also one isolated by a disk error [8.7-06]."""
    name = mirrors.set_name(cluster, args)
    if server_name(cluster, str(args.get("server") or cluster.me)) != cluster.me:
        return ELSEWHERE
    what = f"mirror forced-return {name}"
    mirror_functions.require(cluster, name, FORCED_RETURN)
    permits.require_none(cluster, what, (name,))
    side = cluster.mirrors[name]
    if not (side.known and side.up):
        raise NotYet(
            "E_STATE", f"{what}: its mirror process has not reported", "8.7-06", "twinset mirror status"
        )
    if args.get("confirm") is not True:
        raise Refusal("E_STATE", f"{what}: {RETURN_MEANS}", "8.7-06", f"twinset {what} --yes")
    if cluster.peer_reachable:  # its side is told at once, or it would meet this one as a rival
        require_processes(cluster, name, what)
        _refuse_needless(cluster, name, what)
        cluster.log("forced_return", "warning", set=name, source=cluster.me)
        return _Creation(cluster, name, cluster.me, wait=False).begin()
    return _force(cluster, name, what)


def _refuse_needless(cluster: Cluster, name: str, what: str) -> None:
    state = cluster.mirrors[name].state
    if state in ("SOLO", "BLANK"):
        raise Refusal(
            "E_STATE",
            f"{what}: this side is {state}, there is nothing to force",
            "8.7-06",
            "twinset cluster start" if state == "SOLO" else f"twinset mirror create {name}",
        )


def _force(cluster: Cluster, name: str, what: str) -> Any:
    if cluster.peer_operates and cluster.phase == MEMBER:
        raise Refusal(
            "E_STATE",
            f"{what}: {cluster.peer} is silent but not yet declared down",
            "8.7-06",
            "twinset cluster status",
        )
    _refuse_needless(cluster, name, what)
    outcome: list[Outcome] = []

    def then(ok: bool, reason: str) -> None:
        refusal = Refusal("E_STATE", f"{what}: {reason}", "8.7-06", "twinset mirror status")
        state = {"set": name, "source": cluster.me, "state": report.set_state(cluster, name)}
        outcome.append((True, state) if ok else (False, dict(refusal.as_json())))

    cluster.log("forced_return", "warning", set=name, source=cluster.me)
    mirrors.create(cluster, name, source=True, then=then)
    return lambda: outcome[0] if outcome else None


def creation_refusal(cluster: Cluster, name: str) -> str:
    """Why the side here cannot be created anew for the peer; "" when it can."""
    if name not in cluster.mirrors or cluster.phase not in (MEMBER, ISOLATED, STOPPED):
        return f"{cluster.me} is {cluster.phase}"
    try:
        mirror_functions.require(cluster, name, CREATE)
    except Refusal as refusal:
        return refusal.message
    return f"access to it is permitted on {cluster.me}" if name in cluster.permits else ""


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


# -- looking -------------------------------------------------------------------------------------------


def mirror_status(cluster: Cluster, args: dict[str, Any]) -> Any:
    """One mirror set, or all."""
    sets = report.mirror_sets(cluster)
    if args.get("set"):
        name = mirrors.set_name(cluster, args)
        return {name: sets[name]}
    return sets


def mirror_functions_now(cluster: Cluster, args: dict[str, Any]) -> Any:
    """What the table of 8.7 allows on a server now: every function of one set, or of all."""
    if server_name(cluster, str(args.get("server") or cluster.me)) != cluster.me:
        return ELSEWHERE
    names = [mirrors.set_name(cluster, args)] if args.get("set") else list(cluster.view.sets)
    return {
        name: {
            "situation": mirror_functions.situation(cluster, name) or cluster.phase,
            "functions": mirror_functions.allowed(cluster, name),
        }
        for name in names
    }


STATS = (
    "state",
    "set_state",
    "role",
    "session",
    "dirty_bytes",
    "size_bytes",
    "copy_mode_last",
    "copied_bytes_last",
)


def mirror_stats(cluster: Cluster, args: dict[str, Any]) -> Any:
    """What the mirror process of a set has counted on a server since it was started."""

    def told(result: Mapping[str, Any]) -> dict[str, Any]:
        # a mirror process of an earlier release tells no latency
        found = {key: result.get(key) for key in (*STATS, "latency")}
        return {**found, "counts": dict(result.get("counts") or {})}

    return _of_one_side(cluster, args, "mirror stats", ("status", {}), told)


def mirror_latency(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Sample the latencies of every Nth operation of a set on a server from now on; 0: of none."""
    every = int(args["every"])
    if not 0 <= every <= EVERY_MAX:
        raise Refusal("E_RANGE", f"every {every}: 0 (off) to {EVERY_MAX}")
    request = ("latency", {"every": every})
    asked = _of_one_side(cluster, args, "mirror latency", request, lambda _result: {"every": every})
    if asked == ELSEWHERE and cluster.peer_reachable and not program.both_can(cluster, program.LATENCY):
        raise Refusal("E_STATE", f"the program of {cluster.peer} is of a release that samples no latencies")
    return asked


def _of_one_side(
    cluster: Cluster,
    args: Mapping[str, Any],
    what: str,
    request: tuple[str, Mapping[str, Any]],
    told: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> Any:
    """Ask the mirror process of a set on the server that `args` names; `told` makes the answer of its result."""
    name = mirrors.set_name(cluster, args)
    if server_name(cluster, str(args.get("server") or cluster.me)) != cluster.me:
        return ELSEWHERE
    outcome: list[Outcome] = []

    def then(done: StepDone) -> None:
        if done.ok:
            outcome.append((True, {"set": name, "server": cluster.me, **told(done.result)}))
        else:
            refusal = Refusal("E_STATE", f"{what} {name}: {done.reason}", "", "twinset events")
            outcome.append((False, refusal.as_json()))

    mirrors.command(cluster, name, *request, then)
    return lambda: outcome[0] if outcome else None
