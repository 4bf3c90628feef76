"""The judge of one case: compares what was observed with what the clause says, clause by clause.

A case passes only when every clause it names was judged; a case that judges nothing is broken, not passed.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from conformance.suite.cases import CLAUSES_PER_CASE_MAX
from conformance.suite.errors import CaseError, ClauseFailed
from conformance.suite.registry import Registry

HOLDS = "it holds"  # what is expected of a fact that the case itself decided


# One clause, or several that state the same fact: when it does not hold, each of them has failed.
Named = str | tuple[str, ...]


@dataclass(frozen=True)
class Check:
    """One comparison."""

    clause: str
    fact: str
    expected: str
    observed: str
    holds: bool


class Judge:
    """Collects the checks of one case; raises at the first that does not hold."""

    def __init__(self, registry: Registry, clauses: Iterable[str]) -> None:
        self.registry = registry
        self.clauses = tuple(clauses)
        self.checks: list[Check] = []
        self.failed: ClauseFailed | None = None  # a case cannot undo it, whatever it does with the exception
        own = {registry.main_of(clause_id) for clause_id in self.clauses}
        if not own or len(own) > CLAUSES_PER_CASE_MAX:
            raise CaseError(
                f"a case names one to {CLAUSES_PER_CASE_MAX} clauses (restated ones apart): {self.clauses}"
            )

    def equal(self, clause_id: Named, fact: str, *, expected: object, observed: object) -> None:
        """Judge that the observed value is the expected one; where several clauses say so, for each of them."""
        self._record(clause_id, fact, repr(expected), repr(observed), holds=expected == observed)

    def holds(self, clause_id: Named, fact: str, truth: bool, observed: object = "") -> None:
        """Judge a fact that was decided by the case, with what was seen as evidence."""
        self._record(
            clause_id, fact, "it holds", repr(observed) if observed != "" else str(truth), holds=bool(truth)
        )

    def _record(self, named: Named, fact: str, expected: str, observed: str, *, holds: bool) -> None:
        spoken = (named,) if isinstance(named, str) else named
        for clause_id in spoken:
            if clause_id not in self.clauses:
                raise CaseError(f"the case judges {clause_id} but does not name it")
        mains = {self.registry.main_of(clause_id) for clause_id in spoken}
        for each in self.clauses:
            # What holds for a clause holds for the passages that repeat it, and the other way round.
            if each in spoken or self.registry.main_of(each) in mains:
                self.checks.append(Check(each, fact, expected, observed, holds))
        if not holds:
            clause = self.registry[spoken[0]]
            self.failed = ClauseFailed(
                f"\n  clause    {clause.id}  {clause.title}\n  says      {clause.text}"
                f"\n  fact      {fact}\n  expected  {expected}\n  observed  {observed}"
            )
            raise self.failed

    def unjudged(self) -> list[str]:
        """Clauses that the case names but has not judged."""
        judged = {check.clause for check in self.checks}
        return [clause_id for clause_id in self.clauses if clause_id not in judged]

    def as_dicts(self) -> list[dict[str, Any]]:
        """The checks as plain data."""
        return [asdict(check) for check in self.checks]
