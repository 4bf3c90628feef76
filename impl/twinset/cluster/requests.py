"""What operators ask: each request is judged at once, carried out where it belongs, answered exactly once.

A request is first sent to the server that can carry it out (a group's owner, the server named). There it is
refused with the state that forbids it, the clause and the command that would help, or accepted; then it
stays pending until its effect shows, and is answered with that. What was forwarded is answered when the
answer comes, or with an error when the peer or the connection is lost: then the outcome is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinset.errors import Refusal

from . import (
    associations,
    change_requests,
    group_requests,
    messages,
    mirror_requests,
    mirror_resolve,
    mirror_verify,
    notices,
    permits,
    reading,
    server_requests,
)
from .effects import Reply
from .membership import LEFT
from .outcomes import ELSEWHERE, NotYet, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .events import Request
    from .server import Cluster

    Handler = Callable[[Cluster, dict[str, Any]], Any]


@dataclass(slots=True)
class Pending:
    """A request whose effect is awaited; `check` returns the answer once there is one."""

    request_id: int
    forwarded: bool  # asked by the peer: request_id is its number there
    verb: str
    check: Callable[[], Outcome | None]


def receive(cluster: Cluster, event: Request) -> None:
    """An operator's request arrived at this server."""
    try:
        _route(cluster, event.request_id, event.verb, dict(event.args), forwarded=False)
    except Refusal as refusal:
        answer(cluster, event.request_id, forwarded=False, ok=False, body=refusal.as_json())


def receive_forwarded(cluster: Cluster, number: int, verb: str, args: dict[str, Any]) -> None:
    """The peer passes on a request that this server has to carry out."""
    try:
        _route(cluster, number, verb, args, forwarded=True)
    except Refusal as refusal:
        answer(cluster, number, forwarded=True, ok=False, body=refusal.as_json())


def answer(cluster: Cluster, request_id: int, *, forwarded: bool, ok: bool, body: Mapping[str, Any]) -> None:
    """Answer the operator, or the peer that passed the request on."""
    if forwarded:
        messages.send(cluster, "reply", number=request_id, ok=ok, body=dict(body))
    elif ok:
        cluster.out.append(Reply(request_id, ok=True, result=body))
    else:
        cluster.out.append(
            Reply(request_id, ok=False, error={key: str(value) for key, value in body.items()})
        )


def settle(cluster: Cluster) -> None:
    """Answer every pending request whose effect shows."""
    for pending in list(cluster.pending):
        try:
            outcome = pending.check()
        except Refusal as refusal:
            outcome = (False, refusal.as_json())
        if outcome is not None:
            cluster.pending.remove(pending)
            answer(cluster, pending.request_id, forwarded=pending.forwarded, ok=outcome[0], body=outcome[1])
    if (
        cluster.phase == LEFT and cluster.forwarded
    ):  # the other server, for which this one is gone, answers nothing
        fail_forwarded(cluster, f"{cluster.me} left the cluster")


def forward(cluster: Cluster, request_id: int, verb: str, args: Mapping[str, Any]) -> None:
    """Let the peer carry the request out."""
    number = cluster.action_id = cluster.action_id + 1
    cluster.forwarded[number] = request_id
    messages.send(cluster, "request", number=number, verb=verb, args=dict(args))


def on_reply(cluster: Cluster, number: int, *, ok: bool, body: dict[str, Any]) -> None:
    """The peer has answered a forwarded request."""
    request_id = cluster.forwarded.pop(number, None)
    if request_id is not None:
        answer(cluster, request_id, forwarded=False, ok=ok, body=body)


def fail_forwarded(cluster: Cluster, reason: str) -> None:
    """The answers of the peer will not come; whether it did what was asked is unknown."""
    cluster.dirty = True
    cluster.pending = [pending for pending in cluster.pending if not pending.forwarded]
    forwarded, cluster.forwarded = cluster.forwarded, {}
    for request_id in forwarded.values():
        refusal = Refusal(
            "E_STATE", f"{reason} before it answered; look at the state", "", "twinset cluster status"
        )
        answer(cluster, request_id, forwarded=False, ok=False, body=refusal.as_json())
    steps, cluster.creations = cluster.creations, {}
    for then in steps.values():
        then(False, reason)


