"""What a configuration costs: switching time, memory, copies, load of the mirror connect. Pure.

Figures of the guide stand beside what was measured, where something was: the guide's are bounds for planning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset.guide import copy_time, memory, switching_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from twinset.config.cluster import ClusterConfig, Group

    from .measured import Measured

LINKS_MBPS: Final = (100, 1000, 10_000)
MIB: Final = 1 << 20
LISTS: Final = {
    "mirror_disk": "mirror_disks",
    "floating_ip": "floating_ips",
    "virtual_ip": "virtual_ips",
    "virtual_computer_name": "virtual_computer_names",
    "printer": "printers",
}


def switching(
    config: ClusterConfig, measured: Measured | None, *, scripts_s: float | None
) -> list[dict[str, Any]]:
    """Return, for the loss of each server, the terms of 9.1 for the groups that are at home there.

    Scripts count with what was given, else with what the last failover measured, else not at all.
    """
    seen = measured.resources_s.get("script") if measured else None
    per_script = scripts_s if scripts_s is not None else seen or 0.0
    rows = []
    for server in config.servers:
        groups = [group for group in config.groups if _moves(group, server.name)]
        counts = {kind: sum(len(getattr(group, name)) for group in groups) for kind, name in LISTS.items()}
        scripts = sum(len(group.scripts) for group in groups)
        found = switching_time.estimate(
            counts,
            heartbeat_timeout_count=config.timing.heartbeat_timeout_count,
            scripts_s=per_script * scripts,
        )
        rows.append(
            {
                "server": server.name,
                "groups": [group.name for group in groups],
                "counts": {kind: count for kind, count in counts.items() if count},
                "heartbeat_s": found.heartbeat_s,
                "partition_s": [found.partition_min_s, found.partition_max_s],
                "partition_configured_s": config.timing.partition_wait_s,
                "resources_s": {
                    kind: int(switching_time.RESOURCE_S[kind]) * count
                    for kind, count in counts.items()
                    if count
                },
                "scripts": scripts,
                "scripts_s": found.scripts_s,
                "least_s": found.least_s,
                "most_s": found.most_s,
                "clause": "9.1-01",
            }
        )
    return rows


def _moves(group: Group, server: str) -> bool:
    """True when the group is at home on the server and may run on the other one."""
    return len(group.policy) > 1 and group.policy[0].casefold() == server.casefold()


def memory_need(config: ClusterConfig, available_kib: int | None) -> dict[str, Any]:
    """Return the need of all mirror sets by 4.5.1, and whether it is there (None: nobody knows)."""
    total = memory.cluster_memory_kib((each.max_io_kib, each.max_io_count) for each in config.mirror_sets)
    enough = None if available_kib is None else total <= available_kib
    return {"total_kib": total, "available_kib": available_kib, "enough": enough, "clause": "4.5.1-02"}


def copies(
    config: ClusterConfig, sizes: Mapping[str, int], rates: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Return the time of a full copy of each set; sizes in bytes and measured rates in bytes a second, where known."""
    rows = []
    for mirror_set in config.mirror_sets:
        size, rate = sizes.get(mirror_set.name), rates.get(mirror_set.name)
        rows.append(
            {
                "set": mirror_set.name,
                "size_bytes": size,
                "guide_s": None if size is None else copy_time.full_copy_s(size),
                "guide_s_per_gb": {kind: int(each) for kind, each in copy_time.SECONDS_PER_GB.items()},
                "measured_bytes_s": rate,
                "measured_s": size / rate if size is not None and rate else None,
                "clause": "4.4.1-04",
            }
        )
    return rows


def link_load(write_mib_s: float, speeds_mbps: Sequence[int] = LINKS_MBPS) -> list[dict[str, Any]]:
    """Return the part of the mirror connect that so many written MiB a second fill: each byte crosses it once."""
    if write_mib_s < 0:
        raise ValueError(f"{write_mib_s} MiB/s")
    return [
        {
            "link_mbps": speed,
            "percent": 100 * write_mib_s * MIB * 8 / (speed * 1_000_000),
            "clause": "2.1.5-01",
        }
        for speed in speeds_mbps
    ]
