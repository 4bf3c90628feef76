"""What can happen to the cluster core: the only inputs of `Cluster.step`.

Duties of the shell (`shell/daemon.py`):

1. One event at a time, in the order in which things happened; every effect of a step is carried out, in
   order, before the next event is fed (see effects.py).
2. `Tick` comes every `ClusterView.tick_ms`, *after* all sockets have been drained: a server that was paused
   first reads what it missed and only then lets a timer advance (mirror-rules R13).
3. All times are milliseconds of this server's CLOCK_BOOTTIME. The core never reads a clock, and compares
   only times of its own server.
4. Every `RunStep` (start or stop), every `Probe` and every `MirrorCommand` with an action id is answered by
   exactly one `StepDone`, in bounded time. Also when the step was aborted, timed out or could not begin.
5. A heartbeat enters only after `wire.heartbeat.decode` accepted its authentication; a `PeerMessage` only
   from the authenticated control connection. Replay and freshness are judged by the core.

Deviations from CONTRACTS.md: `StepDone` also answers `MirrorCommand` (it carries its action id);
`ResourceLost` is added for resource monitoring [6.3-19]; requests `cluster.create`, `check` and `events`
never reach the core (there is no core before `cluster create`; the daemon owns them).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twinset.wire.heartbeat import Heartbeat


@dataclass(frozen=True, slots=True)
class Tick:
    """This server ran: its clock says `now_ms`."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class HeartbeatReceived:
    """An authenticated datagram arrived on the LAN connection named `lan`."""

    lan: str
    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True)
class PeerMessage:
    """A JSON object the peer's core passed to `SendPeer`; ordered, each at most once, possibly lost."""

    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PeerUnreachable:
    """The control connection ended or cannot be opened; what was sent lately may be lost.

    No verdict on the peer: only heartbeats decide whether it is down.
    """


@dataclass(frozen=True, slots=True)
class MirrorStatus:
    """The mirror process of `set` reported: `status` is the object of its `status` request, unchanged."""

    set: str
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MirrorNeedsPeerStale:
    """The active side wants to go on alone: the peer's STALE for generation `cur` must be durable (R1)."""

    set: str
    cur: str


@dataclass(frozen=True, slots=True)
class MirrordUp:
    """The mirror process of `set` runs and its control socket answers."""

    set: str


@dataclass(frozen=True, slots=True)
class MirrordDied:
    """The mirror process of `set` ended (the shell restarts it; `MirrordUp` follows)."""

    set: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepDone:
    """The step or mirror command `action_id` ended; a failure has a reason.

    `result` is the answer of a mirror command, empty for steps.
    """

    action_id: int
    ok: bool
    reason: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""  # the class of the error, where it is more than E_STATE


@dataclass(frozen=True, slots=True)
class ResourceLost:
    """Monitoring found a resource of a running group broken [6.3-19]; the group should fail over."""

    group: str
    kind: str
    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Request:
    """An operator's request from the API of this server; answered by exactly one `Reply`.

    Verbs and arguments: cluster.start {}, cluster.stop {}, cluster.status {}, server.return {server?},
    server.shutdown {server?}, group.start {group, server?}, group.stop {group}, group.move {group, server?},
    group.list {}, mirror.create {set, source?, wait?}, mirror.status {set?}, mirror.permit {set,
    server?}, mirror.forced_permit {set, server?, confirm}, mirror.restrict {set, server?}, mirror.forced_return {set,
    server?, confirm}, mirror.stats {set, server?}, mirror.latency {set, server?, every}, mirror.functions {set?,
    server?}. From scripts: group.failover {group, server?, reason?}, group.restart_scripts {group, reason?},
    message.broadcast {text, group?, here?}, share.report {share, address, accessible, reason?, group?}, lan.probe
    {server?, targets?}, name.associate {name?, group?, associate}; server.shutdown takes {at_once?, needs_peer?,
    reason?} too.
    `server` defaults to: return, the isolated server; shutdown, the server that was asked; group start, the
    best operating server of the policy; group move, the other server. `mirror.create` with the asked server
    as source and no peer in reach needs no peer; mirror.* with `server` is for that server's side, default the asked.
    """

    request_id: int
    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)


Event = (
    Tick
    | HeartbeatReceived
    | PeerMessage
    | PeerUnreachable
    | MirrorStatus
    | MirrorNeedsPeerStale
    | MirrordUp
    | MirrordDied
    | StepDone
    | ResourceLost
    | Request
)
