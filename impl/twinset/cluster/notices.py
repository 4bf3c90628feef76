"""What scripts say and ask beside their groups: messages to both servers, the state of the public LAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal

from . import messages
from .effects import Probe
from .outcomes import ELSEWHERE, Outcome, server_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .events import StepDone
    from .server import Cluster

TEXT_MAX: Final = 1000
TARGETS_MAX: Final = 16


def message_broadcast(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Write a message of a script or an operator into the event logs of both servers."""
    text = str(args.get("text") or "").strip()
    if not text or len(text) > TEXT_MAX:
        raise Refusal(
            "E_LENGTH", f"message broadcast: 1 to {TEXT_MAX} characters, not {len(text)}", "", "ARMBCAST /?"
        )
    group = str(args.get("group") or "")
    told = [cluster.me]
    _write(cluster, text, group, cluster.me)
    if not args.get("here") and cluster.peer_reachable and cluster.book.acquainted:
        messages.send(cluster, "notice", text=text, group=group)
        told.append(cluster.peer)
    return {"told": told}


def share_report(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Write into both event logs that a share is not accessible, or is again [9.2-02]."""
    fields = {name: str(args.get(name) or "")[:TEXT_MAX] for name in ("share", "address", "reason", "group")}
    accessible = bool(args["accessible"])
    told = [cluster.me]
    _write_share(cluster, fields, cluster.me, accessible=accessible)
    if cluster.peer_reachable and cluster.book.acquainted:
        messages.send(cluster, "share_notice", accessible=accessible, fields=fields)
        told.append(cluster.peer)
    return {"told": told}


def receive_share(cluster: Cluster, message: Mapping[str, Any]) -> None:
    """The peer passes on what was found out about a share."""
    fields = {str(name): str(value)[:TEXT_MAX] for name, value in dict(message["fields"]).items()}
    _write_share(cluster, fields, cluster.peer, accessible=bool(message["accessible"]))


def _write_share(cluster: Cluster, fields: Mapping[str, str], server: str, *, accessible: bool) -> None:
    told = {name: fields.get(name, "") for name in ("share", "address", "reason", "group")}
    if accessible:
        cluster.log("share_accessible", seen_by=server, **told)
    else:
        cluster.log("share_inaccessible", "error", seen_by=server, **told)


def receive(cluster: Cluster, message: Mapping[str, Any]) -> None:
    """The peer passes a message on."""
    _write(cluster, str(message["text"])[:TEXT_MAX], str(message["group"]), cluster.peer)


def _write(cluster: Cluster, text: str, group: str, server: str) -> None:
    cluster.log("broadcast_message", text=text, group=group, said_on=server)


def lan_probe(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Say whether a server's public LANs are good: link, and any of the targets answers [6.3-19]."""
    if server_name(cluster, str(args.get("server") or cluster.me)) != cluster.me:
        return ELSEWHERE
    targets = tuple(str(target) for target in args.get("targets") or ())
    if len(targets) > TARGETS_MAX:
        raise Refusal("E_LIMIT", f"lan probe: at most {TARGETS_MAX} targets, not {len(targets)}", "6.3-19")
    return _probe(cluster, targets)


def _probe(cluster: Cluster, targets: tuple[str, ...]) -> Callable[[], Outcome | None]:
    answers: list[StepDone] = []
    cluster.out.append(Probe(cluster.action(answers.append), targets))

    def check() -> Outcome | None:
        if not answers:
            return None
        return True, {"server": cluster.me, "good": answers[0].ok, "reason": answers[0].reason}

    return check
