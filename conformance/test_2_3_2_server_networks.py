"""2.3.2: networks and domain of the servers."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.static import Static


@clause("2.3.2-01")
@pytest.mark.parametrize("count", [16, 17])
def test_the_general_limit_does_not_widen_that_of_mirror_disks(static: Static, count: int) -> None:
    """16 servers are the limit of the product, 2 that of a cluster with mirror disks: both 16 and 17 are refused."""
    static.accepts("2.3.2-01", "2 servers", make.with_servers(2))
    static.refuses("2.3.2-01", f"{count} servers", make.with_servers(count), "E_LIMIT", "E_TOPOLOGY")


@clause("2.3.2-02")
@pytest.mark.parametrize("network", [0, 1, 2], ids=["public", "mirror-connect", "interconnect"])
def test_both_servers_are_in_one_network(static: Static, network: int) -> None:
    """Two addresses of one LAN that are of different networks are refused with E_SUBNET; equal masks are not enough."""
    static.accepts("2.3.2-02", "one network", make.good())
    for address in ("10.77.1.2/24", "10.77.1.2/16"):
        config = make.good()
        config["networks"][network]["addresses"]["server2"] = address
        static.refuses("2.3.2-02", f"server 2 at {address}", config, "E_SUBNET", "E_TOPOLOGY")


@clause("2.3.2-03")
def test_both_servers_are_in_one_domain(static: Static) -> None:
    """The same domain, in whatever case, or none at all is accepted; two domains are refused with E_TOPOLOGY."""
    static.accepts("2.3.2-03", "no domain", make.good())
    static.accepts("2.3.2-03", "one domain", make.with_domains("corp.example", "corp.example"))
    static.accepts("2.3.2-03", "one domain in two cases", make.with_domains("corp.example", "CORP.example"))
    static.refuses(
        "2.3.2-03", "two domains", make.with_domains("corp.example", "other.example"), "E_TOPOLOGY"
    )


@clause("2.3.2.1-02")
def test_one_server_in_a_domain_is_not_enough(static: Static) -> None:
    """Where there is a domain, both servers belong to it: one of them outside is refused with E_TOPOLOGY."""
    static.accepts("2.3.2.1-02", "both in", make.with_domains("corp.example", "corp.example"))
    static.refuses("2.3.2.1-02", "server 2 outside", make.with_domains("corp.example", ""), "E_TOPOLOGY")
    static.refuses("2.3.2.1-02", "server 1 outside", make.with_domains("", "corp.example"), "E_TOPOLOGY")


@clause("2.3.2-04")
def test_the_interconnect_is_another_network_than_the_public_lan(static: Static) -> None:
    """An interconnect in the network of the public LAN is refused with E_SUBNET, one in the next network is fine."""
    static.accepts("2.3.2-04", "10.0.2.0/24 beside 10.0.1.0/24", make.with_first_interconnect("10.0.2."))
    static.refuses("2.3.2-04", "the public network", make.with_first_interconnect("10.0.1."), "E_SUBNET")


@clause("2.3.2-05")
@pytest.mark.parametrize("base", ["10.200.1.", "172.16.0.", "172.31.255.", "192.168.0.", "192.168.255."])
def test_private_addresses_on_the_interconnect(static: Static, base: str) -> None:
    """Addresses of all three private ranges, from their first to their last network, serve an interconnect."""
    static.accepts("2.3.2-05", f"{base}0/24", make.with_first_interconnect(base))
