"""The judge: compares, records, and accepts no case that judged nothing."""

import pytest

from conformance.suite import registry
from conformance.suite.errors import CaseError, ClauseFailed
from conformance.suite.judge import Judge


def judge(*ids: str) -> Judge:
    return Judge(registry.load_once(), ids)


def test_what_holds_is_recorded() -> None:
    """A comparison that holds is a check of its clause."""
    found = judge("6.2.5-13")
    found.equal("6.2.5-13", "a fact", expected=1, observed=1)
    assert [(check.clause, check.holds) for check in found.checks] == [("6.2.5-13", True)]
    assert found.unjudged() == []


def test_what_does_not_hold_says_everything() -> None:
    """The failure names clause, restatement, fact, expected and observed, and is recorded too."""
    found = judge("6.2.5-13")
    with pytest.raises(ClauseFailed) as failure:
        found.equal("6.2.5-13", "A is on", expected="server2", observed="server1")
    for part in ("6.2.5-13", "priority-2 server", "A is on", "'server2'", "'server1'"):
        assert part in str(failure.value)
    assert [check.holds for check in found.checks] == [False]


def test_a_repetition_is_judged_along() -> None:
    """A verdict on the main clause is one on the passages that repeat it, and the other way round."""
    for judged in ("2.2.2.3-11", "6.2.1-05"):
        found = judge("2.2.2.3-11", "6.2.1-05")
        found.holds(judged, "a fact", True)
        assert found.unjudged() == []


def test_a_clause_that_was_not_judged_is_named() -> None:
    """A case that forgets one of its clauses does not pass unseen."""
    found = judge("6.2.5-13", "6.2.5-06")
    found.holds("6.2.5-13", "a fact", True)
    assert found.unjudged() == ["6.2.5-06"]


def test_a_foreign_clause_is_refused() -> None:
    """A case judges only clauses that it names."""
    with pytest.raises(CaseError):
        judge("6.2.5-13").holds("6.2.5-14", "a fact", True)


def test_at_most_three_clauses_repetitions_apart() -> None:
    """Three clauses and their repetitions are fine; four clauses are not, nor none."""
    judge("2.2.2.3-09", "6.2.1-03", "2.2.2.3-10", "6.2.1-04", "2.2.2.3-11", "6.2.1-05")
    with pytest.raises(CaseError):
        judge("2.2.2.3-09", "2.2.2.3-10", "2.2.2.3-11", "2.2.2.3-12")
    with pytest.raises(CaseError):
        judge()


def test_a_fact_of_several_clauses_fails_each_of_them() -> None:
    """None of them passes, or counts as not run, because another one was named first."""
    found = judge("6.2.5-13", "6.2.5-06", "6.2.5-07")
    with pytest.raises(ClauseFailed, match=r"6\.2\.5-13"):
        found.holds(("6.2.5-13", "6.2.5-06"), "a fact", False)
    assert [(check.clause, check.holds) for check in found.checks] == [
        ("6.2.5-13", False),
        ("6.2.5-06", False),
    ]
    assert found.unjudged() == ["6.2.5-07"]
    with pytest.raises(CaseError):
        found.holds(("6.2.5-07", "6.2.5-14"), "a fact", True)
