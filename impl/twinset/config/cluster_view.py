"""The configuration as the cluster core wants it: names, policies and times after the time scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinset.cluster.view import HEARTBEAT_MS, ClusterView, GroupView, Resource, Timing, ordered
from twinset.guide import limits

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig, Group
    from twinset.guide.limits import Limit


def cluster_view(config: ClusterConfig, *, scale: float = 1.0, digest: str = "0" * 16) -> ClusterView:
    """Return the core's view. Every LAN carries heartbeats, the interconnects first, by priority."""
    interconnects = [lan.name for lan in config.interconnects()]
    others = [lan.name for lan in config.lans if lan.name not in interconnects]
    first, second = (server.name for server in config.servers)
    return ClusterView(
        name=config.cluster.name,
        servers=(first, second),
        lans=(*interconnects, *others),
        sets=tuple(mirror_set.name for mirror_set in config.mirror_sets),
        groups=tuple(_group(config, group) for group in config.groups),
        timing=_timing(config, scale),
        auto_return=config.cluster.auto_return,
        preferred_survivor=_canonical(config, config.cluster.preferred_survivor),
        ping_targets=config.cluster.ping_targets,
        fences=bool(config.cluster.fence),
        associated_names_max=int(associated_names_max(config)),
        digest=digest,
    )


def associated_names_max(config: ClusterConfig, *, associated: bool = True) -> Limit:
    """Return how many virtual computer names there may be, fewer when one is associated with an address."""
    interfaces = max((server.name_service_interfaces for server in config.servers), default=0)
    return limits.virtual_computer_names_max(associated=associated, name_service_interfaces=interfaces)


def _timing(config: ClusterConfig, scale: float) -> Timing:
    timing = config.timing
    return Timing(
        heartbeat_ms=max(1, round(HEARTBEAT_MS * scale)),
        timeout_count=timing.heartbeat_timeout_count,
        partition_wait_ms=_ms(timing.partition_wait_s, scale),
        startup_wait_ms=_ms(timing.startup_wait_s, scale),
        mirror_timeout_ms=_ms(timing.mirror_timeout_s, scale),
        lease_ms=_ms(timing.lease_s, scale),
    )


def _ms(seconds: float, scale: float) -> int:
    return max(1, round(seconds * 1000 * scale))


def _group(config: ClusterConfig, group: Group) -> GroupView:
    resources = [
        Resource("mirror_disk", index, config.mirror_set(disk.set).name)
        for index, disk in enumerate(group.mirror_disks)
    ]
    for kind, items in (
        ("registry_key", group.registry_keys),
        ("floating_ip", group.floating_ips),
        ("virtual_ip", group.virtual_ips),
        ("printer", group.printers),
        ("script", group.scripts),
    ):
        resources += [Resource(kind, index) for index in range(len(items))]
    resources += [
        Resource(
            "virtual_computer_name",
            index,
            name=item.name,
            description=group.associable_address,
            associate=item.associate,
        )
        for index, item in enumerate(group.virtual_computer_names)
    ]
    return GroupView(
        name=group.name,
        policy=tuple(_canonical(config, name) for name in group.policy),
        automatic=group.startup == "automatic",
        exclusive=group.failover == "exclusive",
        failback=group.failback,
        resources=ordered(tuple(resources)),
    )


def _canonical(config: ClusterConfig, server: str) -> str:
    """Return the name as the [[server]] table spells it; names are equal in any case (2.2.2.3-06)."""
    return config.server(server).name if server else ""
