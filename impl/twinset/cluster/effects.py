"""What the cluster core asks of the world: the only outputs of `Cluster.step`.

Duties of the shell, for the list of one step, strictly in order:

1. `Persist` is durable (written, fsynced) before any later effect of the list is begun. Values are JSON.
   At start the newest value of each key is handed back as `memory` to the constructor of `Cluster`.
2. `SendHeartbeat` and `SendPeer` leave in order. `SendPeer` is dropped when there is no connection; the
   core repeats what matters. A failed connection is reported once as `PeerUnreachable`.
3. `RunStep` and `MirrorCommand` are begun and not waited for; each ends in one `StepDone`. Steps are
   idempotent: starting what is started, or stopping what is stopped, succeeds. Commands to one mirror
   process keep their order.
4. `GrantLease` goes to every mirror process at once, before slower work.

Deviations from CONTRACTS.md: `MirrorCommand` has an `action_id` (0: nobody waits for the answer); the
activation of a mirror set is a `MirrorCommand(activate)` of its own that precedes
`RunStep(kind="mirror_disk", action="start")`, which attaches and mounts only; stopping is the reverse:
`RunStep(mirror_disk, stop)` unmounts and detaches, then `MirrorCommand(deactivate)`. `deactivate` carries
`{"revoke": true}` on a server that its peer has declared down: outstanding I/O is to be failed, not
drained, else the unmount would hang on the frozen device. `Halt` is added for `server shutdown`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twinset.wire.heartbeat import Heartbeat


@dataclass(frozen=True, slots=True)
class SendHeartbeat:
    """Encode with the cluster key and send to the peer's address on the LAN connection `lan`."""

    lan: str
    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True)
class SendPeer:
    """Send a JSON object to the core of the peer over the control connection."""

    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunStep:
    """Start, stop or abort resource number `index` of kind `kind` of a group.

    Kinds are the configuration's tables: mirror_disk, registry_key, floating_ip, virtual_ip,
    virtual_computer_name, script; `index` counts inside the kind. `environment` holds the ARMS_* variables for
    scripts [4.5.2-05].
    action "abort" names the running step `action_id`: it should end soon (kill the script); it has no
    `StepDone` of its own, the aborted step has. `associate`: the group's name stands for its address [7.3.1.4-01].
    """

    action_id: int
    group: str
    kind: str
    index: int
    action: str
    environment: Mapping[str, str] = field(default_factory=dict)
    associate: bool = True


@dataclass(frozen=True, slots=True)
class MirrorCommand:
    """Send a request of the control protocol to the mirror process of `set`.

    While that process does not run: `mark_stale` is written to its latch file by the shell and succeeds;
    all others fail with a reason.
    """

    action_id: int
    set: str
    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GrantLease:
    """Every mirror process of this server may do I/O until `until_ms` (CLOCK_BOOTTIME), not longer (R13)."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class Log:
    """One entry of the event log. Names are stable; severity is info, warning or error (= alert)."""

    name: str
    severity: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """The one answer to `request_id`: `result` when ok, else `error` {code, message, clause, help}."""

    request_id: int
    ok: bool
    result: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Persist:
    """Make `value` (JSON) durable under `key` in the daemon's memory."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class Halt:
    """This server has left the cluster (`server shutdown`): groups stopped, mirrors closed.

    The shell powers the server off or ends the daemon; when the daemon starts again, it is isolated (Od).
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Look at this server's public LANs; the `StepDone` is ok when they are good, else its reason says why not."""

    action_id: int
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fence:
    """Have the hook switch a server off; the `StepDone` is ok when it has confirmed that the server has no power."""

    action_id: int
    server: str


Effect = (
    SendHeartbeat
    | SendPeer
    | RunStep
    | MirrorCommand
    | GrantLease
    | Log
    | Reply
    | Persist
    | Halt
    | Probe
    | Fence
)
