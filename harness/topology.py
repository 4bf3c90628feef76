"""The lab as data: which hosts there are, which networks join them, what each is for.

A lab with a router, a second public LAN, a second cluster or a name server is the default one plus a line::

    topology.default().plus_host(Host("dns", CLIENT)).plus_lan(Lan("mgmt", ("public",), {...}))

Nothing here touches the machine; ``labs/`` brings a topology up.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.errors import TopologyError

SERVER = "server"
CLIENT = "client"
ROUTER = "router"
ROLES_OF_HOSTS = (SERVER, CLIENT, ROUTER)

PUBLIC = "public"
INTERCONNECT = "interconnect"
MIRROR = "mirror"
ROLES_OF_LANS = (PUBLIC, INTERCONNECT, MIRROR)

# The floating IP address that the sample configurations use, on the public LAN.
FLOATING_IP = "10.0.1.100"

INTERFACE_NAME_BYTES_MAX = 15  # the kernel's IFNAMSIZ less its end mark


@dataclass(frozen=True)
class Host:
    """One machine of the lab. Servers of one cluster name the same cluster."""

    name: str
    role: str = SERVER
    cluster: str = "demo"
    gateway: str = ""  # where it sends what is for none of its LANs


@dataclass(frozen=True)
class Lan:
    """One network: a switch, and each host's address on it. Its name is the hosts' interface name."""

    name: str
    roles: tuple[str, ...]
    addresses: Mapping[str, str] = field(default_factory=dict)

    @property
    def bridge(self) -> str:
        """The name of the switch in the switch namespace."""
        return f"br-{self.name}"

    def port(self, host: str) -> str:
        """The name of the switch's port for a host."""
        return f"{host}-{self.name}"


