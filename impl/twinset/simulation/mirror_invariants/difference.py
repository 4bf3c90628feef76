"""Promise 4 and rule R3: what a side calls equal is equal, durably, whatever crashes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinset.mirror.cluster_partition import State

if TYPE_CHECKING:
    from twinset.mirror.maps import Maps
    from twinset.simulation.mirror_disk import Io
    from twinset.simulation.mirror_server import Server
    from twinset.simulation.mirror_world import World


def difference_is_covered(world: World) -> None:
    """Outside window and difference of a side that may become source, both disks can only hold one value."""
    unequal = None
    for server, other in (world.servers, world.servers[::-1]):
        maps = _maps_that_count(server, other)
        if maps is None:
            continue
        if unequal is None:
            unequal = _unequal(world)
        durable = maps.durable
        for sector in unequal:
            extent = sector >> world.shift
            if not maps.dirty[extent] and maps.window[extent] <= durable:
                one, two = (each.disk.outcomes(sector) for each in world.servers)
                world.violation(
                    "3 cover", f"{server.name} calls extent {extent} equal; sector {sector}: {one} and {two}"
                )


def _maps_that_count(server: Server, other: Server) -> Maps | None:
    process = server.process
    if process is None or not process.side.maps.continuous:
        return None
    mine, theirs = process.side.record, other.disk.record_latest
    if not (mine.clean or mine.boot_id == process.side.settings.boot_id):  # `View.sound`, in a hot loop
        return None
    if mine.state == State.IN_SYNC:
        counts = theirs.state in (State.IN_SYNC, State.FINISHING) and theirs.cur == mine.cur
        counts = counts and not server.forgot
    elif mine.state == State.SOLO and mine.base:
        counts = (
            theirs.cur == mine.base and theirs.state in (State.IN_SYNC, State.STALE, State.FINISHING)
        ) or (theirs.state == State.INCONSISTENT and theirs.target_of in (mine.cur, mine.base))
    elif mine.state == State.FINISHING:
        counts = theirs.state == State.INCONSISTENT and theirs.target_of == mine.cur
    else:
        counts = False
    return process.side.maps if counts else None


def _unequal(world: World) -> list[int]:
    one, two = (server.disk for server in world.servers)
    sectors = {*one.pending, *two.pending}
    if one.durable != two.durable:
        sectors.update(at for at in range(world.size) if one.durable[at] != two.durable[at])
    sectors -= world.rotten
    nothing: list[tuple[int, Io]] = []
    found = []
    for at in sectors:  # the innermost loop of the simulation: `outcomes`, without its sets
        value = one.durable[at]
        if value != two.durable[at]:
            found.append(at)
            continue
        for entry in (*one.pending.get(at, nothing), *two.pending.get(at, nothing)):
            if entry[0] != value:
                found.append(at)
                break
    return found
