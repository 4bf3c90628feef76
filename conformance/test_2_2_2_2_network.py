"""2.2.2.2: addresses and networks of the servers, and the names of their connections."""

import pytest

from conformance.suite import config as make
from conformance.suite.advised import Advised, advice, servers
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import DEADLINE_S, Pair
from conformance.suite.static import Static
from conformance.suite.wait import wait_for

LISTENS_FOR_SNMP = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
    agent.bind(("", 161))
    while True:
        agent.recv(64)
"""


def warned_of(pair: Pair, code: str) -> list[str]:
    """The servers about which the port's check of the installation has a finding of this class."""
    return sorted(str(each.get("server")) for each in advice(pair.adapter) if each["code"] == code)


NAME_BYTES_MAX = 31


@clause("2.2.2.2-04")
def test_sixteen_fixed_addresses_and_no_seventeenth(static: Static) -> None:
    """A server has up to 16 addresses, floating IP addresses not counted; a 17th is refused with E_LIMIT."""
    static.accepts("2.2.2.2-04", "16 fixed addresses beside a FIP", make.with_fixed_addresses(16))
    static.refuses("2.2.2.2-04", "17 fixed addresses", make.with_fixed_addresses(17), "E_LIMIT")


@clause("2.2.2.2-04")
def test_floating_addresses_do_not_count(static: Static) -> None:
    """16 fixed addresses leave room for any number of floating IP addresses that the cluster allows."""
    config = make.with_fixed_addresses(16)
    addresses = [f"{make.PUBLIC}{n}" for n in range(100, 120)]
    config["groups"][0]["resources"] = [make.disk_resource(), *map(make.fip, addresses)]
    static.accepts("2.2.2.2-04", "16 fixed addresses and 20 FIPs", config)


@clause("2.2.2.2-05")
def test_one_address_in_each_network(static: Static) -> None:
    """Two fixed addresses of a server in one network are refused with E_SUBNET; in two they are fine."""
    same = make.with_network(server1="10.0.1.3/24", server2="10.0.1.4/24")
    static.refuses("2.2.2.2-05", "10.0.1.1/24 beside 10.0.1.3/24", same, "E_SUBNET")
    other = make.with_network(server1="10.0.2.1/24", server2="10.0.2.2/24")
    static.accepts("2.2.2.2-05", "10.0.1.1/24 beside 10.0.2.1/24", other)


@clause("2.2.2.2-05")
def test_a_floating_address_may_share_the_network(static: Static) -> None:
    """The rule speaks of fixed addresses: a floating IP address lies in the public network by definition."""
    static.accepts("2.2.2.2-05", "a FIP in the public network", make.with_fips("10.0.1.100"))


@clause("2.2.2.2-06")
def test_networks_do_not_contain_one_another(static: Static) -> None:
    """The guide's own example, a /16 around a /24, is refused with E_SUBNET; disjoint networks are fine."""
    for wide, narrow, allowed in (
        ("10.1.1.10/16", "10.1.2.10/24", False),
        ("10.1.1.10/16", "10.2.2.10/24", True),
        ("10.1.1.10/24", "10.1.2.10/24", True),
        ("10.1.1.10/16", "10.1.255.129/25", False),
        ("10.1.1.10/23", "10.1.0.10/24", False),
    ):
        config = make.with_network("wide", wide, wide.replace(".10/", ".11/"))
        second = {"server1": narrow, "server2": narrow.replace(".10/", ".11/").replace(".129/", ".130/")}
        config["networks"].append({"name": "narrow", "roles": ["interconnect"], "addresses": second})
        if allowed:
            static.accepts("2.2.2.2-06", f"{wide} beside {narrow}", config)
        else:
            static.refuses("2.2.2.2-06", f"{wide} beside {narrow}", config, "E_SUBNET")


@clause("2.2.2.2-06")
@pytest.mark.parametrize(
    "address", ["10.9.9.1/33", "10.9.9.300/24", "10.9.9/24", "10.9.9.1/255..255.0.0", "ten/24"]
)
def test_a_malformed_address_is_refused(static: Static, address: str) -> None:
    """An address or mask that does not parse (the guide misprints one) is refused, not guessed at."""
    codes = ("E_SUBNET", "E_RANGE", "E_CHARSET")
    static.refuses("2.2.2.2-06", f"address {address}", make.with_network(server1=address), *codes)


@clause("2.2.2.2-07", "4.2.4-01")
@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("n", True),
        ("n" * NAME_BYTES_MAX, True),
        ("n" * (NAME_BYTES_MAX + 1), False),
        ("é" * 15, True),
        ("é" * 16, False),
        ("é" * 15 + "n", True),
        ("n" * 30 + "é", False),
        ("", False),
    ],
    ids=["1", "31", "32", "15x2", "16x2", "15x2+1", "30+2", "empty"],
)
def test_a_public_connection_name_is_at_most_31_bytes(static: Static, name: str, allowed: bool) -> None:
    """The name of a LAN connection may have 31 bytes, counted in bytes and not in characters; whether the public LAN
    carries heartbeats as well makes no difference.
    """
    for roles in (["public", "interconnect"], ["public"]):
        config = make.good()
        config["networks"][0].update(name=name, roles=roles)
        _judge_name(static, "2.2.2.2-07", name, config, allowed=allowed)


