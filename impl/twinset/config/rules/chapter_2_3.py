"""Chapter 2.3.1: virtual IP addresses, which lie in no network of the servers and are reached by a route."""

from collections.abc import Iterator

from twinset.config.cluster import ClusterConfig
from twinset.config.rules import addresses
from twinset.config.rules.common import duplicates
from twinset.config.rules.rule import Rule
from twinset.config.structure import shown
from twinset.finding import Finding, error, warning


def _virtual(config: ClusterConfig) -> Iterator[tuple[str, str]]:
    for i, group in enumerate(config.groups):
        for j, item in enumerate(group.virtual_ips):
            yield f"group[{i}].virtual_ip[{j}].address", item.address


def virtual_ip_network(config: ClusterConfig) -> Iterator[Finding]:
    """A virtual IP address is a host address outside of every network of the servers."""
    taken = [network for lan in config.lans for network in addresses.networks(lan)]
    taken += [item.interface.network for item in addresses.fixed(config)]
    for path, text in _virtual(config):
        address = addresses.parse_address(text)
        special = address is not None and (
            address.is_multicast or address.is_unspecified or address.is_loopback or address.is_reserved
        )
        if address is None or special or address.is_link_local:
            words = f"{shown(text)} is no address of a host, such as 10.200.0.5"
            yield error("E_SUBNET", path, words, clause="2.3.1-03", value=text)
        elif inside := [network for network in taken if address in network]:
            words = (
                f"{text} is in {inside[0]}, a network of the servers; there a floating IP address is right"
            )
            yield error("E_SUBNET", path, words, clause="2.3.1-03", value=text)


def virtual_ip_unused(config: ClusterConfig) -> Iterator[Finding]:
    """No two virtual IP addresses are the same."""
    yield from duplicates(_virtual(config), what="address", clause="2.3.1-03")


def virtual_ip_lans(config: ClusterConfig) -> Iterator[Finding]:
    """Its route is announced on the public LANs; with one of them a floating IP address is simpler."""
    for path, text in _virtual(config):
        if not config.public_lans():
            words = "there is no public LAN on which the route to it could be announced"
            yield error("E_TOPOLOGY", path, words, clause="2.3.1-05", value=text)
        elif len(config.public_lans()) == 1:
            words = "with one public LAN a floating IP address needs no router that interprets RIP"
            yield warning("W_PREFER_FIP", path, words, clause="2.3.1-01", value=text)


_LANS = ("lan.roles", "lan.endpoints.address")

RULES = (
    Rule(virtual_ip_network, ("2.3.1-03",), needs=_LANS),
    Rule(virtual_ip_unused, ("2.3.1-03",)),
    Rule(virtual_ip_lans, ("2.3.1-01", "2.3.1-05", "7.2-02"), needs=("lan.roles",)),
)
