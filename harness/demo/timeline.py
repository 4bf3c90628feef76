"""Where the time of a failover went, from the survivor's own events and PostgreSQL's log."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.labs.server import Server
from harness.wait import boot_s

# The events that end each stage, in order; the names are those of the event log.
STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("no heartbeat on any network for the whole time-out", ("heartbeat_lost",)),
    ("network-partition phase over: the server is down", ("server_down",)),
    ("mirror set active here, file system mounted", ("mirror_disk_started",)),
    ("floating IP address announced here", ("floating_ip_started",)),
    ("PostgreSQL recovered and open", ("script_started",)),
)
_POSTGRES_LINE = re.compile(r"(\d+\.\d+) \[\d+\] LOG:  (.*)")


@dataclass(frozen=True)
class Stage:
    """One stage and when it ended, in milliseconds after the cut."""

    name: str
    end_ms: float


def failover(survivor: Server, cut_at_s: float, first_row_at_s: float) -> list[Stage]:
    """The stages that the survivor's events show, and the client's first row at the end."""
    found = [*ends(survivor.events(), cut_at_s), Stage("the client's first row after it", first_row_at_s)]
    return [Stage(stage.name, (stage.end_ms - cut_at_s) * 1000) for stage in found]


def ends(events: Iterable[Mapping[str, Any]], cut_at_s: float) -> list[Stage]:
    """Each stage with the time (seconds since boot) of the first event after the cut that ends it."""
    times: dict[str, float] = {}
    for event in events:
        at = event.get("time")
        if isinstance(at, (int, float)) and boot_s(at) >= cut_at_s:
            times.setdefault(str(event.get("event")), boot_s(at))
    stages = []
    for name, wanted in STAGES:
        at_s = min((times[event] for event in wanted if event in times), default=None)
        if at_s is not None:
            stages.append(Stage(name, at_s))
    return stages


def rows(stages: Sequence[Stage]) -> list[tuple[str, str, str]]:
    """The table: name, when, how long."""
    table, before = [], 0.0
    for stage in stages:
        table.append((stage.name, f"{stage.end_ms:,.0f}", f"{stage.end_ms - before:,.0f}"))
        before = stage.end_ms
    return table


def recovery_ms(postgres_log: str) -> float | None:
    """How long PostgreSQL's last crash recovery took: from finding itself interrupted to being open."""
    begun: float | None = None
    took: float | None = None
    for line in postgres_log.splitlines():
        match = _POSTGRES_LINE.search(line)
        if match is None:
            continue
        at, message = float(match[1]), match[2]
        if message.startswith("database system was interrupted"):
            begun = at
        elif message.startswith("database system is ready") and begun is not None:
            took = (at - begun) * 1000
            begun = None
    return took
