"""Clauses 6.2: groups, policies, registry keys, scripts."""

from collections.abc import Callable
from typing import Any

import pytest

from twinset.config.rules import chapter_6
from twinset.config.structure import build as build_structure

Judge = Callable[[dict[str, Any]], list[Any]]

NAME, POLICY, KEYS, KEY = (
    "group[0].name",
    "group[0].policy",
    "group[0].registry_key",
    "group[0].registry_key[0].key",
)
SCRIPT, LOGICAL = "group[0].script[0]", "group[0].logical_service_names"


def groups(count: int) -> dict[str, Any]:
    return {"group": [{"name": f"g{n}", "policy": ["server1"]} for n in range(count)]}


def other_group(*keys: str, store: str = "twinset") -> dict[str, Any]:
    """A second group with registry keys."""
    found = [{"key": key, "store": store} for key in keys]
    return {"name": "x", "policy": ["server1"], "registry_key": found}


def keys(count: int) -> dict[str, Any]:
    return {KEYS: [{"key": f"HKLM\\SOFTWARE\\Acme{n}"} for n in range(count)]}


def key_of(length: int) -> str:
    """A key of exactly that many bytes whose components are short enough."""
    return ("HKLM\\SOFTWARE\\" + "k" * 200 + "\\" + "k" * 200)[:length]


BAD: list[Any] = [
    ("65 groups", groups(65), "E_LIMIT", "group", "2.2.2.3-08"),
    ("16 bytes", {NAME: "g" * 16}, "E_LENGTH", NAME, "6.2.1-05"),
    ("empty", {NAME: ""}, "E_LENGTH", NAME, "6.2.1-05"),
    *(
        (f"character {char!a}", {NAME: f"a{char}b"}, "E_CHARSET", NAME, "6.2.1-03")
        for char in " ./\\:@é\n\uff21"
    ),
    (
        "differs by case only",
        {"group[+]": {"name": "DB", "policy": ["server1"]}},
        "E_DUP",
        "group[1].name",
        "6.2.1-06",
    ),
    *(
        (f"device {name}", {NAME: name}, "W_RESERVED", NAME, "6.2.1-07")
        for name in ("PRN", "con", "Com9", "LPT1")
    ),
    ("empty policy", {POLICY: []}, "E_RANGE", POLICY, "6.2.5-01"),
    ("unknown server", {POLICY: ["server1", "server9"]}, "E_NOTFOUND", f"{POLICY}[1]", "6.2.5-01"),
    ("server twice", {POLICY: ["server1", "SERVER1"]}, "E_DUP", f"{POLICY}[1]", "6.2.5-01"),
    ("exclusive", {"group[0].failover": "exclusive"}, "W_EXCLUSIVE", "group[0].failover", "6.2.3-06"),
    ("unknown startup", {"group[0].startup": "later"}, "E_RANGE", "group[0].startup", "6.2.2-01"),
    ("unknown failover", {"group[0].failover": "x"}, "E_RANGE", "group[0].failover", "6.2.3-02"),
    ("failback is a word", {"group[0].failback": "YES"}, "E_RANGE", "group[0].failback", "6.2.4-01"),
    ("logical name twice", {LOGICAL: ["a", "A"]}, "E_DUP", f"{LOGICAL}[1]", "6.2-01"),
    ("logical name empty", {LOGICAL: [""]}, "E_LENGTH", f"{LOGICAL}[0]", "6.2-01"),
    ("17 keys", keys(17), "E_LIMIT", KEYS, "6.2.7-11"),
    ("key of 260 bytes", {KEY: key_of(260)}, "E_LENGTH", KEY, "6.2.7-13"),
    ("key empty", {KEY: ""}, "E_LENGTH", KEY, "6.2.7-13"),
    ("key with empty component", {KEY: "HKLM\\SOFTWARE\\\\x"}, "E_CHARSET", KEY, "6.2.7-12"),
    ("key of another root", {KEY: "HKEY_CURRENT_USER\\x\\y"}, "E_RANGE", KEY, "6.2.7-08"),
    ("root of users", {KEY: "HKEY_USERS"}, "E_RANGE", KEY, "6.2.7-09"),
    *(
        (f"own key {key}", {KEY: f"HKLM{key}"}, "E_RESERVED", KEY, "6.2.7-10")
        for key in (
            "",
            "\\software",
            "\\Software\\NEC",
            "\\SOFTWARE\\NEC\\ESMARM",
            "\\SOFTWARE\\nec\\esmarm\\X",
        )
    ),
    (
        "key twice",
        {KEYS: [{"key": "HKLM\\A\\B"}, {"key": "HKEY_LOCAL_MACHINE\\a\\b"}]},
        "E_DUP",
        f"{KEYS}[1].key",
        "6.2.7-12",
    ),
    *(
        (
            f"other group's {key}",
            {KEY: mine, "group[+]": other_group(key)},
            "E_DUP",
            place,
            "6.2.7-01",
        )
        for mine, key, place in (
            ("HKLM\\SOFTWARE\\Acme", "hklm\\software\\ACME", "group[1].registry_key[0].key"),
            ("HKLM\\SOFTWARE\\Acme", "HKLM\\SOFTWARE\\Acme\\Sub\\Sub", "group[1].registry_key[0].key"),
            ("HKLM\\SOFTWARE\\Acme\\Sub", "HKLM\\SOFTWARE\\Acme", KEY),
        )
    ),
    ("key below the root", {KEY: "HKLM\\SYSTEM"}, "W_REG_BROAD", KEY, "6.2.7-07"),
    ("relative script", {f"{SCRIPT}.start": "start.sh"}, "E_RANGE", f"{SCRIPT}.start", ""),
    ("relative stop script", {f"{SCRIPT}.stop": ""}, "E_RANGE", f"{SCRIPT}.stop", ""),
    ("script time-out 0", {f"{SCRIPT}.timeout_s": 0}, "E_RANGE", f"{SCRIPT}.timeout_s", ""),
]

