"""Two reports side by side: what became worse, what became better, what is not comparable."""

from dataclasses import dataclass
from typing import Any

from conformance.suite.errors import ReportError
from conformance.suite.report import FORMAT
from conformance.suite.verdicts import DOCUMENTARY, FAIL, NO_CASE, NOT_SELECTED, PASS

ABSENT = "absent"  # the clause or case is not in that report
UNJUDGED = frozenset({NOT_SELECTED, NO_CASE, DOCUMENTARY, ABSENT})


@dataclass(frozen=True)
class Change:
    """A clause, or a case, with what it was and what it is."""

    id: str
    title: str
    old: str
    new: str


@dataclass(frozen=True)
class Comparison:
    """What differs; `worse` is what a build has to stop for."""

    old: str  # the port of the older report, in a line
    new: str
    worse: tuple[Change, ...]
    better: tuple[Change, ...]
    unjudged: tuple[Change, ...]  # judged before, not this time
    other: tuple[Change, ...]
    cases_worse: tuple[Change, ...]
    claims: tuple[bool, bool]


def check(report: Any, where: str) -> dict[str, Any]:
    """The report, when it is one that this version can read; ReportError otherwise."""
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        found = report.get("format") if isinstance(report, dict) else type(report).__name__
        raise ReportError(f"{where}: no report of format {FORMAT}: {found!r}")
    missing = {"clauses", "cases", "claim", "adapter", "run", "guide"} - report.keys()
    if missing:
        raise ReportError(f"{where}: the report lacks {sorted(missing)}")
    return report


def compare(old: dict[str, Any], new: dict[str, Any]) -> Comparison:
    """Return what changed from the old report to the new one."""
    if old["guide"] != new["guide"]:
        raise ReportError("the reports are about different editions of the guide")
    clauses = _changes(
        {key: (entry["title"], entry["verdict"]) for key, entry in old["clauses"].items()},
        {key: (entry["title"], entry["verdict"]) for key, entry in new["clauses"].items()},
    )
    cases = _changes(
        {case["case"]: ("", case["outcome"]) for case in old["cases"]},
        {case["case"]: ("", case["outcome"]) for case in new["cases"]},
    )
    kinds = {kind: tuple(change for change in clauses if _kind(change) == kind) for kind in _KINDS}
    return Comparison(
        old=_line(old),
        new=_line(new),
        claims=(bool(old["claim"]["complies"]), bool(new["claim"]["complies"])),
        cases_worse=tuple(change for change in cases if _kind(change) == "worse"),
        **kinds,
    )


_KINDS = ("worse", "better", "unjudged", "other")


def _changes(old: dict[str, tuple[str, str]], new: dict[str, tuple[str, str]]) -> list[Change]:
    found = []
    for key in [*old, *(key for key in new if key not in old)]:
        title = (new.get(key) or old[key])[0]
        change = Change(key, title, old.get(key, ("", ABSENT))[1], new.get(key, ("", ABSENT))[1])
        if change.old != change.new:
            found.append(change)
    return found


def _kind(change: Change) -> str:
    """Worse: it passed and does not any more, or it fails and did not; what is not judged is neither."""
    if change.new in UNJUDGED:
        return "unjudged" if change.old not in UNJUDGED else "other"
    if change.new == PASS:
        return "better"
    if change.old == PASS or (change.new == FAIL and change.old not in UNJUDGED):
        return "worse"
    return "other"


def as_date(started: str) -> str:
    """2026-01-02T03:04:05+00:00 as people write it."""
    return started.replace("T", " ").replace("+00:00", " UTC") or "an unknown date"


def _line(report: dict[str, Any]) -> str:
    adapter = report["adapter"]
    return f"{adapter.get('port', '?')} {adapter.get('version', '?')} of {as_date(report['run'].get('started', ''))}"


def as_text(found: Comparison) -> str:
    """The comparison for a terminal."""
    lines = [f"old  {found.old}", f"new  {found.new}"]
    for heading, changes in headings(found):
        lines += ["", f"{heading}: {len(changes)}"]
        lines += [f"  {each.id:<14} {each.old} -> {each.new}   {each.title}".rstrip() for each in changes]
    if not any(changes for _, changes in headings(found)):
        lines += ["", "no difference in any clause or case"]
    return "\n".join(lines)


def headings(found: Comparison) -> list[tuple[str, tuple[Change, ...]]]:
    """The parts that have something in them, the worst first."""
    parts = [
        ("clauses that became worse", found.worse),
        ("cases that became worse", found.cases_worse),
        ("clauses judged before and not this time", found.unjudged),
        ("clauses that became better", found.better),
        ("other changes", found.other),
    ]
    return [(heading, changes) for heading, changes in parts if changes]


def regressed(found: Comparison) -> bool:
    """Whether anything became worse."""
    return bool(found.worse or found.cases_worse)
