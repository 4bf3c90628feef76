import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from conformance.suite import registry
from conformance.suite.errors import CaseError, ClauseFailed, NotRun
from conformance.suite.judge import Judge
from conformance.suite.measured import Measured
from conformance.tests.case_files import every_case

CLAUSE = "4.1.4.1-01"


def fact(verdict: str, clause: str = CLAUSE) -> dict[str, str]:
    return {
        "clause": clause,
        "fact": "loss",
        "expected": "at most 20 %",
        "observed": "12 %",
        "verdict": verdict,
    }


@pytest.fixture
def judged(tmp_path: Path) -> Any:
    """Judge a file with these facts; return the judge."""

    def run(facts: list[dict[str, str]], *clauses: str) -> Judge:
        file = tmp_path / "measured.json"
        file.write_text(json.dumps({"format": 1, "facts": facts}))
        judge = Judge(registry.load_once(), clauses or (CLAUSE,))
        Measured(judge, file).hold()
        return judge

    return run


def test_met_figure_passes_and_is_evidence(judged: Any) -> None:
    """What was seen stands in the report."""
    (check,) = judged([fact("met"), fact("told"), fact("missed", "4.4.1-04")]).checks
    assert check.holds
    assert "12 % (met)" in check.observed


@pytest.mark.parametrize("verdict", ["missed", "open"])
def test_missed_or_open_figure_fails(judged: Any, verdict: str) -> None:
    """One that lies within the noise shows nothing, so it passes nothing; a met one beside it does not help."""
    with pytest.raises(ClauseFailed, match="at most 20 %"):
        judged([fact("met"), fact(verdict)])


@pytest.mark.parametrize("facts", [[], [fact("told")], [fact("not measured")]])
def test_clause_without_a_judged_figure_is_not_run(judged: Any, facts: list[dict[str, str]]) -> None:
    """Information is no verdict; of several clauses each needs its own."""
    with pytest.raises(NotRun, match=CLAUSE):
        judged([*facts, fact("met", "4.1.4-01")], CLAUSE, "4.1.4-01")


def test_without_a_file_nothing_is_run() -> None:
    """The reason names the option."""
    with pytest.raises(NotRun, match="--measured FILE"):
        Measured(Judge(registry.load_once(), (CLAUSE,)), None).hold()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 2, "facts": []}', '{"format": 1, "facts": [{"clause": "1-01"}]}',
             json.dumps({"format": 1, "facts": [fact("perhaps")]})]
)  # fmt: skip
def test_other_file_breaks_the_case(tmp_path: Path, text: str) -> None:
    """The file is at fault, not the port."""
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(CaseError):
        Measured(Judge(registry.load_once(), (CLAUSE,)), file).hold()


def test_cases_of_the_tier_name_measured_clauses_only() -> None:
    """A clause that can be tested directly has a case that does."""
    known = registry.load_once()
    cased = [case for case in every_case() if "measured" in inspect.signature(case.function).parameters]
    named = [clause_id for case in cased for clause_id in case.clauses]
    assert len(named) == len(set(named)) == 20
    assert {known[clause_id].tier for clause_id in named} == {"measured"}
