"""Clauses 2.3.1: virtual IP addresses lie in no network of the servers."""

from collections.abc import Callable
from typing import Any

import pytest

from twinset.config.rules import chapter_2_3

Judge = Callable[[dict[str, Any]], list[Any]]

VIPS, VIP = "group[0].virtual_ip", "group[0].virtual_ip[0].address"


def vips(*addresses: str) -> dict[str, Any]:
    return {VIPS: [{"address": address} for address in addresses]}


BAD: list[Any] = [
    ("on the public LAN", vips("10.0.1.100"), "E_SUBNET", VIP, "2.3.1-03"),
    ("on an interconnect", vips("10.10.10.100"), "E_SUBNET", VIP, "2.3.1-03"),
    ("a fixed address's network", {**vips("10.9.9.9"), "server[0].fixed_addresses": ["10.9.9.1/24"]},
     "E_SUBNET", VIP, "2.3.1-03"),
    ("multicast", vips("224.0.0.9"), "E_SUBNET", VIP, "2.3.1-03"),
    ("loopback", vips("127.0.0.2"), "E_SUBNET", VIP, "2.3.1-03"),
    ("link-local", vips("169.254.1.1"), "E_SUBNET", VIP, "2.3.1-03"),
    ("with prefix length", vips("10.200.0.5/32"), "E_SUBNET", VIP, "2.3.1-03"),
    ("twice", vips("10.200.0.5", "10.200.0.5"), "E_DUP", f"{VIPS}[1].address", "2.3.1-03"),
    ("no public LAN", {**vips("10.200.0.5"), "lan[0].roles": ["interconnect"]}, "E_TOPOLOGY", VIP, "2.3.1-05"),
    ("one public LAN", vips("10.200.0.5"), "W_PREFER_FIP", VIP, "2.3.1-01"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "code", "path", "clause"), BAD, ids=[row[0] for row in BAD])
def test_each_rule_finds_what_breaks_it(
    judge: Judge, name: str, change: dict[str, Any], code: str, path: str, clause: str
) -> None:
    """One finding of that class at that place, with the clause."""
    found = [(each.code, each.path, each.clause) for each in judge(change)]
    assert (code, path, clause) in found, (name, found)


def test_an_address_of_its_own_network_is_accepted(judge: Judge) -> None:
    """With two public LANs nothing is said about it (2.3.1-10)."""
    second = {
        "name": "public2",
        "roles": ["public", "interconnect"],
        "endpoints": [
            {"server": f"server{n}", "interface": "eth2", "address": f"10.0.2.{n}/24"} for n in (1, 2)
        ],
    }
    found = judge({**vips("10.200.0.5"), "lan[+]": second})
    assert [each for each in found if "virtual_ip" in each.path] == []


def test_every_rule_is_broken_by_a_sample() -> None:
    """No rule without a sample that it finds."""
    clauses = {row[4] for row in BAD}
    assert all(clauses & set(rule.clauses) for rule in chapter_2_3.RULES)
