"""Addresses and networks as the rules see them. What cannot be read is left out: another rule reports it."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from twinset.config.cluster import ClusterConfig, Lan, same_name

Address = ipaddress.IPv4Address
Interface = ipaddress.IPv4Interface
Network = ipaddress.IPv4Network


@dataclass(frozen=True)
class Placed:
    """An address of a server and where it stands in the file."""

    path: str
    server: str
    interface: Interface


def parse_interface(text: str) -> Interface | None:
    """Return an address with its prefix length, or None."""
    if not re.fullmatch(r"[0-9.]+/[0-9]{1,2}", text):
        return None
    try:
        return Interface(text)
    except ValueError:
        return None


def parse_address(text: str) -> Address | None:
    """Return an address, or None."""
    try:
        return Address(text)
    except ValueError:
        return None


def is_host(interface: Interface) -> bool:
    """True when the address is that of a host in its network."""
    address, network = interface.ip, interface.network
    if address.is_multicast or address.is_unspecified or address.is_loopback or address.is_reserved:
        return False
    edge = {network.network_address, network.broadcast_address}
    return network.prefixlen == network.max_prefixlen - 1 or address not in edge


def of_lans(config: ClusterConfig) -> Iterator[Placed]:
    """Yield the addresses of the servers on the LANs."""
    for i, lan in enumerate(config.lans):
        for j, endpoint in enumerate(lan.endpoints):
            if interface := parse_interface(endpoint.address):
                yield Placed(f"lan[{i}].endpoints[{j}].address", endpoint.server, interface)


def fixed(config: ClusterConfig) -> Iterator[Placed]:
    """Yield the further addresses that servers have."""
    for i, server in enumerate(config.servers):
        for j, text in enumerate(server.fixed_addresses):
            if interface := parse_interface(text):
                yield Placed(f"server[{i}].fixed_addresses[{j}]", server.name, interface)


def counted(config: ClusterConfig, server: str) -> list[Placed]:
    """Return the addresses of a server that 2.2.2.2-04 counts: we read, not loopback and not link-local."""
    placed = [*of_lans(config), *fixed(config)]
    mine = [item for item in placed if same_name(item.server, server)]
    return [item for item in mine if not (item.interface.is_loopback or item.interface.is_link_local)]


def networks(lan: Lan) -> set[Network]:
    """Return the networks of a LAN's endpoints: one, unless 2.3.2-02 is broken."""
    interfaces = (parse_interface(endpoint.address) for endpoint in lan.endpoints)
    return {interface.network for interface in interfaces if interface}
