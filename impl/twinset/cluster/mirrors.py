"""The mirror processes as the cluster sees them: their statuses, membership's verdicts, STALE, closing.

Rules:
1. The verdict on the peer goes to every mirror process at the moment it is made, and again to one that
   was restarted. "up" only for a member; "rebuild" with it: the peer has returned (4.3.4.4-01).
2. STALE is asked for only by the owner of the set's group, and served only to it: else both sides could
   outdate each other. It is confirmed only after the mirror process has made it durable (R1).
3. A group of a dead peer is activated only after the mirror session to it has ended (R13).
4. A server that was declared down revokes its exports and makes its equal sides STALE.
5. Alone at startup, a side counts as the latest only by its own record: it went on alone, or it was closed
   cleanly with the right to start alone (R7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twinset.errors import Refusal

from . import lifecycle, messages, permits
from .effects import GrantLease, MirrorCommand
from .groups import ACTIVE
from .membership import EXPELLED, LEFT, MEMBER, OPERATING, STARTING, UP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .events import StepDone
    from .groups import GroupRun
    from .server import Cluster

TOLD_FIELDS = ("role", "state", "session", "set_state", "latest", "cur", "permitted", "kept_done")
FIGURES = (
    "copy",
    "dirty_bytes",
    "size_bytes",
    "copied_bytes_last",
    "copy_mode_last",
    "source",
    "connects",
    "verify",
    "diverged",
    "kept",
    "kept_room_bytes",
)
TABLE_CLAUSE = "[8.5-01]"
OUTDATED_STATES = frozenset({"STALE", "INCONSISTENT", "FAULTY", "DIVERGED", "BLANK"})


@dataclass(slots=True)
class MirrorSide:
    """This server's side of one mirror set, as far as the core has to know it."""

    name: str
    status: Mapping[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)  # what the peer is told
    up: bool = False
    down_since_ms: int = -1
    need_cur: str = ""  # the generation whose STALE the peer owes
    close_state: str = ""  # "", "closing", "closed", "failed"
    creating: bool = False
    refused: str = ""  # why its disk is not taken at all: until the process reports again

    @property
    def known(self) -> bool:
        """True once the mirror process has reported."""
        return bool(self.status)

    @property
    def session(self) -> str:
        """The session with the other side; none while the process does not run."""
        return str(self.status.get("session", "none")) if self.up else "none"

    @property
    def state(self) -> str:
        """The state of the own record."""
        return str(self.status.get("state", ""))

    def told(self) -> dict[str, Any]:
        """What the peer is told of the side: the summary and the figures of a copy."""
        return {**self.summary, **{key: self.status.get(key) for key in FIGURES}}

    def may(self) -> tuple[bool, str]:
        """Whether this side may be activated, by the mirror process's word, and why not."""
        verdict = self.status.get("may_activate")
        if not isinstance(verdict, Mapping):
            return True, ""
        return bool(verdict.get("ok")), str(verdict.get("reason", ""))


def set_name(cluster: Cluster, args: Mapping[str, Any]) -> str:
    """The set that a request names, as the configuration spells it; Refusal when there is none."""
    name = str(args.get("set") or args.get("name") or "")
    for known in cluster.view.sets:
        if known.lower() == name.lower():
            return known
    raise Refusal("E_NOTFOUND", f"there is no mirror set {name!r}", "2.2.2.1-03", "twinset mirror status")


def command(
    cluster: Cluster,
    name: str,
    verb: str,
    args: Mapping[str, Any],
    then: Callable[[StepDone], None] | None = None,
) -> int:
    """Send a request to a mirror process; `then` gets its answer."""
    action_id = cluster.action(then) if then is not None else 0
    cluster.out.append(MirrorCommand(action_id, name, verb, args))
    return action_id


# -- what the processes report -------------------------------------------------------------------------


