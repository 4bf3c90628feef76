"""From cases to clauses: the worst counts, and nothing counts that did not run."""

import itertools

import pytest

from conformance.suite import errors, registry, verdicts
from conformance.suite.verdicts import (
    BROKEN,
    FAIL,
    NOT_RUN,
    PASS,
    UNSUPPORTED,
    WORST_FIRST,
    XFAIL,
    CaseResult,
)

ID, OTHER, UNCASED = "6.2.5-13", "6.2.5-06", "2.2.3-01"


def result(
    outcome: str, node: str = "n", clauses: tuple[str, ...] = (ID,), checks: dict[str, bool] | None = None
) -> CaseResult:
    made = [{"clause": clause, "holds": holds} for clause, holds in (checks or {}).items()]
    return CaseResult(f"case-{node}", node, clauses, "static", outcome, checks=made)


def verdict(*results: CaseResult, of: str = ID) -> str:
    found = verdicts.Verdicts(registry.load_once())
    for each in results:
        found.add(each)
    return next(v.verdict for v in found.clauses() if v.clause == of)


@pytest.mark.parametrize(("better", "worse"), list(itertools.combinations(WORST_FIRST[::-1], 2)))
def test_the_worst_case_is_the_verdict(better: str, worse: str) -> None:
    """A clause is as good as its worst case, in whatever order they ran."""
    for order in ((better, worse), (worse, better)):
        assert verdict(*(result(outcome, str(node)) for node, outcome in enumerate(order))) == worse


def test_a_clause_without_a_case_has_not_passed() -> None:
    """No case, documentary and not selected are verdicts of their own."""
    assert verdict(of=UNCASED) == verdicts.NO_CASE
    assert verdict(of="PRE-01") == verdicts.DOCUMENTARY
    assert verdict() == verdicts.NOT_SELECTED


def test_counts_cover_every_clause_once() -> None:
    """The counts add up to the number of clauses."""
    found = verdicts.Verdicts(registry.load_once())
    found.add(result(PASS, clauses=(ID, OTHER)))
    assert sum(found.counts().values()) == len(registry.load_once())
    assert found.counts()[PASS] == 2


def test_a_failure_of_one_clause_is_neither_one_of_the_others_nor_their_pass() -> None:
    """The failing one: failed. One that held before and one that was not reached: not run, as the case ended there and
    nobody knows what it still had to compare.
    """
    checks = {"6.2.5-13": True, "6.2.5-06": False}
    failed = result(FAIL, clauses=("6.2.5-13", "6.2.5-06", "6.2.5-07"), checks=checks)
    assert [failed.outcome_for(c) for c in failed.clauses] == [NOT_RUN, FAIL, NOT_RUN]
    assert verdict(result(PASS, "other"), failed) == NOT_RUN


def test_cases_of_an_earlier_run_stay_unless_they_ran_again() -> None:
    """The later end of a case counts, for better and for worse; the others are as they were."""
    found = verdicts.Verdicts(registry.load_once())
    found.add(result(PASS, "a"))
    found.add(result(FAIL, "b", (OTHER,)))
    before = [result(FAIL, "a"), result(PASS, "b", (OTHER,)), result(PASS, "c", ("6.2.5-07",))]
    found.go_on_with({each.node: each for each in before})
    seen = {each.clause: each.verdict for each in found.clauses() if each.cases}
    assert seen == {ID: PASS, OTHER: FAIL, "6.2.5-07": PASS}


def test_a_failure_before_any_comparison_is_one_of_all() -> None:
    """A port that refuses what the case needs fails every clause of the case."""
    failed = result(FAIL, clauses=(ID, OTHER))
    assert [failed.outcome_for(c) for c in failed.clauses] == [FAIL, FAIL]


def test_a_teardown_can_only_make_it_worse() -> None:
    """A later phase of the same case never improves its outcome."""
    assert verdict(result(PASS), result(BROKEN)) == BROKEN
    assert verdict(result(FAIL), result(BROKEN)) == FAIL


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, PASS),
        (errors.ClauseFailed("x"), FAIL),
        (errors.Refused("v", "E_STATE", "m"), FAIL),
        (errors.TimedOut("v", "", "m"), FAIL),
        (errors.WaitTimeout("x"), FAIL),
        (errors.Unsupported("v", "", "m"), UNSUPPORTED),
        (errors.NotRun("x"), NOT_RUN),
        (errors.AdapterError("x"), BROKEN),
        (errors.CaseError("x"), BROKEN),
        (KeyError("x"), BROKEN),
    ],
)
def test_every_end_has_its_outcome(error: Exception | None, outcome: str) -> None:
    """Who is at fault decides what a case counts as."""
    assert verdicts.outcome_of(error) == outcome


def test_the_summary_names_what_did_not_pass() -> None:
    """Failures by name, what did not run by reason."""
    found = verdicts.Verdicts(registry.load_once())
    found.add(result(FAIL, "a"))
    found.add(result(NOT_RUN, "b"))
    found.add(result(XFAIL, "c"))
    text = "\n".join(found.summary())
    assert "case-a" in text
    assert "not run      1 cases" in text
    assert "case-c" in text
