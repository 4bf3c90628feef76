"""What the handlers of requests share: outcomes, and the refusals that all of them know.

A handler judges a request and either raises Refusal, or returns its result at once, or ELSEWHERE when only
the peer can carry it out, or a function that is asked after every step until it gives the outcome. With NotYet
it is asked again for a while: an operator's next command may be faster than what the one before set going.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.errors import Refusal

from .groups import STOP_FAILED
from .membership import MEMBER, WORDS

if TYPE_CHECKING:
    from .server import Cluster

Outcome = tuple[bool, dict[str, Any]]
Check = "Callable[[], Outcome | None]"
ELSEWHERE: dict[str, Any] = {"elsewhere": True}


class NotYet(Refusal):
    """A refusal for a state that passes by itself: the request waits for the heartbeat time-out, then it counts."""


def server_name(cluster: Cluster, name: str) -> str:
    """The server of this name as the configuration spells it; Refusal when there is none."""
    for server in cluster.view.servers:
        if server.lower() == name.lower():
            return server
    raise Refusal(
        "E_NOTFOUND", f"{name!r} is no server of this cluster", "2.2.1-07", "twinset cluster status"
    )


def require_operating(cluster: Cluster, what: str) -> None:
    """Raise unless this server operates and nothing is being settled."""
    if cluster.phase != MEMBER:
        helps = {"X": "twinset cluster start", "Od": f"twinset server return {cluster.me}"}
        raise Refusal(
            "E_STATE",
            f"{what}: {cluster.me} is {word(cluster.status)} ({cluster.phase})",
            "6.2.5-02",
            helps.get(cluster.status, "twinset cluster status"),
        )
    if cluster.frozen:
        raise Refusal(
            "E_STATE",
            f"{what}: the servers are settling what ran during a network partition",
            "2.2.1-11",
            "twinset cluster status",
        )


def require_nothing_stuck(cluster: Cluster, what: str) -> None:
    """Raise while a group could not be stopped here."""
    for name, run in cluster.runs.items():
        if run.state == STOP_FAILED:
            raise Refusal(
                "E_STATE",
                f"{what}: group {name} could not be stopped on {cluster.me}: {run.reason}",
                "5.2.3-03",
                f"twinset group stop {name}",
            )


def word(status: str) -> str:
    """A status symbol with its word."""
    return f"{status} ({WORDS[status]})" if status in WORDS else "unknown"
