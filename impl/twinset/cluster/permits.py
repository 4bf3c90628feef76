"""Access to a set's data on this server without a group: permit, forced permit, restrict [8.2, 8.7-07 to 8.7-09].

Rules:
1. A permit is for a server that does not operate (X or Od); it ends when the server takes part in the cluster
   again, which is therefore refused until `restrict`. It belongs to this boot.
2. The other server is asked first when it can be: it refuses while the group or another permit is there, so
   there is one place of access at a time [7.1.1-02]. No group starts there while a permit is known here.
3. An equal side is permitted only after the other one is durably STALE, which an operating server refuses (R1).
   Whatever cannot be proven needs force, and force needs the operator's word [8.7-09].
4. I/O needs a lease (R13). A permitted server gives itself one: nobody may take over from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal

from . import messages, mirror_functions, mirrors
from .membership import ISOLATED, OPERATING, STARTING, STOPPED
from .mirror_functions import FORCED_PERMIT, PERMIT, RESTRICT
from .outcomes import ELSEWHERE, NotYet, Outcome, require_nothing_stuck, server_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .events import StepDone
    from .server import Cluster

ONE_PLACE: Final = "7.1.1-02"
AT_REST: Final = (STOPPED, ISOLATED)
READ: Final = "read"  # of a server that is isolated or stopped, by the daemon itself (reading.py)
FORCED_MEANS: Final = (
    "this side is not known to be the latest; after a forced permit the two copies differ, nothing is copied by"
    " itself any more, and an operator has to name the good side, which is copied in full over the other one"
)


# -- what others ask ---------------------------------------------------------------------------------------


def here_or_there(cluster: Cluster, sets: Iterable[str]) -> tuple[str, str]:
    """The first of the sets that is permitted, and on which server; ("", "") when there is none."""
    for name in sets:
        if name in cluster.permits:
            return name, cluster.me
        if cluster.peer_reachable and cluster.told.sets.get(name, {}).get("permitted"):
            return name, cluster.peer
    return "", ""


def require_none(cluster: Cluster, what: str, sets: Iterable[str] = ()) -> None:
    """Raise while access to one of the sets, or to any, is permitted: nothing starts over it."""
    name, server = here_or_there(cluster, sets or cluster.view.sets)
    if name:
        raise Refusal(
            "E_STATE",
            f"{what}: access to mirror set {name} is permitted on {server}",
            ONE_PLACE,
            f"twinset mirror restrict {name} --server {server}",
        )


def bars(cluster: Cluster, sets: Iterable[str]) -> str:
    """Why no group may start with these sets now: one of them is permitted on the other server; "" else."""
    if not cluster.peer_reachable:
        return ""
    for name in sets:
        if cluster.told.sets.get(name, {}).get("permitted"):
            return f"access to mirror set {name} is permitted on {cluster.peer} [{ONE_PLACE}]; twinset mirror restrict"
    return ""


def leased(cluster: Cluster) -> bool:
    """True while this server, which does not operate, gives a lease to what it has permitted."""
    wanted = cluster.permitting or any(function != READ for function in cluster.permits.values())
    return bool(wanted) and cluster.phase in AT_REST and not any(run.running for run in cluster.runs.values())


def resumed(memory: Mapping[str, Any], boot_id: str, sets: Iterable[str]) -> dict[str, str]:
    """What a former twinsetd of this boot had permitted."""
    saved = memory.get("permits", {})
    if saved.get("boot") != boot_id:
        return {}
    known = set(sets)
    return {
        str(name): function if function in (FORCED_PERMIT, READ) else PERMIT
        for name, function in saved.get("sets", {}).items()
        if name in known
    }


def withdraw_all(cluster: Cluster) -> None:
    """This server takes part in the cluster again, by whatever way: no access beside groups."""
    for name, function in cluster.permits.items():
        if function != READ:
            mirrors.command(cluster, name, RESTRICT, {})
        cluster.log("access_restricted", "warning", set=name, server=cluster.me, reason=cluster.phase)
    if cluster.permits:
        cluster.permits = {}
        save(cluster)


def again(cluster: Cluster, name: str) -> None:
    """The mirror process was restarted: what was permitted is permitted again."""
    function = cluster.permits.get(name)
    if function is None or function == READ:
        return

    def then(done: StepDone) -> None:
        if not done.ok and cluster.permits.pop(name, None) is not None:
            save(cluster)
            cluster.log("access_restricted", "error", set=name, server=cluster.me, reason=done.reason)

    mirrors.command(
        cluster, name, PERMIT, {"forced": function == FORCED_PERMIT, "peer_stale": "", "right": False}, then
    )


def save(cluster: Cluster) -> None:
    """Make what is permitted durable for this boot."""
    cluster.persist("permits", {"boot": cluster.boot_id, "sets": cluster.permits})


# -- requests ----------------------------------------------------------------------------------------------


def mirror_permit(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Give access to the data on a server whose side is the latest [8.7-07]."""
    return _permit(cluster, args, PERMIT)


