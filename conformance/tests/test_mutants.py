"""The catalogue of broken variants is sound; that each is killed, `python -m conformance.mutants` shows."""

import ast
import inspect
import json
import sys
from pathlib import Path

import pytest

from conformance.mutants import catalogue, trial
from conformance.mutants.__main__ import BROKEN, KILLED, SURVIVED, judged, parsed, selected
from conformance.mutants.alteration import copy_of_the_tree
from conformance.mutants.catalogue import PAIR, STATIC, Change, Mutant
from conformance.suite import registry
from conformance.suite.errors import CaseError
from conformance.tests.case_files import Case, every_case
from harness.run import run

ALL = [mutant for tier in (STATIC, PAIR) for mutant in catalogue.load(tier)]
ROOT = Path(__file__).resolve().parents[2]
MUTANTS_MIN = 60


def tier_of(case: Case) -> str:
    return PAIR if "pair" in inspect.signature(case.function).parameters else STATIC


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.id)
def test_a_mutant_is_a_change_that_a_case_can_see(mutant: Mutant) -> None:
    """Its old text stands in the reference once, the new one is Python, and its clause has a case of its tier."""
    for file, text in mutant.sources().items():
        assert text != (catalogue.TREE / file).read_text(encoding="utf-8")
        ast.parse(text, file)
    assert mutant.clause in registry.load_once()
    assert any(mutant.clause in case.clauses and tier_of(case) == mutant.tier for case in every_case())


def test_there_are_enough_and_no_name_stands_for_two() -> None:
    """At least sixty, each with a name of its own."""
    names = [mutant.id for mutant in ALL]
    assert len(names) == len(set(names)) >= MUTANTS_MIN


def test_every_section_with_cases_has_a_mutant() -> None:
    """A section whose `auto` clauses have cases has a mutant, unless it had no case when the catalogue was written."""
    waiting = set((catalogue.HERE / "waiting.txt").read_text().split())
    known = registry.load_once()
    cased = {known[i].section for case in every_case() for i in case.clauses if known[i].testable == "auto"}
    assert cased - {mutant.section for mutant in ALL} - waiting == set()


@pytest.mark.parametrize(
    ("verdict", "word"), [("fail", KILLED), ("pass", SURVIVED), ("not run", BROKEN), ("unsupported", BROKEN)]
)
def test_only_a_failure_of_its_clause_kills(verdict: str, word: str) -> None:
    """A case that did not run has caught nothing."""
    assert judged(ALL[0], trial.Seen(verdict, "why"), 0.0).result == word


def test_a_text_that_is_not_there_once_is_refused() -> None:
    """A mutant whose place has moved is broken, not silently the reference itself."""
    for old in ("no such text", "Limit("):
        with pytest.raises(CaseError, match="not once"):
            Change("guide/limits.py", old, "x").applied()


def test_a_copy_of_the_tree_differs_in_the_mutant_only(tmp_path: Path) -> None:
    """What the lab runs is the reference, one text apart."""
    mutant = ALL[0]
    copy = copy_of_the_tree(mutant, tmp_path) / "twinset"
    originals = {path.relative_to(catalogue.TREE) for path in catalogue.TREE.rglob("*.py")}
    assert {path.relative_to(copy) for path in copy.rglob("*.py")} == originals
    changed = {
        str(each) for each in originals if (copy / each).read_text() != (catalogue.TREE / each).read_text()
    }
    assert changed == set(mutant.sources())


def test_mutants_are_chosen_by_section_tier_and_name() -> None:
    """What is not asked for does not run; a name that does not exist ends the run."""
    chosen = selected(parsed(["--section", "4.5", "--quick"]))
    assert chosen
    assert all(mutant.clause.startswith("4.5") and mutant.tier == STATIC for mutant in chosen)
    with pytest.raises(SystemExit):
        selected(parsed(["--only", "nobody"]))


def test_the_command_tells_the_score(tmp_path: Path) -> None:
    """Killed ones are counted, written down, and the exit status says whether all were."""
    file = tmp_path / "score.json"
    argv = [
        sys.executable,
        "-m",
        "conformance.mutants",
        "--quick",
        "--only",
        "nine-sets",
        "--json",
        str(file),
    ]
    ran = run(argv, cwd=ROOT, timeout_s=120)
    assert "1 of 1 killed" in ran.stdout
    written = json.loads(file.read_text())
    assert (written["killed"], written["survived"], written["broken"]) == (1, 0, 0)
    assert written["mutants"][0]["clause"] == "2.2.2.1-03"
    assert "9 mirror sets" in written["mutants"][0]["reason"]
