"""What the last failover to a server took, from that server's own event log. Pure.

The log says when the other server was declared down or left (`server_down`, `server_left`), how long each resource took
to start (field `ms` of `floating_ip_started` and its like), and when each group was active (`group_state`). How long
the heartbeats had been silent before is the time-out itself: nobody can log a moment that nobody noticed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DOWN: Final = "server_down"
GONE: Final = (DOWN, "server_left")
SILENT: Final = "heartbeat_lost"
FAILS_OVER: Final = "group_fails_over"
STATE: Final = "group_state"
STARTED: Final = "_started"
COPIES: Final = frozenset({"full_copy", "high_speed_copy"})
INTERRUPTED: Final = "rebuild_interrupted"
EQUAL: Final = "mirror_normal"


@dataclass
class Measured:
    """Seconds, but for `at_s`, which is a time of day."""

    at_s: float
    partition_s: float | None = None  # from the heartbeat time-out to the verdict
    groups_s: dict[str, float] = field(default_factory=dict)  # from the verdict to the active group
    resources_s: dict[str, float] = field(default_factory=dict)  # the slowest of each kind
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def all_s(self) -> float | None:
        """From the verdict until the last group was active."""
        return max(self.groups_s.values(), default=None)

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "at_s": self.at_s,
            "partition_s": self.partition_s,
            "groups_s": self.groups_s,
            "resources_s": self.resources_s,
            "counts": self.counts,
            "all_s": self.all_s,
        }


def last_failover(events: Sequence[Mapping[str, Any]]) -> Measured | None:
    """Return what the newest failover took; None when the log tells of none (entries in order of their number)."""
    starts = [
        number
        for number, event in enumerate(events)
        if event["event"] in GONE and any(later["event"] == FAILS_OVER for later in events[number:])
    ]
    if not starts:
        return None
    begin = starts[-1]
    found = Measured(at_s=float(events[begin]["time"]))
    silence = events[:begin] if events[begin]["event"] == DOWN else ()  # one that left was not silent before
    for event in reversed(silence):
        if event["event"] == SILENT:
            found.partition_s = found.at_s - float(event["time"])
            break
    _take(found, events[begin + 1 :])
    return found


def _take(found: Measured, events: Sequence[Mapping[str, Any]]) -> None:
    """Follow every group that fails over until it is active; what it does later is none of this failover."""
    under_way: set[str] = set()
    for event in events:
        fields = event.get("fields", {})
        group, name = str(fields.get("group", "")), str(event["event"])
        if name == FAILS_OVER:
            under_way.add(group)
        elif name == STATE and group in under_way:
            under_way.discard(group)
            if fields.get("state") == "active":
                found.groups_s[group] = float(event["time"]) - found.at_s
        elif group in under_way and name.endswith(STARTED) and isinstance(fields.get("ms"), int):
            kind, seconds = name.removesuffix(STARTED), fields["ms"] / 1000
            found.resources_s[kind] = max(seconds, found.resources_s.get(kind, 0.0))
            found.counts[kind] = found.counts.get(kind, 0) + 1


def copy_rates(events: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return bytes a second of each mirror set's last copy that came to its end without interruption."""
    begun: dict[str, tuple[float, int]] = {}
    rates: dict[str, float] = {}
    for event in events:
        fields = event.get("fields", {})
        name, at_s, size = str(fields.get("set", "")), float(event["time"]), fields.get("bytes")
        if event["event"] in COPIES and isinstance(size, int):
            begun[name] = (at_s, size)
        elif event["event"] == INTERRUPTED:
            begun.pop(name, None)
        elif event["event"] == EQUAL and name in begun:
            began_s, copied = begun.pop(name)
            if at_s > began_s and copied:
                rates[name] = copied / (at_s - began_s)
    return rates