def on_status(cluster: Cluster, name: str, status: Mapping[str, Any]) -> None:
    """A mirror process reported."""
    side = cluster.mirrors.get(name)
    if side is None:
        return
    before = side.status.get("set_state")
    side.status, side.up, side.down_since_ms, side.refused = status, True, -1, ""
    if side.state == "SOLO":
        side.need_cur = ""
    summary = {key: status.get(key) for key in TOLD_FIELDS}
    summary["may"] = side.may()[0]
    if summary != side.summary:
        side.summary = summary
        cluster.dirty = True
        messages.send_state(cluster)
    after = status.get("set_state")
    if after != before:
        bad = after in ("DIVERGED", "ISOLATED", "UNDECIDED")
        cluster.log(
            "mirror_set_state",
            "error" if bad else "info",
            set=name,
            state=after,
            before=before,
            side=side.state,
        )
        if after == "NORMAL":
            side.creating = False


def on_up(cluster: Cluster, name: str) -> None:
    """A mirror process runs (again): tell it everything it has missed."""
    side = cluster.mirrors.get(name)
    if side is None:
        return
    side.up, side.down_since_ms = True, -1
    if cluster.phase in OPERATING or cluster.phase == STARTING:
        word = "up" if cluster.phase == STARTING else peer_word(cluster)
        command(cluster, name, "peer", {"state": word, "boot_id": cluster.life.peer_boot})
        if cluster.phase == MEMBER and cluster.peer_operates:
            command(cluster, name, "rebuild", {})
    permits.again(cluster, name)
    if cluster.phase in OPERATING or cluster.permits:
        if cluster.granted_until_ms > cluster.now_ms:
            cluster.out.append(GrantLease(cluster.granted_until_ms))
        for run in cluster.runs.values():
            if name in run.view.sets and run.state == ACTIVE and not run.disk_failure:
                reactivate(cluster, run, name)


def reactivate(cluster: Cluster, run: GroupRun, name: str) -> None:
    """The export of an active group comes back with its restarted mirror process."""

    def then(done: StepDone) -> None:
        if not done.ok and run.state == ACTIVE:
            run.reason = f"mirror set {name} could not be activated again: {done.reason}"
            cluster.log("disk_lost", "error", group=run.view.name, set=name, reason=done.reason)

    command(cluster, name, "activate", {"peer": peer_word(cluster)}, then)


def on_died(cluster: Cluster, name: str, reason: str) -> None:
    """A mirror process ended."""
    side = cluster.mirrors.get(name)
    if side is None:
        return
    if side.down_since_ms < 0:
        side.up, side.down_since_ms = False, cluster.ran_ms
        cluster.log("mirrord_died", "warning", set=name, reason=reason)
    if TABLE_CLAUSE in reason and not side.refused:
        side.refused = reason
        cluster.log("partition_table_changed", "error", set=name, server=cluster.me, reason=reason)


def peer_word(cluster: Cluster) -> str:
    """How the peer is called towards a mirror process.

    Never "down" once the peer may have closed its sides with the right to start alone: going on alone as well, both
    would be the latest (R7).
    """
    return "up" if cluster.peer_operates or lifecycle.has_given_the_right(cluster) else "down"


# -- verdicts ------------------------------------------------------------------------------------------


def peer_verdict(cluster: Cluster, state: str) -> None:
    """Tell every mirror process what membership holds of the peer."""
    for name in cluster.view.sets:
        command(cluster, name, "peer", {"state": state, "boot_id": cluster.life.peer_boot})
        cluster.mirrors[name].need_cur = ""


def both_operate(cluster: Cluster) -> None:
    """Both servers are members: mirrors may be rebuilt; nobody holds the right to start alone any more."""
    forget_closing(cluster)
    if cluster.life.alone:
        cluster.life.alone = False
        lifecycle.save(cluster)
    peer_verdict(cluster, "up")
    for name in cluster.view.sets:
        command(cluster, name, "rebuild", {})


def revoke_all(cluster: Cluster) -> None:
    """Withdraw every export at once: outstanding I/O fails instead of waiting for ever."""
    for name, side in cluster.mirrors.items():
        if side.status.get("role") == "active" or name in _touched_sets(cluster):
            command(cluster, name, "deactivate", {"revoke": True})


