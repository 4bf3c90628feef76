"""7.2, 7.2.3, 7.2.5, 7.2.6: clients of a floating IP address on its LAN and behind a router, and its three formats.

Everything is seen on one loss of the server (suite/clients.py): (1) a client connects to the server, (2) the server's
application calls another host for it, (3) a remote host and the application connect to each other.
"""

import pytest

from conformance.suite.cases import clause
from conformance.suite.clients import AWAY, HOME, NEAR, REMOTE, Seen, watch
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair

clients = pytest.mark.cluster("clients")
remote_lan = pytest.mark.needs("remote_lan")


def router_of(pair: Pair) -> str:
    return str(pair.provisioned["remote"]["router"])


def believed(seen: Seen, host: str) -> tuple[bool, bool]:
    """Whether a host sends to the right server, before the loss and after it."""
    return tuple(side.neighbours[host] == side.mac != "" for side in (seen.before, seen.after))  # type: ignore[return-value]


@remote_lan
@clients
@clause("7.2-04", "7.2-07", "7.2.5-03")
def test_clients_reach_the_address_from_both_lans(pair: Pair, judge: Judge) -> None:
    """From the servers' LAN and from behind a router, before the loss of the server and after it."""
    seen = watch(pair)
    for side in (seen.before, seen.after):
        judge.equal("7.2-04", f"near, {side.server}", expected=True, observed=side.pings[NEAR])
        judge.equal("7.2-07", f"remote, {side.server}", expected=True, observed=side.pings[REMOTE])
        judge.equal(
            "7.2.5-03",
            f"both, {side.server}",
            expected=True,
            observed=side.pings[NEAR] and side.pings[REMOTE],
        )


@remote_lan
@clients
@clause("7.2.5-08", "7.2.3-01")
def test_nothing_is_changed_on_the_router(pair: Pair, judge: Judge) -> None:
    """The remote client reaches the address wherever it is; no route was added for it."""
    seen = watch(pair)
    routes = pair.see.run(router_of(pair), ["ip", "route"]).stdout
    judge.equal("7.2.5-08", "after the loss", expected=True, observed=seen.after.pings[REMOTE])
    judge.holds("7.2.3-01", "no route for the address", seen.address not in routes, routes)


@remote_lan
@clients
@clause("7.2-05", "7.2.5-01", "7.2.5-02")
def test_servers_reach_the_address(pair: Pair, judge: Judge) -> None:
    """The server that has it and the other one of the cluster."""
    seen = watch(pair).before
    judge.equal("7.2.5-01", "from its own server", expected=True, observed=seen.pings[HOME])
    judge.equal("7.2.5-02", "from the other server", expected=True, observed=seen.pings[AWAY])
    judge.equal("7.2-05", "between servers", expected=True, observed=seen.pings[AWAY])


@remote_lan
@clients
@clause("7.2-08", "7.2.5-04", "7.2.5-05")
def test_any_machine_with_ip_and_arp_may_use_it(pair: Pair, judge: Judge) -> None:
    """The client is no machine of the cluster's kind: it speaks TCP/IP and learns by ARP who has the address."""
    seen = watch(pair)
    judge.equal("7.2.5-05", "learnt by ARP", expected=(True, True), observed=believed(seen, NEAR))
    judge.holds("7.2.5-04", "it speaks TCP", "up" in seen.lines[NEAR], seen.lines[NEAR])
    judge.equal("7.2-08", "served again", expected="up", observed=seen.lines[NEAR][-1])


@remote_lan
@clients
@clause("7.2.5-06", "7.2.5-07", "7.2-06", "7.2.6-06")
def test_a_connection_breaks_and_the_next_one_goes_to_the_same_address(pair: Pair, judge: Judge) -> None:
    """Through a switch: the connection is cut when the server is lost, the client connects again."""
    seen = watch(pair)
    judge.holds(
        "7.2.5-06", "connected through the switch", seen.lines[NEAR][0] in {"up", "lost"}, seen.lines[NEAR]
    )
    judge.holds("7.2.5-07", "the connection was cut", "lost" in seen.lines[NEAR], seen.lines[NEAR])
    judge.equal("7.2-06", "connected again", expected="up", observed=seen.lines[NEAR][-1])


@remote_lan
@clients
@clause("7.2.6-02", "7.2.6-03", "7.2.6-05")
def test_format_1_the_client_connects_to_the_address(pair: Pair, judge: Judge) -> None:
    """The client names the floating address, and after the failover the same one."""
    seen = watch(pair)
    judge.equal("7.2.6-02", "before", expected=True, observed=seen.before.pings[NEAR])
    judge.holds("7.2.6-03", "connected", "up" in seen.lines[NEAR], seen.lines[NEAR])
    judge.equal("7.2.6-05", "after", expected="up", observed=seen.lines[NEAR][-1])


@remote_lan
@clients
@clause("7.2.6-04")
def test_format_1_the_clients_arp_entry_changes(pair: Pair, judge: Judge) -> None:
    """Before the failover it has the one server's hardware address, after it the other's."""
    judge.equal(
        "7.2.6-04", "right before and after", expected=(True, True), observed=believed(watch(pair), NEAR)
    )


@remote_lan
@clients
@clause("7.2.6-09", "7.2.6-13", "7.2.6-11", "7.2.6-16")
def test_the_server_calls_other_hosts_from_its_own_address(pair: Pair, judge: Judge) -> None:
    """What the application sends without binding to an address comes from the server's fixed one, on either server."""
    seen = watch(pair)
    for side in (seen.before, seen.after):
        own = [seen.fixed[side.server]]
        judge.equal("7.2.6-09", f"sources on {side.server}", expected=own, observed=side.outgoing)
        judge.equal("7.2.6-13", f"sources on {side.server}", expected=own, observed=side.outgoing)
        judge.holds("7.2.6-11", "clients use the floating one", side.pings[NEAR], side.pings)


@remote_lan
@clients
@clause("7.2.6-07", "7.2.6-08", "7.2.6-12")
def test_format_2_the_server_calls_another_host_for_its_client(pair: Pair, judge: Judge) -> None:
    """A client is connected to the floating address, the application calls the other host; again after a failover."""
    seen = watch(pair)
    judge.holds("7.2.6-08", "the client is connected", "up" in seen.lines[NEAR], seen.lines[NEAR])
    judge.equal("7.2.6-07", "the call", expected=[seen.fixed[HOME]], observed=seen.before.outgoing)
    again = (seen.lines[NEAR][-1], seen.after.outgoing)
    judge.equal("7.2.6-12", "after the failover", expected=("up", [seen.fixed[AWAY]]), observed=again)


@remote_lan
@clients
@clause("7.2.6-14", "7.2.6-17", "7.2.6-18")
def test_format_3_a_remote_host_and_the_server_connect_to_each_other(pair: Pair, judge: Judge) -> None:
    """The remote host connects to the floating address and is called; after a failover the router sends to the other
    server, the remote host is connected again and is called from there.
    """
    seen = watch(pair)
    judge.holds("7.2.6-17", "the remote host is connected", "up" in seen.lines[REMOTE], seen.lines[REMOTE])
    judge.equal("7.2.6-14", "it is called", expected=[seen.fixed[HOME]], observed=seen.before.outgoing)
    judge.equal(
        "7.2.6-18", "the router's ARP", expected=(True, True), observed=believed(seen, router_of(pair))
    )
    again = (seen.lines[REMOTE][-1], seen.after.outgoing)
    judge.equal("7.2.6-18", "after the failover", expected=("up", [seen.fixed[AWAY]]), observed=again)
