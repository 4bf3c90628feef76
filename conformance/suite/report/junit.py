"""junit.xml: a test case for each case of the suite, in the suites of its sections."""

from collections import defaultdict
from typing import Any

from conformance.suite.report.markup import Markup, join, tag
from conformance.suite.verdicts import BROKEN, FAIL, NOT_RUN, UNSUPPORTED, XFAIL

_ELEMENT = {FAIL: "failure", BROKEN: "error", UNSUPPORTED: "skipped", NOT_RUN: "skipped", XFAIL: "skipped"}


def render(report: dict[str, Any]) -> str:
    """The report as the XML that build servers read."""
    by_section: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for case in report["cases"]:
        by_section[str(report["clauses"][case["clauses"][0]]["section"])].append(case)
    suites = [_suite(section, cases) for section, cases in by_section.items()]
    port = f"{report['adapter'].get('port', '?')} {report['adapter'].get('version', '')}".strip()
    body = tag("testsuites", suites, name=f"conformance of {port}", **_totals(report["cases"]))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _suite(section: str, cases: list[dict[str, Any]]) -> Markup:
    found = [join(("\n", _case(section, case))) for case in cases]
    return join(("\n", tag("testsuite", found, name=section, **_totals(cases))))


def _totals(cases: list[dict[str, Any]]) -> dict[str, object]:
    kinds = [_ELEMENT.get(case["outcome"]) for case in cases]
    return {
        "tests": len(cases),
        "failures": kinds.count("failure"),
        "errors": kinds.count("error"),
        "skipped": kinds.count("skipped"),
        "time": f"{sum(case['duration_s'] for case in cases):.3f}",
    }


def _case(section: str, case: dict[str, Any]) -> Markup:
    kind = _ELEMENT.get(case["outcome"])
    said = f"{case['outcome']}: {case['reason'].strip()}"
    first = said.splitlines()[0][:200]
    body = (
        tag(kind, None if kind == "skipped" else said, message=said if kind == "skipped" else first)
        if kind
        else None
    )
    clauses = tag("properties", [tag("property", name="clause", value=each) for each in case["clauses"]])
    log = tag("system-err", "\n".join(case["log"])) if case["log"] else None
    return tag(
        "testcase", clauses, body, log, name=case["case"], classname=section, time=f"{case['duration_s']:.3f}"
    )
