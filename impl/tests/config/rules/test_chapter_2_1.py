"""Clauses 2.1 and 2.3.2: servers and the networks between them."""

from collections.abc import Callable
from typing import Any

import pytest

from twinset.config.rules import chapter_2_1
from twinset.config.structure import build as build_structure

Judge = Callable[[dict[str, Any]], list[Any]]


def lan(n: int, roles: list[str], **fields: Any) -> dict[str, Any]:
    ends = [{"server": f"server{s}", "interface": f"if{n}", "address": f"10.20.{n}.{s}/24"} for s in (1, 2)]
    return {"name": f"lan{n}", "roles": roles, "endpoints": ends, **fields}


PUBLIC = lan(0, ["public"])
IC, MC = ["interconnect"], ["interconnect", "mirror"]
THIRD = {"server": "server3", "interface": "eth1", "address": "10.10.10.3/24"}

BAD: list[Any] = [
    ("one server", {"server": [{"name": "server1"}]}, "E_LIMIT", "server", "2.1.1-01"),
    ("one server, mirror", {"server": [{"name": "server1"}]}, "E_TOPOLOGY", "mirror_set", "2.2.2.1-01"),
    ("three servers", {"server[+]": {"name": "server3"}}, "E_LIMIT", "server", "2.1.1-01"),
    (
        "two domains",
        {"server[0].domain": "a", "server[1].domain": "b"},
        "E_TOPOLOGY",
        "server[1].domain",
        "2.3.2-03",
    ),
    ("one in a domain", {"server[0].domain": "a"}, "E_TOPOLOGY", "server[1].domain", "2.3.2-03"),
    (
        "17 interconnects",
        {"lan": [lan(n, MC if n < 1 else IC) for n in range(17)]},
        "E_LIMIT",
        "lan",
        "2.1.4-02",
    ),
    ("no interconnect", {"lan": [PUBLIC, lan(1, ["mirror"])]}, "E_TOPOLOGY", "lan", "2.1.4-03"),
    ("one interconnect", {"lan": [PUBLIC, lan(1, MC)]}, "W_SINGLE_IC", "lan", "2.1.4-03"),
    ("public is primary", {"lan[0].priority": 1}, "E_TOPOLOGY", "lan[0].roles", "2.1.4-04"),
    ("only public ones", {"lan[1].roles": ["mirror"]}, "E_TOPOLOGY", "lan[0].roles", "2.1.4-04"),
    ("mirror is no interconnect", {"lan[1].roles": ["mirror"]}, "E_TOPOLOGY", "lan[1].roles", "2.1.5-02"),
    ("mirror is public", {"lan[1].roles": [*MC, "public"]}, "E_TOPOLOGY", "lan[1].roles", "2.1.5-03"),
    ("no mirror connect", {"lan[1].roles": IC}, "E_TOPOLOGY", "lan", "2.1.5-06"),
    ("3 mirror connects", {"lan": [PUBLIC, *(lan(n, MC) for n in (1, 2, 3))]}, "E_LIMIT", "lan", "2.1.5-06"),
    (
        "third on mirror",
        {"lan[1].endpoints[+]": THIRD},
        "E_NOTFOUND",
        "lan[1].endpoints[2].server",
        "2.1.5-03",
    ),
    (
        "one end on mirror",
        {"lan[1].endpoints[0].server": "server2"},
        "E_TOPOLOGY",
        "lan[1].endpoints",
        "2.1.5-03",
    ),
    (
        "one end on public",
        {"lan[0].endpoints[0].server": "server2"},
        "E_TOPOLOGY",
        "lan[0].endpoints",
        "2.3.2-02",
    ),
    ("no role", {"lan[0].roles": []}, "E_RANGE", "lan[0].roles", ""),
    ("a role twice", {"lan[1].roles": [*MC, "mirror"]}, "E_DUP", "lan[1].roles[2]", ""),
    ("priority 0", {"lan[1].priority": 0}, "E_RANGE", "lan[1].priority", ""),
    ("priority twice", {"lan[0].priority": 2, "lan[1].priority": 2}, "E_DUP", "lan[1].priority", ""),
    ("no public LAN", {"lan": [lan(1, MC), lan(2, IC)]}, "W_NO_PUBLIC", "lan", "2.3.2-02"),
    ("public apart", {"lan[0].roles": ["public"]}, "W_PUBLIC_NOT_IC", "lan[0].roles", "4.2.3-02"),
]

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("two servers", {}),
    ("one domain in two spellings", {"server[0].domain": "Corp", "server[1].domain": "CORP"}),
    ("16 interconnects", {"lan": [lan(n, MC if n < 1 else IC) for n in range(16)], "group": []}),
    ("2 mirror connects", {"lan[+]": lan(1, MC)}),
    ("public as second interconnect", {"lan[0].priority": 2, "lan[1].priority": 1}),
    ("no mirror set, no mirror connect", {"mirror_set": [], "group": [], "lan[1].roles": IC}),
    ("names in another case", {"lan[0].endpoints[0].server": "SERVER1"}),
]


@pytest.mark.parametrize(("changes", "code", "path", "clause"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_arrangement_is_refused(
    judge: Judge, changes: dict[str, Any], code: str, path: str, clause: str
) -> None:
    """Each arrangement that the guide forbids or advises against is found at its place, by its clause."""
    found = [(f.code, f.path, f.clause) for f in judge(changes)]
    assert (code, path, clause) in found


@pytest.mark.parametrize("changes", [g[1] for g in GOOD], ids=[g[0] for g in GOOD])
def test_arrangement_is_accepted(judge: Judge, changes: dict[str, Any]) -> None:
    """What lies just inside a limit of this chapter has no error."""
    assert [f.message for f in judge(changes) if f.severity == "error"] == []


@pytest.mark.parametrize("rule", chapter_2_1.RULES, ids=lambda rule: rule.check.__name__)
def test_each_rule_can_fail(build: Callable[[dict[str, Any]], dict[str, Any]], rule: Any) -> None:
    """Taken alone, each rule refuses at least one of the samples, so that none of them is dead."""
    assert any(list(rule.check(build_structure(build(changes)).config)) for _, changes, *_ in BAD)
