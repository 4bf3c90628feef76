"""Clauses 2.2.2.2 and 2.3.2: names of LANs, addresses, networks."""

from collections.abc import Callable
from typing import Any

import pytest

from twinset.config.rules import chapter_2_2_2
from twinset.config.structure import build as build_structure

Judge = Callable[[dict[str, Any]], list[Any]]

END = "lan[1].endpoints[0]"
FIXED = "server[0].fixed_addresses"


def fixed(count: int) -> dict[str, Any]:
    """Further addresses of server 1, each in a network of its own; the two LANs give it two already."""
    return {FIXED: [f"172.16.{n}.1/24" for n in range(count)]}


BAD: list[Any] = [
    ("LAN name 32 bytes", {"lan[0].name": "n" * 32}, "E_LENGTH", "lan[0].name", "2.2.2.2-08"),
    (
        "public LAN name 32 bytes",
        {"lan[0].name": "n" * 32, "lan[0].roles": ["public"]},
        "E_LENGTH",
        "lan[0].name",
        "2.2.2.2-07",
    ),
    ("16 characters of two bytes", {"lan[0].name": "é" * 16}, "E_LENGTH", "lan[0].name", "2.2.2.2-08"),
    ("empty LAN name", {"lan[0].name": ""}, "E_LENGTH", "lan[0].name", "2.2.2.2-08"),
    ("LAN name with newline", {"lan[0].name": "a\nb"}, "E_CHARSET", "lan[0].name", ""),
    ("LAN name twice", {"lan[1].name": "PUBLIC"}, "E_DUP", "lan[1].name", ""),
    ("interface name 16 bytes", {f"{END}.interface": "e" * 16}, "E_LENGTH", f"{END}.interface", ""),
    ("interface name with slash", {f"{END}.interface": "e/0"}, "E_CHARSET", f"{END}.interface", ""),
    ("no prefix length", {f"{END}.address": "10.10.10.1"}, "E_SUBNET", f"{END}.address", "2.2.2.2-01"),
    (
        "malformed mask",
        {f"{END}.address": "10.10.10.1/255..255.0.0"},
        "E_SUBNET",
        f"{END}.address",
        "2.2.2.2-01",
    ),
    ("prefix length 33", {f"{END}.address": "10.10.10.1/33"}, "E_SUBNET", f"{END}.address", "2.2.2.2-01"),
    ("five numbers", {f"{END}.address": "10.10.10.1.1/24"}, "E_SUBNET", f"{END}.address", "2.2.2.2-01"),
    ("IPv6", {f"{END}.address": "fd00::1/64"}, "E_SUBNET", f"{END}.address", "2.2.2.2-01"),
    ("network address", {f"{END}.address": "10.10.10.0/24"}, "E_SUBNET", f"{END}.address", "2.2.2.2-01"),
    ("broadcast address", {f"{END}.address": "10.10.10.255/24"}, "E_SUBNET", f"{END}.address", "2.2.2.2-01"),
    ("multicast", {f"{END}.address": "224.0.0.1/24"}, "E_SUBNET", f"{END}.address", "2.2.2.2-01"),
    ("bad fixed address", {FIXED: ["x"]}, "E_SUBNET", f"{FIXED}[0]", "2.2.2.2-01"),
    ("17 addresses", fixed(15), "E_LIMIT", "server[0]", "2.2.2.2-04"),
    ("two in one network", {FIXED: ["10.0.1.9/24"]}, "E_SUBNET", f"{FIXED}[0]", "2.2.2.2-05"),
    (
        "the guide's nested networks",
        {FIXED: ["10.1.1.10/16", "10.1.2.10/24"]},
        "E_SUBNET",
        f"{FIXED}[1]",
        "2.2.2.2-06",
    ),
    (
        "nested the other way round",
        {FIXED: ["10.1.2.10/24", "10.1.1.10/16"]},
        "E_SUBNET",
        f"{FIXED}[1]",
        "2.2.2.2-06",
    ),
    ("nested in a LAN", {FIXED: ["10.10.0.9/16"]}, "E_SUBNET", f"{FIXED}[0]", "2.2.2.2-06"),
    ("ends in two networks", {f"{END}.address": "10.10.11.1/24"}, "E_SUBNET", "lan[1].endpoints", "2.3.2-02"),
    ("ends with two masks", {f"{END}.address": "10.10.10.1/25"}, "E_SUBNET", "lan[1].endpoints", "2.3.2-02"),
    (
        "one address on both",
        {f"{END}.address": "10.10.10.2/24"},
        "E_DUP",
        "lan[1].endpoints[1].address",
        "2.3.2-02",
    ),
    (
        "interconnect in the public network",
        {f"{END}.address": "10.0.1.11/24", "lan[1].endpoints[1].address": "10.0.1.12/24"},
        "E_SUBNET",
        "lan[1].endpoints",
        "2.3.2-04",
    ),
]

GOOD = [
    ("LAN name 31 bytes", {"lan[0].name": "n" * 31}),
    ("15 characters of two bytes", {"lan[0].name": "é" * 15}),
    ("blanks in a LAN name", {"lan[0].name": "Local Area Connection 2"}),
    ("interface name 15 bytes", {f"{END}.interface": "e" * 15}),
    ("VLAN interface", {f"{END}.interface": "eth0.100@x:1"}),
    ("16 addresses", fixed(14)),
    (
        "16 addresses and loopback and link-local",
        {FIXED: [*fixed(14)[FIXED], "127.0.0.2/8", "169.254.1.1/16"]},
    ),
    ("disjoint networks", {FIXED: ["10.1.1.10/16", "10.2.2.10/24"]}),
    ("private addresses of each kind", {FIXED: ["172.16.0.1/24", "192.168.0.1/24"]}),
    (
        "a pair of addresses",
        {f"{END}.address": "10.10.10.0/31", "lan[1].endpoints[1].address": "10.10.10.1/31"},
    ),
]


@pytest.mark.parametrize(("changes", "code", "path", "clause"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_address_plan_is_refused(
    judge: Judge, changes: dict[str, Any], code: str, path: str, clause: str
) -> None:
    """Each name, address or network that the guide forbids is found at its place, by its clause."""
    found = [(f.code, f.path, f.clause) for f in judge(changes)]
    assert (code, path, clause) in found


@pytest.mark.parametrize("changes", [g[1] for g in GOOD], ids=[g[0] for g in GOOD])
def test_address_plan_is_accepted(judge: Judge, changes: dict[str, Any]) -> None:
    """What lies just inside a limit on names and addresses has no error."""
    assert [f.message for f in judge(changes) if f.severity == "error"] == []


@pytest.mark.parametrize("rule", chapter_2_2_2.RULES, ids=lambda rule: rule.check.__name__)
def test_each_rule_can_fail(build: Callable[[dict[str, Any]], dict[str, Any]], rule: Any) -> None:
    """Taken alone, each rule refuses at least one of the samples, so that none of them is dead."""
    assert any(list(rule.check(build_structure(build(changes)).config)) for _, changes, *_ in BAD)