GOOD = [
    ("64 groups", groups(64)),
    ("15 bytes", {NAME: "g" * 15}),
    ("1 byte", {NAME: "_"}),
    ("every class", {NAME: "-_09azAZ"}),
    ("nearly a device", {NAME: "PRNX"}),
    ("one server", {POLICY: ["server2"]}),
    ("server in another case", {POLICY: ["SERVER2", "Server1"]}),
    ("manual", {"group[0].startup": "manual"}),
    ("16 keys", keys(16)),
    (
        "16 keys in each group",
        {**keys(16), "group[+]": other_group(*(f"HKU\\S-1\\K{n}" for n in range(16)))},
    ),
    (
        "a key of another group beside it",
        {KEY: "HKLM\\SOFTWARE\\Acme", "group[+]": other_group("HKLM\\SOFTWARE\\Acme2")},
    ),
    (
        "the same key in another store",
        {KEY: "HKLM\\SOFTWARE\\Acme", "group[+]": other_group("HKLM\\SOFTWARE\\Acme", store="samba")},
    ),
    ("key of 259 bytes", {KEY: key_of(259)}),
    ("key of another vendor", {KEY: "HKLM\\SOFTWARE\\NEC\\Other"}),
    ("key beside the own one", {KEY: "HKLM\\SOFTWARE\\NEC\\ESMARM2"}),
    ("key outside SOFTWARE", {KEY: "HKEY_LOCAL_MACHINE\\SYSTEM\\Bar"}),
    ("key of a user", {KEY: "HKEY_USERS\\S-1\\Soft"}),
    ("key in the short form", {KEY: "hku\\S-1\\Soft"}),
]


@pytest.mark.parametrize(("changes", "code", "path", "clause"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_group_is_refused(judge: Judge, changes: dict[str, Any], code: str, path: str, clause: str) -> None:
    """Each attribute of a group that the guide forbids or advises against is found, by its clause."""
    found = [(f.code, f.path, f.clause) for f in judge(changes)]
    assert (code, path, clause) in found


@pytest.mark.parametrize("changes", [g[1] for g in GOOD], ids=[g[0] for g in GOOD])
def test_group_is_accepted(judge: Judge, changes: dict[str, Any]) -> None:
    """What lies just inside a limit on groups has neither error nor warning."""
    assert [f.message for f in judge(changes)] == []


def test_device_name_is_only_a_warning(judge: Judge) -> None:
    """A group named PRN can be configured; it is the start that fails (6.2.1-07)."""
    assert [f.severity for f in judge({NAME: "PRN"})] == ["warning"]


def test_message_names_value_limit_and_clause(judge: Judge) -> None:
    """A finding reads as the design shows it."""
    changes = {"group[+]": {"name": "payroll_database_1", "policy": ["server1"]}}
    [finding] = judge(changes)
    expected = 'group[1].name: "payroll_database_1" is 18 bytes, at most 15 are allowed [6.2.1-05]'
    assert (finding.message, finding.value, finding.limit) == (expected, "payroll_database_1", 15)


@pytest.mark.parametrize("rule", chapter_6.RULES, ids=lambda rule: rule.check.__name__)
def test_each_rule_can_fail(build: Callable[[dict[str, Any]], dict[str, Any]], rule: Any) -> None:
    """Taken alone, each rule refuses at least one of the samples, so that none of them is dead."""
    assert any(list(rule.check(build_structure(build(changes)).config)) for _, changes, *_ in BAD)
