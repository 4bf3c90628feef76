"""What the two cores tell each other over the control connection.

`state` carries everything the peer has to know of this server and is repeated at every heartbeat and at
every change, so nothing depends on one message. The others are requests that are repeated until the state
shows their effect (start, return, mark_stale), or answers. Every message names the sender's boot and
incarnation, the incarnation it is meant for, and a sequence number shared with the heartbeats: words of a
former life, and words older than what is known already, are dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import (
    associations,
    lifecycle,
    mirror_requests,
    mirror_resolve,
    mirrors,
    notices,
    permits,
    program,
    requests,
    running,
    verdicts,
)
from .effects import SendPeer
from .groups import record_from_json
from .membership import ISOLATED, MEMBER, OPERATING, RETURNING, STARTING, STOPPED, STOPPING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .server import Cluster


def send(cluster: Cluster, kind: str, **body: Any) -> None:
    """Send a message to the incarnation of the peer that is known."""
    book = cluster.book
    if not book.peer_run:
        return
    head = {"kind": kind, "boot": book.boot_id, "run": book.incarnation, "to": book.peer_run}
    cluster.out.append(SendPeer({**head, "seq": book.number(), **body}))


def send_state(cluster: Cluster) -> None:
    """Send the whole state once, at the end of this step."""
    cluster.told_dirty = True


def settle(cluster: Cluster) -> None:
    """The end of every step: follow up on what changed, then tell the peer."""
    rounds = 0
    while cluster.dirty:
        cluster.dirty = False
        running.settle(cluster)
        requests.settle(cluster)
        rounds += 1
        if rounds > 100:
            raise AssertionError("the core does not come to rest")
    if cluster.told_dirty:
        cluster.told_dirty = False
        if cluster.peer_reachable:
            _send_state(cluster)


def _send_state(cluster: Cluster) -> None:
    send(
        cluster,
        "state",
        status=cluster.status,
        phase=cluster.phase,
        you=list(cluster.held),
        records={name: record.to_json() for name, record in cluster.records.items()},
        runs={name: run.to_json() for name, run in cluster.runs.items()},
        associations={name: each.to_json() for name, each in cluster.associations.items()},
        sets={name: side.told() for name, side in cluster.mirrors.items() if side.known and side.up},
        ready=lifecycle.is_ready(cluster),
        healing=None if cluster.healing is None else sorted(cluster.healing),
        program=program.OWN.to_json(),
    )


def receive(cluster: Cluster, message: Mapping[str, Any]) -> None:
    """Take a message of the peer; anything malformed, foreign or outdated is dropped with a log entry."""
    book = cluster.book
    if message.get("run") != book.peer_run or message.get("boot") != book.peer_boot or not book.peer_run:
        return
    if message.get("to") != book.incarnation:
        return
    seq = message.get("seq")
    handler = _HANDLERS.get(str(message.get("kind")))
    if handler is None or not isinstance(seq, int):
        cluster.log("message_refused", "warning", kind=str(message.get("kind")))
        return
    try:
        handler(cluster, seq, message)
    except (KeyError, TypeError, ValueError) as error:
        cluster.log("message_refused", "warning", kind=str(message.get("kind")), reason=repr(error))
    cluster.dirty = True


def _on_state(cluster: Cluster, seq: int, message: Mapping[str, Any]) -> None:
    told = cluster.told
    if seq <= told.seq:
        return
    held, about = message["you"]
    status, records = str(message["status"]), dict(message["records"])
    told.seq = seq
    told.phase = str(message["phase"])
    told.runs = {str(name): dict(value) for name, value in message["runs"].items()}
    told.sets = {str(name): dict(value) for name, value in message["sets"].items()}
    told.ready = bool(message["ready"])
    healing = message["healing"]
    told.healing = None if healing is None else frozenset(map(str, healing))
    associations.hear(cluster, message["associations"])
    program.hear(cluster, dict(message.get("program", {})))
    held = held if about == cluster.boot_id else ""
    waits = cluster.phase in (STARTING, ISOLATED, RETURNING) and not running.stuck(cluster)
    if status == "O" and held == "O" and waits:
        if seq > cluster.life.judged_seq:
            cluster.life.judged_seq = seq
            lifecycle.admitted(cluster, records)
        return
    verdicts.judge(cluster, seq, status, held)
    if cluster.phase in OPERATING and cluster.peer_operates and status == "O" and held == "O":
        adopt_records(cluster, records, unconditionally=False)
        if told.phase == STOPPING and cluster.phase == MEMBER:
            lifecycle.stop(cluster)
    if cluster.phase == MEMBER and told.healing is not None:
        verdicts.resolve(cluster, told.healing, records)


def adopt_records(cluster: Cluster, records: Mapping[str, Any], *, unconditionally: bool) -> None:
    """Take over the peer's records where they are newer; all of them at admission."""
    changed = False
    for name, value in records.items():
        record = record_from_json(value, cluster.view.servers)
        if record is None or name not in cluster.records:
            continue
        if unconditionally or record.version > cluster.records[name].version:
            cluster.records[name] = record
            if unconditionally:
                cluster.runs[name].attempt = -1  # versions of a former membership mean nothing
            changed = True
    if changed:
        cluster.persist("groups", {name: record.to_json() for name, record in cluster.records.items()})
        cluster.dirty = True


