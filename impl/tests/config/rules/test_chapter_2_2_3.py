"""Clauses 2.2.2.3: the cluster, its servers and its accounts by name."""

from collections.abc import Callable
from typing import Any

import pytest

from twinset.config.rules import chapter_2_2_3
from twinset.config.structure import build as build_structure

Judge = Callable[[dict[str, Any]], list[Any]]

NAME, SERVER, ACCOUNT = "cluster.name", "server[1].name", "account[0].name"
PASSWORD = "cluster.password"


def accounts(count: int) -> dict[str, Any]:
    return {"account": [{"name": f"user{n}"} for n in range(count)]}


BAD: list[Any] = [
    ("format 2", {"format": 2}, "E_UNSUPPORTED", "format", ""),
    ("cluster name 16", {NAME: "n" * 16}, "E_LENGTH", NAME, "2.2.2.3-03"),
    ("cluster name empty", {NAME: ""}, "E_LENGTH", NAME, "2.2.2.3-03"),
    ("cluster name blank", {NAME: "a b"}, "E_CHARSET", NAME, "2.2.2.3-01"),
    ("cluster name dot", {NAME: "a.b"}, "E_CHARSET", NAME, "2.2.2.3-01"),
    ("cluster name full-width", {NAME: "\uff21\uff22"}, "E_CHARSET", NAME, "2.2.2.3-01"),
    ("cluster password 16", {PASSWORD: "p" * 16}, "E_LENGTH", PASSWORD, "2.2.2.3-14"),
    ("cluster password 8 of two bytes", {PASSWORD: "é" * 8}, "E_LENGTH", PASSWORD, "2.2.2.3-14"),
    ("unknown survivor", {"cluster.preferred_survivor": "x"}, "E_NOTFOUND", "cluster.preferred_survivor", ""),
    ("server name 16", {SERVER: "s" * 16}, "E_LENGTH", SERVER, "2.2.2.3-07"),
    ("server name empty", {SERVER: ""}, "E_LENGTH", SERVER, "2.2.2.3-07"),
    ("15 bytes and one more character", {SERVER: "s" * 15 + "é"}, "E_LENGTH", SERVER, "2.2.2.3-07"),
    ("server name underscore", {SERVER: "server_2"}, "E_CHARSET", SERVER, "2.2.2.3-05"),
    ("server name ends with hyphen", {SERVER: "server-"}, "E_CHARSET", SERVER, "2.2.2.3-05"),
    ("server name begins with hyphen", {SERVER: "-server"}, "E_CHARSET", SERVER, "2.2.2.3-05"),
    ("server name of digits", {SERVER: "22"}, "E_CHARSET", SERVER, "2.2.2.3-05"),
    ("one name for both servers", {SERVER: "SERVER1"}, "E_DUP", SERVER, "2.2.2.3-06"),
    ("17 accounts", accounts(17), "E_LIMIT", "account", "2.2.2.3-15"),
    ("account name 32", {ACCOUNT: "u" * 32}, "E_LENGTH", ACCOUNT, "2.2.2.3-17"),
    ("account name empty", {ACCOUNT: ""}, "E_LENGTH", ACCOUNT, "2.2.2.3-17"),
    ("account twice", {"account[+]": {"name": "operator"}}, "E_DUP", "account[1].name", "2.2.2.3-16"),
    (
        "account password 32",
        {"account[0].password": "p" * 32},
        "E_LENGTH",
        "account[0].password",
        "2.2.2.3-18",
    ),
    ("16 of two bytes", {"account[0].password": "é" * 16}, "E_LENGTH", "account[0].password", "2.2.2.3-18"),
]

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("cluster name 15", {NAME: "n" * 15}),
    ("cluster name 1", {NAME: "n"}),
    ("cluster name of every class", {NAME: "-_09azAZ"}),
    ("cluster password 15", {PASSWORD: "p" * 15}),
    ("no survivor", {"cluster.preferred_survivor": ""}),
    ("survivor in another case", {"cluster.preferred_survivor": "SERVER2"}),
    ("16 accounts", accounts(16)),
    ("account name 31", {ACCOUNT: "u" * 31}),
    ("account password 31", {"account[0].password": "p" * 31}),
    ("accounts differ by case", {"account[+]": {"name": "Operator"}}),
]


@pytest.mark.parametrize(("changes", "code", "path", "clause"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_name_is_refused(judge: Judge, changes: dict[str, Any], code: str, path: str, clause: str) -> None:
    """Each name of a cluster, server or account that the guide forbids is found, by its clause."""
    found = [(f.code, f.path, f.clause) for f in judge(changes)]
    assert (code, path, clause) in found


@pytest.mark.parametrize("changes", [g[1] for g in GOOD], ids=[g[0] for g in GOOD])
def test_name_is_accepted(judge: Judge, changes: dict[str, Any]) -> None:
    """What lies just inside a limit on these names has no error."""
    assert [f.message for f in judge(changes) if f.severity == "error"] == []


@pytest.mark.parametrize("length", [1, 15])
def test_server_names_of_up_to_fifteen_bytes(judge: Judge, length: int) -> None:
    """A server name of 1 and of 15 bytes is accepted, where everything refers to it."""
    name = "s" * length
    changes = {
        SERVER: name,
        "lan[0].endpoints[1].server": name,
        "lan[1].endpoints[1].server": name,
        "mirror_set[0].disks[1].server": name,
        "group[0].policy[1]": name,
    }
    assert judge(changes) == []


def test_findings_never_show_a_password(judge: Judge) -> None:
    """A password that is too long is told by its length, not by itself."""
    secret = "a secret of many bytes and a bit more"
    for finding in judge({PASSWORD: secret, "account[0].password": secret}):
        assert secret not in str(finding)


@pytest.mark.parametrize("rule", chapter_2_2_3.RULES, ids=lambda rule: rule.check.__name__)
def test_each_rule_can_fail(build: Callable[[dict[str, Any]], dict[str, Any]], rule: Any) -> None:
    """Taken alone, each rule refuses at least one of the samples, so that none of them is dead."""
    assert any(list(rule.check(build_structure(build(changes)).config)) for _, changes, *_ in BAD)
