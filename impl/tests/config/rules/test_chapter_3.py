"""Clause 3.1.1-01: one group for an application, where uni-directional standby is declared."""

from collections.abc import Callable
from typing import Any

import pytest

Judge = Callable[[dict[str, Any]], list[Any]]


def groups(form: str, *applications: str) -> dict[str, Any]:
    made = [
        {"name": f"g{n}", "policy": ["server1"], "application": name} for n, name in enumerate(applications)
    ]
    return {"cluster.operation_form": form, "group": made}


@pytest.mark.parametrize("names", [("sales", "sales"), ("sales", "Sales"), ("", "sales", "", "sales")])
def test_a_second_group_of_an_application_is_refused(judge: Judge, names: tuple[str, ...]) -> None:
    """At that group, with the clause; names do not differ by case."""
    found = [(each.code, each.path, each.clause) for each in judge(groups("uni-directional", *names))]
    assert ("E_LIMIT", f"group[{len(names) - 1}].application", "3.1.1-01") in found


@pytest.mark.parametrize(
    "change",
    [
        groups("uni-directional", "sales", "stock", "", ""),
        groups("multi-directional", "sales", "sales"),
        groups("", "sales", "sales"),
    ],
)
def test_otherwise_nothing_is_said(judge: Judge, change: dict[str, Any]) -> None:
    """Groups without an application, several applications, other forms of operation."""
    assert [each for each in judge(change) if each.clause == "3.1.1-01"] == []


def test_an_unknown_form_is_refused(judge: Judge) -> None:
    """It would be taken for none."""
    found = [each.path for each in judge({"cluster.operation_form": "one-way"})]
    assert "cluster.operation_form" in found
