"""What happened in a round, as facts, and the scenario for the simulated world that follows from them.

A scenario holds what was done to the pair, in order, and before each step how much was acknowledged and what the mirror
told since the step before. `python -m twinset.simulation.mirror --scenario FILE --seeds N` plays it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.wait import boot_s

FORMAT = 1
WRITES_A_STEP = 10  # so many writes of a real round are one of the simulated client, whose disks are small
# What the mirror core tells of itself in both worlds. Not what the daemons tell: the simulated ones are an oracle.
MIRROR_EVENTS = frozenset(
    {
        "access_revoked", "attach_refused", "disk_error", "diverged", "full_copy", "high_speed_copy", "mirror_break",
        "mirror_normal", "outdated", "rebuild_interrupted",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Fact:
    """A fault of that kind (`power-active`) struck or was repaired: when, and after how many acknowledged writes."""

    at_s: float  # since boot
    do: str  # "strike" or "repair"
    kind: str
    writes: int


def scenario(
    what: str, facts: Iterable[Fact], events: Iterable[Mapping[str, Any]], began_s: float
) -> dict[str, Any]:
    """The steps of a round that began then; `events` are the lines of both servers' event logs."""
    told = sorted((boot_s(each["time"]), each["event"]) for each in events if each["event"] in MIRROR_EVENTS)
    steps: list[dict[str, Any]] = []
    since_s, written = began_s, 0
    for fact in facts:
        fault, _, side = fact.kind.rpartition("-")
        if side not in ("active", "standby"):
            fault, side = fact.kind, ""
        between = [name for at_s, name in told if since_s < at_s <= fact.at_s]
        steps.append(
            {
                "do": fact.do,
                "fault": fault,
                "side": side,
                "writes": (fact.writes - written) // WRITES_A_STEP,
                "events": list(dict.fromkeys(between)),
            }
        )
        since_s, written = fact.at_s, fact.writes
    return {"format": FORMAT, "round": what, "steps": steps}


def leave(file: Path, values: Mapping[str, Any]) -> None:
    """Write a scenario for the reader."""
    file.write_text(json.dumps(values, indent=1) + "\n")
