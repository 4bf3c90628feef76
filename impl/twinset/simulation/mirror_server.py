"""One simulated server: its disk, its latch on the system disk, its process when one runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.mirror.cluster_partition import Record, State

from . import mirror_disk as disks

if TYPE_CHECKING:
    from .mirror_process import Process
    from .mirror_world import World

EXTENTS, SHIFT = 8, 2


class Violation(Exception):  # noqa: N818 - the fact
    """A promise or an invariant was broken."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"[{rule}] {text}")
        self.rule = rule


class Server:
    """One server: its disk, its memory, its mirror process, and what its daemon believes."""

    def __init__(self, index: int, world: World) -> None:
        self.index = index
        self.name = f"server{index + 1}"
        self.world = world
        self.disk = disks.Disk(world.size, world.rng)
        self.up = True
        self.stays_off = False  # for long, after a crash or a halt
        self.boot = 1 + index
        self.paused = False
        self.lease_out = False  # paused for so long that its lease has run out
        self.shm: tuple[list[int], bytearray, list[int]] | None = None
        self.process: Process | None = None
        self.latch: Record | None = None
        self.job: dict[str, Any] = {}  # of a comparison, on the system disk
        # the daemon
        self.known_boot = 0
        self.peer_down = False
        self.declared_down = False
        self.member = False
        self.leased = False
        self.right = False  # to start alone: it was given at a shutdown that came to its end (R7)
        # the oracle
        self.lossy = False  # lost unflushed writes since it was last in step
        self.forgot = False  # its process lost received writes since then

    def replace_disk(self) -> None:
        """Put a new, blank disk into the server, whose process does not run."""
        self.disk = disks.Disk(self.world.size, self.world.rng)
        self.latch = None
        self.lossy = self.forgot = True

    @property
    def faulty(self) -> bool:
        """True once its side has recorded that its disk failed."""
        return self.latch is not None and self.latch.state == State.FAULTY

    def load(self) -> Record:
        """Read the record as a starting process does; the worse verdict of disk and latch wins (R1)."""
        record, latch = self.disk.record_latest, self.latch
        if (
            latch is not None
            and latch.cur == record.cur
            and latch.state in (State.STALE, State.FAULTY, State.DIVERGED)
            and record.state in (State.IN_SYNC, State.FINISHING, State.SOLO)
        ):
            return record.replace(state=latch.state)
        return record
