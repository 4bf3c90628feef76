"""report.html: one page without any resource from elsewhere, for the manager first and the engineer after that."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from conformance.suite.judge import HOLDS
from conformance.suite.levels import LEVELS, MANDATORY
from conformance.suite.report.clauses import clauses_by_section
from conformance.suite.report.compare import Change, Comparison, as_date, headings
from conformance.suite.report.markup import Markup, join, tag
from conformance.suite.report.tables import badge, levels, matrix
from conformance.suite.verdicts import (
    BROKEN,
    DOCUMENTARY,
    FAIL,
    NO_CASE,
    NOT_RUN,
    NOT_SELECTED,
    PASS,
    UNSUPPORTED,
    XFAIL,
)

_HERE = Path(__file__).resolve().parent
_STYLE = (_HERE / "page.css").read_text(encoding="utf-8")
_SCRIPT = (_HERE / "page.js").read_text(encoding="utf-8")
# What each verdict means, in the order in which a reader meets them.
_MEANING = {
    PASS: "every case of the clause ran and held",
    FAIL: "the suite observed something else than the clause says, or the port did not do what it was told",
    UNSUPPORTED: "the port or its adapter says that it does not have this",
    NOT_RUN: "the environment of the run lacks something",
    BROKEN: "the adapter or the suite is at fault; nothing was learnt about the port",
    XFAIL: "it failed, as the port's own list of known failures says",
    NOT_SELECTED: "it has cases, and this run left them out",
    DOCUMENTARY: "only documents can honour it; no run judges it",
    NO_CASE: "the suite cannot judge it yet; the clause says why",
}


BRIEF_CHARACTERS = 240


def render(report: dict[str, Any], comparison: Comparison | None = None) -> str:
    """The page of a report; with a comparison a section about it."""
    body = tag(
        "body",
        _head(report, comparison is not None),
        _claim(report),
        levels(report),
        matrix(report),
        _trouble(report),
        _comparison(comparison) if comparison else None,
        _clauses(report),
        _environment(report),
        _meanings(),
        Markup(f"<script>{_SCRIPT}</script>"),
    )
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"Conformance of {_port(report)}"),
        Markup(f"<style>{_STYLE}</style>"),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _port(report: dict[str, Any]) -> str:
    return (
        f"{report['adapter'].get('port', 'an unknown port')} {report['adapter'].get('version', '')}".strip()
    )


def _head(report: dict[str, Any], compared: bool) -> Markup:
    guide, run, suite = report["guide"], report["run"], report["suite"]
    selected = [
        f"{key} {_said(value)}" for key, value in run["options"].items() if value and key != "adapter"
    ]
    links = [
        ("#matrix", "Chapters"),
        ("#clauses", "Clauses"),
        ("#environment", "Environment"),
        ("#glossary", "Words"),
    ]
    if compared:
        links.insert(1, ("#comparison", "Comparison"))
    if any(report["counts"][verdict] for verdict in (FAIL, BROKEN, XFAIL)):
        links.insert(1, ("#trouble", "What went wrong"))
    return tag(
        "header",
        tag("h1", f"Conformance of {_port(report)}"),
        tag(
            "p",
            f"{guide['title']}, edition {guide['edition']} of {guide['date']}",
            tag("br"),
            f"Suite {suite['version']}, contract {suite['contract']}; run of {as_date(run['started'])}, "
            f"{run['duration_s']:g} s, {report['checks_executed']} comparisons in {len(report['cases'])} cases",
            _earlier(run["earlier"]),
            tag("br"),
            f"Of the suite: {', '.join(selected)}" if selected else "The whole suite was selected",
            class_="soft",
        ),
        tag("nav", [tag("a", text, href=href) for href, text in links]),
    )


def _earlier(runs: list[str]) -> str | None:
    """Of a run that repeated what had failed: where the other cases are from."""
    return f"; cases that were not run again are of {', '.join(map(as_date, runs))}" if runs else None


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _claim(report: dict[str, Any]) -> Markup:
    claim = report["claim"]
    if claim["complies"]:
        words = f"Compliance can be claimed: all {claim['mandatory']} mandatory clauses ran and passed."
        return tag("div", tag("strong", words), class_="claim yes")
    rate = (
        f"Of {claim['mandatory']} mandatory clauses {claim['passed']} passed, {claim['judged']} were judged. "
        "A claim needs every one of them to have run and passed."
        + (" None of those that were judged failed." if claim["judged"] == claim["passed"] else "")
    )
    return tag(
        "div",
        tag("strong", "Compliance cannot be claimed from this run."),
        tag("p", rate),
        tag("ul", [tag("li", f"{reason}") for reason in claim["why_not"]]),
        class_="claim",
    )


def _trouble(report: dict[str, Any]) -> Markup | None:
    """Every clause that failed or could not be judged for a fault, each with the reason in a line."""
    cases = {case["case"]: case for case in report["cases"]}
    rows = []
    for clause_id, entry in report["clauses"].items():
        if entry["verdict"] not in {FAIL, BROKEN, XFAIL}:
            continue
        worst = next(name for name, outcome in entry["cases"].items() if outcome == entry["verdict"])
        level = None if entry["level"] == MANDATORY else tag("span", f" {entry['level']}", class_="soft")
        rows.append(
            tag(
                "tr",
                tag("td", tag("a", clause_id, href=f"#c-{clause_id}"), class_="id"),
                tag("td", entry["title"], level, tag("div", _brief(cases[worst], clause_id), class_="soft")),
                tag("td", badge(entry["verdict"])),
            )
        )
    if not rows:
        return None
    return tag(
        "section", tag("h2", f"What went wrong: {len(rows)}"), tag("table", tag("tbody", rows)), id="trouble"
    )


def _brief(case: dict[str, Any], clause_id: str) -> str:
    """What did not hold, in a line: the comparison, or else the reason with which the case ended."""
    for check in case["checks"]:
        if check["clause"] == clause_id and not check["holds"]:
            wanted = "" if check["expected"] == HOLDS else f"expected {check['expected']}, "
            return _short(f"{check['fact']}: {wanted}observed {check['observed']}", BRIEF_CHARACTERS)
    return _short(next(iter(case["reason"].strip().splitlines()), ""), BRIEF_CHARACTERS)


def _short(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 3]}..."


def _clauses(report: dict[str, Any]) -> Markup:
    return tag(
        "section",
        tag("h2", "Clause by clause"),
        tag(
            "p",
            "Each clause opens: its text, how it is judged, what was expected and observed, and the evidence.",
            class_="soft",
        ),
        _filter(report),
        clauses_by_section(report),
        id="clauses",
    )


def _filter(report: dict[str, Any]) -> Markup:
    def buttons(key: str, values: list[tuple[str, str]]) -> list[Markup]:
        return [
            tag(
                "button",
                text,
                type="button",
                data_key=key,
                data_value=value,
                aria_pressed=str(not value).lower(),
            )
            for value, text in values
        ]

    verdicts = [("", "all")] + [
        (verdict, f"{verdict} {count}") for verdict, count in report["counts"].items() if count
    ]
    levels = [("", "every level"), *((level, level) for level in LEVELS)]
    return join(
        (
            tag(
                "div",
                tag("div", buttons("verdict", verdicts)),
                tag("div", buttons("level", levels)),
                tag(
                    "div",
                    tag(
                        "input",
                        id="words",
                        type="search",
                        placeholder="id or words",
                        aria_label="id or words",
                    ),
                    " ",
                    tag("button", "open or close these", type="button", id="open"),
                    " ",
                    tag("span", id="shown", class_="soft", aria_live="polite"),
                ),
                class_="filter js-only",
            ),
            tag("p", "Filters need JavaScript; everything is shown without it.", class_="noscript-only"),
        )
    )


def _comparison(found: Comparison) -> Markup:
    claims = "Compliance could be claimed before: {}; now: {}.".format(
        *("yes" if claimed else "no" for claimed in found.claims)
    )
    parts = [_changes(heading, changes) for heading, changes in headings(found)]
    return tag(
        "section",
        tag("h2", "Against an older run"),
        tag("p", f"Older: {found.old}. {claims}"),
        parts or tag("p", "No difference in any clause or case."),
        id="comparison",
    )


def _changes(heading: str, changes: tuple[Change, ...]) -> Markup:
    """One list of changes: those for the worse lie open."""
    rows = [
        tag(
            "tr",
            tag("td", tag("a", each.id, href=f"#c-{each.id}"), class_="id")
            if "/" not in each.id
            else tag("td", each.id),
            tag("td", each.title),
            tag("td", badge(each.old), " → ", badge(each.new)),
        )
        for each in changes
    ]
    return tag(
        "details",
        tag("summary", f"{heading[:1].upper()}{heading[1:]}: {len(changes)}"),
        tag("table", tag("tbody", rows)),
        class_="more",
        open="" if "worse" in heading else None,
    )


def _environment(report: dict[str, Any]) -> Markup:
    run = report["run"]
    facts = [(key, value) for key, value in run["environment"].items()]
    facts += [(f"option {key}", _said(value)) for key, value in run["options"].items() if value]
    rows = [[tag("dt", key), tag("dd", value)] for key, value in facts]
    log = tag("p", "What the adapter said: ", tag("a", run["log"], href=run["log"])) if run["log"] else None
    described = json.dumps(report["adapter"], indent=1, ensure_ascii=False)
    return tag(
        "section",
        tag("h2", "Environment"),
        tag("dl", rows),
        log,
        tag("h3", "What the adapter says about itself"),
        tag("pre", described),
        id="environment",
    )


def _meanings() -> Markup:
    rows = [[tag("dt", badge(verdict)), tag("dd", words)] for verdict, words in _MEANING.items()]
    return tag(
        "section",
        tag("h2", "Words of this report"),
        tag("dl", rows),
        tag(
            "p",
            "A clause is as good as the worst of its cases. Mandatory clauses decide about a claim; optional ones "
            "belong to what the guide sells or measures apart; advice is what the guide only recommends.",
        ),
        id="glossary",
    )
