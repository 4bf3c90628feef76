"""The world of `mirror_world.py` with an operator who has both sides compared, and disks that rot silently.

While faults go on nothing has rotted: whatever is reported then is a false report. When everything is repaired,
sectors of one disk change by themselves, connections are cut and processes die while a comparison looks for
them: each has to be found, nothing else, and a repair ends with equal disks.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from twinset.mirror.session import SOURCE

from .mirror_world import HEAL_STEPS, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from twinset.mirror.verify_job import Job

    from .mirror_process import Process

RATE = 0.04
ROTTEN = -1
HOT_SECTORS = 8  # what the client uses while something has rotted
LOOK_STEPS = 1200


class VerifyWorld(World):
    """The same disks, links and faults, and comparisons."""

    def __init__(self, seed: int, **options: Any) -> None:
        self.rotten: set[int] = set()
        self.sought: dict[int, set[int]] = {}  # by comparison: what had rotted when it began
        self.operator = Random(seed)
        self.asks = True
        self.compared = {"equal": 0, "differs": 0, "repaired": 0}
        super().__init__(seed, **options)

    # -- the operator -----------------------------------------------------------------------------------

    def step(self) -> None:
        """Let the operator ask now and then; else as ever."""
        if self.asks and self.operator.random() < RATE:
            self.ask(repair=bool(self.rotten) and self.operator.random() < 0.3)
        super().step()

    def ask(self, *, repair: bool) -> None:
        """Ask the side that writes for a comparison."""
        process = self.source()
        if process is not None:
            verify = process.side.verify
            self.run(process, lambda: verify.start(("verify", 0), repair=repair))

    def source(self) -> Process | None:
        """Return the process of the side that writes."""
        for server in self.servers:
            if server.process is not None and server.process.side.role == SOURCE and not server.paused:
                return server.process
        return None

    # -- what is said -----------------------------------------------------------------------------------

    def logged(self, index: int, name: str, fields: dict[str, Any]) -> None:
        """Judge what a comparison says."""
        super().logged(index, name, fields)
        process = self.servers[index].process
        job = process.side.verify.job if process is not None else None
        if name == "verify_started" and job is not None:
            self.sought[job.number] = set(self.rotten)
        elif name == "verify_difference":
            sectors = range(fields["offset"], fields["offset"] + fields["bytes"])
            if not any(sector in self.rotten and self.differs(sector) for sector in sectors):
                self.violation("15 false", f"{list(sectors)} were reported, and only writes are on their way")
        elif name in ("verify_equal", "verify_differs", "verify_repaired"):
            self.compared[name.removeprefix("verify_")] += 1
            self._judge(name, job)

    def differs(self, sector: int) -> bool:
        """True when the disks differ there."""
        one, two = self.servers
        return one.disk.latest[sector] != two.disk.latest[sector]

    def _judge(self, name: str, job: Job | None) -> None:
        """What one side has ended may be an older comparison than the last one that the other side began."""
        ranges, sought = (job.ranges, self.sought.get(job.number, ())) if job else ([], ())
        found = {at for offset, length in ranges for at in range(offset, offset + length)}
        left = {sector for sector in sought if self.differs(sector)}
        if not left <= found:
            self.violation("15 missed", f"sectors {sorted(left - found)} differ, and {name} was said")
        if name == "verify_repaired" and left:
            self.violation("15 repair", f"sectors {sorted(left)} differ after the repair")

    # -- rot --------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Run the seed as ever, then let sectors rot and look for them."""
        super().play()
        if not any(server.disk.bad for server in self.servers):
            self._rot()
            self._look()

    def _rot(self) -> None:
        disk = self.servers[self.operator.randrange(2)].disk
        cold = range(HOT_SECTORS, self.size)
        self.rotten = set(self.operator.sample(cold, self.operator.randrange(1, 4)))
        self.client.hot_only = True
        for sector in sorted(self.rotten):
            self.note(0, f"sector {sector} rots")
            disk.latest[sector] = disk.durable[sector] = ROTTEN
            disk.pending.pop(sector, None)
            self.client.floor[sector] = self.client.seen[sector] = ROTTEN

    def _look(self) -> None:
        for _ in range(LOOK_STEPS):
            if self.operator.random() < 0.01:
                self.faults.gentle(self.operator.randrange(2))
            self.step()
        self.asks = False
        self.faults.repair()
        self._until(self.normal, "the pair does not become normal")
        self._until(self._mended, "what has rotted is not mended")

    def _mended(self) -> bool:
        """True when no comparison is under way and the disks are equal; ask for a repair until then."""
        process = self.source()
        if process is None or not self.normal() or (process.side.verify.job and process.side.verify.job.open):
            return False
        if any(self.differs(sector) for sector in self.rotten):
            self.ask(repair=True)
            return False
        return True

    def _until(self, fact: Callable[[], bool], what: str) -> None:
        for _ in range(HEAL_STEPS):
            if fact():
                return
            self.step()
        self.violation("liveness", f"{what}: {self.describe()}")
