"""The measured tier: figures that a benchmark of the port has left in a file, judged clause by clause.

The suite measures nothing itself. `--measured FILE` names a JSON file of any benchmark:

    {"format": 1, "measured_by": "...", "facts": [
        {"clause": "4.1.4.1-01", "fact": "...", "expected": "...", "observed": "...", "verdict": "met"}]}

`verdict` is `met`, `missed`, `open` (the figure lies within the noise: not shown, so not passed), `told` (for
information, never judged) or `not measured`. Without the file, or without a judged fact of a clause, its case is
not run.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.suite.errors import CaseError, NotRun
from conformance.suite.judge import Judge

FORMAT = 1
JUDGED = {"met": True, "missed": False, "open": False}
UNJUDGED = ("told", "not measured")


@dataclass(frozen=True)
class Fact:
    """One line of the file."""

    clause: str
    fact: str
    expected: str
    observed: str
    verdict: str


def load(file: Path) -> list[Fact]:
    """Read the file; CaseError with the reason when it is none of this kind: nothing was learnt about the port."""
    try:
        body: Any = json.loads(file.read_text(encoding="utf-8"))
        if body["format"] != FORMAT:
            raise CaseError(f"{file}: format {body['format']!r}, {FORMAT} is expected")
        facts = [Fact(**fact) for fact in body["facts"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CaseError(f"{file}: no measurements: {error!r}") from error
    strange = {fact.verdict for fact in facts} - {*JUDGED, *UNJUDGED}
    if strange:
        raise CaseError(f"{file}: unknown verdicts {sorted(strange)}")
    return facts


class Measured:
    """What was measured of the port, for one case."""

    def __init__(self, judge: Judge, file: Path | None) -> None:
        self._judge = judge
        self._file = file

    def hold(self) -> None:
        """Judge every clause of the case by its facts."""
        if self._file is None:
            raise NotRun("nothing was measured: --measured FILE names the figures of a benchmark")
        facts = [fact for fact in load(self._file) if fact.clause in self._judge.clauses]
        judged = [fact for fact in facts if fact.verdict in JUDGED]
        lacking = sorted(set(self._judge.clauses) - {fact.clause for fact in judged})
        if lacking:
            raise NotRun(f"{', '.join(lacking)}: no judged figure in {self._file.name}")
        for fact in judged:
            seen = f"{fact.observed} ({fact.verdict})"
            self._judge.holds(fact.clause, f"{fact.fact}: {fact.expected}", JUDGED[fact.verdict], seen)
