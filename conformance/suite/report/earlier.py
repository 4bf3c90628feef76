"""A run of what failed (`--last-failed`) goes on with the report of the run before it: a later end of a case counts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.suite import GUIDE, SUITE_VERSION
from conformance.suite.errors import ReportError
from conformance.suite.report.compare import check
from conformance.suite.verdicts import CaseResult


@dataclass(frozen=True)
class Earlier:
    """What is there already: the cases of earlier runs, and what their port said of itself."""

    runs: tuple[str, ...] = ()  # when each of them began
    results: Mapping[str, CaseResult] = field(default_factory=dict)  # by node
    adapter: Mapping[str, Any] = field(default_factory=dict)


def read(folder: Path, adapter: Mapping[str, Any]) -> Earlier:
    """The report of the folder, when it is one of this suite about the same port; else nothing.

    `adapter` is what the port said of itself in this run; empty when it was not asked.
    """
    try:
        found = check(json.loads((folder / "report.json").read_text(encoding="utf-8")), str(folder))
    except (OSError, ValueError, ReportError):
        return Earlier()
    known = found["adapter"]
    same_port = not adapter or all(known.get(key) == adapter.get(key) for key in ("port", "version"))
    if not same_port or found["suite"]["version"] != SUITE_VERSION or found["guide"] != GUIDE:
        return Earlier()
    results = [CaseResult.of(case) for case in found["cases"]]
    runs = (*found["run"].get("earlier", ()), found["run"]["started"])
    return Earlier(runs, {result.node: result for result in results}, known)
