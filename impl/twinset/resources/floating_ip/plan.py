"""What to run for a floating IP address (7.2): pure argument lists."""

from __future__ import annotations

import ipaddress
import math
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

    @property
    def with_prefix(self) -> str:
        """Return the address as `ip` wants it."""
        return f"{self.address}/{self.prefix}"


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


def show(where: Place) -> list[str]:
    """List the addresses of the interface."""
    return ["ip", "-j", "address", "show", "dev", where.interface]


def probe(where: Place, probes: int) -> list[str]:
    """Ask the LAN who has the address; exit status 0 means nobody answered."""
    return ["arping", "-D", "-q", "-I", where.interface, "-c", str(probes), "-w", str(probes), where.address]


def hold(where: Place, seconds: float) -> list[str]:
    """Add the address, or renew it. The kernel takes it away when nobody renews it: a daemon that is gone
    for longer than its lease must not leave the address on two servers."""  # noqa: D205, D209
    lifetime = str(max(1, math.ceil(seconds)))
    return [
        "ip", "address", "replace", where.with_prefix, "dev", where.interface,
        "valid_lft", lifetime, "preferred_lft", lifetime,
    ]  # fmt: skip


def announce(where: Place) -> list[str]:
    """Tell everybody on the LAN where the address is now."""
    return [
        "arping",
        "-U",
        "-q",
        "-c",
        "1",
        "-w",
        "1",
        "-I",
        where.interface,
        "-s",
        where.address,
        where.address,
    ]


def drop(where: Place) -> list[str]:
    """Take the address away."""
    return ["ip", "address", "delete", where.with_prefix, "dev", where.interface]
