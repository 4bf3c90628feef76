"""Every code of advice has somebody who looks: a check, a rule of the configuration or of disks, or a page."""

import re
from pathlib import Path

from twinset.advice.catalogue import CATALOGUE, CONFIGURATION, DISKS, PAIR, PERSON
from twinset.advice.checks import CHECKS

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "twinset"


def named_in(*folders: str) -> set[str]:
    files = [file for folder in folders for file in (PACKAGE / folder).rglob("*.py")]
    return {code for file in files for code in re.findall(r'"(W_[A-Z_]+)"', file.read_text())}


def test_every_check_of_facts_is_a_function() -> None:
    """What the catalogue calls a check of the pair is one; the others need no server."""
    assert set(CHECKS) >= {code for code, entry in CATALOGUE.items() if entry.by == PAIR}
    assert {CATALOGUE[code].by for code in CHECKS} == {PAIR, CONFIGURATION}


def test_rules_of_configuration_and_disks_are_there() -> None:
    """A code that a rule is said to find is named by one."""
    by = {
        entry.by: {code for code, each in CATALOGUE.items() if each.by == entry.by}
        for entry in CATALOGUE.values()
    }
    assert by[CONFIGURATION] <= named_in("config") | set(CHECKS)
    assert by[DISKS] <= named_in("disks")


def test_the_page_has_a_section_for_each_code_that_a_person_checks() -> None:
    """And for no other."""
    text = (ROOT / "docs" / "advice.md").read_text()
    assert set(re.findall(r"^## (W_[A-Z_]+)$", text, re.MULTILINE)) == {
        code for code, entry in CATALOGUE.items() if entry.by == PERSON
    }


def test_the_clauses_of_the_page_are_those_of_the_catalogue() -> None:
    """Each section cites every clause of its code."""
    text = (ROOT / "docs" / "advice.md").read_text()
    for code, entry in CATALOGUE.items():
        if entry.by == PERSON:
            section = text.partition(f"## {code}\n")[2].partition("\n## ")[0]
            assert all(clause in section for clause in entry.clauses), code
