"""What the core needs to know of the configuration; built from it by `twinset.config.cluster_view`.

All times are milliseconds *after* the time scale, so the core knows nothing of scales.
"""

from __future__ import annotations

from dataclasses import dataclass

HEARTBEAT_MS = 3_000  # fixed [9.1-03]
RESOURCE_ORDER = (
    "mirror_disk",
    "registry_key",
    "floating_ip",
    "virtual_ip",
    "virtual_computer_name",
    "printer",
    "script",
)


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of mirror-rules.md."""

    heartbeat_ms: int = HEARTBEAT_MS
    timeout_count: int = 10  # heartbeats silent on all LANs before the partition phase [9.1-03]
    partition_wait_ms: int = 30_000  # N: least length of the partition phase [9.1-05]
    startup_wait_ms: int = 300_000  # how long a lone server waits for its peer at cluster startup
    mirror_timeout_ms: int = 10_000  # M
    lease_ms: int = 27_000  # L <= H - h

    @property
    def timeout_ms(self) -> int:
        """H: silence on all LANs after which the partition phase begins."""
        return self.heartbeat_ms * self.timeout_count

    @property
    def tick_ms(self) -> int:
        """How often the shell should feed `Tick`."""
        return max(10, min(500, self.heartbeat_ms // 6))

    @property
    def tick_gap_ms(self) -> int:
        """The most that one tick may advance a down timer: longer gaps were pauses (R13)."""
        return 2 * self.tick_ms


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a group; `index` counts inside its kind; `set` only for a mirror_disk.

    Only for a virtual_computer_name: its spelling, the address for which it can stand ("" when it cannot stand
    for any), and whether the configuration wants that.
    """

    kind: str
    index: int
    set: str = ""
    name: str = ""
    description: str = ""
    associate: bool = True


@dataclass(frozen=True, slots=True)
class GroupView:
    """A failover group: its policy and attributes, its resources in start order."""

    name: str
    policy: tuple[str, ...]  # servers, best first [6.2.5-01]
    automatic: bool = True  # startup attribute [6.2.2-01]
    exclusive: bool = False  # failover attribute [6.2.3-02]
    failback: bool = False  # [6.2.4-01]
    resources: tuple[Resource, ...] = ()

    @property
    def sets(self) -> tuple[str, ...]:
        """The mirror sets of the group."""
        return tuple(resource.set for resource in self.resources if resource.kind == "mirror_disk")


@dataclass(frozen=True, slots=True)
class ClusterView:
    """One cluster of two servers."""

    name: str
    servers: tuple[str, str]
    lans: tuple[str, ...]  # every network carries heartbeats, not only the interconnects
    sets: tuple[str, ...] = ()
    groups: tuple[GroupView, ...] = ()
    timing: Timing = Timing()
    auto_return: bool = False
    start_at_boot: bool = True  # power-on after a cluster shutdown is a cluster startup [6.2.5-11]
    preferred_survivor: str = ""
    ping_targets: tuple[str, ...] = ()  # arbitration.py; none: a silent peer counts as down
    fences: bool = False  # a hook has to confirm that a silent peer is off
    associated_names_max: int = 64  # virtual computer names, once one is associated [2.2.2.3-22]
    digest: str = "0" * 16  # of the canonical text; both servers must agree

    def peer_of(self, server: str) -> str:
        """The other server."""
        first, second = self.servers
        if server not in self.servers:
            raise ValueError(f"{server!r} is none of {self.servers}")
        return second if server == first else first

    def group(self, name: str) -> GroupView | None:
        """The group of this name; names are case-insensitive [6.2.1-04]."""
        return next((group for group in self.groups if group.name.lower() == name.lower()), None)


def ordered(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """The resources in start order: that of `RESOURCE_ORDER`, inside a kind that of the configuration."""
    return tuple(sorted(resources, key=lambda item: (RESOURCE_ORDER.index(item.kind), item.index)))
