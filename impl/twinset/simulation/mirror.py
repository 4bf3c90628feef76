"""Run the simulated mirror pair: `python -m twinset.simulation.mirror --seeds N [--start S] | --seed S [--trace]`."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .mirror_permits import PermitWorld
from .mirror_scenario import ScenarioWorld, parse
from .mirror_server import Violation
from .mirror_split import SplitWorld
from .mirror_verify import VerifyWorld
from .mirror_world import World

if TYPE_CHECKING:
    from collections.abc import Callable


class PathWorld(World):
    """A world in which one of the two mirror connects breaks again and again."""

    PATHS_BREAK = True


class DiskWorld(World):
    """A world in which disks fail again and again."""

    DISKS_FAIL = 1.0


WORLDS: Final[dict[str, type[World]]] = {
    "permits": PermitWorld, "verify": VerifyWorld, "splits": SplitWorld, "disks": DiskWorld, "paths": PathWorld,
}  # fmt: skip


# Every row of the copy table (mirror/copy_mode.py), with what it may decide. Some need a world of their own.
ROWS: Final = frozenset(
    {
        "forced:apart", "rival:diverged", "in-step:undecided", "in-step:refuse", "in-step:none", "in-step:window",
        "in-step:full", "in-step:high-speed", "source-unfit:refuse", "target-replaced:full", "resolved:full",
        "resolved:high-speed", "target-faulty:full", "source-unsure:full",
        "difference:high-speed", "else:full", "fastsync-off:full", "opened-unsure:full",
    }
)  # fmt: skip
HELD: Final = {
    "forced:apart": " (--permits)",
    "else:full": " (--permits)",
    "resolved:full": " (--splits)",
    "resolved:high-speed": " (--splits)",
}


def play(seed: int, *, trace: bool = False, world_type: Callable[..., World] = World) -> tuple[World, str]:
    """Play one seed and return the world with the violation, or "" when there was none."""
    world = world_type(seed, trace=trace)
    try:
        world.play()
    except Violation as violation:
        return world, str(violation)
    except Exception:  # noqa: BLE001 - a bug of the core is a finding like any other
        return world, traceback.format_exc()
    return world, ""


def chosen(options: argparse.Namespace) -> tuple[Callable[..., World], str]:
    """Return the world that is asked for, and the words that ask for it."""
    if options.scenario is not None:
        return partial(
            ScenarioWorld, scenario=parse(options.scenario.read_text())
        ), f" --scenario {options.scenario}"
    for name, world in WORLDS.items():
        if getattr(options, name):
            return world, f" --{name}"
    return World, ""


def main() -> int:
    """Play seeds and report."""
    parser = argparse.ArgumentParser(prog="python -m twinset.simulation.mirror")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--start", type=int, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--permits", action="store_true", help="with an operator who permits access")
    parser.add_argument("--disks", action="store_true", help="with disks that fail again and again")
    parser.add_argument("--paths", action="store_true", help="with mirror connects that break one at a time")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument(
        "--keep-going", action="store_true", help="report every failing seed, not only the first"
    )
    parser.add_argument("--verify", action="store_true", help="with comparisons, and sectors that rot")
    parser.add_argument(
        "--splits", action="store_true", help="with sides that are written apart again and again"
    )
    parser.add_argument("--scenario", type=Path, help="with the faults of a round of a soak, as it left them")
    options = parser.parse_args()
    kind, more = chosen(options)
    seeds = (
        [options.seed] if options.seed is not None else range(options.start, options.start + options.seeds)
    )
    started, steps, faults, checked, failed, acknowledged = time.perf_counter(), 0, 0, 0, 0, 0
    rows: set[str] = set()
    for seed in seeds:
        world, violation = play(seed, trace=options.trace, world_type=kind)
        steps += world.step_count
        faults += world.faults.count
        checked += world.in_step_checked
        acknowledged += world.client.acknowledged
        rows |= world.rows
        if options.trace and world.trace:
            print("\n".join(world.trace))
        if violation:
            failed += 1
            print(f"seed {seed}, step {world.step_count}: {violation}")
            print(f"replay: python -m twinset.simulation.mirror{more} --seed {seed} --trace")
            if not options.keep_going:
                break
    spent = time.perf_counter() - started
    count = len(seeds)
    print(
        f"{count} seeds, {failed} failed; {steps / count:.0f} steps, {faults / count:.1f} faults and "
        f"{acknowledged / count:.0f} acknowledged writes a seed; equality checked {checked} times; "
        f"{spent * 1000 / count:.0f} ms a seed"
    )
    print(f"rows of the copy table taken: {', '.join(sorted(rows))}")
    for row in sorted(ROWS - rows):
        print(f"  never taken: {row}{HELD.get(row, '')}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
