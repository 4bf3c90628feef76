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
        self.given_up = -1  # the server whose side waits to be overwritten
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
        self._strike()
        super().step()

    def _strike(self) -> None:
        """Let somebody die while the word is carried out: anybody now and then, the side that was given up rather."""
        if not self.heartbeat:
            return
        for server in self.servers:
            record = server.disk.record_latest
            begins = (
                server.index == self.given_up and record.state == State.INCONSISTENT and not record.yielded
            )
            if record.yielded or begins:
                self.given_up = server.index if record.yielded else -1
                if self.rng.random() < (0.5 if begins else 0.02) and not self.faults.protected(server.index):
                    self.crash_server(server)
        if self.membership.resolving and self.rng.random() < CRASH_RATE:
            process = self.servers[self.rng.randrange(2)].process
            if process is not None:
                self.faults.crash_soon(process)
