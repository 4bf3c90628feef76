"""Where a virtual IP address lives, and where its route is announced (2.3.1): pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from twinset.config.cluster import same_name
from twinset.errors import StepFailed

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig

LOOPBACK: Final = "lo"  # of no LAN: routers reach it through whichever of them works
PREFIX: Final = 32


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
