"""Where a floating IP address lives (7.2): pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinset.errors import StepFailed

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig


@dataclass(frozen=True)
class Place:
    """Where a floating IP address lives on this server."""

    address: str
    prefix: int
    interface: str


def place(config: ClusterConfig, me: str, address: str) -> Place:
    """Choose the interface by the network in which the address lies (7.2.1)."""
    wanted = ipaddress.ip_address(address)
    for lan in config.public_lans():
        for endpoint in lan.endpoints:
            if endpoint.server.casefold() != me.casefold():
                continue
            network = ipaddress.ip_interface(endpoint.address).network
            if wanted in network:
                return Place(address, network.prefixlen, endpoint.interface)
    raise StepFailed(f"floating IP address {address} lies in no public LAN of {me} [7.2.1]")


def probe(where: Place, probes: int) -> list[str]:
    """Ask the LAN who has the address, before a configuration is accepted; exit status 0 means nobody answered."""
    return ["arping", "-D", "-q", "-I", where.interface, "-c", str(probes), "-w", str(probes), where.address]