def _touched_sets(cluster: Cluster) -> set[str]:
    return {name for run in cluster.runs.values() if run.running for name in run.view.sets}


def mark_all_stale(cluster: Cluster) -> None:
    """The peer has declared this server down and may have gone on alone: believe no equal side here."""
    for name, side in cluster.mirrors.items():
        if side.state == "IN_SYNC":
            command(cluster, name, "mark_stale", {"cur": side.status.get("cur", "")})


# -- STALE at the peer (R1) ----------------------------------------------------------------------------


def owner_of(cluster: Cluster, name: str) -> str:
    """The owner of the group that uses the set; the first server for a set of no group."""
    for group in cluster.view.groups:
        if name in group.sets:
            return cluster.records[group.name].owner
    return cluster.view.servers[0]


def on_needs_peer_stale(cluster: Cluster, name: str, cur: str) -> None:
    """The side here cannot reach the other one and wants to go on alone."""
    side = cluster.mirrors.get(name)
    if side is None or cluster.phase not in OPERATING:
        return
    if peer_word(cluster) == "down":
        command(cluster, name, "peer", {"state": "down", "boot_id": cluster.life.peer_boot})
    elif owner_of(cluster, name) == cluster.me:
        side.need_cur = cur
        messages.send(cluster, "mark_stale", set=name, cur=cur)


def repeat_needs(cluster: Cluster) -> None:
    """Ask again for what may have been lost."""
    for name, side in cluster.mirrors.items():
        if side.need_cur:
            messages.send(cluster, "mark_stale", set=name, cur=side.need_cur)


def serve_mark_stale(cluster: Cluster, name: str, cur: str) -> None:
    """The peer needs the side here to be durably STALE."""
    side = cluster.mirrors.get(name)
    if side is None or (cluster.phase in OPERATING and not cluster.peer_operates):
        return
    if owner_of(cluster, name) != cluster.peer:
        cluster.log("stale_refused", "warning", set=name, reason=f"{cluster.peer} does not own its group")
        return

    def then(done: StepDone) -> None:
        if done.ok:
            confirm_stale(cluster, name, cur)
        else:
            cluster.log("stale_refused", "warning", set=name, reason=done.reason)

    command(cluster, name, "mark_stale", {"cur": cur}, then)


def confirm_stale(cluster: Cluster, name: str, cur: str) -> None:
    """STALE is durable here; the peer may go on alone."""
    messages.send(cluster, "stale_durable", set=name, cur=cur)


def on_stale_durable(cluster: Cluster, name: str, cur: str) -> None:
    """STALE is durable at the peer: solo is permitted."""
    side = cluster.mirrors.get(name)
    if side is not None and side.need_cur == cur and cluster.phase in OPERATING:
        side.need_cur = ""
        command(cluster, name, "peer_stale", {"cur": cur})


# -- what may be activated -----------------------------------------------------------------------------


def settled(cluster: Cluster) -> bool:
    """At startup: every set is known and has met its other side, or has nothing to meet."""
    return all(
        side.known and (side.session != "none" or side.state == "BLANK") for side in cluster.mirrors.values()
    )


def able(cluster: Cluster, sets: Iterable[str], server: str) -> bool:
    """True when the sides of `server` may be activated, as far as is known here."""
    if server == cluster.me:
        return all(cluster.mirrors[name].may()[0] for name in sets if name in cluster.mirrors)
    return all(cluster.told.sets.get(name, {}).get("may", True) for name in sets)


def not_created(cluster: Cluster, sets: Iterable[str], server: str) -> str:
    """The first of the sets that has never been created on `server`; "" when there is none."""
    for name in sets:
        status = cluster.mirrors[name].status if server == cluster.me else cluster.told.sets.get(name, {})
        if status.get("state") == "BLANK":
            return name
    return ""


def session_bars(cluster: Cluster, name: str) -> bool:
    """True while a set of a dead peer may not be activated: its session lives (R13)."""
    return not cluster.peer_operates and cluster.watch.state != UP and cluster.mirrors[name].session != "none"


