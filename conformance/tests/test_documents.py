"""Documentary clauses lead to what honours them."""

from pathlib import Path

import pytest

from conformance.suite import documents, registry
from conformance.suite.documents import Honoured
from conformance.suite.errors import RegistryError
from conformance.tests.case_files import HERE

REFERENCE = HERE / "reference-documents.toml"


def test_every_documentary_clause_of_the_reference_leads_somewhere() -> None:
    """To a heading or a check that is there (loading looks); none asks nothing of the reference."""
    known = registry.load_once()
    found = documents.load(REFERENCE, known)
    assert set(found) == {clause.id for clause in known.values() if clause.testable == "documentary"}
    assert not [clause_id for clause_id, place in found.items() if place.nothing]


def test_a_heading_or_a_text_has_to_be_there(tmp_path: Path) -> None:
    """A page without the heading, a file without the text and no file at all are named; a mention is no heading."""
    page, program = tmp_path / "page.md", tmp_path / "program.py"
    page.write_text("# Disks\n\nAbout memory.\n\n## When `one` fails\n")
    program.write_text('CODE = "W_X"\n')
    assert Honoured(page, "Disks").missing() == Honoured(page, "When `one` fails").missing() == ""
    assert "no 'memory'" in Honoured(page, "memory").missing()
    assert Honoured(program, '"W_X"').missing() == ""
    assert "no 'W_Y'" in Honoured(program, "W_Y").missing()
    assert "no file" in Honoured(tmp_path / "other.md", "Disks").missing()


def test_a_heading_has_its_address() -> None:
    """As the forges write it; only pages have one."""
    assert Honoured(Path("page.md"), "When `one` fails").anchor == "#when-one-fails"
    assert Honoured(Path("program.py"), "text").anchor == ""


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('nothing = " "\nclauses = ["PRE-01"]', "a reason"),
        ('file = "x.md"\nclauses = ["PRE-01"]', "are needed"),
        ('file = "x.md"\nat = "Disks"\nclauses = ["PRE-01"]', "no file"),
        ('nothing = "r"\nclauses = ["6.2.5-13"]', "not documentary"),
        ('nothing = "r"\nclauses = ["PRE-01", "PRE-01"]', "twice"),
    ],
)
def test_a_list_that_leads_nowhere_is_refused(tmp_path: Path, table: str, message: str) -> None:
    """No reason, half a place, a file that is not there, a clause that a run judges, a clause named twice."""
    (tmp_path / "list.toml").write_text(f"[[honoured]]\n{table}\n")
    with pytest.raises(RegistryError, match=message):
        documents.load(tmp_path / "list.toml", registry.load_once())
