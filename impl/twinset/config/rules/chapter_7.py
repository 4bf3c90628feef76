"""Chapter 7.2, 7.3.1 and 2.3.1: addresses and names that clients use."""

from collections.abc import Iterator

from twinset.config.cluster import ClusterConfig, same_name
from twinset.config.cluster_view import associated_names_max
from twinset.config.rules import addresses
from twinset.config.rules.common import as_findings, at_most, duplicates, unknown
from twinset.config.rules.rule import Rule
from twinset.config.structure import shown
from twinset.finding import Finding, error, warning
from twinset.guide import limits, names


def _floating(config: ClusterConfig) -> Iterator[tuple[str, str]]:
    for i, group in enumerate(config.groups):
        for j, item in enumerate(group.floating_ips):
            yield f"group[{i}].floating_ip[{j}].address", item.address


def _virtual_names(config: ClusterConfig) -> Iterator[tuple[str, str]]:
    for i, group in enumerate(config.groups):
        for j, item in enumerate(group.virtual_computer_names):
            yield f"group[{i}].virtual_computer_name[{j}].name", item.name


def floating_ip_count(config: ClusterConfig) -> Iterator[Finding]:
    """At most 64 floating IP addresses in the cluster."""
    yield from at_most("group", len(list(_floating(config))), limits.FLOATING_IPS_MAX)


def floating_ip_unused(config: ClusterConfig) -> Iterator[Finding]:
    """A floating IP address is no other address of the cluster."""
    servers = [(item.path, str(item.interface.ip)) for item in addresses.of_lans(config)]
    servers += [(item.path, str(item.interface.ip)) for item in addresses.fixed(config)]
    floating = [(path, str(ip)) for path, text in _floating(config) if (ip := addresses.parse_address(text))]
    own = {path for path, _ in floating}
    for finding in duplicates([*servers, *floating], what="address", clause="7.2.1-01"):
        if finding.path in own:
            yield finding


def floating_ip_network(config: ClusterConfig) -> Iterator[Finding]:
    """A floating IP address is a host address in the network of exactly one public LAN."""
    public = [network for lan in config.public_lans() for network in addresses.networks(lan)]
    for path, text in _floating(config):
        address = addresses.parse_address(text)
        if address is None:
            words = f"{shown(text)} is no IPv4 address, such as 10.0.1.100"
            yield error("E_SUBNET", path, words, clause="7.2.1-01", value=text)
            continue
        inside = [network for network in public if address in network]
        limit = ", ".join(map(str, public))
        if not inside:
            words = f"{text} is in no network of a public LAN ({limit or 'there is none'})"
            yield error("E_SUBNET", path, words, clause="7.2.1-01", value=text, limit=limit)
        elif len(inside) > 1:
            words = f"{text} is in the networks of several public LANs; such a LAN needs a virtual IP address"
            yield error("E_TOPOLOGY", path, words, clause="2.3.1-10", value=text, limit=limit)
        elif address in {inside[0].network_address, inside[0].broadcast_address}:
            words = f"{text} is the network or broadcast address of {inside[0]}"
            yield error("E_SUBNET", path, words, clause="7.2.1-01", value=text, limit=limit)


def floating_ip_listed(config: ClusterConfig) -> Iterator[Finding]:
    """Where the addresses that groups may have are listed, a group has one of those."""
    listed = config.cluster.floating_ips
    for i, text in enumerate(listed):
        if addresses.parse_address(text) is None:
            words = f"{shown(text)} is no IPv4 address, such as 10.0.1.100"
            yield error("E_SUBNET", f"cluster.floating_ips[{i}]", words, clause="2.3.1-11", value=text)
    for path, text in _floating(config) if listed else ():
        yield from unknown(path, text, listed, what="listed floating IP address", clause="2.3.1-11")


def floating_ip_off_mirror(config: ClusterConfig) -> Iterator[Finding]:
    """Nothing but the two servers is on a mirror connect, so no floating IP address either."""
    for lan in config.mirror_lans():
        for path, text in _floating(config):
            address = addresses.parse_address(text)
            if address and any(address in network for network in addresses.networks(lan)):
                words = f'{text} is in the network of mirror connect "{lan.name}"'
                yield error("E_TOPOLOGY", path, words, clause="2.1.5-03", value=text)


def duplicated_lan(config: ClusterConfig) -> Iterator[Finding]:
    """Where the public LAN is duplicated, a floating IP address serves only one of the two."""
    count = len(config.public_lans())
    if count > 1 and any(_floating(config)):
        text = f"{count} public LANs: a floating IP address does not change from one to the other"
        yield warning("W_USE_VIP", "lan", text, clause="2.3.7-01", value=count, limit=1)


def virtual_name_rules(config: ClusterConfig) -> Iterator[Finding]:
    """A virtual computer name is a computer name that no server and no other virtual one has."""
    named = list(_virtual_names(config))
    servers = [server.name for server in config.servers]
    for path, name in named:
        yield from as_findings(path, name, names.name_problems(name, names.VIRTUAL_COMPUTER))
        if any(same_name(name, server) for server in servers):
            text = f"{shown(name)} is the name of a server"
            yield error("E_DUP", path, text, clause="7.3.1.1-01", value=name)
    yield from duplicates(named, what="virtual computer name", clause="2.2.2.3-26")


def virtual_name_count(config: ClusterConfig) -> Iterator[Finding]:
    """At most 64 virtual computer names, fewer when one is associated with an address."""
    limit = associated_names_max(config, associated=any(group.associated_address for group in config.groups))
    yield from at_most("group", len(list(_virtual_names(config))), limit)


