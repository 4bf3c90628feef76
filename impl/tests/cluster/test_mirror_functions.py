"""The table of 8.7: data, held against the registry of clauses cell by cell, and obeyed in every situation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from twinset.cluster import mirror_functions as table

from .conftest import Pair, disk_group, make_view

if TYPE_CHECKING:
    from collections.abc import Callable

S1, S2 = "server1", "server2"
CHAPTER = Path(__file__).resolve().parents[3] / "conformance" / "clauses" / "chapter_8.yaml"
CLAUSES = {clause["id"]: clause for clause in yaml.safe_load(CHAPTER.read_text())}
COLUMNS = {"active": table.ACTIVE, "inactive": table.DISK_INACTIVE, "restarted": table.RESTARTED}
WORDS = {
    "no": {table.NO, table.UNLESS_WORKING},
    "yes": {table.YES},
    "no restrictions": {table.YES},
    "both Od only": {table.BOTH},
}
VERBS = {
    table.CREATE: ("mirror.create", {}),
    table.FORCED_RETURN: ("mirror.forced_return", {"confirm": True}),
    table.PERMIT: ("mirror.permit", {}),
    table.RESTRICT: ("mirror.restrict", {}),
    table.FORCED_PERMIT: ("mirror.forced_permit", {"confirm": True}),
}


def printed() -> list[tuple[str, str, str, str]]:
    """Give function, column, word and clause of every cell that the registry of clauses holds."""
    cells = []
    for clause_id, clause in CLAUSES.items():
        for function, row in (clause.get("values") or {}).items():
            if function.replace("_", "-") in table.FUNCTIONS:
                cells += [
                    (function.replace("_", "-"), column, word, clause_id) for column, word in row.items()
                ]
    return cells


@pytest.mark.parametrize(("function", "column", "word", "clause"), printed())
def test_every_printed_cell_is_the_tables(function: str, column: str, word: str, clause: str) -> None:
    """What the guide's table says of a function in a situation, the table in the code says too."""
    found = table.cell(function, COLUMNS[column])
    assert found.rule in WORDS[word]
    both = found.rule == table.BOTH
    assert found.clause == ("8.7-05" if both else clause)


def test_the_tables_have_the_same_rows_and_columns() -> None:
    """Six functions, three situations, nothing missing and nothing more [8.7-02]."""
    values = CLAUSES["8.7-02"]["values"]
    named = {"cancel mirror set": table.CANCEL, "create mirror": table.CREATE}
    assert {named.get(name, name.replace(" ", "-")) for name in values["functions"]} == set(table.FUNCTIONS)
    assert len(values["situations"]) == len(COLUMNS)
    assert {(function, column) for function, column, _, _ in printed()} | {(table.CREATE, "restarted")} == {
        (function, column) for function in table.FUNCTIONS for column in COLUMNS
    }
    assert CLAUSES["8.7-05"]["values"] == {"condition": "both servers Od", "otherwise": "not allowed"}
    assert table.cell(table.CREATE, table.RESTARTED) == table.Cell(table.BOTH, "8.7-05")
    assert all(len(row) == len(table.SITUATIONS) for row in table.TABLE.values())


def active(pair: Pair) -> None:
    """Both servers operate, group A is active on server 1."""
    assert pair.ask(S1, "cluster.start").ok
    pair.run(4_000)


def inactive(pair: Pair) -> None:
    """Both servers operate, group A is stopped."""
    active(pair)
    assert pair.ask(S1, "group.stop", group="A").ok


def one_restarted(pair: Pair) -> None:
    """Server 1 is back after it went down, server 2 operates."""
    active(pair)
    pair.power_off(S1)
    pair.run(62_000)
    pair.power_on(S1, state="STALE", set_state="INCONSISTENT", session="none", latest=False, sound=True)
    pair.run(8_000)


