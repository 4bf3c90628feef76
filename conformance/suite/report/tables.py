"""The tables of report.html: clauses counted by level, by chapter and by section."""

from collections import Counter
from typing import Any

from conformance.suite.levels import LEVELS
from conformance.suite.report.clauses import verdict_class
from conformance.suite.report.markup import Markup, tag
from conformance.suite.report.model import chapter_of
from conformance.suite.verdicts import ALL, DOCUMENTARY, FAIL, PASS


def badge(verdict: str) -> Markup:
    return tag("span", verdict, class_=f"badge {verdict_class(verdict)}")


def _used(report: dict[str, Any]) -> list[str]:
    """The verdicts that occur in the report; pass and fail always, so that a zero can be seen."""
    return [verdict for verdict in ALL if report["counts"][verdict] or verdict in {PASS, FAIL}]


def levels(report: dict[str, Any]) -> Markup:
    """Mandatory, optional and advice apart: a column each."""
    head = tag("tr", tag("th", "Clauses"), [tag("th", level, class_="n") for level in LEVELS])
    rows = [
        tag(
            "tr",
            tag("td", badge(verdict)),
            [_number(report["levels"][level].get(verdict, 0)) for level in LEVELS],
        )
        for verdict in _used(report)
        if verdict != DOCUMENTARY
    ]
    sums = [_number(sum(report["levels"][level].values())) for level in LEVELS]
    rows.append(tag("tr", tag("td", "all"), sums, class_="sum"))
    return tag(
        "section",
        tag("table", tag("thead", head), tag("tbody", rows), class_="levels"),
        tag("p", _documentary(report), class_="soft"),
    )


def _documentary(report: dict[str, Any]) -> str:
    """How many clauses no run judges, and what the port's own list says of them."""
    said = f"Another {report['counts'][DOCUMENTARY]} clauses are documentary: no run judges them."
    places = [entry["honoured"] for entry in report["clauses"].values() if "honoured" in entry]
    nothing = sum("nothing" in place for place in places)
    if places:
        links = len(places) - nothing
        said += f" {links} lead to the page or check that honours them, {nothing} ask nothing of a port."
    return said


def _number(count: int) -> Markup:
    return tag("td", count, class_="n" if count else "n zero")


def _bar(counts: Counter[str]) -> Markup:
    """What part has which verdict, as a picture; the numbers stand beside it."""
    total = sum(counts.values()) or 1
    parts = [
        tag(
            "span",
            class_=verdict_class(verdict),
            style=f"width:{100 * counts[verdict] / total:.2f}%",
            title=verdict,
        )
        for verdict in ALL
        if counts[verdict]
    ]
    return tag("div", parts, class_="bar")


def matrix(report: dict[str, Any]) -> Markup:
    """How many clauses have which verdict: by chapter, and opened by section."""
    chapters: dict[str, Counter[str]] = {}
    sections: dict[str, Counter[str]] = {}
    for entry in report["clauses"].values():
        chapters.setdefault(chapter_of(entry["section"]), Counter())[entry["verdict"]] += 1
        sections.setdefault(entry["section"], Counter())[entry["verdict"]] += 1
    names, used = report["sections"], _used(report)
    by_chapter = [
        _row(tag("td", _named(chapter, names) if chapter in names else "Front matter"), counts, used)
        for chapter, counts in chapters.items()
    ]
    by_section = [
        _row(tag("td", tag("a", _named(section, names), href=f"#s-{section}")), counts, used)
        for section, counts in sections.items()
    ]
    opened = tag("details", tag("summary", "By section"), _table(by_section, used), class_="more")
    return tag(
        "section", tag("h2", "By chapter"), _legend(used), _table(by_chapter, used), opened, id="matrix"
    )


def _named(section: str, names: dict[str, str]) -> str:
    return f"{section} {names.get(section, '')}".strip()


def _legend(used: list[str]) -> Markup:
    marks = [tag("span", tag("i", class_=verdict_class(verdict)), verdict) for verdict in used]
    return tag("p", marks, class_="legend")


def _table(rows: list[Markup], used: list[str]) -> Markup:
    columns = [tag("th", verdict, class_=_column(verdict)) for verdict in used]
    head = tag("tr", tag("th", ""), tag("th", ""), tag("th", "all", class_="n"), columns)
    table = tag("table", tag("thead", head), tag("tbody", rows), class_="matrix")
    return tag("div", table, class_="scroll")


def _column(verdict: str) -> str:
    """On a phone only what a reader acts upon has a column; the bar shows the rest."""
    return "n" if verdict in {PASS, FAIL} else "n optional-column"


def _row(name: Markup, counts: Counter[str], used: list[str]) -> Markup:
    cells = [
        tag("td", counts[verdict], class_=_column(verdict) + ("" if counts[verdict] else " zero"))
        for verdict in used
    ]
    return tag("tr", name, tag("td", _bar(counts)), _number(sum(counts.values())), cells)
