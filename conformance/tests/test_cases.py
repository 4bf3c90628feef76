"""The rules that every case keeps."""

import inspect
import re

import pytest

from conformance.suite import cases, registry
from conformance.tests.case_files import Case, every_case

ALL = every_case()


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case.file}::{case.name}")
def test_a_case_names_its_clauses_and_its_fact(case: Case) -> None:
    """Each case names existing clauses, three of its own at most, one of them of its file's section."""
    known = registry.load_once()
    assert case.clauses, "names no clause"
    assert all(clause_id in known for clause_id in case.clauses)
    own = {known.main_of(clause_id) for clause_id in case.clauses}
    assert len(own) <= cases.CLAUSES_PER_CASE_MAX
    found = re.match(r"test_((?:\d+_)+)", case.file)
    assert found, "a case file is named for its section"
    section = found[1].strip("_").replace("_", ".")
    assert any(cases.in_section(clause_id, (section,)) for clause_id in case.clauses)
    assert case.doc.strip(), "the docstring is the fact"
    wanted = "measured" if "measured" in inspect.signature(case.function).parameters else "auto"
    assert all(known[clause_id].testable == wanted for clause_id in case.clauses)


def test_case_ids_are_unique() -> None:
    """No two cases share an id, or results could not be compared over time."""
    ids = [case.id for case in ALL]
    assert len(ids) == len(set(ids))


def test_a_case_id_is_made_of_clause_and_name() -> None:
    """Clause, slash, the name with hyphens; parameters keep their brackets."""
    assert cases.case_id("test_a_b[x_y]", ("6.2.5-13", "6.2.5-06")) == "6.2.5-13/a-b[x_y]"


def test_a_section_holds_what_lies_below_it() -> None:
    """6.2 holds 6.2.5-13 and 6.2-01, and not 6.20-01 or 6-01."""
    assert cases.in_section("6.2.5-13", ("6.2",))
    assert cases.in_section("6.2-01", ("6.2",))
    assert not cases.in_section("6.20-01", ("6.2",))
    assert not cases.in_section("6-01", ("6.2",))


@pytest.mark.parametrize("ids", [(), ("6.2.5",), ("6.2.5-1",), ("6.2.5-13", "6.2.5-13")])
def test_a_wrong_clause_mark_is_refused(ids: tuple[str, ...]) -> None:
    """No clause, a section in place of a clause, and a clause named twice are refused where
    they are written.
    """
    with pytest.raises(ValueError, match="clause"):
        cases.clause(*ids)
