"""A team's own list of what is known to fail: expected failures count apart, unexpected passes fail."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from conformance.suite.errors import RegistryError
from conformance.suite.verdicts import FAIL, PASS, XFAIL, CaseResult


@dataclass(frozen=True)
class KnownFailures:
    """Reasons by case id."""

    reasons: dict[str, str]

    def apply(self, result: CaseResult) -> None:
        """Turn an expected failure into xfail, and a pass that was not expected into a failure."""
        reason = self.reasons.get(result.case)
        if reason is None:
            return
        if result.outcome == FAIL:
            result.outcome, result.reason = XFAIL, f"known: {reason}"
        elif result.outcome == PASS:
            result.outcome = FAIL
            result.reason = (
                f"{result.case} passes, but is listed as a known failure ({reason}): remove it there"
            )


def load(path: Path) -> KnownFailures:
    """Read `[[known]]` tables with `case` and `reason`; both are needed."""
    tables = tomllib.loads(path.read_text(encoding="utf-8")).get("known", [])
    reasons: dict[str, str] = {}
    for table in tables:
        case, reason = table.get("case"), table.get("reason")
        if not isinstance(case, str) or not isinstance(reason, str) or not reason.strip():
            raise RegistryError(f"{path}: a known failure needs a case and a reason: {table!r}")
        if case in reasons:
            raise RegistryError(f"{path}: {case} is listed twice")
        reasons[case] = reason
    return KnownFailures(reasons)
