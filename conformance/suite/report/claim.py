"""Whether a run shows that the port complies, and if not, why not."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from conformance.suite.levels import LEVELS, MANDATORY
from conformance.suite.verdicts import BROKEN, FAIL, NO_CASE, NOT_RUN, NOT_SELECTED, PASS, UNSUPPORTED, XFAIL

# In the order in which a reader wants to know.
_WHY_NOT = (
    (FAIL, "{n} failed"),
    (XFAIL, "{n} failed as the list of known failures says"),
    (BROKEN, "{n} could not be judged: adapter or suite is at fault"),
    (UNSUPPORTED, "{n} are not supported by this port or its adapter"),
    (NOT_RUN, "{n} could not run here"),
    (NOT_SELECTED, "{n} were left out of this run"),
    (NO_CASE, "{n} have no case in this version of the suite"),
)
Entries = Mapping[str, Mapping[str, Any]]


def counts_by_level(clauses: Entries) -> dict[str, dict[str, int]]:
    """How many clauses of each level have which verdict; verdicts that do not occur are left out."""
    found = {level: Counter[str]() for level in LEVELS}
    for entry in clauses.values():
        if entry["level"]:
            found[entry["level"]][entry["verdict"]] += 1
    return {level: dict(counter) for level, counter in found.items()}


def claim(clauses: Entries) -> dict[str, Any]:
    """The claim: it holds when every mandatory clause ran and passed. `judged` are those that came to a judgement."""
    counts = counts_by_level(clauses)[MANDATORY]
    total, passed = sum(counts.values()), counts.get(PASS, 0)
    return {
        "complies": bool(total) and passed == total,
        "mandatory": total,
        "passed": passed,
        "judged": passed + counts.get(FAIL, 0) + counts.get(XFAIL, 0),
        "why_not": [words.format(n=counts[verdict]) for verdict, words in _WHY_NOT if counts.get(verdict)],
    }
