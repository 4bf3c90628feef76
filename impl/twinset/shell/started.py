"""What is started on this boot, as the run directory remembers it, set against the configuration of now.

Resources are remembered by their place in the file. A floating IP address is remembered by itself too: addresses
are added to and deleted from groups that run (7.2.2-03), so its place may be another one after a change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from twinset.resources.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from twinset.config.cluster import ClusterConfig

Key = tuple[str, str, int]  # group, kind, index
FIP: Final = "floating_ip"


@dataclass
class Started:
    """Keys with the environment of their start; the word on each group's name; addresses no group has any more."""

    keys: dict[Key, dict[str, str]] = field(default_factory=dict)
    associate: dict[str, bool] = field(default_factory=dict)
    gone: list[tuple[str, str]] = field(default_factory=list)  # group, address


def remembered(body: Mapping[str, Any], config: ClusterConfig) -> Started:
    """Read what an earlier runtime of this boot wrote; what makes no sense, or is configured no more, is left out."""
    found = Started()
    addresses = {group.name: [item.address for item in group.floating_ips] for group in config.groups}
    entries = body.get("started")
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            continue
        group, kind, index = entry.get("group"), entry.get("kind"), entry.get("index")
        address, environment = entry.get("address"), entry.get("environment")
        if not isinstance(group, str) or kind not in KINDS or not isinstance(index, int):
            continue
        if kind == FIP and isinstance(address, str):
            if address not in addresses.get(group, ()):
                found.gone.append((group, address))
                continue
            index = addresses[group].index(address)
        if group in addresses:
            found.keys[group, kind, index] = environment if isinstance(environment, dict) else {}
            found.associate[group] = bool(entry.get("associate", True))
    return found


def written(
    started: Mapping[Key, Mapping[str, str]], associate: Mapping[str, bool], config: ClusterConfig
) -> Any:
    """Return what `remembered` reads."""
    entries = []
    for (group, kind, index), environment in started.items():
        entry: dict[str, Any] = {
            "group": group,
            "kind": kind,
            "index": index,
            "environment": dict(environment),
        }
        entry["associate"] = associate.get(group, True)
        if kind == FIP:
            entry["address"] = config.group(group).floating_ips[index].address
        entries.append(entry)
    return {"started": entries}


def added(started: Mapping[Key, Any], active: Collection[str], config: ClusterConfig) -> list[Key]:
    """Return the floating IP addresses that active groups have got by a change and that are not started yet."""
    return [
        (name, FIP, index)
        for name in active
        for index in range(len(config.group(name).floating_ips))
        if (name, FIP, index) not in started
    ]
