"""Reports of made-up runs, for the tests of what is made of them."""

from typing import Any

from conformance.suite import registry, uncased, verdicts
from conformance.suite.report.model import Report, Run, build
from conformance.suite.verdicts import CaseResult

PASSED, FAILED, ADVISED, OPTIONAL, UNCASED = "6.2.5-13", "6.2.5-06", "2.1.4-03", "4.3.4-01", "2.2.3-01"
HOSTILE = '<script>alert("x")</script>]]>&\x00\x1b[31m\ud800\u202e" onclick="boom()'


def check(clause: str, *, holds: bool = True, observed: str = "'seen'") -> dict[str, Any]:
    """A comparison as the judge writes it."""
    return {"clause": clause, "fact": "a fact", "expected": "'wanted'", "observed": observed, "holds": holds}


def result(outcome: str, *clauses: str, name: str = "", **fields: Any) -> CaseResult:
    """A case that ended so, judging its clauses alike."""
    holds = outcome != verdicts.FAIL
    case = f"{clauses[0]}/{name or outcome.replace(' ', '-')}"
    made = CaseResult(case, f"test_x.py::{case}", clauses, "static", outcome, **fields)
    if outcome in {verdicts.PASS, verdicts.FAIL} and not made.checks:
        made.checks = [check(clause, holds=holds) for clause in clauses]
    return made


def report(
    *results: CaseResult, run: Run | None = None, honoured: dict[str, dict[str, str]] | None = None
) -> Report:
    """The report of a run in which these cases ended so."""
    found = verdicts.Verdicts(registry.load_once())
    for each in results:
        found.add(each)
    adapter = {"port": "made-up", "version": "1", "capabilities": ["x"], "tiers": {"static": ""}}
    surrounds = run or Run("2026-01-02T03:04:05+00:00", 1.5, adapter=adapter)
    return build(found, surrounds, uncased.load_once(), honoured or {})


def everything_passes(*, but: dict[str, str] | None = None) -> Report:
    """A report in which every clause has a case that passed, with other outcomes for some of them."""
    others = but or {}
    known = registry.load_once()
    return report(
        *(
            result(others.get(clause.id, verdicts.PASS), clause.id)
            for clause in known.values()
            if clause.testable != "documentary"
        )
    )