def _on_start(cluster: Cluster, _seq: int, _message: Mapping[str, Any]) -> None:
    if cluster.permits:
        return  # the server that asked is told so by its status (permits.py)
    if cluster.phase in (STOPPED, ISOLATED, RETURNING) and running.stop_again(cluster):
        lifecycle.start(cluster)


def _on_return(cluster: Cluster, _seq: int, _message: Mapping[str, Any]) -> None:
    reason = lifecycle.admit(cluster)
    if reason:
        send(cluster, "return_refused", reason=reason)
    else:
        send_state(cluster)


def _on_return_refused(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    lifecycle.refused_return(cluster, str(message["reason"]))


def _on_leaving(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    cluster.told.leaving = str(message["reason"])[: notices.TEXT_MAX]


def _on_mark_stale(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    mirrors.serve_mark_stale(cluster, str(message["set"]), str(message["cur"]))


def _on_stale_durable(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    mirrors.on_stale_durable(cluster, str(message["set"]), str(message["cur"]))


def _on_create(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    number, name = int(message["number"]), str(message["set"])
    reason = mirror_requests.creation_refusal(cluster, name)

    def then(ok: bool, why: str) -> None:
        send(cluster, "created", number=number, ok=ok, reason=why)

    if reason:
        then(ok=False, why=reason)
    else:
        mirrors.create(cluster, name, source=bool(message["source"]), then=then)


def _on_resolve(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    number = int(message["number"])

    def then(ok: bool, why: str) -> None:
        send(cluster, "created", number=number, ok=ok, reason=why)

    name, step, discard = str(message["set"]), str(message["step"]), bool(message["discard"])
    mirror_resolve.carry_out(cluster, name, step, discard=discard, then=then)


def _on_created(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    then = cluster.creations.pop(int(message["number"]), None)
    if then is not None:
        then(bool(message["ok"]), str(message["reason"]))


def _on_permit(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    permits.serve_permit(cluster, int(message["number"]), str(message["set"]), str(message["cur"]))


def _on_permitted(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    permits.peer_said(cluster, message)


def _on_request(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    requests.receive_forwarded(cluster, int(message["number"]), str(message["verb"]), dict(message["args"]))


def _on_reply(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    requests.on_reply(cluster, int(message["number"]), ok=bool(message["ok"]), body=dict(message["body"]))


def _on_share_notice(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    notices.receive_share(cluster, message)


def _on_notice(cluster: Cluster, _seq: int, message: Mapping[str, Any]) -> None:
    notices.receive(cluster, message)


_HANDLERS = {
    "state": _on_state,
    "start": _on_start,
    "return": _on_return,
    "return_refused": _on_return_refused,
    "leaving": _on_leaving,
    "mark_stale": _on_mark_stale,
    "stale_durable": _on_stale_durable,
    "create": _on_create,
    "created": _on_created,
    "resolve": _on_resolve,
    "permit": _on_permit,
    "permitted": _on_permitted,
    "request": _on_request,
    "reply": _on_reply,
    "notice": _on_notice,
    "share_notice": _on_share_notice,
}
