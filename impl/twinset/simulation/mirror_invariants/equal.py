"""Promise 2: sides that are in step and quiet hold the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinset.mirror.cluster_partition import State
from twinset.mirror.session import IN_STEP, SOURCE, TARGET

if TYPE_CHECKING:
    from twinset.simulation.mirror_world import World


def equal_when_in_step(world: World) -> None:
    """With a session in step and nothing in flight the disks are byte-identical."""
    one, two = (server.process for server in world.servers)
    if one is None or two is None or one.conn is None or one.conn is not two.conn:
        return
    sides = (one.side, two.side)
    if {side.role for side in sides} != {SOURCE, TARGET}:
        return
    source = sides[0] if sides[0].role == SOURCE else sides[1]
    if any(side.failed or side.record.state != State.IN_SYNC for side in sides):
        return
    if source.session is None or source.session.phase != IN_STEP or source.path.ranges:
        return
    if any(side.target.inflight for side in sides) or any(server.disk.inflight for server in world.servers):
        return
    world.in_step_checked += 1
    left, right = (server.disk.latest for server in world.servers)
    if left != right:
        differ = (sector for sector in range(world.size) if left[sector] != right[sector])
        at = next((sector for sector in differ if sector not in world.rotten), -1)
        if at < 0:
            return
        world.violation("equal", f"sector {at} is v{left[at]} on server1 and v{right[at]} on server2")