def lone_refusal(cluster: Cluster, sets: Iterable[str]) -> str:
    """Why a lone server may not start a group of these sets by itself; "" when it may."""
    for name in sets:
        side = cluster.mirrors[name]
        ok, reason = side.may()
        if not side.known or not side.up:
            return f"mirror set {name}: its mirror process does not answer"
        if not ok:
            return f"mirror set {name}: {reason} [4.5.2-01]"
        if side.state != "SOLO" and not cluster.life.rights.get(name):
            return f"mirror set {name}: nothing proves that this side is the latest (it is {side.state})"
    return ""


def failed_here(cluster: Cluster, name: str) -> str:
    """Why the disk of the set does not serve here any more; "" while it does."""
    side = cluster.mirrors[name]
    if side.state == "FAULTY":
        return "its disk has failed [8.4-01]"
    if side.state in ("STALE", "INCONSISTENT", "DIVERGED") and side.status.get("role") != "active":
        return f"its side is {side.state} and serves no more"
    limit_ms = 3 * cluster.view.timing.mirror_timeout_ms
    if side.down_since_ms >= 0 and cluster.ran_ms - side.down_since_ms > limit_ms:
        return "its mirror process does not come back"
    return ""


def good_at_peer(cluster: Cluster, name: str) -> bool:
    """The peer's side of the set is the latest and can be activated."""
    told = cluster.told.sets.get(name, {})
    return bool(told.get("may")) and told.get("state") not in OUTDATED_STATES


def all_normal(cluster: Cluster, name: str) -> bool:
    """The set is NORMAL on both servers."""
    mine = cluster.mirrors[name].status.get("set_state")
    return mine == "NORMAL" == cluster.told.sets.get(name, {}).get("set_state")


def create(cluster: Cluster, name: str, *, source: bool, then: Callable[[bool, str], None]) -> None:
    """Create the side here anew, as source or as target of a full copy."""
    cluster.mirrors[name].creating = True

    def done(answer: StepDone) -> None:
        if not answer.ok:
            cluster.mirrors[name].creating = False
        then(answer.ok, answer.reason)

    command(cluster, name, "peer", {"state": "up", "boot_id": cluster.life.peer_boot})
    command(cluster, name, "create", {"source": source}, done)


def forget_creations(cluster: Cluster) -> None:
    """Membership grants the leases from here on."""
    for side in cluster.mirrors.values():
        side.creating = False


# -- closing -------------------------------------------------------------------------------------------


def close_all(cluster: Cluster, rights: Mapping[str, bool]) -> bool:
    """Close every set cleanly; returns True once all have answered. Called again until then."""
    for name, side in cluster.mirrors.items():
        if not side.close_state:
            side.close_state = "closing"
            _close(cluster, side, right=rights.get(name, False))
    if any(side.close_state == "closing" for side in cluster.mirrors.values()):
        return False
    closed = {
        name: rights.get(name, False) and side.close_state == "closed"
        for name, side in cluster.mirrors.items()
    }
    cluster.life.rights = closed
    cluster.persist("closed", closed)
    return True


def _close(cluster: Cluster, side: MirrorSide, *, right: bool) -> None:
    def then(done: StepDone) -> None:
        side.close_state = "closed" if done.ok else "failed"
        if not done.ok:
            cluster.log("mirror_not_closed", "error", set=side.name, reason=done.reason)

    command(cluster, side.name, "close", {"solo_right": right}, then)


def forget_closing(cluster: Cluster) -> None:
    """The sets are in use again: what was said at the last shutdown holds no more."""
    for side in cluster.mirrors.values():
        side.close_state = ""
    if cluster.life.rights:
        cluster.life.rights = {}
        cluster.persist("closed", {})


# -- time ----------------------------------------------------------------------------------------------


def creating(cluster: Cluster) -> bool:
    """True while a set is being created by an operator: its source needs a lease though nothing serves."""
    return cluster.phase not in (EXPELLED, LEFT) and any(side.creating for side in cluster.mirrors.values())
