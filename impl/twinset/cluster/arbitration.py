"""What may stand between silence and a take-over: a ping target, a fencing hook. Both are off by default [4.2.3-01].

After the heartbeat time-out and the partition phase the peer counts as down. When something is configured:

1. Ping targets: this server looks at its public LANs first. Where a link is dead or no target answers, it is this
   server that is cut off: it gives up and is isolated, whatever the peer does. When both servers reach a target,
   that is no tie-breaker: both go on, as without it.
2. Fencing: then the hook has to confirm that the peer has no power. Only then the peer is declared down. A hook that
   fails is tried again; until it succeeds, or the peer is heard, nothing is taken over.

A peer that is heard meanwhile ends it. Nothing here makes a take-over sooner, so leases and time-outs hold as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from . import verdicts
from .effects import Fence, Probe
from .membership import DOWN, OPERATING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .events import StepDone
    from .server import Cluster

REASON: Final = "no heartbeat on any network"


def silent(cluster: Cluster) -> None:
    """The peer has been silent for the time-out and the partition phase."""
    if cluster.view.ping_targets:
        cluster.log("public_lan_asked", "info", targets=list(cluster.view.ping_targets))
        cluster.out.append(Probe(_action(cluster, _looked), tuple(cluster.view.ping_targets)))
    else:
        _fence(cluster)


def tick(cluster: Cluster) -> None:
    """Try a fence that failed once more, a heartbeat time-out later."""
    if 0 <= cluster.fence_again_ms <= cluster.ran_ms:
        cluster.fence_again_ms = -1
        if _still(cluster):
            _fence(cluster)


def _looked(cluster: Cluster, done: StepDone) -> None:
    if done.ok:
        _fence(cluster)
    else:
        verdicts.give_up(cluster, f"{cluster.peer} is silent, and here {done.reason}")


def _fence(cluster: Cluster) -> None:
    if cluster.view.fences:
        cluster.log("fencing", "warning", server=cluster.peer)
        cluster.out.append(Fence(_action(cluster, _fenced), cluster.peer))
    else:
        verdicts.declare_down(cluster, REASON)


def _fenced(cluster: Cluster, done: StepDone) -> None:
    if done.ok:
        cluster.log("fenced", "warning", server=cluster.peer)
        verdicts.declare_down(cluster, f"{REASON}; it was fenced")
        return
    cluster.log("fencing_failed", "error", server=cluster.peer, reason=done.reason)
    cluster.fence_again_ms = cluster.ran_ms + cluster.view.timing.timeout_ms


def _action(cluster: Cluster, then: Callable[[Cluster, StepDone], None]) -> int:
    """An action whose answer counts only while the peer is silent still, and a member."""

    def answered(done: StepDone) -> None:
        if _still(cluster):
            then(cluster, done)

    return cluster.action(answered)


def _still(cluster: Cluster) -> bool:
    return (
        cluster.watch.state == DOWN and cluster.phase in OPERATING and cluster.life.peer_status in ("O", "")
    )