def both_restarted(pair: Pair) -> None:
    """Both servers are back after they went down."""
    active(pair)
    for name in (S1, S2):
        pair.power_off(name)
    for name in (S1, S2):
        pair.power_on(name, set_state="UNDECIDED", session="connected", sound=False, latest=None)
    pair.run(8_000)


def stopped(_pair: Pair) -> None:
    """The cluster is stopped."""


MATRIX: list[tuple[Callable[[Pair], None], dict[str, str]]] = [
    (active, {"create": "8.7-04", "forced-return": "8.7-06", "permit": "8.7-07", "restrict": "8.7-08",
              "forced-permit": "8.7-09"}),
    (inactive, {"create": "8.7-04", "forced-return": "8.7-06", "permit": "8.7-07", "restrict": "8.7-08",
                "forced-permit": "8.7-09"}),
    (one_restarted, {"create": "8.7-05", "forced-return": "8.7-05"}),
    (both_restarted, {}),
    (stopped, {}),
]  # fmt: skip


@pytest.mark.parametrize(("arrange", "refused"), MATRIX, ids=lambda each: getattr(each, "__name__", ""))
@pytest.mark.parametrize("function", list(VERBS))
def test_every_function_is_judged_by_the_table(
    pair: Pair, arrange: Callable[[Pair], None], refused: dict[str, str], function: str
) -> None:
    """In each situation: refused with the clause of the cell and a command that helps, or carried out."""
    arrange(pair)
    pair.done.clear()
    verb, args = VERBS[function]
    named: dict[str, Any] = {"source": S1} if function == table.CREATE else {}
    if arrange is one_restarted and function in (table.PERMIT, table.FORCED_PERMIT):
        pair.ask(S2, "group.stop", group="A")  # else the other server's group is the reason
    answer = pair.ask(S1, verb, set="set1", **args, **named)
    assert answer.ok == (function not in refused), answer.error
    if function in refused:
        assert answer.error["clause"] == refused[function]
        assert answer.error["help"].startswith("twinset ")
    says = pair.ask(S1, "mirror.functions", set="set1").result["set1"]["functions"][function]
    assert says["allowed"] == (function not in refused)


@pytest.mark.parametrize("arrange", [active, inactive, one_restarted, both_restarted, stopped])
def test_cancelling_a_registered_set_is_never_allowed(pair: Pair, arrange: Callable[[Pair], None]) -> None:
    """Active, inactive, restarted, and stopped too: the set leaves its group first [8.7-03, 8.3-02]."""
    arrange(pair)
    found = pair.ask(S1, "mirror.functions", set="set1").result["set1"]["functions"]["cancel"]
    assert not found["allowed"]
    assert "switch-mirror disk of group A" in found["reason"]
    assert found["clause"] == ("8.3-02" if arrange is stopped else "8.7-03")


def test_a_set_of_no_group_is_free() -> None:
    """What is not registered as a switch-mirror disk may be cancelled and the rest, with the cluster running too."""
    pair = Pair(make_view(groups=(disk_group("A", (S1, S2), "set1"),)))
    pair.run(4_000)
    assert pair.ask(S1, "cluster.start").ok
    found = pair.ask(S1, "mirror.functions").result
    assert found["set1"]["situation"] == "active"
    assert found["set2"]["situation"] == "unregistered"
    assert all(verdict["allowed"] for verdict in found["set2"]["functions"].values())


def test_the_table_of_the_other_server_can_be_asked(started: Pair) -> None:
    """With a server named, that one answers for itself."""
    found = started.ask(S1, "mirror.functions", set="set2", server=S2)
    assert found.result["set2"]["situation"] == "active"


def test_a_server_on_its_way_is_waited_for(pair: Pair) -> None:
    """While the cluster starts nothing is judged: the request waits, then the new situation counts."""
    pair.clusters[S1].mirrors["set1"].status = {}
    pair.request(S1, "cluster.start")
    asked = pair.request(S1, "mirror.permit", set="set1")
    assert asked not in pair.replies
    pair.run(62_000)
    assert pair.replies[asked].error["clause"] in ("8.7-07", "8.7-01")