@dataclass(frozen=True)
class Topology:
    """Hosts and LANs, checked on construction."""

    hosts: tuple[Host, ...]
    lans: tuple[Lan, ...]

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise TopologyError("; ".join(problems))

    @property
    def servers(self) -> tuple[Host, ...]:
        """The servers of all clusters, in the order of the guide: server 1, server 2."""
        return tuple(host for host in self.hosts if host.role == SERVER)

    def servers_of(self, cluster: str = "") -> tuple[Host, ...]:
        """The servers of one cluster; by default of the first."""
        wanted = cluster or self.servers[0].cluster
        return tuple(host for host in self.servers if host.cluster == wanted)

    def host(self, name: str) -> Host:
        """The host of that name."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise TopologyError(f"no host {name!r}; there are {', '.join(h.name for h in self.hosts)}")

    def lan(self, name: str) -> Lan:
        """The LAN of that name."""
        for lan in self.lans:
            if lan.name == name:
                return lan
        raise TopologyError(f"no LAN {name!r}; there are {', '.join(x.name for x in self.lans)}")

    def lans_of(self, host: str) -> tuple[Lan, ...]:
        """The LANs a host has an interface on."""
        return tuple(lan for lan in self.lans if host in lan.addresses)

    def plus_host(self, host: Host) -> "Topology":
        """This topology with one more host."""
        return replace(self, hosts=(*self.hosts, host))

    def plus_client(self, name: str, lan: str, address: str) -> "Topology":
        """This topology with one more machine that is no server, on that LAN."""
        lans = [
            replace(x, addresses={**x.addresses, name: address}) if x.name == lan else x for x in self.lans
        ]
        return replace(self, hosts=(*self.hosts, Host(name, CLIENT)), lans=tuple(lans))

    def plus_lan(self, lan: Lan) -> "Topology":
        """This topology with one more LAN."""
        return replace(self, lans=(*self.lans, lan))

    def behind(self, gateway: str, hosts: tuple[str, ...]) -> "Topology":
        """This topology with hosts that reach other networks through a router."""
        changed = (replace(host, gateway=gateway) if host.name in hosts else host for host in self.hosts)
        return replace(self, hosts=tuple(changed))

    def diagram(self) -> str:
        """The lab as a person would sketch it, one line per LAN."""
        lines = []
        for lan in self.lans:
            members = "   ".join(f"{host} {address}" for host, address in lan.addresses.items())
            lines.append(f"{lan.name:<8} [{', '.join(lan.roles)}]\n    ──┬── {members}")
        return "\n".join(lines)


def _problems(topology: Topology) -> list[str]:
    """Everything that contradicts itself, each with the value that does."""
    found: list[str] = []
    names = [host.name for host in topology.hosts]
    found += [f"host {name!r} appears twice" for name in set(names) if names.count(name) > 1]
    found += [
        f"host {h.name!r}: unknown role {h.role!r}" for h in topology.hosts if h.role not in ROLES_OF_HOSTS
    ]
    seen: dict[str, str] = {}
    for lan in topology.lans:
        found += [
            f"LAN {lan.name!r}: unknown role {role!r}" for role in lan.roles if role not in ROLES_OF_LANS
        ]
        networks = set()
        for host, address in lan.addresses.items():
            if host not in names:
                found.append(f"LAN {lan.name!r}: no host {host!r}")
            if len(lan.port(host).encode()) > INTERFACE_NAME_BYTES_MAX:
                found.append(f"port {lan.port(host)!r} is longer than {INTERFACE_NAME_BYTES_MAX} bytes")
            networks.add(ipaddress.ip_interface(address).network)
            if seen.setdefault(address, host) != host:
                found.append(f"address {address} belongs to {seen[address]} and {host}")
        if len(networks) > 1:
            found.append(f"LAN {lan.name!r} spans several subnets: {sorted(map(str, networks))}")
    return found


def two_mirror_connects() -> Topology:
    """The default, with both interconnects as mirror connects."""
    lans = default().lans
    return replace(
        default(),
        lans=tuple(replace(lan, roles=(INTERCONNECT, MIRROR)) if lan.name == "ic2" else lan for lan in lans),
    )


def default() -> Topology:
    """Two servers and a client: a public LAN and two interconnects, the first being the mirror connect."""
    return Topology(
        hosts=(Host("server1"), Host("server2"), Host("client", CLIENT)),
        lans=(
            Lan(
                "public",
                (PUBLIC, INTERCONNECT),
                {"server1": "10.0.1.1/24", "server2": "10.0.1.2/24", "client": "10.0.1.50/24"},
            ),
            Lan("ic1", (INTERCONNECT, MIRROR), {"server1": "10.10.10.1/24", "server2": "10.10.10.2/24"}),
            Lan("ic2", (INTERCONNECT,), {"server1": "10.10.20.1/24", "server2": "10.10.20.2/24"}),
        ),
    )


REMOTE = "remote"  # a client behind the router


def routed() -> Topology:
    """The default lab and a remote LAN: a router between it and the public LAN, a client on it."""
    near, far = "10.0.1.254", "10.0.9.254"
    public = default().lan("public")
    attached = replace(public, addresses={**public.addresses, "gw": f"{near}/24"})
    lab = replace(
        default(), hosts=(*default().hosts, Host("gw", ROUTER)), lans=(attached, *default().lans[1:])
    )
    return (
        lab.plus_host(Host(REMOTE, CLIENT, gateway=far))
        .plus_lan(Lan("far", (), {"gw": f"{far}/24", REMOTE: "10.0.9.50/24"}))
        .behind(near, ("server1", "server2", "client"))
    )


def second_public() -> Topology:
    """The default lab with a public LAN more, and a client on it."""
    ends = {"server1": "10.0.2.1/24", "server2": "10.0.2.2/24", "client2": "10.0.2.50/24"}
    return default().plus_host(Host("client2", CLIENT)).plus_lan(Lan("public2", (PUBLIC, INTERCONNECT), ends))


def named() -> Topology:
    """The default lab with a host for a name server."""
    return default().plus_client("wins", "public", "10.0.1.53/24")


SECOND = "second"


def two_clusters() -> Topology:
    """The default lab with another cluster on its public LAN."""
    return beside_second(default())


def beside_second(lab: Topology) -> Topology:
    """A lab with another cluster on its public LAN, which has an interconnect of its own."""
    own = Lan("ic3", (INTERCONNECT, MIRROR), {"server3": "10.10.30.3/24", "server4": "10.10.30.4/24"})
    hosts = (Host("server3", cluster=SECOND), Host("server4", cluster=SECOND))
    public = lab.lan("public")
    joined = replace(
        public, addresses={**public.addresses, "server3": "10.0.1.3/24", "server4": "10.0.1.4/24"}
    )
    return replace(lab, hosts=(*lab.hosts, *hosts), lans=(joined, *lab.lans[1:], own))
