"""2.3.1: floating and virtual IP addresses: from which network they are, and how a client's way follows the group."""

import ipaddress

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.clients import NEAR, watch
from conformance.suite.clusters import ROUTED_GROUP as GROUP
from conformance.suite.clusters import VIRTUAL_IP
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.rip import learning
from conformance.suite.static import Static

routes = pytest.mark.cluster("routes")
HOME, AWAY = "server1", "server2"
SECOND_PUBLIC = {"server1": "10.0.3.1/24", "server2": "10.0.3.2/24"}


@clause("2.3.1-03")
def test_a_floating_address_is_of_the_public_network(static: Static) -> None:
    """An address of the public LAN is accepted, one of no LAN is refused with E_SUBNET."""
    static.accepts("2.3.1-03", "of the public LAN", make.with_fips("10.0.1.100"))
    static.refuses("2.3.1-03", "of no LAN", make.with_fips(VIRTUAL_IP), "E_SUBNET")


@pytest.mark.needs("virtual_ip")
@clause("2.3.1-03")
@pytest.mark.parametrize("address", ["10.0.1.100", "10.10.10.100", "10.10.20.100"])
def test_a_virtual_address_is_of_another_network(static: Static, address: str) -> None:
    """An address of the public LAN or an interconnect is refused with E_SUBNET, one of no LAN is accepted."""
    static.refuses("2.3.1-03", address, make.with_vips(address), "E_SUBNET")
    static.accepts("2.3.1-03", VIRTUAL_IP, make.with_vips(VIRTUAL_IP))


@pytest.mark.needs("virtual_ip")
@clause("2.3.1-12")
@pytest.mark.parametrize("address", ["10.10.10.100", "10.10.20.100"], ids=["mirror-connect", "interconnect"])
def test_between_servers_a_floating_address_is_of_the_public_lan(static: Static, address: str) -> None:
    """A floating address of an interconnect is refused, one of the public LAN is not; a virtual one serves both."""
    static.refuses(
        "2.3.1-12", f"floating address {address}", make.with_fips(address), "E_SUBNET", "E_TOPOLOGY"
    )
    static.accepts("2.3.1-12", "of the public LAN", make.with_fips("10.0.1.100"))
    static.accepts("2.3.1-12", f"virtual address {VIRTUAL_IP}", make.with_vips(VIRTUAL_IP))


@pytest.mark.needs("virtual_ip")
@clause("2.3.1-10")
def test_only_a_virtual_address_serves_a_lan_that_is_there_twice(static: Static) -> None:
    """Two public LANs of one network are refused with E_TOPOLOGY for a floating address; a virtual address may have
    two public LANs.
    """
    config = make.with_fips("10.0.1.100")
    same = {"server1": "10.0.1.11/24", "server2": "10.0.1.12/24"}
    config["networks"].append({"name": "public2", "roles": ["public", "interconnect"], "addresses": same})
    static.refuses("2.3.1-10", "a floating address", config, "E_TOPOLOGY")
    config = make.with_vips(VIRTUAL_IP)
    ends = {"name": "public2", "roles": ["public", "interconnect"], "addresses": SECOND_PUBLIC}
    config["networks"].append(ends)
    static.accepts("2.3.1-10", "a virtual address", config)


@pytest.mark.needs("virtual_ip")
@routes
@clause("2.3.1-05", "6.1-04")
def test_a_route_is_announced_by_the_server_that_runs_the_group(pair: Pair, judge: Judge) -> None:
    """RIP on the public LAN: a host route to the address through the server on which the group starts; after a move
    through the other one; the first one says that its route is gone.
    """
    see, number = pair.see, int(ipaddress.IPv4Address(VIRTUAL_IP))
    # A response of version 2 whose first route is this address with a full mask; its metric stands at 28.
    route = f"udp dst port 520 and udp[8:2]=0x0202 and udp[16:4]={number} and udp[20:4]=0xffffffff"
    home = f" {see.fixed[HOME]}.520 > "
    with pair.spoiled_on_error():
        for server, begin in ((HOME, "group.start"), (AWAY, "group.move")):
            capture = see.capture("client", see.client_interface, f"{route} and udp[28:4]<16")
            gone = see.capture("client", see.client_interface, f"{route} and udp[28:4]=16")
            pair.operate(begin, group=GROUP, to=server)
            pair.wait_place(GROUP, server)
            sender = f" {see.fixed[server]}.520 > "
            heard = capture.stop_after(lambda line, sender=sender: sender in line)  # type: ignore[misc]
            judge.holds(
                "2.3.1-05", f"announced through {server}", any(sender in each for each in heard), heard
            )
            if server == AWAY:
                left = gone.stop_after(lambda line: home in line)
                judge.holds("2.3.1-05", f"withdrawn by {HOME}", any(home in each for each in left), left)
            else:
                gone.stop()
            seen = see.run(server, ["ip", "-4", "address"]).stdout
            judge.holds("6.1-04", f"{server} has the address", f" {VIRTUAL_IP}/" in seen, seen)
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
        seen = see.run(AWAY, ["ip", "-4", "address"]).stdout
        judge.holds("6.1-04", "no longer after the stop", f" {VIRTUAL_IP}/" not in seen, seen)


@pytest.mark.needs("remote_lan")
@pytest.mark.cluster("clients")
@clause("2.3.1-04", "2.3.1-06", "2.3.4-02")
def test_an_arp_broadcast_switches_a_floating_address(pair: Pair, judge: Judge) -> None:
    """The client, of no kind in particular, has another hardware address for it after the failover, and is served."""
    seen = watch(pair)
    believed = [side.neighbours[NEAR] == side.mac != "" for side in (seen.before, seen.after)]
    judge.equal("2.3.1-04", "the client's ARP entry", expected=[True, True], observed=believed)
    judge.equal("2.3.1-06", "served again", expected="up", observed=seen.lines[NEAR][-1])
    judge.equal("2.3.4-02", "by ARP", expected=True, observed=seen.after.pings[NEAR])


@pytest.mark.needs("virtual_ip", "remote_lan")
@routes
@clause("2.3.1-08")
def test_a_router_interprets_rip_for_a_virtual_address_only(pair: Pair, judge: Judge) -> None:
    """From behind a router that does nothing the floating address is reached and the virtual one is not; while the
    router interprets RIP both are, on either server.
    """
    see, floating = pair.see, str(pair.provisioned["floating_ips"][0])
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP, to=HOME)
        pair.wait_place(GROUP, HOME)
        judge.equal(
            "2.3.1-08", "floating, plain router", expected=True, observed=see.reaches("remote", floating)
        )
        judge.equal(
            "2.3.1-08", "virtual, plain router", expected=False, observed=see.reaches("remote", VIRTUAL_IP)
        )
        with learning(pair, VIRTUAL_IP):
            for server in (HOME, AWAY):
                if server == AWAY:
                    pair.operate("group.move", group=GROUP, to=AWAY)
                    pair.wait_place(GROUP, AWAY)
                reached = see.awaits("remote", VIRTUAL_IP)
                judge.equal("2.3.1-08", f"virtual, RIP, {server}", expected=True, observed=reached)
                judge.equal(
                    "2.3.1-08", f"floating, {server}", expected=True, observed=see.reaches("remote", floating)
                )
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