@clause("2.2.2.2-08")
@pytest.mark.parametrize("network", [1, 2], ids=["mirror-connect", "interconnect"])
@pytest.mark.parametrize(
    ("name", "allowed"),
    [("n" * NAME_BYTES_MAX, True), ("n" * (NAME_BYTES_MAX + 1), False), ("é" * 15, True), ("é" * 16, False)],
    ids=["31", "32", "15x2", "16x2"],
)
def test_other_connection_names_are_as_short(static: Static, network: int, name: str, allowed: bool) -> None:
    """The same limit of 31 bytes holds for the names of interconnects and mirror connects."""
    config = make.good()
    config["networks"][network]["name"] = name
    _judge_name(static, "2.2.2.2-08", name, config, allowed=allowed)


def _judge_name(static: Static, clause_id: str, name: str, config: make.Config, *, allowed: bool) -> None:
    fact = f"a name of {len(name.encode())} bytes in {len(name)} characters"
    if allowed:
        static.accepts(clause_id, fact, config)
    else:
        static.refuses(clause_id, fact, config, "E_LENGTH")


@clause("2.2.2.2-09", "2.1.5-03", "4.2.1-01")
def test_the_mirror_connect_joins_two_servers_only(static: Static) -> None:
    """A floating IP address in the network of a mirror connect would bring clients there: refused."""
    static.accepts("2.2.2.2-09", "a mirror connect with the two servers", make.good())
    config = make.with_fips("10.10.10.100")
    static.refuses("2.2.2.2-09", "a FIP in the mirror connect's network", config, "E_TOPOLOGY", "E_SUBNET")


@clause("2.2.2.2-01")
def test_a_server_needs_an_address(static: Static) -> None:
    """TCP/IP is a must: a server without an address in any network is refused."""
    static.accepts("2.2.2.2-01", "both servers have addresses", make.good())
    config = make.good()
    for network in config["networks"]:
        del network["addresses"]["server2"]
    static.refuses("2.2.2.2-01", "server 2 has no address", config, "E_TOPOLOGY")


@pytest.mark.cluster("copies")
@clause("2.2.2.2-10", "2.1.5-04", "4.2.1-02")
def test_only_tcp_ip_on_the_mirror_connect(pair: Pair, judge: Judge) -> None:
    """While data is mirrored, every frame on the mirror connect is ARP or IP: no protocol of
    the port's own.
    """
    pair.see.need("server1", "tcpdump")
    network = next(n for n in pair.now.config["networks"] if "mirror" in n["roles"])
    pair.wait_place("db", "server1")
    frames = pair.see.capture("server1", network["interface"], "ether[0] >= 0")
    pair.write_file("db", "server1", "captured", mib=2)
    seen = frames.stop_after(lambda line: "IPv4" in line)
    foreign = [line for line in seen if not any(word in line for word in ("ARP", "IPv4", "IPv6"))]
    judge.holds(
        "2.2.2.2-10", "the mirror's traffic was seen", any("IPv4" in line for line in seen), len(seen)
    )
    judge.equal("2.2.2.2-10", "frames of other protocols", expected=[], observed=foreign[:5])


@clause("2.2.2.2-02")
def test_an_snmp_service_is_on_both_servers(advised: Advised) -> None:
    """Where something answers at the port of SNMP on both servers there is no W_SNMP; where one has none there is."""
    config = make.good()
    advised.is_silent("2.2.2.2-02", "on both", config, servers(config), "W_SNMP")
    described = servers(config, server2={"listening": ["tcp/22"]})
    advised.warns("2.2.2.2-02", "on server 1 only", config, described, "W_SNMP")


@pytest.mark.needs("advise_here")
@pytest.mark.cluster("commands")
@clause("2.2.2.2-02")
def test_an_snmp_service_of_a_server_is_seen(pair: Pair, judge: Judge) -> None:
    """On the servers as they are: while something listens at the port of SNMP on one server only, there is W_SNMP about
    the other one only.
    """
    pair.see.need("server1", "python3")
    argv = ["python3", "-c", LISTENS_FOR_SNMP]
    job = pair.adapter.request("run", {"host": "server1", "argv": argv, "background": True})["job"]
    try:
        wait_for(
            lambda: warned_of(pair, "W_SNMP"),
            lambda found: "server1" not in found,
            DEADLINE_S,
            "it to listen",
        )
        judge.equal("2.2.2.2-02", "W_SNMP is about", expected=["server2"], observed=warned_of(pair, "W_SNMP"))
    finally:
        pair.adapter.request("job", {"job": job, "action": "stop"})
    judge.equal(
        "2.2.2.2-02", "on neither", expected=["server1", "server2"], observed=warned_of(pair, "W_SNMP")
    )
