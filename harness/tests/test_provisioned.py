"""What the adapter tells of a lab, from the topology alone."""

from harness import topology
from harness.adapters import provisioned


def test_a_lab_is_told_as_the_contract_wants_it() -> None:
    """Servers with public addresses, networks with the servers on them, the client, and who is beyond the router."""
    told = provisioned.answer(topology.routed())
    assert told["servers"] == {
        "server1": {"public_address": "10.0.1.1"},
        "server2": {"public_address": "10.0.1.2"},
    }
    assert [network["name"] for network in told["networks"]] == ["public", "ic1", "ic2"]
    assert told["networks"][0]["addresses"] == {"server1": "10.0.1.1/24", "server2": "10.0.1.2/24"}
    assert told["client"] == {"interface": "public", "address": "10.0.1.50"}
    assert told["remote"] == {"address": "10.0.9.50", "router": "gw", "interface": "public"}
    assert len(set(told["floating_ips"])) == provisioned.FLOATING_IPS
    assert "second" not in told


def test_a_second_cluster_has_servers_and_networks_of_its_own() -> None:
    """It shares the public LAN; its interconnect is no network of the first one."""
    told = provisioned.answer(topology.beside_second(topology.routed()))
    assert list(told["servers"]) == ["server1", "server2"]
    assert list(told["second"]["servers"]) == ["server3", "server4"]
    assert [network["name"] for network in told["second"]["networks"]] == ["public", "ic3"]
    assert "ic3" not in [network["name"] for network in told["networks"]]


def test_what_a_lab_does_not_have_is_not_told() -> None:
    """Neither a remote client nor a second cluster."""
    told = provisioned.answer(topology.default())
    assert not {"remote", "second"} & told.keys()