def mirror_forced_permit(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Give access to data that may not be the latest; the copies differ from then on [8.7-09]."""
    return _permit(cluster, args, FORCED_PERMIT)


def _permit(cluster: Cluster, args: dict[str, Any], function: str) -> Any:
    name = mirrors.set_name(cluster, args)
    if server_name(cluster, str(args.get("server") or cluster.me)) != cluster.me:
        return ELSEWHERE
    what = f"mirror {function} {name}"
    mirror_functions.require(cluster, name, function)
    if cluster.permits.get(name) == READ:
        text = f"{what}: it is being read; what is written under a permit would change under the reader"
        raise Refusal("E_STATE", text, "4.4-02", f"twinset mirror read {name} --end")
    if name in cluster.permits:
        return {"set": name, "server": cluster.me, "already": True}
    if name in cluster.permitting:
        raise NotYet("E_STATE", f"{what}: it was asked already", "8.7-07", "twinset mirror status")
    require_nothing_stuck(cluster, what)
    if cluster.phase not in AT_REST:
        raise Refusal(
            "E_UNSUPPORTED",
            f"{what}: {cluster.me} operates, and access beside a mirror in operation is not built",
            "8.7-01",
            "twinset cluster stop",
        )
    if not (cluster.mirrors[name].known and cluster.mirrors[name].up):
        raise NotYet(
            "E_STATE", f"{what}: its mirror process has not reported", "8.7-07", "twinset mirror status"
        )
    if function == FORCED_PERMIT and args.get("confirm") is not True:
        raise Refusal("E_STATE", f"{what}: {FORCED_MEANS}", "8.7-09", f"twinset {what} --yes")
    return _Permission(cluster, name, function).begin()


class _Permission:
    """Ask the other server, have its side made STALE where that is due, then open the side here."""

    def __init__(self, cluster: Cluster, name: str, function: str) -> None:
        self.cluster, self.name, self.function = cluster, name, function
        self.outcome: Outcome | None = None
        self.number = 0  # of the question to the other server
        self.until_ms = cluster.ran_ms + cluster.view.timing.timeout_ms

    def begin(self) -> Callable[[], Outcome | None]:
        cluster = self.cluster
        cluster.permitting.add(self.name)
        if cluster.peer_reachable and cluster.book.acquainted:
            self.number = cluster.action_id = cluster.action_id + 1
            cluster.permissions[self.number] = self._peer_said
            messages.send(cluster, "permit", number=self.number, set=self.name, cur=self._wants_stale())
        else:
            self._open("")
        return self.check

    def _wants_stale(self) -> str:
        """The generation that the other side is to be STALE in; "" where that would not make this one the latest."""
        status = self.cluster.mirrors[self.name].status
        equal = status.get("state") in ("IN_SYNC", "FINISHING") and bool(status.get("sound"))
        return str(status.get("cur", "")) if equal and self.function == PERMIT else ""

    def check(self) -> Outcome | None:
        cluster = self.cluster
        if self.number in cluster.permissions:
            lost = not cluster.peer_reachable or cluster.ran_ms >= self.until_ms
            if lost:
                del cluster.permissions[self.number]
                self._end(error=f"{cluster.peer} did not answer")
        return self.outcome

    def _peer_said(self, answer: Mapping[str, Any]) -> None:
        if answer.get("reason"):
            self._end(error=f"{self.cluster.peer}: {answer['reason']}", clause=ONE_PLACE)
        else:
            self._open(str(answer.get("stale", "")))

    def _open(self, stale: str) -> None:
        right = bool(self.cluster.life.rights.get(self.name))
        args = {"forced": self.function == FORCED_PERMIT, "peer_stale": stale, "right": right}
        mirrors.command(self.cluster, self.name, PERMIT, args, self._opened)

    def _opened(self, done: StepDone) -> None:
        cluster, name = self.cluster, self.name
        if not done.ok:
            self._end(error=done.reason)
            return
        if cluster.phase not in AT_REST:
            mirrors.command(cluster, name, RESTRICT, {})
            self._end(error=f"{cluster.me} is {cluster.phase} now")
            return
        cluster.permits[name] = self.function
        cluster.permitting.discard(name)
        save(cluster)
        cluster.log("access_permitted", "warning", set=name, server=cluster.me, function=self.function)
        messages.send_state(cluster)
        self.outcome = True, {"set": name, "server": cluster.me, "function": self.function}

    def _end(self, *, error: str, clause: str = "") -> None:
        clause = clause or ("8.7-07" if self.function == PERMIT else "8.7-09")
        helps = f"twinset mirror {FORCED_PERMIT} {self.name}" if self.function == PERMIT else ""
        what = f"mirror {self.function} {self.name}"
        refusal = Refusal("E_STATE", f"{what}: {error}", clause, helps or "twinset mirror status")
        self.outcome = False, refusal.as_json()
        self.cluster.permitting.discard(self.name)


def mirror_restrict(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Withdraw the access again; answered when what was written under it has ended [8.7-08]."""
    name = mirrors.set_name(cluster, args)
    if server_name(cluster, str(args.get("server") or cluster.me)) != cluster.me:
        return ELSEWHERE
    mirror_functions.require(cluster, name, RESTRICT)
    answer = {"set": name, "server": cluster.me}
    if cluster.permits.get(name) == READ:
        raise Refusal(
            "E_STATE",
            f"mirror restrict {name}: it is being read",
            "4.4-02",
            f"twinset mirror read {name} --end",
        )
    if name not in cluster.permits:
        return {**answer, "already": True}
    outcome: list[Outcome] = []

    def then(done: StepDone) -> None:
        gone = not cluster.mirrors[name].up
        if not done.ok and not gone:
            text = f"mirror restrict {name}: {done.reason}"
            outcome.append((False, Refusal("E_STATE", text, "8.7-08", "twinset mirror status").as_json()))
            return
        if cluster.permits.pop(name, None) is not None:
            save(cluster)
            cluster.log("access_restricted", set=name, server=cluster.me, reason="asked by an operator")
        if (
            cluster.phase == STOPPED
        ):  # as the cluster shutdown had left it: closed, its difference on the disk
            mirrors.command(cluster, name, "close", {"solo_right": False})
        messages.send_state(cluster)
        outcome.append((True, answer))

    mirrors.command(cluster, name, RESTRICT, {}, then)
    return lambda: outcome[0] if outcome else None


# -- what the other server asks ------------------------------------------------------------------------------


def serve_permit(cluster: Cluster, number: int, name: str, cur: str) -> None:
    """Answer whether the other server may give access to its side, with the side here made STALE for it."""
    reason = _against(cluster, name)
    if reason or not cur or cluster.phase in OPERATING:
        messages.send(cluster, "permitted", number=number, reason=reason, stale="")
        return

    def then(done: StepDone) -> None:
        messages.send(cluster, "permitted", number=number, reason="", stale=cur if done.ok else "")

    mirrors.command(cluster, name, "mark_stale", {"cur": cur}, then)


def _against(cluster: Cluster, name: str) -> str:
    """Why the other server may not give access to its side; "" when it may."""
    if name not in cluster.mirrors:
        return f"it knows no mirror set {name}"
    if cluster.permits.get(name, READ) != READ or name in cluster.permitting:
        return f"access to {name} is permitted there"
    if group := mirror_functions.busy_group(cluster, name):
        return f"group {group} is in operation there"
    if cluster.phase == STARTING:
        return "the cluster is starting"
    if cluster.mirrors[name].creating:
        return "the mirror is being created"
    return ""


def peer_said(cluster: Cluster, message: Mapping[str, Any]) -> None:
    """The answer to a permission that was asked."""
    then = cluster.permissions.pop(int(message["number"]), None)
    if then is not None:
        then(message)
