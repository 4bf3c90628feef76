"""What a run would measure and how long that takes, before it begins. Pure."""

from collections.abc import Iterator

from perf.figures.matrix import SCENE_S, Cell, Matrix, cost_s
from perf.figures.pace import clock


def lines(plan: Matrix) -> Iterator[str]:
    """A line a block, with the cells that no block before it has; then the whole."""
    seen: set[Cell] = set()
    for block in plan.blocks:
        fresh = [cell for cell in block.cells() if cell not in seen]
        seen.update(fresh)
        seconds = sum(cost_s(cell, plan.seconds) * plan.rounds_of(cell) for cell in fresh)
        told = "; ".join(
            f"{job}: {', '.join(cell.row for cell in fresh if cell.job == job)}"
            for job in dict.fromkeys(cell.job for cell in fresh)
        )
        yield f"{clock(seconds):>6}  {block.name}: {told or 'all of it is in the blocks before'}"
    for scene in sorted({cell.scene for cell in seen}, reverse=True):
        yield f"{clock(SCENE_S[scene]):>6}  the {scene}, made and taken down"
    promise = f"; {plan.minutes:g} minutes are promised" if plan.minutes else ""
    yield (
        f"{clock(plan.estimated_s()):>6}  {plan.name}: {len(seen)} cells, {plan.rounds} rounds of {plan.seconds:g} s, "
        f"disks of {plan.disk_mib} MiB{promise}"
    )
