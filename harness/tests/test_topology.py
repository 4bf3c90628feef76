import pytest

from harness import topology
from harness.errors import TopologyError
from harness.topology import CLIENT, ROUTER, Host, Lan


def test_default_has_two_servers_a_client_and_three_lans() -> None:
    """The default lab is the guide's: two servers, a public LAN, two interconnects."""
    lab = topology.default()
    assert [server.name for server in lab.servers] == ["server1", "server2"]
    assert [lan.name for lan in lab.lans_of("server1")] == ["public", "ic1", "ic2"]
    assert [lan.name for lan in lab.lans_of("client")] == ["public"]


def test_a_second_cluster_a_router_and_a_name_server_are_lines() -> None:
    """A larger lab is the default one plus data."""
    lab = (
        topology.default()
        .plus_host(Host("router", ROUTER))
        .plus_host(Host("dns", CLIENT))
        .plus_host(Host("server3", cluster="second"))
        .plus_lan(
            Lan("far", ("public",), {"router": "10.0.9.1/24", "dns": "10.0.9.5/24", "server3": "10.0.9.3/24"})
        )
    )
    assert len(lab.servers) == 3
    assert lab.host("server3").cluster == "second"
    assert "dns 10.0.9.5/24" in lab.diagram()


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        ({"nobody": "10.0.9.1/24"}, "no host 'nobody'"),
        ({"server1": "10.0.9.1/24", "server2": "10.0.8.2/24"}, "spans several subnets"),
        ({"server1": "10.0.1.1/24", "server2": "10.0.1.1/24"}, "belongs to server1 and server2"),
    ],
)
def test_contradictions_are_refused_with_the_value(addresses: dict[str, str], words: str) -> None:
    """A topology that contradicts itself is refused, naming what does."""
    with pytest.raises(TopologyError, match=words):
        topology.default().plus_lan(Lan("x", ("public",), addresses))


def test_port_names_fit_the_kernel() -> None:
    """A port name that the kernel would cut off is refused."""
    with pytest.raises(TopologyError, match="longer than 15 bytes"):
        topology.default().plus_lan(Lan("management", ("public",), {"server1": "10.9.0.1/24"}))


def test_ready_made_labs_are_lines() -> None:
    """A remote LAN behind a router, a second public LAN, a name server's host, a second cluster on the same LAN."""
    routed = topology.routed()
    assert routed.host(topology.REMOTE).gateway == "10.0.9.254"
    assert {routed.host(name).gateway for name in ("server1", "server2", "client")} == {"10.0.1.254"}
    assert [lan.name for lan in routed.lans_of("gw")] == ["public", "far"]
    assert topology.second_public().lan("public2").roles == ("public", "interconnect")
    assert topology.named().lan("public").addresses["wins"] == "10.0.1.53/24"
    both = topology.two_clusters()
    assert [host.name for host in both.servers_of()] == ["server1", "server2"]
    assert [host.name for host in both.servers_of(topology.SECOND)] == ["server3", "server4"]
    assert both.lans_of("server3") == (both.lan("public"), both.lan("ic3"))
