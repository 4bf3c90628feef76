"""How cost grows with the size of what is served: start-up and memory over disk size and number of sets. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

GROWTH = "growth"
DISK_GIB, SETS = "disk size, GiB", "mirror sets"
SIZES = {DISK_GIB: (1, 10, 100), SETS: (1, 2, 4, 8)}
KINDS = {"start_s": "start-up, s", "rss_kib": "memory, KiB"}
TOLERANCE = 1.2  # what counts as no faster than linearly: times so much, for the noise
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
    """Each cost between the smallest size and every larger one."""
    found = []
    for size, points in growth.items():
        ordered = sorted(points, key=float)
        for kind in KINDS:
            costs = {place: points[place][kind] for place in ordered if kind in points[place]}
            if len(costs) < 2:
                continue
            first, *later = costs
            linear = all(
                costs[place] <= costs[first] * float(place) / float(first) * TOLERANCE for place in later
            )
            shown = ", ".join(f"{place}: {cost:.4g}" for place, cost in costs.items())
            found.append(Verdict(size, kind, linear, shown))
    return found
