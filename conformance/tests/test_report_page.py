"""report.html and junit.xml: complete, self-contained, and safe whatever an adapter says."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from conformance.suite.report import compare, junit, page
from conformance.suite.report.markup import Markup, tag
from conformance.suite.report.model import Report, Run
from conformance.suite.verdicts import BROKEN, FAIL, NOT_RUN, PASS
from conformance.tests.reports import FAILED, HOSTILE, PASSED, UNCASED, check, report, result


class Page(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "input", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile() -> Report:
    """A run in which whatever an adapter can say is hostile."""
    adapter = {"port": HOSTILE, "version": HOSTILE, "capabilities": [HOSTILE], HOSTILE: HOSTILE}
    failed = result(
        FAIL, FAILED, reason=HOSTILE, log=[HOSTILE], artefacts=f"artefacts/{HOSTILE}",
        checks=[check(FAILED, holds=False, observed=HOSTILE)],
    )  # fmt: skip
    return report(
        failed, run=Run("now", 1, {"system": HOSTILE}, {"section": [HOSTILE]}, adapter, "adapter.log")
    )


def test_every_clause_is_on_the_page_with_all_there_is_to_know() -> None:
    """Text, level, verdict, expected and observed, the case, the evidence, and the reason for no case."""
    failed = result(FAIL, FAILED, log=["what the adapter said"], artefacts="artefacts/01-x")
    found = report(result(PASS, PASSED), failed)
    seen = Page(page.render(found))
    clauses = {a["id"]: a for name, a in seen.elements if name == "details" and "id" in a}
    assert len(clauses) == len(found["clauses"])
    assert clauses[f"c-{FAILED}"]["data-verdict"] == "fail"
    assert clauses[f"c-{FAILED}"]["data-level"] == "mandatory"
    assert clauses[f"c-{UNCASED}"]["data-level"] == "optional"
    for words in (
        found["clauses"][FAILED]["text"],
        "'wanted'",
        "'seen'",
        f"{FAILED}/fail",
        "what the adapter said",
    ):
        assert words in seen.text
    assert found["clauses"][UNCASED]["uncased"]["reason"] in seen.text
    assert any(a.get("href") == "artefacts/01-x" for _, a in seen.elements)
    assert "Compliance cannot be claimed" in seen.text
    assert seen.open == []


def test_an_empty_value_is_said_in_words() -> None:
    """A reader of the page meets no brackets without content."""
    passed = result(PASS, PASSED, checks=[{**check(PASSED), "expected": "[]", "observed": "set()"}])
    text = page.render(report(passed))
    assert text.count('">none</td>') == 2
    assert "[]" not in Page(text).text


def test_a_documentary_clause_leads_to_what_honours_it() -> None:
    """A link beside the report, with the heading; or the reason why the clause asks nothing of a port."""
    places = {
        "PRE-01": {"file": "page.md", "at": "Some heading", "href": "../docs/page.md#some-heading"},
        "AUX-04": {"nothing": "names owners"},
    }
    seen = Page(page.render(report(result(PASS, PASSED), honoured=places)))
    assert any(a.get("href") == "../docs/page.md#some-heading" for _, a in seen.elements)
    assert "page.md, Some heading" in seen.text
    assert "nothing: names owners" in seen.text
    assert "1 lead to the page or check that honours them, 1 ask nothing" in seen.text


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """No element loads anything: links lead within the page or beside it, and the policy forbids the rest."""
    text = page.render(report(result(PASS, PASSED)))
    seen = Page(text)
    assert not [name for name, a in seen.elements if name in {"link", "img", "iframe", "base"} or "src" in a]
    links = [str(a["href"]) for name, a in seen.elements if name == "a"]
    assert links
    assert all(link.startswith("#") or "://" not in link for link in links)
    assert "url(" not in text
    assert "@import" not in text


def test_the_policy_allows_the_page_its_own_script_and_no_other() -> None:
    """The hash in the policy is that of the one script of the page."""
    text = page.render(report(result(PASS, PASSED)))
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = next(
        a["content"] for name, a in Page(text).elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert f"script-src 'sha256-{digest}'" in str(policy)
    assert "default-src 'none'" in str(policy)


def test_nothing_that_an_adapter_says_becomes_part_of_the_page() -> None:
    """Markup, quotes and control characters of an adapter are shown as what they are."""
    text = page.render(hostile())
    seen = Page(text)
    assert text.count("<script") == 1
    assert all(not key.startswith("on") for _, a in seen.elements for key in a)
    assert '<script>alert("x")</script>' in seen.text
    assert "\x00" not in text
    assert "\u202e" not in text
    text.encode()
    assert seen.open == []


def test_markup_escapes_text_and_only_text() -> None:
    """Texts and values of attributes are escaped, elements are not, what is None is left out."""
    made = tag("p", "<b>", tag("i", 1), None, ["&", Markup("<hr>")], class_='"', data_x=None)
    assert made == '<p class="&quot;">&lt;b&gt;<i>1</i>&amp;<hr></p>'


def test_a_comparison_is_a_section_of_the_page() -> None:
    """Only with an older report there is one, and it names what became worse."""
    old, new = report(result(PASS, FAILED, name="c")), report(result(FAIL, FAILED, name="c"))
    assert "Against an older run" not in Page(page.render(new)).text
    seen = Page(page.render(new, compare.compare(old, new)))
    assert "Clauses that became worse: 1" in seen.text
    assert any(a.get("href") == f"#c-{FAILED}" for _, a in seen.elements)


def test_the_claim_of_a_run_that_complies_says_yes() -> None:
    """With the claim set the page says so, and names no reason against it."""
    found = report(result(PASS, PASSED))
    found["claim"] = {"complies": True, "mandatory": 3, "passed": 3, "judged": 3, "why_not": []}
    text = Page(page.render(found)).text
    assert "Compliance can be claimed: all 3 mandatory clauses" in text
    assert "Compliance cannot" not in text


@pytest.mark.parametrize(
    ("outcome", "element", "count"),
    [(FAIL, "failure", "failures"), (BROKEN, "error", "errors"), (NOT_RUN, "skipped", "skipped")],
)
def test_junit_has_each_case_as_it_ended(outcome: str, element: str, count: str) -> None:
    """Failures, errors and skipped cases are counted as such, in the suite of their section."""
    found = report(result(PASS, PASSED), result(outcome, FAILED, reason="because"))
    root = ET.fromstring(junit.render(found))
    assert root.get("tests") == "2"
    assert root.get(count) == "1"
    case = next(
        each for each in root.iter("testcase") if each.get("name") == f"{FAILED}/{outcome.replace(' ', '-')}"
    )
    assert case.get("classname") == "6.2.5"
    marked = case.find(element)
    assert marked is not None
    assert "because" in str(marked.get("message"))


def test_junit_takes_whatever_an_adapter_says() -> None:
    """It stays well-formed XML."""
    root = ET.fromstring(junit.render(hostile()))
    assert '<script>alert("x")</script>' in str(root.find(".//failure").text)  # type: ignore[union-attr]
