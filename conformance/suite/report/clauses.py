"""The clauses of report.html: one element each that opens to everything that is known about it."""

from itertools import groupby
from typing import Any
from urllib.parse import quote

from conformance.suite.report.markup import Markup, tag


def verdict_class(verdict: str) -> str:
    """The verdict as a class name of the style sheet."""
    return verdict.replace(" ", "")


def clauses_by_section(report: dict[str, Any]) -> list[Markup]:
    """All clauses, in the order of the guide, under the headings of their sections."""
    cases = {case["case"]: case for case in report["cases"]}
    entries = report["clauses"].items()
    return [
        tag(
            "section",
            tag("h3", f"{section}  {report['sections'].get(section, '')}"),
            [_clause(clause_id, entry, cases) for clause_id, entry in group],
            id=f"s-{section}",
            class_="clauses",
        )
        for section, group in groupby(entries, key=lambda item: item[1]["section"])
    ]


def _clause(clause_id: str, entry: dict[str, Any], cases: dict[str, Any]) -> Markup:
    verdict = entry["verdict"]
    summary = tag(
        "summary",
        tag("span", clause_id, class_="id"),
        tag("span", entry["title"], class_="title"),
        tag("span", entry["level"], class_="soft") if entry["level"] not in {"", "mandatory"} else None,
        tag("span", verdict, class_=f"badge {verdict_class(verdict)}"),
    )
    found = [
        _case(cases[name], clause_id, outcome) for name, outcome in entry["cases"].items() if name in cases
    ]
    inside = tag("div", tag("p", entry["text"]), _facts(entry), found, class_="inside")
    return tag(
        "details",
        summary,
        inside,
        id=f"c-{clause_id}",
        class_="clause",
        data_verdict=verdict,
        data_level=entry["level"],
        data_words=f"{clause_id} {entry['title']} {entry['area']} {entry['kind']}".lower(),
    )


def _facts(entry: dict[str, Any]) -> Markup:
    level = entry["level"] or "documentary"
    if entry["level_because"]:
        level += f": {entry['level_because']}"
    facts: list[tuple[str, object]] = [("level", level), ("kind", f"{entry['kind']}, about {entry['area']}")]
    facts.append(("tier", entry["tier"]))
    if entry["values"]:
        facts.append(
            ("values", "; ".join(f"{key}: {_listed(value)}" for key, value in entry["values"].items()))
        )
    if entry["restates"]:
        facts.append(("says again", tag("a", entry["restates"], href=f"#c-{entry['restates']}")))
    if entry["reading"]:
        facts.append(("our reading", entry["reading"]))
    if "uncased" in entry:
        facts.append(("why no case", f"{entry['uncased']['reason']} ({entry['uncased']['why']})"))
    if "honoured" in entry:
        facts.append(("honoured by", _honoured(entry["honoured"])))
    return tag("dl", [[tag("dt", key), tag("dd", value)] for key, value in facts])


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _honoured(place: dict[str, str]) -> object:
    """A link to the page or check; a clause that asks nothing of a port says why."""
    if "nothing" in place:
        return f"nothing: {place['nothing']}"
    return [tag("a", place["file"], href=place["href"]), f", {place['at']}"]


def _case(case: dict[str, Any], clause_id: str, outcome: str) -> Markup:
    checks = [check for check in case["checks"] if check["clause"] == clause_id]
    title = tag(
        "div",
        tag("span", outcome, class_=f"badge {verdict_class(outcome)}"),
        " ",
        tag("code", case["case"]),
        tag("span", f" {case['tier']}, {case['duration_s']:.2f} s", class_="soft"),
    )
    return tag(
        "div",
        title,
        _checks(checks) if checks else None,
        _reason(case, outcome, checks),
        _evidence(case),
        class_=f"case {verdict_class(outcome)}",
    )


def _reason(case: dict[str, Any], outcome: str, checks: list[dict[str, Any]]) -> Markup | None:
    """Why the case ended so; a comparison that broke says it already."""
    said = case["reason"].strip()
    shown = outcome == "fail" and any(not check["holds"] for check in checks)
    return tag("pre", said) if said and outcome != "pass" and not shown else None


def _checks(checks: list[dict[str, Any]]) -> Markup:
    head = tag("thead", tag("tr", tag("th", "what"), tag("th", "expected"), tag("th", "observed")))
    rows = [
        tag(
            "tr",
            tag("td", check["fact"]),
            tag("td", _spoken(check["expected"]), data_label="expected"),
            tag("td", _spoken(check["observed"]), data_label="observed"),
            class_=None if check["holds"] else "broke",
        )
        for check in checks
    ]
    return tag("table", head, tag("tbody", rows))


def _spoken(value: str) -> str:
    """A value as the judge noted it; what is empty in Python's words is said in a reader's."""
    return "none" if value in {"[]", "()", "{}", "set()", "None"} else value


def _evidence(case: dict[str, Any]) -> list[Markup]:
    found = []
    if case["artefacts"]:
        link = tag("a", case["artefacts"], href=quote(case["artefacts"]))
        found.append(tag("p", "What the port left behind: ", link))
    if case["log"]:
        found.append(tag("p", "The adapter meanwhile:", class_="soft"))
        found.append(tag("pre", "\n".join(case["log"])))
    return found
