"""Which address a name stands for, on which LANs it lives, and what an LMHOSTS file may say of it."""

import copy
from typing import Any

import pytest

from twinset.config.cluster import ClusterConfig
from twinset.errors import StepFailed
from twinset.resources.virtual_computer_name import plan
from twinset.wire import nbns

SECOND = {
    "name": "public2",
    "roles": ("public",),
    "endpoints": (
        {"server": "server1", "interface": "eth2", "address": "10.0.2.1/25"},
        {"server": "server2", "interface": "eth3", "address": "10.0.2.2/25"},
    ),
}
FIP = plan.Attachment("eth0", "10.0.1.1", "10.0.1.100", "10.0.1.255")
OWN = plan.Attachment("eth0", "10.0.1.1", "10.0.1.1", "10.0.1.255")
OWN_SECOND = plan.Attachment("eth2", "10.0.2.1", "10.0.2.1", "10.0.2.127")


def cluster(names: int = 1, fips: tuple[str, ...] = ("10.0.1.100",), **changes: Any) -> ClusterConfig:
    """One group with so many names and addresses."""
    document: dict[str, Any] = {
        "cluster": {"name": "demo"},
        "server": ({"name": "server1"}, {"name": "server2"}),
        "lan": (
            {
                "name": "public",
                "roles": ("public", "interconnect"),
                "endpoints": (
                    {"server": "server1", "interface": "eth0", "address": "10.0.1.1/24"},
                    {"server": "server2", "interface": "eth1", "address": "10.0.1.2/24"},
                ),
            },
            copy.deepcopy(SECOND),
        ),
        "group": (
            {
                "name": "db",
                "policy": ("server1", "server2"),
                "virtual_computer_name": tuple(
                    {"name": f"DB-{n}", "associate": changes.get("associate", True)} for n in range(names)
                ),
                "floating_ip": tuple({"address": address} for address in fips),
            },
        ),
        "name_service": {"wins_servers": changes.get("wins", ())},
    }
    for server in document["server"]:
        server["name_service_interfaces"] = changes.get("interfaces", 1)
    return ClusterConfig.model_validate(document)


def placed(config: ClusterConfig, me: str = "server1", index: int = 0) -> plan.Place:
    return plan.place(config, me, config.groups[0], index)


def test_one_name_and_one_address_are_associated() -> None:
    """The name stands for the floating IP address, on the LAN in which that lies, on either server."""
    config = cluster()
    assert placed(config) == plan.Place("DB-0", (FIP,))
    [other] = placed(config, "SERVER2").attachments
    assert other == plan.Attachment("eth1", "10.0.1.2", "10.0.1.100", "10.0.1.255")


def test_with_several_addresses_it_is_always_the_same_one() -> None:
    """The first address, on both servers, so that a failover keeps it (7.3.1.3-05)."""
    config = cluster(fips=("10.0.2.100", "10.0.1.100"))
    for me in ("server1", "server2"):
        [attachment] = placed(config, me).attachments
        assert (attachment.address, attachment.broadcast) == ("10.0.2.100", "10.0.2.127")


@pytest.mark.parametrize(
    "config", [cluster(names=2), cluster(fips=()), cluster(associate=False)], ids=["two", "none", "cancelled"]
)
def test_otherwise_the_name_stands_for_the_server(config: ClusterConfig) -> None:
    """Two names, no address or a cancelled association: the server's own address on its public LAN."""
    assert placed(config).attachments == (OWN,)


def test_an_unassociated_name_lives_on_as_many_lans_as_the_name_service_is_bound_to() -> None:
    """One interface is advised; with two, the name has an address on each of them."""
    assert placed(cluster(fips=(), interfaces=2)).attachments == (OWN, OWN_SECOND)


def test_without_an_interface_for_names_the_place_is_refused() -> None:
    """A name that nobody could hear is told, with its clause."""
    with pytest.raises(StepFailed, match=r"DB-0.*\[2\.2\.2\.2-03\]"):
        placed(cluster(fips=(), interfaces=0))


def test_both_servers_use_the_same_name_servers() -> None:
    """One file, so the settings cannot differ (7.3.2.3-07); with a name server the node is a hybrid one."""
    config = cluster(wins=("10.0.1.53",))
    assert placed(config).wins_servers == placed(config, "server2").wins_servers == ("10.0.1.53",)
    assert placed(config).node_type == nbns.H_NODE
    assert placed(cluster()).node_type == nbns.B_NODE


def test_the_predecessor_of_an_unassociated_name_is_the_other_server() -> None:
    """Only there the address differs between the servers."""
    assert placed(cluster(fips=())).former == "10.0.1.2"
    assert placed(cluster(fips=()), "server2").former == "10.0.1.1"
    assert placed(cluster()).former == ""


def test_a_name_is_two_netbios_names() -> None:
    """As a machine <00> and as a server of files <20>, both in capitals."""
    names = placed(cluster()).netbios_names
    assert [str(name) for name in names] == ["DB-0<00>", "DB-0<20>"]


def test_lmhosts_pairs_an_associated_name_with_its_address() -> None:
    """The line that a client's file may hold, before and after every failover."""
    assert plan.lmhosts(cluster()) == plan.Lmhosts(("10.0.1.100      DB-0",), ())


def test_lmhosts_refuses_names_that_move_with_their_server() -> None:
    """An unassociated name gets a reason instead of a line."""
    found = plan.lmhosts(cluster(names=2))
    assert found.lines == ()
    assert [reason.split()[:2] for reason in found.refused] == [["W_LMHOSTS", "DB-0"], ["W_LMHOSTS", "DB-1"]]
    assert "[7.3.2.2-02]" in found.refused[0]
