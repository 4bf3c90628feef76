"""Writes are judged at the moment they go to a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinset.mirror.cluster_partition import State
from twinset.mirror.operations import COPY, Op

if TYPE_CHECKING:
    from twinset.simulation.mirror_process import Process
    from twinset.simulation.mirror_world import World


def check_submit(world: World, process: Process, op: Op, values: list[int]) -> None:
    """Judge a write at the moment it goes to the disk (R2, R6)."""
    server, other = process.server, world.servers[1 - process.index]
    durable = server.disk.record_durable
    side = process.side
    if op.request == "target":
        session = side.session
        full = (
            session is not None
            and session.decision is not None
            and session.decision.mode in ("full", "high-speed")
        )
        if op.kind == COPY and full and durable.state != State.INCONSISTENT:
            world.violation(
                "6 inconsistent", f"{server.name} copies while its record says {durable.state.name}"
            )
        return
    if durable.state == State.IN_SYNC and not server.disk.bad:
        got = world.best(other) if other.up else other.disk.latest
        theirs = other.disk.record_latest
        may_take_over = theirs.state == State.IN_SYNC and not (other.lossy or other.forgot or other.disk.bad)
        if may_take_over and any(value > got[op.offset + at] for at, value in enumerate(values)):
            world.violation("2 order", f"{server.name} writes v{values} that the other side has not received")
