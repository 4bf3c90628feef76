"""What the verb `provision` tells of the lab: servers, networks, the client, and what is there beside them."""

from typing import Any

from harness.topology import FLOATING_IP, PUBLIC, REMOTE, SECOND, Lan, Topology

OWN_ADDRESS = ("twinset", "own-address")
FLOATING_IPS = 8


def answer(lab: Topology) -> dict[str, Any]:
    """The pair, the client on its public LAN, and as far as the lab has them a remote client and a second cluster."""
    public = _public(lab)
    network, _, first = FLOATING_IP.rpartition(".")
    second = others(lab)
    return {
        **_cluster(lab, [host.name for host in lab.servers_of()]),
        **({"second": _cluster(lab, second)} if second else {}),
        **_remote(lab),
        "client": {"interface": public.name, "address": _plain(public.addresses["client"])},
        "floating_ips": [f"{network}.{int(first) + number}" for number in range(FLOATING_IPS)],
        "own_address": list(OWN_ADDRESS),
    }


def others(lab: Topology) -> list[str]:
    """The servers of the second cluster; none where there is no such cluster."""
    return [host.name for host in lab.servers_of(SECOND)]


def _cluster(lab: Topology, servers: list[str]) -> dict[str, Any]:
    """Servers and networks of one cluster, as `provision` tells them."""
    networks = [
        {
            "name": lan.name,
            "interface": lan.name,
            "roles": list(lan.roles),
            "addresses": {name: lan.addresses[name] for name in servers if name in lan.addresses},
        }
        for lan in lab.lans
        if lan.roles and set(servers) & lan.addresses.keys()
    ]
    public = _public(lab).addresses
    return {
        "servers": {name: {"public_address": _plain(public[name])} for name in servers},
        "networks": networks,
    }


def _remote(lab: Topology) -> dict[str, Any]:
    """The client on a LAN behind a router."""
    if REMOTE not in {host.name for host in lab.hosts}:
        return {}
    address = _plain(lab.lan("far").addresses[REMOTE])
    return {"remote": {"address": address, "router": "gw", "interface": _public(lab).name}}


def _public(lab: Topology) -> Lan:
    return next(lan for lan in lab.lans if PUBLIC in lan.roles)


def _plain(address: str) -> str:
    """An address without its prefix length."""
    return address.partition("/")[0]
