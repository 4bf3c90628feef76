"""Clauses 7.2, 7.3.1 and 2.3.1: floating IP addresses and virtual computer names."""

from collections.abc import Callable
from typing import Any

import pytest

from twinset.config.rules import chapter_7
from twinset.config.structure import build as build_structure

Judge = Callable[[dict[str, Any]], list[Any]]

FIPS, FIP = "group[0].floating_ip", "group[0].floating_ip[0].address"
VCNS, VCN = "group[0].virtual_computer_name", "group[0].virtual_computer_name[0].name"
SECOND_PUBLIC = {
    "name": "public2",
    "roles": ["public", "interconnect"],
    "endpoints": [
        {"server": "server1", "interface": "eth2", "address": "10.0.2.1/24"},
        {"server": "server2", "interface": "eth2", "address": "10.0.2.2/24"},
    ],
}
SAME_PUBLIC = {
    **SECOND_PUBLIC,
    "endpoints": [
        {"server": "server1", "interface": "eth2", "address": "10.0.1.11/24"},
        {"server": "server2", "interface": "eth2", "address": "10.0.1.12/24"},
    ],
}
TWO_NETWORKS = {"lan[+]": SECOND_PUBLIC, FIPS: [{"address": "10.0.1.100"}, {"address": "10.0.2.100"}]}


def fips(count: int) -> dict[str, Any]:
    return {FIPS: [{"address": f"10.0.1.{n}"} for n in range(100, 100 + count)]}


def vcns(count: int, *, associated: bool) -> dict[str, Any]:
    """So many names, each in a group of its own; the first one beside an address or not."""
    groups = [
        {"name": f"g{n}", "policy": ["server1"], "virtual_computer_name": [{"name": f"v{n}"}]}
        for n in range(min(count, 63))
    ]
    groups += [
        {
            "name": "more",
            "policy": ["server1"],
            "virtual_computer_name": [{"name": f"v{n}"} for n in range(63, count)],
        }
    ]
    if associated:
        groups[0]["floating_ip"] = [{"address": "10.0.1.100"}]
    return {"group": groups}


WINS = "name_service.wins_servers"


def wins(*addresses: str) -> dict[str, Any]:
    return {WINS: list(addresses)}


BAD: list[Any] = [
    ("65 addresses", fips(65), "E_LIMIT", "group", "2.2.2.3-19"),
    ("outside", {FIP: "10.0.9.100"}, "E_SUBNET", FIP, "7.2.1-01"),
    ("network address", {FIP: "10.0.1.0"}, "E_SUBNET", FIP, "7.2.1-01"),
    ("broadcast address", {FIP: "10.0.1.255"}, "E_SUBNET", FIP, "7.2.1-01"),
    ("with prefix length", {FIP: "10.0.1.100/24"}, "E_SUBNET", FIP, "7.2.1-01"),
    ("a name", {FIP: "db"}, "E_SUBNET", FIP, "7.2.1-01"),
    ("of server 1", {FIP: "10.0.1.1"}, "E_DUP", FIP, "7.2.1-01"),
    ("of server 2", {FIP: "10.0.1.2"}, "E_DUP", FIP, "7.2.1-01"),
    ("not listed", {"cluster.floating_ips": ["10.0.1.99"]}, "E_NOTFOUND", FIP, "2.3.1-11"),
    (
        "a listed name",
        {"cluster.floating_ips": ["10.0.1.100", "db"]},
        "E_SUBNET",
        "cluster.floating_ips[1]",
        "2.3.1-11",
    ),
    ("given twice", {f"{FIPS}[+]": {"address": "10.0.1.100"}}, "E_DUP", f"{FIPS}[1].address", "7.2.1-01"),
    ("on the mirror connect", {FIP: "10.10.10.100"}, "E_TOPOLOGY", FIP, "2.1.5-03"),
    ("no public LAN", {"lan[0].roles": ["interconnect"]}, "E_SUBNET", FIP, "7.2.1-01"),
    ("one network on two LANs", {"lan[+]": SAME_PUBLIC}, "E_TOPOLOGY", FIP, "2.3.1-10"),
    ("two public LANs", {"lan[+]": SECOND_PUBLIC}, "W_USE_VIP", "lan", "2.3.7-01"),
    ("line switch", {"group[0].line_switch": [{}]}, "E_UNSUPPORTED", "group[0].line_switch", "6.1-07"),
    ("name of 16", {VCN: "v" * 16}, "E_LENGTH", VCN, "7.3.1.1-03"),
    ("name empty", {VCN: ""}, "E_LENGTH", VCN, "7.3.1.1-03"),
    *(
        (f"name {name!a}", {VCN: name}, "E_CHARSET", VCN, "7.3.1.1-04")
        for name in ("A_1", "A.1", "A 1", "-A", "A-", "é")
    ),
    ("name of digits", {VCN: "123"}, "E_CHARSET", VCN, "7.3.1.1-04"),
    ("name of a server", {VCN: "SERVER2"}, "E_DUP", VCN, "7.3.1.1-01"),
    ("name twice", {f"{VCNS}[+]": {"name": "dbServer"}}, "E_DUP", f"{VCNS}[1].name", "2.2.2.3-26"),
    ("65 names", vcns(65, associated=False), "E_LIMIT", "group", "2.2.2.3-21"),
    ("64 names, one associated", vcns(64, associated=True), "E_LIMIT", "group", "2.2.2.3-22"),
    (
        "63 names, two interfaces",
        {**vcns(63, associated=True), "server[1].name_service_interfaces": 2},
        "E_LIMIT",
        "group",
        "2.2.2.3-22",
    ),
    (
        "chosen address",
        {f"{VCNS}[0].floating_ip": "10.0.1.100"},
        "E_UNSUPPORTED",
        f"{VCNS}[0].floating_ip",
        "7.3.1.3-04",
    ),
    ("addresses of two networks", TWO_NETWORKS, "W_VCN_MULTI_NET", f"{VCNS}[0].associate", "7.3.1.3-06"),
    (
        "no name service",
        {"server[0].name_service_interfaces": 0},
        "W_NETBIOS",
        "server[0].name_service_interfaces",
        "2.2.2.2-03",
    ),
    (
        "two name services",
        {"server[1].name_service_interfaces": 2},
        "W_WINS_BIND",
        "server[1].name_service_interfaces",
        "7.3.3-10",
    ),
    (
        "negative",
        {"server[1].name_service_interfaces": -1},
        "E_RANGE",
        "server[1].name_service_interfaces",
        "7.3.3-10",
    ),
    ("three name servers", wins("10.0.1.53", "10.0.1.54", "10.0.1.55"), "E_LIMIT", WINS, "7.3.2.3-04"),
    ("name server by name", wins("wins"), "E_SUBNET", f"{WINS}[0]", "7.3.2.3-12"),
    ("name server on loopback", wins("127.0.0.1"), "E_SUBNET", f"{WINS}[0]", "7.3.2.3-12"),
    ("name server twice", wins("10.0.1.53", "10.0.1.53"), "E_DUP", f"{WINS}[1]", "7.3.2.3-04"),
    ("name server on an address", wins("10.0.1.100"), "E_DUP", f"{WINS}[0]", "7.3.2.3-04"),
    ("name server on one server", wins("10.0.1.1"), "W_WINS_SINGLE", WINS, "7.3.2.3-06"),
    ("no name server", {FIPS: []}, "W_WINS", VCNS, "7.3.2.2-01"),
]

