"""One side of a simulated mirror set: its durable record, and what dies with its process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cluster_hosts import Host

OUTDATED = ("STALE", "INCONSISTENT", "FAULTY", "BLANK")


@dataclass(slots=True)
class Side:
    """One side: what is durable, then what dies with its process."""

    host: Host
    state: str = "IN_SYNC"
    cur: int = 1
    base: int = 0
    clean: bool = True
    solo_right: bool = False
    boot: int = 0
    target_of: int = 0
    data: int = 0  # number of the last write it holds
    alive: bool = False
    active: bool = False
    session: str = "none"
    lost_ms: int = -1  # since when the session hears nothing
    lease_ms: int = -1  # on the clock of its host
    peer_down: bool = False
    outdated_cur: int = 0
    rebuild: bool = False
    closed: bool = False
    unsure_ms: int = -1
    frozen_ms: int = 0  # since when it serves without a valid lease
    waiting: Callable[[bool, str], None] | None = None  # an activation that waits
    waiting_ms: int = 0

    @property
    def sound(self) -> bool:
        """Nothing unflushed was lost since the record was opened."""
        return self.clean or self.boot == self.host.boot

    @property
    def frozen(self) -> bool:
        """No valid lease: I/O waits."""
        return self.host.clock_ms() > self.lease_ms

    @property
    def can_write(self) -> bool:
        """A write of an application would reach the disk now."""
        return self.active and self.alive and self.host.runs and not self.frozen and self.state != "FAULTY"