def _route(cluster: Cluster, request_id: int, verb: str, args: dict[str, Any], *, forwarded: bool) -> None:
    handler = _VERBS.get(verb)
    if handler is None:
        raise Refusal("E_NOTFOUND", f"unknown request {verb!r}; known: {', '.join(sorted(_VERBS))}")
    try:
        outcome = handler(cluster, args)
    except NotYet:
        outcome = _ask_again(cluster, handler, args)
    if outcome == ELSEWHERE:
        if forwarded:
            raise Refusal(
                "E_STATE", f"{verb}: the servers are changing places; try again", "", f"twinset {verb}"
            )
        if not cluster.peer_reachable or not cluster.book.acquainted:
            raise Refusal(
                "E_STATE",
                f"{verb}: only {cluster.peer} can do this, and it cannot be reached",
                "",
                "twinset cluster status",
            )
        forward(cluster, request_id, verb, args)
    elif callable(outcome):
        cluster.pending.append(Pending(request_id, forwarded, verb, outcome))
    else:
        answer(cluster, request_id, forwarded=forwarded, ok=True, body=outcome)
    cluster.dirty = True


def _ask_again(cluster: Cluster, handler: Handler, args: dict[str, Any]) -> Callable[[], Outcome | None]:
    """Judge the request after every step until the state that forbids it has passed, or the time is over."""
    until_ms = cluster.ran_ms + cluster.view.timing.timeout_ms
    accepted: list[Callable[[], Outcome | None]] = []

    def check() -> Outcome | None:
        if accepted:
            return accepted[0]()
        try:
            outcome = handler(cluster, args)
        except NotYet:
            if cluster.ran_ms >= until_ms:
                raise
            return None
        if callable(outcome):
            accepted.append(outcome)
            return accepted[0]()
        if outcome == ELSEWHERE:
            raise Refusal(
                "E_STATE", "the servers have changed places; try again", "", "twinset cluster status"
            )
        return True, outcome

    return check


_VERBS: dict[str, Handler] = {
    "cluster.start": server_requests.cluster_start,
    "cluster.stop": server_requests.cluster_stop,
    "cluster.status": server_requests.cluster_status,
    "change.judge": change_requests.judge,
    "change.ready": change_requests.ready,
    "server.return": server_requests.server_return,
    "server.shutdown": server_requests.server_shutdown,
    "server.isolate": server_requests.server_isolate,
    "group.start": group_requests.group_start,
    "group.stop": group_requests.group_stop,
    "group.move": group_requests.group_move,
    "group.list": group_requests.group_list,
    "group.failover": group_requests.group_failover,
    "group.restart_scripts": group_requests.group_restart_scripts,
    "message.broadcast": notices.message_broadcast,
    "lan.probe": notices.lan_probe,
    "share.report": notices.share_report,
    "name.associate": associations.name_associate,
    "mirror.create": mirror_requests.mirror_create,
    "mirror.status": mirror_requests.mirror_status,
    "mirror.forced_return": mirror_requests.mirror_forced_return,
    "mirror.permit": permits.mirror_permit,
    "mirror.forced_permit": permits.mirror_forced_permit,
    "mirror.restrict": permits.mirror_restrict,
    "mirror.read": reading.mirror_read,
    "mirror.read_end": reading.mirror_read_end,
    "mirror.stats": mirror_requests.mirror_stats,
    "mirror.latency": mirror_requests.mirror_latency,
    "mirror.resolve": mirror_resolve.mirror_resolve,
    "mirror.verify": mirror_verify.mirror_verify,
    "mirror.functions": mirror_requests.mirror_functions_now,
}
