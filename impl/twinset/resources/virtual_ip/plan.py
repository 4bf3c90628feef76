"""What to run for a virtual IP address, and where its route is announced (2.3.1): pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from twinset.config.cluster import same_name
from twinset.errors import StepFailed

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig

LOOPBACK: Final = "lo"  # of no LAN: routers reach it through whichever of them works


@dataclass(frozen=True)
class Place:
    """A virtual IP address on this server: the route to it goes out on every public LAN."""

    address: str
    lans: tuple[str, ...]  # this server's own addresses there


def place(config: ClusterConfig, me: str, address: str) -> Place:
    """Choose the LANs; StepFailed without one."""
    ends = [end for lan in config.public_lans() for end in lan.endpoints if same_name(end.server, me)]
    if not ends:
        raise StepFailed(f"{me} has no public LAN on which {address} could be announced [2.3.1-05]")
    return Place(address, tuple(end.ip for end in ends))


def show() -> list[str]:
    """List the addresses of the interface."""
    return ["ip", "-j", "address", "show", "dev", LOOPBACK]


def hold(where: Place, seconds: float) -> list[str]:
    """Add the address, or renew it; like a floating one it must not outlive this server's lease."""
    lifetime = str(max(1, math.ceil(seconds)))
    return [
        "ip", "address", "replace", f"{where.address}/32", "dev", LOOPBACK,
        "valid_lft", lifetime, "preferred_lft", lifetime,
    ]  # fmt: skip


def drop(where: Place) -> list[str]:
    """Take the address away."""
    return ["ip", "address", "delete", f"{where.address}/32", "dev", LOOPBACK]
