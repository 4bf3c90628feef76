"""Is the peer alive? And what is this server itself? Two tables, and the timers behind the first.

Liveness of the peer, from heartbeats on all LANs alone:

    unheard  this twinsetd has not heard it yet
    up       heard within the heartbeat time-out H on at least one LAN
    silent   not heard for H: the partition phase of at least N runs [9.1-04]
    down     not heard for H + N: it counts as down [9.1-01]

Timers count only while this server itself ran: one tick adds at most `tick_gap_ms`, whatever the clock
says, because a longer gap was a pause and heartbeats may wait unread behind it (R13).

Phases of this server, with the status they show (notes 2.1): see PHASES. A server never returns to the
cluster by itself alone: `admitted` is a word of the server that operates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .view import Timing

UNHEARD, UP, SILENT, DOWN = "unheard", "up", "silent", "down"

LIVENESS: dict[tuple[str, str], str] = {
    (UNHEARD, "heard"): UP,
    (UNHEARD, "waited"): DOWN,
    (UP, "heard"): UP,
    (UP, "timeout"): SILENT,
    (SILENT, "heard"): UP,
    (SILENT, "waited"): DOWN,
    (DOWN, "heard"): UP,
}

STOPPED, STARTING, MEMBER, STOPPING = "stopped", "starting", "member", "stopping"
ISOLATED, RETURNING, EXPELLED, LEAVING, LEFT = "isolated", "returning", "expelled", "leaving", "left"

# phase, trigger -> phase. Triggers: start/stop/return/shutdown are the operator's; formed: both servers are
# there; alone: the peer stayed silent for the startup wait; outvoted: the peer operates and holds this
# server as down; admitted: the peer operates and holds this server as operating; expelled: the peer has
# declared this server down while it operated; idle: all groups are stopped; closed: all mirrors are closed; stays:
# it left to be isolated, for a snapshot or a backup [4.4-02].
PHASES: dict[tuple[str, str], str] = {
    (STOPPED, "start"): STARTING,
    (STOPPED, "outvoted"): ISOLATED,
    (ISOLATED, "start"): STARTING,
    (ISOLATED, "return"): RETURNING,
    (ISOLATED, "admitted"): MEMBER,
    (RETURNING, "admitted"): MEMBER,
    (RETURNING, "refused"): ISOLATED,
    (RETURNING, "start"): STARTING,
    (STARTING, "formed"): MEMBER,
    (STARTING, "admitted"): MEMBER,
    (STARTING, "alone"): MEMBER,
    (STARTING, "outvoted"): ISOLATED,
    (STARTING, "stop"): STOPPED,
    (MEMBER, "stop"): STOPPING,
    (MEMBER, "shutdown"): LEAVING,
    (MEMBER, "expelled"): EXPELLED,
    (STOPPING, "closed"): STOPPED,
    (STOPPING, "expelled"): EXPELLED,
    (LEAVING, "closed"): LEFT,
    (LEAVING, "expelled"): LEFT,
    (LEFT, "stays"): ISOLATED,
    (EXPELLED, "idle"): ISOLATED,
}

STATUS_OF = {
    STOPPED: "X",
    STARTING: "X",
    MEMBER: "O",
    STOPPING: "O",
    LEAVING: "O",
    ISOLATED: "Od",
    RETURNING: "Od",
    EXPELLED: "Od",
    LEFT: "Xd",
}
OPERATING = frozenset({MEMBER, STOPPING, LEAVING})
WORDS = {
    "O": "operating normally",
    "X": "stopped by cluster shutdown",
    "Xd": "down",
    "Od": "restarted after down, isolated",
}


def phase_after_boot(phase: str, *, same_boot: bool, was_down: bool) -> str:
    """The phase of a twinsetd that starts, from what its predecessor had made durable.

    Same boot: only twinsetd was restarted, everything goes on. Another boot: a server that operated went
    down and is isolated (Od); one that was stopped by a cluster shutdown may start with the cluster.
    """
    if same_boot:
        return ISOLATED if phase == LEFT else phase
    if phase in (STOPPED, STARTING):
        return ISOLATED if was_down else STOPPED
    return ISOLATED


@dataclass(slots=True)
class PeerWatch:
    """The liveness of the peer and how long each LAN has been silent, in time this server ran."""

    timing: Timing
    lans: tuple[str, ...]
    state: str = UNHEARD
    silent_ms: int = 0
    unheard_ms: int = -1  # since the newest word of the peer; -1: never heard
    last_tick_ms: int = -1
    lan_silent_ms: dict[str, int] = field(default_factory=dict)
    lost_lans: set[str] = field(default_factory=set)

    def tick(self, now_ms: int) -> list[str]:
        """Let time pass; returns the triggers that fired, in order."""
        ran_ms = 0 if self.last_tick_ms < 0 else min(now_ms - self.last_tick_ms, self.timing.tick_gap_ms)
        self.last_tick_ms = now_ms
        self.silent_ms += max(0, ran_ms)
        self.unheard_ms += max(0, ran_ms) if self.unheard_ms >= 0 else 0
        for lan in self.lans:
            self.lan_silent_ms[lan] = self.lan_silent_ms.get(lan, 0) + max(0, ran_ms)
        fired = []
        if self.state == UP and self.silent_ms >= self.timing.timeout_ms:
            fired.append(self._apply("timeout"))
        limit = self.timing.timeout_ms + self.timing.partition_wait_ms
        if self.state in (UNHEARD, SILENT) and self.silent_ms >= limit:
            fired.append(self._apply("waited"))
        return fired

    def newly_lost_lans(self) -> list[str]:
        """LANs whose silence has just passed the time-out while another LAN still carries heartbeats."""
        lost = [
            lan
            for lan in self.lans
            if lan not in self.lost_lans and self.lan_silent_ms.get(lan, 0) >= self.timing.timeout_ms
        ]
        self.lost_lans.update(lost)
        return lost

    def heard(self, lan: str, *, newest: bool) -> bool:
        """A heartbeat was accepted; returns whether the LAN had been lost.

        Only the newest word of the peer shows that it lives: an older one may have been kept by somebody.
        """
        self.lan_silent_ms[lan] = 0
        if newest:
            self.silent_ms = self.unheard_ms = 0
            self._apply("heard")
        restored = lan in self.lost_lans
        self.lost_lans.discard(lan)
        return restored

    def restart(self) -> None:
        """Forget the silence so far: the wait for the peer begins now."""
        self.silent_ms = 0
        if self.state != UP:
            self.state = UNHEARD

    def _apply(self, trigger: str) -> str:
        self.state = LIVENESS[self.state, trigger]
        return trigger
