"""No case may go unjudged unseen: which ones may be unsupported or not run, each with its reason.

For those who keep a port: a capability that is lost, or a program that is missing on the build machine, makes cases
vanish quietly. With `--must-run FILE` that fails the run, and so does a case of FILE that ran after all.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from conformance.suite.errors import RegistryError
from conformance.suite.verdicts import NOT_RUN, UNSUPPORTED, CaseResult


def load(path: Path) -> dict[str, str]:
    """Read `[[excepted]]` tables with `case` and `reason`; both are needed, each case once."""
    found: dict[str, str] = {}
    for table in tomllib.loads(path.read_text(encoding="utf-8")).get("excepted", []):
        case, reason = str(table.get("case", "")), str(table.get("reason", "")).strip()
        if not case or not reason or case in found:
            raise RegistryError(f"{path}: an exception needs a case, once, and a reason: {table!r}")
        found[case] = reason
    return found


def complaints(results: Iterable[CaseResult], excepted: dict[str, str]) -> list[str]:
    """What is wrong with a run: cases that were not judged and are not excepted, and exceptions that were."""
    found = []
    for result in results:
        idle = result.outcome in {UNSUPPORTED, NOT_RUN}
        if idle and result.case not in excepted:
            found.append(f"{result.case} was not judged: {result.reason}")
        if not idle and result.case in excepted:
            found.append(f"{result.case} was judged ({result.outcome}): it needs no exception any more")
    return found