GOOD = [
    ("name servers on both servers", wins("10.0.1.2", "10.0.1.1")),
    ("name server outside", wins("10.0.1.53")),
    ("name server behind a router", wins("192.0.2.53")),
    ("64 addresses", fips(64)),
    ("first and last host", {FIPS: [{"address": "10.0.1.3"}, {"address": "10.0.1.254"}]}),
    ("name of 15", {VCN: "v" * 15}),
    ("name of 1", {VCN: "v"}),
    ("name with hyphen", {VCN: "WEB-1"}),
    ("64 names, none associated", vcns(64, associated=False)),
    ("63 names, one associated", vcns(63, associated=True)),
    ("64 names, association cancelled", {**vcns(64, associated=True), f"{VCNS}[0].associate": False}),
    ("62 names, two interfaces", {**vcns(62, associated=True), "server[1].name_service_interfaces": 2}),
    ("two networks, association cancelled", {**TWO_NETWORKS, f"{VCNS}[0].associate": False}),
    ("no name, no name service", {VCNS: [], "server[0].name_service_interfaces": 0}),
]


@pytest.mark.parametrize(("changes", "code", "path", "clause"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_client_access_is_refused(
    judge: Judge, changes: dict[str, Any], code: str, path: str, clause: str
) -> None:
    """Each address or name for clients that the guide forbids or advises against is found, by its clause."""
    found = [(f.code, f.path, f.clause) for f in judge(changes)]
    assert (code, path, clause) in found


@pytest.mark.parametrize("changes", [g[1] for g in GOOD], ids=[g[0] for g in GOOD])
def test_client_access_is_accepted(judge: Judge, changes: dict[str, Any]) -> None:
    """What lies just inside a limit on addresses and names has no error."""
    assert [f.message for f in judge(changes) if f.severity == "error"] == []


def test_cancelled_association_silences_the_advice(judge: Judge) -> None:
    """With the association cancelled, addresses of several networks are no longer advised against."""
    found = {f.code for f in judge({**TWO_NETWORKS, f"{VCNS}[0].associate": False})}
    assert "W_VCN_MULTI_NET" not in found


@pytest.mark.parametrize(
    "changes",
    [wins("10.0.1.1", "10.0.1.2"), wins("10.0.1.53"), {**wins("10.0.1.53"), FIPS: []}, {}],
    ids=["both servers", "outside", "unassociated", "associated without"],
)
def test_arrangements_of_name_servers_without_advice(judge: Judge, changes: dict[str, Any]) -> None:
    """Name servers on both servers or outside, or none for an associated name, need no warning."""
    assert not {f.code for f in judge(changes)} & {"W_WINS", "W_WINS_SINGLE"}


@pytest.mark.parametrize("rule", chapter_7.RULES, ids=lambda rule: rule.check.__name__)
def test_each_rule_can_fail(build: Callable[[dict[str, Any]], dict[str, Any]], rule: Any) -> None:
    """Taken alone, each rule refuses at least one of the samples, so that none of them is dead."""
    assert any(list(rule.check(build_structure(build(changes)).config)) for _, changes, *_ in BAD)
