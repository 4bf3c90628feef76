"""How cost grows with the size of what is served: disks, mirror sets, copies to plan, groups. Pure.

A cost grows no faster than linearly when, between any two sizes, it grows by no more than they do, times TOLERANCE. A
start-up that costs the same at every size passes; twice the groups at four times the cost do not, wherever in the row
that begins.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

GROWTH = "growth"
DISK_MIB, SETS, PLANNING, GROUPS = "disk size, MiB", "mirror sets", "disk to be copied, MiB", "groups"
SMALLEST_MIB = 6  # partition table, a CLUSTER partition as the lab makes it, 1 MiB of data
DISKS_MIB = (SMALLEST_MIB, 64, 1 << 10, 10 << 10, 100 << 10)
SIZES = {DISK_MIB: DISKS_MIB, SETS: (1, 2, 4, 8), PLANNING: DISKS_MIB, GROUPS: (1, 8, 64)}
KINDS = {
    "start_s": "start-up, s",
    "rss_kib": "memory, KiB",
    "walk_cpu_ms": "processor time of a sparse difference, ms",
    "permit_s": "from the permit to the first block, s",
    "permit_cpu_ms": "processor time until then, ms",
    "switch_s": "switch, from the detection, s",
}
# What is too little to be told from nothing: ticks of the processor time, the client's pace. Less counts as so much.
FLOORS = {"permit_cpu_ms": 20.0, "permit_s": 0.05, "walk_cpu_ms": 0.1, "switch_s": 0.2}
TOLERANCE = 1.2  # for the noise
Points = Mapping[str, Mapping[str, float]]  # size -> kind of cost -> cost


@dataclass(frozen=True)
class Verdict:
    """One cost over one size."""

    size: str
    kind: str
    linear: bool
    shown: str

    def __str__(self) -> str:
        word = "met" if self.linear else "MISSED"
        return f"{word:<12} {KINDS[self.kind]} over {self.size}: {self.shown}; grows no faster than linearly is wanted"


def judge(growth: Mapping[str, Points]) -> list[Verdict]:
    """Each cost between any two sizes."""
    found = []
    for size, points in growth.items():
        for kind in KINDS:
            costs = costs_of(points, kind)
            if len(costs) < 2:
                continue
            linear = all(
                later <= max(sooner, FLOORS.get(kind, 0.0)) * large / small * TOLERANCE
                for (small, sooner), (large, later) in itertools.combinations(costs.items(), 2)
            )
            shown = ", ".join(f"{place:g}: {cost:.4g}" for place, cost in costs.items())
            found.append(Verdict(size, kind, linear, shown))
    return found


def costs_of(points: Points, kind: str) -> dict[float, float]:
    """One kind of cost by size, the smallest first."""
    return {float(place): points[place][kind] for place in sorted(points, key=float) if kind in points[place]}


def passed(growth: Mapping[str, Points]) -> bool:
    """True when something was measured and all of it grows as it should."""
    verdicts = judge(growth)
    return bool(verdicts) and all(verdict.linear for verdict in verdicts)
