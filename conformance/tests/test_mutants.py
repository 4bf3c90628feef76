"""The catalogue of broken variants is sound; that each is killed, `python -m conformance.mutants` shows."""

import ast
import inspect
import json
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from conformance.mutants import catalogue, record, trial
from conformance.mutants.__main__ import BROKEN, KILLED, SURVIVED, alike, judged, parsed, selected
from conformance.mutants.alteration import copy_of_the_tree
from conformance.mutants.catalogue import PAIR, STATIC, Change, Mutant
from conformance.suite import registry
from conformance.suite.errors import CaseError
from conformance.suite.verdicts import CaseResult
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
    """Whose `auto` clauses have cases; waiting.txt holds the sections whose `auto` clauses have none, and no other."""
    waiting = set((catalogue.HERE / "waiting.txt").read_text().split())
    known = registry.load_once()
    cased = {known[i].section for case in every_case() for i in case.clauses if known[i].testable == "auto"}
    assert cased - {mutant.section for mutant in ALL} == set()
    assert waiting == {clause.section for clause in known.values() if clause.testable == "auto"} - cased


@pytest.mark.parametrize(
    ("verdict", "word"), [("fail", KILLED), ("pass", SURVIVED), ("not run", BROKEN), ("unsupported", BROKEN)]
)
def test_only_a_failure_of_its_clause_kills(verdict: str, word: str) -> None:
    """A case that did not run has caught nothing."""
    assert judged(ALL[0], trial.Seen(verdict, "why"), 0.0).result == word


def test_what_was_said_to_have_run_did_run() -> None:
    """README.md claims of the pair mutants what their record holds of them as they are now, and no more."""
    entries = record.valid()
    assert entries == record.read(), "an entry belongs to another text of its mutant: run it again"
    said = re.search(
        r"Of the (\d+) mutants of the conformance suite that need the lab, (\d+) were run so far, (\d+) killed",
        " ".join((ROOT / "README.md").read_text(encoding="utf-8").split()),
    )
    assert said is not None
    killed = sum(entry.result == KILLED for entry in entries.values())
    assert tuple(map(int, said.groups())) == (len(catalogue.load(PAIR)), len(entries), killed)


def test_an_entry_of_another_mutant_is_void(tmp_path: Path) -> None:
    """A changed text or clause takes its entry along; a new entry replaces the older one of the same mutant."""
    mutant = catalogue.load(PAIR)[0]
    other = replace(mutant, clause="6.2.5-13")
    assert record.digest(mutant) != record.digest(other)
    file = tmp_path / "record.json"
    entry = record.Entry(mutant.clause, SURVIVED, "", 1.0, "2026-01-02", record.digest(mutant))
    record.write({mutant.id: entry, "gone": entry}, file)
    assert record.valid(file) == {mutant.id: entry}
    assert record.valid(file, [other]) == {}
    record.write({mutant.id: replace(entry, result=KILLED)}, file)
    assert record.valid(file)[mutant.id].result == KILLED


def test_mutants_of_one_change_share_a_run() -> None:
    """Only the change counts, not the clause; no mutant is lost, none is tried twice."""
    runs = alike(ALL)
    assert sorted(mutant.id for run in runs for mutant in run) == sorted(mutant.id for mutant in ALL)
    assert all(len({(mutant.tier, mutant.changes) for mutant in run}) == 1 for run in runs)
    assert len({(run[0].tier, run[0].changes) for run in runs}) == len(runs) < len(ALL)


def test_a_run_ends_when_every_clause_has_failed() -> None:
    """One that failed with another clause still standing goes on; a failure elsewhere in the case is none of it."""
    only = trial.Only({"6.2.5-13", "6.2.5-06"})
    session = SimpleNamespace(shouldstop=False)
    only.pytest_sessionstart(session)  # type: ignore[arg-type]

    def ended(**holds: bool) -> None:
        checks = [{"clause": clause, "holds": held} for clause, held in holds.items()]
        case = CaseResult("c/x", "n", ("6.2.5-13", "6.2.5-06"), PAIR, "fail", checks=checks)
        report = SimpleNamespace(user_properties=[("conformance", asdict(case))])
        only.pytest_runtest_logreport(report)  # type: ignore[arg-type]

    ended(**{"6.2.5-06": True, "6.2.5-13": False})
    assert not session.shouldstop
    ended(**{"6.2.5-06": False})
    assert session.shouldstop


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
