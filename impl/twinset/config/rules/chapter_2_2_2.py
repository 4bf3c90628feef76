"""Chapter 2.2.2.2 and 2.3.2: names of LANs, addresses of the servers and their networks."""

from collections.abc import Iterator
from itertools import combinations

from twinset.config.cluster import ClusterConfig
from twinset.config.rules import addresses
from twinset.config.rules.common import as_findings, at_most, duplicates
from twinset.config.rules.rule import Rule
from twinset.config.structure import shown
from twinset.finding import Finding, error
from twinset.guide import limits, names


def lan_names(config: ClusterConfig) -> Iterator[Finding]:
    """Names of LAN connections have at most 31 bytes and differ."""
    named = [(f"lan[{i}].name", lan) for i, lan in enumerate(config.lans)]
    for path, lan in named:
        rule = names.INTERCONNECT if {"interconnect", "mirror"} & set(lan.roles) else names.LAN
        yield from as_findings(path, lan.name, names.name_problems(lan.name, rule))
    yield from duplicates(((path, lan.name) for path, lan in named), what="name", clause="")


def interface_names(config: ClusterConfig) -> Iterator[Finding]:
    """Names of interfaces are such as the kernel can give."""
    for i, lan in enumerate(config.lans):
        for j, endpoint in enumerate(lan.endpoints):
            path, name = f"lan[{i}].endpoints[{j}].interface", endpoint.interface
            yield from as_findings(path, name, names.name_problems(name, names.INTERFACE))


def readable_addresses(config: ClusterConfig) -> Iterator[Finding]:
    """Every address of a server is a host address in IPv4 with its prefix length."""
    texts = [
        (f"lan[{i}].endpoints[{j}].address", endpoint.address)
        for i, lan in enumerate(config.lans)
        for j, endpoint in enumerate(lan.endpoints)
    ]
    texts += [
        (f"server[{i}].fixed_addresses[{j}]", text)
        for i, server in enumerate(config.servers)
        for j, text in enumerate(server.fixed_addresses)
    ]
    for path, text in texts:
        interface = addresses.parse_interface(text)
        if interface is None:
            words = f"{shown(text)} is no IPv4 address with prefix length, such as 10.0.1.1/24"
            yield error("E_SUBNET", path, words, clause="2.2.2.2-01", value=text)
        elif not addresses.is_host(interface) and not interface.is_loopback:
            words = f"{shown(text)} is no address that a host can have"
            yield error("E_SUBNET", path, words, clause="2.2.2.2-01", value=text)


def address_count(config: ClusterConfig) -> Iterator[Finding]:
    """A server has at most sixteen addresses; floating ones do not count."""
    for i, server in enumerate(config.servers):
        count = len(addresses.counted(config, server.name))
        yield from at_most(f"server[{i}]", count, limits.ADDRESSES_PER_SERVER_MAX)


def one_address_per_network(config: ClusterConfig) -> Iterator[Finding]:
    """The networks of a server's addresses are disjoint: none is another, none contains another."""
    for server in config.servers:
        for first, second in combinations(addresses.counted(config, server.name), 2):
            left, right = first.interface, second.interface
            if left.network == right.network:
                text = f"{right} is in the network of {left} at {first.path}"
                clause = "2.2.2.2-05"
            elif left.network.overlaps(right.network):
                text = f"the network of {right} and that of {left} at {first.path} contain one another"
                clause = "2.2.2.2-06"
            else:
                continue
            yield error("E_SUBNET", second.path, text, clause=clause, value=str(right), limit=str(left))


def same_network(config: ClusterConfig) -> Iterator[Finding]:
    """The servers' addresses on a LAN are in one network."""
    for i, lan in enumerate(config.lans):
        found = addresses.networks(lan)
        if len(found) > 1:
            text = f'"{lan.name}" has endpoints in different networks: {", ".join(sorted(map(str, found)))}'
            yield error(
                "E_SUBNET", f"lan[{i}].endpoints", text, clause="2.3.2-02", value=sorted(map(str, found))
            )


def distinct_addresses(config: ClusterConfig) -> Iterator[Finding]:
    """No address is given to both servers, or twice."""
    placed = [*addresses.of_lans(config), *addresses.fixed(config)]
    pairs = [(item.path, str(item.interface.ip)) for item in placed if not item.interface.is_loopback]
    yield from duplicates(pairs, what="address", clause="2.3.2-02")


def primary_apart_from_public(config: ClusterConfig) -> Iterator[Finding]:
    """The primary interconnect and a public LAN have different networks."""
    primary = next(iter(config.interconnects()), None)
    if primary is None or "public" in primary.roles:
        return
    for lan in config.public_lans():
        for left in addresses.networks(primary):
            for right in addresses.networks(lan):
                if left.overlaps(right):
                    path = f"lan[{config.lans.index(primary)}].endpoints"
                    text = f'primary interconnect "{primary.name}" lies in {right} of public LAN "{lan.name}"'
                    yield error("E_SUBNET", path, text, clause="2.3.2-04", value=str(left), limit=str(right))


_OWNERS = ("server.name", "lan.endpoints.server")

RULES = (
    Rule(lan_names, ("2.2.2.2-07", "2.2.2.2-08", "4.2.4-01")),
    Rule(interface_names, ()),
    Rule(readable_addresses, ("2.2.2.2-01",)),
    Rule(address_count, ("2.2.2.2-04",), needs=_OWNERS),
    Rule(one_address_per_network, ("2.2.2.2-05", "2.2.2.2-06"), needs=_OWNERS),
    Rule(same_network, ("2.3.2-02",)),
    Rule(distinct_addresses, ("2.3.2-02",)),
    Rule(primary_apart_from_public, ("2.3.2-04",), needs=("lan.roles", "lan.priority")),
)
