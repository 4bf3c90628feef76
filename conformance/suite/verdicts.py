"""From the outcomes of cases to the verdicts of clauses."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.suite import uncased
from conformance.suite.errors import ClauseFailed, NotRun, PortAnswer, Unsupported, WaitTimeout
from conformance.suite.registry import Registry

PASS, FAIL, UNSUPPORTED, NOT_RUN, BROKEN, XFAIL = "pass", "fail", "unsupported", "not run", "broken", "xfail"
# The verdict of a clause is the worst of its cases: nothing counts as passed that did not run in full.
WORST_FIRST = (FAIL, BROKEN, XFAIL, UNSUPPORTED, NOT_RUN, PASS)
NOT_SELECTED, NO_CASE, DOCUMENTARY = "not selected", "no case yet", "documentary"
ALL = (PASS, FAIL, UNSUPPORTED, NOT_RUN, BROKEN, XFAIL, NOT_SELECTED, DOCUMENTARY, NO_CASE)


def outcome_of(error: BaseException | None) -> str:
    """What the end of a case is counted as; the table stands in errors.py."""
    if error is None:
        return PASS
    if isinstance(error, Unsupported):
        return UNSUPPORTED
    if isinstance(error, NotRun):
        return NOT_RUN
    if isinstance(error, ClauseFailed | WaitTimeout | PortAnswer | AssertionError):
        return FAIL
    return BROKEN


@dataclass
class CaseResult:
    """One case as it ended."""

    case: str
    node: str
    clauses: tuple[str, ...]
    tier: str
    outcome: str
    reason: str = ""
    duration_s: float = 0.0
    checks: list[dict[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)  # what the adapter said on standard error meanwhile
    artefacts: str = ""  # a folder beside the report with what the port left behind

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "CaseResult":
        """The case from plain data, as `asdict` and JSON leave it."""
        return cls(**{**data, "clauses": tuple(data["clauses"])})

    def outcome_for(self, clause_id: str) -> str:
        """What the case says about one of its clauses.

        A case that fails ends there: what it has not compared any more, of its other clauses too, it does not know.
        So these have not run, also when a comparison of theirs did hold before: others of them may have been to come.
        """
        failed = {check["clause"] for check in self.checks if not check["holds"]}
        if failed and clause_id not in failed:
            return NOT_RUN
        return self.outcome


@dataclass
class Verdict:
    """One clause as judged by all its cases."""

    clause: str
    verdict: str
    cases: dict[str, str] = field(default_factory=dict)


class Verdicts:
    """All results of a run."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.results: dict[str, CaseResult] = {}

    def add(self, result: CaseResult) -> None:
        """Record the end of a case; a later phase (teardown) can only make it worse."""
        known = self.results.get(result.node)
        if known is None:
            self.results[result.node] = result
        elif WORST_FIRST.index(result.outcome) < WORST_FIRST.index(known.outcome):
            known.outcome, known.reason = result.outcome, result.reason
            known.log, known.artefacts = result.log or known.log, result.artefacts or known.artefacts

    def go_on_with(self, earlier: Mapping[str, CaseResult]) -> None:
        """Keep the cases of an earlier run that did not run again."""
        self.results = {**earlier, **self.results}

    @property
    def checks_executed(self) -> int:
        """How many comparisons really happened."""
        return sum(len(result.checks) for result in self.results.values())

    def clauses(self) -> list[Verdict]:
        """The verdict of every clause of the registry, in the order of the guide."""
        by_clause: dict[str, dict[str, str]] = {}
        for result in self.results.values():
            for clause_id in result.clauses:
                by_clause.setdefault(clause_id, {})[result.case] = result.outcome_for(clause_id)
        return [self._verdict(clause_id, by_clause.get(clause_id, {})) for clause_id in self.registry]

    def _verdict(self, clause_id: str, cases: dict[str, str]) -> Verdict:
        if cases:
            return Verdict(clause_id, min(cases.values(), key=WORST_FIRST.index), cases)
        if self.registry[clause_id].testable == DOCUMENTARY:
            return Verdict(clause_id, DOCUMENTARY)
        # However a run was narrowed: a clause that has a case somewhere was left out, and is not one without a case.
        return Verdict(clause_id, NO_CASE if clause_id in uncased.load_once() else NOT_SELECTED)

    def counts(self) -> dict[str, int]:
        """How many clauses have which verdict; every verdict is listed, also at zero."""
        found = Counter(verdict.verdict for verdict in self.clauses())
        return {verdict: found[verdict] for verdict in ALL}

    def summary(self) -> list[str]:
        """The lines printed at the end of a run."""
        cases = Counter(result.outcome for result in self.results.values())
        lines = [
            "clauses  " + "   ".join(f"{verdict} {count}" for verdict, count in self.counts().items()),
            "cases    " + "   ".join(f"{outcome} {cases[outcome]}" for outcome in WORST_FIRST[::-1]),
            f"checks   {self.checks_executed} executed",
        ]
        lines += list(self._named(FAIL)) + list(self._named(BROKEN)) + list(self._named(XFAIL))
        lines += list(self._grouped(UNSUPPORTED)) + list(self._grouped(NOT_RUN))
        return lines

    def _named(self, outcome: str) -> Iterable[str]:
        for result in self.results.values():
            if result.outcome == outcome:
                yield f"{outcome:<12} {result.case}"

    def _grouped(self, outcome: str) -> Iterable[str]:
        reasons = Counter(result.reason for result in self.results.values() if result.outcome == outcome)
        for reason, count in reasons.most_common():
            yield f"{outcome:<12} {count} cases: {reason}"