def virtual_name_networks(config: ClusterConfig) -> Iterator[Finding]:
    """With addresses in several networks, the association had better be cancelled."""
    public = [network for lan in config.public_lans() for network in addresses.networks(lan)]
    for i, group in enumerate(config.groups):
        texts = (addresses.parse_address(item.address) for item in group.floating_ips)
        used = {network for address in texts if address for network in public if address in network}
        if group.associated_address and len(used) > 1:
            path = f"group[{i}].virtual_computer_name[0].associate"
            text = (
                "the floating IP addresses of the group are in several networks; associate = false is advised"
            )
            yield warning("W_VCN_MULTI_NET", path, text, clause="7.3.1.3-06", value=True)


def name_service(config: ClusterConfig) -> Iterator[Finding]:
    """The name service client of a server is bound to one interface when there are virtual computer names."""
    advised = limits.NAME_SERVICE_INTERFACES_ADVISED
    used = any(_virtual_names(config))
    for i, server in enumerate(config.servers):
        path, count = f"server[{i}].name_service_interfaces", server.name_service_interfaces
        if count < 0:
            yield error(
                "E_RANGE", path, f"{count} is less than 0", clause=advised.clause, value=count, limit=0
            )
        elif used and count == 0:
            text = "there are virtual computer names, but no interface of this server serves NetBIOS names"
            yield warning("W_NETBIOS", path, text, clause="2.2.2.2-03", value=count, limit=int(advised))
        elif count > advised:
            text = f"{count} interfaces are bound to the name service client, {advised} is advised"
            yield warning("W_WINS_BIND", path, text, clause=advised.clause, value=count, limit=int(advised))


def wins_servers(config: ClusterConfig) -> Iterator[Finding]:
    """Each name server is a host, named once: at most a primary and a secondary one."""
    path, texts = "name_service.wins_servers", config.name_service.wins_servers
    yield from at_most(path, len(texts), limits.WINS_SERVERS_MAX)
    floating = {text for _, text in _floating(config)}
    for i, text in enumerate(texts):
        address = addresses.parse_address(text)
        if address is None or address.is_multicast or address.is_unspecified or address.is_loopback:
            words = f"{shown(text)} is no IPv4 address of a name server, such as 10.0.1.53"
            yield error("E_SUBNET", f"{path}[{i}]", words, clause="7.3.2.3-12", value=text)
        elif text in floating:
            words = f"{text} is a floating IP address; its port belongs to the virtual computer names there"
            yield error("E_DUP", f"{path}[{i}]", words, clause="7.3.2.3-04", value=text)
    named = [(f"{path}[{i}]", text) for i, text in enumerate(texts)]
    yield from duplicates(named, what="name server", clause="7.3.2.3-04")


def wins_arrangement(config: ClusterConfig) -> Iterator[Finding]:
    """Name servers stand on both servers or outside; without any, an unassociated name stays on its LAN."""
    path, listed = "name_service.wins_servers", config.name_service.wins_servers
    own = {
        server.name: {
            str(item.interface.ip)
            for item in addresses.of_lans(config)
            if same_name(item.server, server.name)
        }
        for server in config.servers
    }
    with_one = [name for name, mine in own.items() if mine & set(listed)]
    if len(with_one) == 1:
        text = f"a name server stands on {with_one[0]} only: name both servers, or one outside the cluster"
        yield warning("W_WINS_SINGLE", path, text, clause="7.3.2.3-06", value=list(listed))
    if not listed:
        for i, group in enumerate(config.groups):
            if group.virtual_computer_names and not group.associated_address:
                text = "without a name server, a name that is not associated is known on its own LAN only"
                where = f"group[{i}].virtual_computer_name"
                yield warning("W_WINS", where, text, clause="7.3.2.2-01")


_LANS = ("lan.roles", "lan.endpoints.address")

RULES = (
    Rule(floating_ip_count, ("2.2.2.3-19", "2.3.6-01"), needs=("group.floating_ip",)),
    Rule(floating_ip_unused, ("2.2.2.3-20", "2.3.6-02", "7.2.1-01")),
    Rule(floating_ip_network, ("2.2.2.3-20", "2.3.1-03", "2.3.1-10", "2.3.6-02", "7.2.1-01"), needs=_LANS),
    Rule(floating_ip_listed, ("2.3.1-11",)),
    Rule(floating_ip_off_mirror, ("2.1.5-03", "2.3.1-12"), needs=("lan.roles", "lan.priority")),
    Rule(duplicated_lan, ("2.3.7-01",), needs=("lan.roles",)),
    Rule(
        virtual_name_rules,
        ("2.2.2.3-23", "2.2.2.3-24", "2.2.2.3-25", "2.2.2.3-26", "7.3.1.1-01", "7.3.1.1-03", "7.3.1.1-04"),
    ),
    Rule(
        virtual_name_count,
        ("2.2.2.3-21", "2.2.2.3-22", "7.3.1.5-01", "7.3.1.5-02"),
        needs=("server.name_service_interfaces", "group.virtual_computer_name", "group.floating_ip"),
    ),
    Rule(virtual_name_networks, ("7.3.1.3-06",), needs=_LANS),
    Rule(name_service, ("2.2.2.2-03", "7.3.3-10")),
    Rule(wins_servers, ("7.3.2.3-04", "7.3.2.3-12"), needs=("group.floating_ip",)),
    Rule(
        wins_arrangement,
        ("7.3.2.2-01", "7.3.2.3-06", "7.3.2.3-14"),
        needs=("server.name", "lan.endpoints", "group.virtual_computer_name", "group.floating_ip"),
    ),
)
