"""A broken value is reported once, replaced by a stand-in, and hides nothing else."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.config import check_document
from twinset.config.structure import build as build_structure
from twinset.config.structure import shown

Judge = Callable[[dict[str, Any]], list[Any]]
Build = Callable[[dict[str, Any]], dict[str, Any]]

TOO_LONG = {"group[0].name": "g" * 16}

BROKEN = [
    ("name is a number", {"server[1].name": 5}, "E_RANGE", "server[1].name"),
    ("server is a number", {"server": 5}, "E_RANGE", "server"),
    ("server is a list of words", {"server": ["a", "b"]}, "E_RANGE", "server[0]"),
    ("no servers", {"server": None}, "E_SYNTAX", "server"),
    ("no cluster", {"cluster": None}, "E_SYNTAX", "cluster"),
    ("cluster is a word", {"cluster": "demo"}, "E_RANGE", "cluster"),
    ("policy is a word", {"group[+]": {"name": "x", "policy": "server1"}}, "E_RANGE", "group[1].policy"),
    ("number is text", {"mirror_set[0].max_io_kib": "64"}, "E_RANGE", "mirror_set[0].max_io_kib"),
    ("number is a boolean", {"mirror_set[0].max_io_kib": True}, "E_RANGE", "mirror_set[0].max_io_kib"),
    ("number is a fraction", {"mirror_set[0].max_io_kib": 64.5}, "E_RANGE", "mirror_set[0].max_io_kib"),
    ("boolean is a number", {"cluster.fastsync": 1}, "E_RANGE", "cluster.fastsync"),
    ("duration is text", {"timing.lease_s": "27 s"}, "E_RANGE", "timing.lease_s"),
    ("huge duration", {"timing.lease_s": 10**400}, "E_RANGE", "timing.lease_s"),
    ("unknown role", {"lan[0].roles": ["pubic", "interconnect"]}, "E_RANGE", "lan[0].roles[0]"),
    ("unknown key", {"cluster.nam": "x"}, "E_SYNTAX", "cluster.nam"),
    ("unknown table", {"servers": []}, "E_SYNTAX", "servers"),
    ("plural of a table", {"groups": [], "account": None}, "E_SYNTAX", "groups"),
    (
        "endpoint without address",
        {"lan[0].endpoints[0]": {"server": "server1", "interface": "e"}},
        "E_SYNTAX",
        "lan[0].endpoints[0].address",
    ),
    ("disk arbitration", {"cluster.disk_arbitration": True}, "E_UNSUPPORTED", "cluster.disk_arbitration"),
]


@pytest.mark.parametrize(("changes", "code", "path"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_broken_value_is_found(judge: Judge, changes: dict[str, Any], code: str, path: str) -> None:
    """A value of another type, a missing and an unknown key are found at their place."""
    assert (code, path) in [(f.code, f.path) for f in judge(changes)]


@pytest.mark.parametrize("changes", [b[1] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_broken_value_hides_no_rule(judge: Judge, changes: dict[str, Any]) -> None:
    """The name of a group is judged whatever else is broken."""
    assert "6.2.1-05" in {f.clause for f in judge({**TOO_LONG, **changes})}


@pytest.mark.parametrize("changes", [b[1] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_every_broken_value_is_told_once(judge: Judge, changes: dict[str, Any]) -> None:
    """No two findings say the same of the same place."""
    found = [(f.path, f.message) for f in judge(changes)]
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "changes",
    [
        {"server[1].name": 5},
        {"server[0].name": None},
        {"server": None},
        {"lan[0].roles": ["pubic", "interconnect"]},
        {"lan[1].roles": [1, 2]},
        {"lan": None},
        {"mirror_set[0].name": 7},
        {"mirror_set[0].partitions": [{"number": 2, "letter": 5}]},
    ],
    ids=str,
)
def test_stand_in_causes_no_finding(judge: Judge, changes: dict[str, Any]) -> None:
    """Where a name that others refer to is broken, only that is reported: no reference, no count."""
    [path] = [path.partition("[")[0] for path in changes]
    assert judge(changes) != []
    assert {f.path.partition("[")[0] for f in judge(changes)} == {path}


def test_all_structural_errors_at_once(judge: Judge) -> None:
    """Several broken values of one table, and below it, are all in one report."""
    changes = {"lan[0]": {"roles": ["x", "y"], "endpoints": [{}, 3], "zone": 1}, "account": [{"name": 1}, 2]}
    assert {f.path for f in judge(changes)} >= {
        "lan[0].name",
        "lan[0].roles[0]",
        "lan[0].roles[1]",
        "lan[0].endpoints[0].server",
        "lan[0].endpoints[1]",
        "lan[0].zone",
        "account[0].name",
        "account[1]",
    }


def test_hint_names_the_nearest_key(judge: Judge) -> None:
    """A misspelt key is answered with the key that is meant."""
    [finding] = judge({"cluster.auto_retrun": True})
    assert finding.message == "cluster.auto_retrun: unknown key; is auto_return meant?"


def test_document_is_left_alone(build: Build) -> None:
    """Judging changes nothing in the document it was given."""
    document = build({"server[0].name": 5, "lan[0].roles": [1]})
    before = copy.deepcopy(document)
    build_structure(document)
    assert document == before


@pytest.mark.parametrize(
    ("value", "text"), [("a", '"a"'), (True, "true"), ([1, "b"], '[1, "b"]'), (2, "2"), ("x\x1b", r"'x\x1b'")]
)
def test_value_is_shown_as_in_the_file(value: Any, text: str) -> None:
    """A message shows a value as the file spells it, with nothing that moves a terminal."""
    assert shown(value) == text


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "roles", "server", "disks", "policy", "x"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)
_tables = st.sampled_from(
    ["format", "cluster", "timing", "server", "lan", "mirror_set", "group", "account", "z"]
)


@given(st.dictionaries(_tables, _values, max_size=6))
def test_any_document_gives_findings_and_no_exception(document: dict[str, Any]) -> None:
    """Whatever the values are, the answer is findings: a document at random is never in order."""
    assert check_document(document) != []
