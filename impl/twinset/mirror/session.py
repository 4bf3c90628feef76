"""The nouns of a side: its settings, a session with the other side, what it was told, what waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .cluster_partition import NO_ID

if TYPE_CHECKING:
    from .copy_mode import Decision, View

IDLE, SOURCE, TARGET = "idle", "source", "target"
CONNECTED, ATTACHING, COPY_RUNS, FINISHING, IN_STEP, COVERED = (
    "connected",
    "attaching",
    "copying",
    "finishing",
    "in_sync",
    "covered",  # the disk of the side that serves has failed, the other side's disk does everything
)


@dataclass(slots=True)
class Settings:
    """Limits and times of one side; times are already scaled."""

    server: str
    server_index: int
    boot_id: bytes
    piece_max: int
    mirror_timeout_ms: int
    mark_interval_ms: int
    server_uuid: bytes = NO_ID
    fastsync: bool = True
    disk: str = ""
    data_start_bytes: int = 0  # of the mirrored area on the disk


@dataclass(slots=True)
class Session:
    """A connection that both sides have authenticated, with what the other side said of itself."""

    peer: View
    peer_server: str
    peer_map: bytes  # marks: what the other side is not sure of
    peer_role: str
    peer_serving: bool
    phase: str = CONNECTED
    decision: Decision | None = None
    asked_source: bool = False
    asked_stale: bool = False
    wanted: bool = False
    since_ms: int = 0
    features: frozenset[str] = frozenset()  # what the other side's program can do beyond the first version


@dataclass(slots=True)
class Pending:
    """An operator's or the cluster's request that waits for a condition."""

    request: Any
    since_ms: int
    asked_ms: int = -1
    solo_right: bool = False


@dataclass(slots=True)
class Told:
    """What membership and the operator have said."""

    peer_down: bool = False
    peer_outdated: int = 0  # the generation whose other half is durably STALE
    rebuild: bool = False
    last_copy: tuple[str, int] = ("", 0)
    frozen: str = ""
    refusal: str = ""  # why the other side did not attach; "" once it has
