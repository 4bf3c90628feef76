"""Promise 5: at most one side answers clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinset.mirror.write_path import FAILED

if TYPE_CHECKING:
    from twinset.simulation.mirror_world import World


def at_most_one_serves(world: World) -> None:
    """No two sides serve at once, unless one is stopped by its lease or by a pause, or was forced open (8.7-09).

    One whose disk was given up answers everything with an error: it shows nothing.
    """
    serving = [
        server.name
        for server in world.servers
        if server.process is not None
        and server.process.side.serving
        and not server.process.side.path.frozen
        and server.process.side.path.mode != FAILED
        and not server.process.side.record.forced
        and not server.paused
    ]
    if len(serving) > 1 and not world.partitioned:
        world.violation("5 serving", "both sides serve")
