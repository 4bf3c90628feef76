"""The report as plain data: what report.json holds, and what every other form is rendered from."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from conformance.suite import CONTRACT, GUIDE, SUITE_VERSION
from conformance.suite.levels import levels
from conformance.suite.registry import sections
from conformance.suite.report import FORMAT, clean
from conformance.suite.report.claim import claim, counts_by_level
from conformance.suite.uncased import Uncased
from conformance.suite.verdicts import ALL, NO_CASE, Verdict, Verdicts

Report = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What surrounds the verdicts: when, where, with what."""

    started: str = ""  # ISO 8601
    duration_s: float = 0.0
    environment: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    adapter: Mapping[str, Any] = field(default_factory=dict)  # what it answered to `describe`
    log: str = ""  # where the adapter's own words are, relative to the report
    earlier: tuple[str, ...] = ()  # when the runs began whose cases this one did not run again


def build(
    verdicts: Verdicts,
    run: Run,
    uncased: Mapping[str, Uncased],
    honoured: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> Report:
    """Return the report of a run; `honoured` says where documents honour the clauses that no run judges."""
    clauses = {found.clause: _clause(verdicts, found, uncased) for found in verdicts.clauses()}
    for clause_id, place in honoured.items():
        clauses[clause_id]["honoured"] = dict(place)
    counted = Counter(entry["verdict"] for entry in clauses.values())
    report = {
        "format": FORMAT,
        "suite": {"version": SUITE_VERSION, "contract": CONTRACT},
        "guide": GUIDE,
        "adapter": dict(run.adapter),
        "run": {
            "started": run.started,
            "duration_s": round(run.duration_s, 1),
            "environment": dict(run.environment),
            "options": dict(run.options),
            "earlier": list(run.earlier),
            "log": run.log,
        },
        "claim": claim(clauses),
        "counts": {verdict: counted[verdict] for verdict in ALL},
        "levels": counts_by_level(clauses),
        "checks_executed": verdicts.checks_executed,
        "sections": sections(),
        "clauses": clauses,
        "cases": [asdict(result) for result in verdicts.results.values()],
    }
    cleaned: Report = clean.data(report)
    return cleaned


def _clause(verdicts: Verdicts, found: Verdict, uncased: Mapping[str, Uncased]) -> dict[str, Any]:
    clause = verdicts.registry[found.clause]
    level, because = levels().get(clause.id, ("", ""))
    entry: dict[str, Any] = {
        "section": clause.section,
        "title": clause.title,
        "text": clause.text,
        "kind": clause.kind,
        "area": clause.area,
        "tier": clause.tier,
        "values": dict(clause.values),
        "restates": clause.restates,
        "reading": clause.reading,
        "level": level,
        "level_because": because,
        "verdict": found.verdict,
        "cases": found.cases,
    }
    why = uncased.get(clause.id)
    if found.verdict == NO_CASE and why is not None:
        entry["uncased"] = {"why": why.why, "reason": why.reason}
    return entry


def chapter_of(section: str) -> str:
    """The chapter that a section belongs to; the front matter is one of its own."""
    return section.partition(".")[0] if section[:1].isdigit() else "front"
