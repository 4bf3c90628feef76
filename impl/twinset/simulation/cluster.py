"""Run the simulated cluster.

python -m twinset.simulation.cluster --seeds N [--start S]
python -m twinset.simulation.cluster --seed N --trace
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from twinset.cluster.groups import GROUP_STATES
from twinset.cluster.membership import LIVENESS, PHASES

from .cluster_faults import FAULTS_MS, HEAL_MS, REST_MS, Faults
from .cluster_hosts import Violation
from .cluster_invariants import Invariants
from .cluster_world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cluster_hosts import Host


ISOLATE_EVERY = 10  # in one of so many seeds servers are isolated too


@dataclass
class Outcome:
    """One seed: what was found, "" when nothing was, and what was exercised."""

    seed: int
    found: str
    steps: int
    faults: int
    world: World
    journal: list[str] = field(default_factory=list)


def isolations(world: World) -> None:
    """Plan that servers are isolated for a snapshot or a backup [4.4-02], at any moment of any fault."""

    def isolate(host: Host) -> None:
        world.request(host, "server.isolate", server=host.name)

    rng = Random(world.seed + 77)
    for _ in range(4):
        host = rng.choice(world.hosts)
        at_ms = rng.randrange(20_000, FAULTS_MS)
        world.after(at_ms, isolate, host)


def play(seed: int, more: Callable[[World], None] | None = None) -> Outcome:
    """Play one seed to its end or to the first broken invariant; `more` plans what the seed does not."""
    if more is None and seed % ISOLATE_EVERY == 0:
        more = isolations
    world = World(seed, Invariants)
    found = ""
    try:
        Faults(world).plan()
        if more is not None:
            more(world)
        world.run_until(HEAL_MS)
        reason = "not looked at"
        while reason and world.now_ms < REST_MS:
            world.run_until(world.now_ms + 5_000)
            reason = world.invariants.at_rest()
        world.invariants.require("comes-to-rest", not reason, reason)
    except Violation as violation:
        found = str(violation)
    except Exception:  # noqa: BLE001 - an error of the core is a finding too
        found = traceback.format_exc()
    return Outcome(seed, found, world.step_count, world.fault_count, world, world.journal)


def coverage_report(seen: Counter[tuple[str, str, str]]) -> str:
    """Which transitions of the three tables were taken, and which never."""
    lines = []
    for kind, table in (("phase", PHASES), ("liveness", LIVENESS), ("group", GROUP_STATES)):
        edges = {(before, after) for (before, _), after in table.items() if before != after}
        missing = sorted(edge for edge in edges if not seen[kind, *edge])
        lines.append(f"{kind}: {len(edges) - len(missing)} of {len(edges)} transitions")
        lines += [f"  never taken: {before} -> {after}" for before, after in missing]
    return "\n".join(lines)


def main() -> int:
    """Play seeds and report."""
    parser = argparse.ArgumentParser(prog="python -m twinset.simulation.cluster")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--start", type=int, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--keep-going", action="store_true", help="report every failing seed")
    parser.add_argument("--isolate", action="store_true", help="isolate servers in every seed, not in some")
    options = parser.parse_args()
    seeds = (
        [options.seed] if options.seed is not None else range(options.start, options.start + options.seeds)
    )
    started, failed, steps, faults = time.perf_counter(), 0, 0, 0
    seen: Counter[tuple[str, str, str]] = Counter()
    checked: Counter[str] = Counter()
    for seed in seeds:
        outcome = play(seed, isolations if options.isolate else None)
        steps += outcome.steps
        faults += outcome.faults
        seen += outcome.world.coverage
        checked += outcome.world.invariants.checked
        if options.trace:
            print("\n".join(outcome.journal))
        if outcome.found:
            failed += 1
            print(f"seed {seed}, step {outcome.steps}: {outcome.found}")
            more = " --isolate" if options.isolate else ""
            print(f"replay: python -m twinset.simulation.cluster{more} --seed {seed} --trace")
            if not options.keep_going:
                break
    count = len(seeds)
    spent_ms = (time.perf_counter() - started) * 1000
    print(
        f"{count} seeds, {failed} failed; {steps / count:.0f} steps and {faults / count:.1f} faults a seed; "
        f"{spent_ms / count:.0f} ms a seed"
    )
    print(coverage_report(seen))
    print("checks: " + ", ".join(f"{name} {number}" for name, number in sorted(checked.items())))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
