"""How a test function becomes a conformance case: it names its clauses, and its id is made from them."""

import re
from collections.abc import Callable
from typing import TypeVar

import pytest

F = TypeVar("F", bound=Callable[..., object])

CLAUSES_PER_CASE_MAX = 3  # restated passages apart, which share the case of what they restate
_ID = re.compile(r"^(?:[A-Z]{3}|\d+(?:\.\d+)*)-\d{2}$")


def clause(*ids: str) -> Callable[[F], F]:
    """Tie a case to the clauses it proves; the first one gives the case its id."""
    for clause_id in ids:
        if not _ID.match(clause_id):
            raise ValueError(f"{clause_id!r} is not a clause id")
    if not ids or len(set(ids)) != len(ids):
        raise ValueError(f"a case names its clauses, each once: {ids}")
    mark = pytest.mark.clause(*ids)

    def tie(function: F) -> F:
        return mark(function)  # type: ignore[no-any-return]  # a mark returns what it marks

    return tie


def case_id(name: str, clauses: tuple[str, ...]) -> str:
    """`6.2.5-13/server-1-down-fails-a-over` from clause and test name; parameters stay in brackets."""
    base, bracket, parameters = name.partition("[")
    slug = base.removeprefix("test_").replace("_", "-")
    return f"{clauses[0]}/{slug}{bracket}{parameters}"


def in_section(clause_id: str, sections: tuple[str, ...]) -> bool:
    """Whether the clause lies in one of the sections or below it: `6.2` holds `6.2.5-13`, not `6.20-01`."""
    section = clause_id.rpartition("-")[0]
    return any(section == wanted or section.startswith(wanted + ".") for wanted in sections)
