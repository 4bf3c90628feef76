"""The world of `mirror_world.py` in which both sides are written apart, and servers die while that is resolved."""

from __future__ import annotations

from typing import Any

from twinset.mirror.cluster_partition import State

from .mirror_world import World

SPLIT_RATE = 0.02
CRASH_RATE = 0.03
SPLIT_STEPS = 250  # a partition ends when both sides have gone on alone, or after so many


class SplitWorld(World):
    """The same disks, links and faults; total partitions come often, and heal."""

    def __init__(self, seed: int, **options: Any) -> None:
        self.split_at = 0
        super().__init__(seed, **options)
        self.faults.partitions = True

    def step(self) -> None:
        """Cut every path while both sides are in step; let somebody die while an operator's word is carried out."""
        records = [server.disk.record_latest for server in self.servers]
        states = {record.state for record in records}
        if states == {State.IN_SYNC} and not self.healing and self.rng.random() < SPLIT_RATE:
            self.faults.split(self.rng.randrange(2))
            self.split_at = self.step_count
        apart = states <= {State.SOLO, State.DIVERGED}
        self.faults.heals = apart or self.step_count - self.split_at > SPLIT_STEPS
        resolving = any(record.yielded for record in records) or self.membership.resolving
        if resolving and self.heartbeat and self.rng.random() < CRASH_RATE:
            process = self.servers[self.rng.randrange(2)].process
            if process is not None:
                self.faults.crash_soon(process)
        super().step()
