"""report.json: what it holds, and when compliance can be claimed."""

import json

import pytest

from conformance.suite import registry
from conformance.suite.report import clean
from conformance.suite.report.model import chapter_of
from conformance.suite.verdicts import FAIL, NOT_RUN, PASS, UNSUPPORTED
from conformance.tests.reports import (
    ADVISED,
    FAILED,
    HOSTILE,
    OPTIONAL,
    PASSED,
    UNCASED,
    everything_passes,
    report,
    result,
)


def test_it_holds_every_clause_and_what_was_seen() -> None:
    """All clauses with text, kind, tier, level and verdict; each case with its comparisons; why there is no case."""
    found = report(result(PASS, PASSED), result(FAIL, FAILED))
    assert len(found["clauses"]) == len(registry.load_once())
    entry = found["clauses"][FAILED]
    assert (entry["verdict"], entry["level"], entry["tier"]) == ("fail", "mandatory", "pair")
    assert entry["text"] == registry.load_once()[FAILED].text
    assert found["clauses"][UNCASED]["uncased"]["why"] == "manager"
    assert found["cases"][1]["checks"][0]["observed"] == "'seen'"
    assert found["format"] == 1
    assert found["guide"]["edition"] == 2
    assert sum(found["counts"].values()) == len(found["clauses"])


def test_advice_and_options_are_counted_apart() -> None:
    """A recommendation is advice, FastSync is optional, documentary clauses have no level."""
    found = report(result(FAIL, ADVISED), result(PASS, OPTIONAL))
    assert found["levels"]["advice"][FAIL] == 1
    assert found["levels"]["optional"][PASS] == 1
    assert FAIL not in found["levels"]["mandatory"]
    leveled = sum(sum(counts.values()) for counts in found["levels"].values())
    assert leveled == len(found["clauses"]) - found["counts"]["documentary"]


def test_a_claim_needs_every_mandatory_clause_to_have_passed() -> None:
    """All passed: yes. One failed, one unsupported, one not run: no, each with its reason."""
    assert everything_passes()["claim"]["complies"]
    assert everything_passes()["claim"]["why_not"] == []
    for outcome, words in ((FAIL, "failed"), (UNSUPPORTED, "not supported"), (NOT_RUN, "could not run")):
        claim = everything_passes(but={PASSED: outcome})["claim"]
        assert not claim["complies"]
        assert words in claim["why_not"][0]
        assert claim["why_not"][0].startswith("1 ")


def test_advice_and_options_do_not_stand_in_the_way_of_a_claim() -> None:
    """A port that leaves advice unheeded and does not have FastSync may claim what is mandatory."""
    assert everything_passes(but={ADVISED: FAIL, OPTIONAL: UNSUPPORTED})["claim"]["complies"]


def test_nothing_is_claimed_of_what_did_not_run() -> None:
    """A run of one case claims nothing: the rest has no case there, or was left out."""
    claim = report(result(PASS, PASSED))["claim"]
    assert not claim["complies"]
    assert claim["passed"] == 1
    assert any("left out" in words for words in claim["why_not"])


def test_what_an_adapter_said_is_clean_and_bounded() -> None:
    """Control characters, halves of surrogate pairs and marks of direction become visible; long texts are cut."""
    found = report(result(FAIL, FAILED, reason=HOSTILE * 500, log=[HOSTILE]))
    text = json.dumps(found, ensure_ascii=False)
    text.encode()
    assert "\\\\u001b" in text
    assert "characters left out" in found["cases"][0]["reason"]
    assert len(found["cases"][0]["reason"]) < 2 * clean.TEXT_CHARACTERS_MAX


@pytest.mark.parametrize(("section", "chapter"), [("6.2.5", "6"), ("1", "1"), ("PRE", "front")])
def test_a_section_lies_in_a_chapter(section: str, chapter: str) -> None:
    """By its first number; the front matter is a chapter of its own."""
    assert chapter_of(section) == chapter
