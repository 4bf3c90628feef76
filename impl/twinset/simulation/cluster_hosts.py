"""The servers of the simulated cluster: their configuration, hardware and daemons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twinset.cluster.view import ClusterView, GroupView, Resource, Timing

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from twinset.cluster import events
    from twinset.cluster.server import Cluster

    from .cluster_world import World

TIMING = Timing(
    heartbeat_ms=3_000,
    timeout_count=3,
    partition_wait_ms=6_000,
    startup_wait_ms=25_000,
    mirror_timeout_ms=2_000,
    lease_ms=9_000,
)
TICK_MS = TIMING.tick_gap_ms
LANS = ("public", "ic1", "ic2")
MIRROR_LAN = "ic1"


class Violation(AssertionError):  # noqa: N818 - named for the fact
    """An invariant was broken; the text names it and what happened."""


def make_view(rng: random.Random) -> ClusterView:
    """A small cluster: two sets, three groups whose attributes follow from the seed."""
    rest = (Resource("floating_ip", 0), Resource("script", 0))
    web = (Resource("mirror_disk", 0, "set2"), *rest)
    groups: tuple[GroupView, ...] = (
        GroupView("db", ("server1", "server2"), resources=(Resource("mirror_disk", 0, "set1"), *rest)),
        GroupView("web", ("server2", "server1"), failback=rng.random() < 0.5, resources=web),
        GroupView("app", ("server1", "server2"), exclusive=rng.random() < 0.3, resources=rest),
    )
    groups = groups if rng.random() < 0.7 else groups[:2]
    return ClusterView(
        name="demo",
        servers=("server1", "server2"),
        lans=LANS,
        sets=("set1", "set2"),
        groups=groups,
        timing=TIMING,
        auto_return=rng.random() < 0.3,
        preferred_survivor=rng.choice(("", "", "server1", "server2")),
    )


@dataclass(slots=True)
class Host:
    """One server: hardware, its twinsetd, and what the applications see."""

    world: World
    name: str
    index: int
    rate: float
    offset_ms: int
    powered: bool = True
    paused: bool = False  # everything stands still; its clock does not
    boot: int = 0
    boot_id: str = ""
    run: int = 0  # counts twinsetd processes of all boots
    daemon: bool = False
    daemon_paused: bool = False
    memory: dict[str, Any] = field(default_factory=dict)
    cluster: Cluster | None = None
    inbox: list[events.Event] = field(default_factory=list)
    steps: dict[int, Callable[[], None]] = field(default_factory=dict)  # running steps that can be aborted
    resources: set[tuple[str, str, int]] = field(default_factory=set)
    last_heard_ran_ms: int = 0
    ran_ms: int = 0  # running time of its twinsetd
    last_tick_ms: int = -1

    @property
    def runs(self) -> bool:
        """The server has power and is not paused."""
        return self.powered and not self.paused

    def clock_ms(self) -> int:
        """This server's CLOCK_BOOTTIME."""
        return self.offset_ms + int(self.world.now_ms * self.rate)
