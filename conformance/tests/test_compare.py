"""`python -m conformance.compare`: what counts as a regression, and the exit status."""

import json
from pathlib import Path

import pytest

from conformance import compare as command
from conformance.suite.errors import ReportError
from conformance.suite.report import compare
from conformance.suite.report.model import Report
from conformance.suite.verdicts import BROKEN, FAIL, NOT_RUN, PASS, UNSUPPORTED, XFAIL
from conformance.tests.reports import FAILED, PASSED, report, result


def one(outcome: str) -> Report:
    """A run of one case."""
    return report(result(outcome, PASSED, name="c"))


@pytest.mark.parametrize("outcome", [FAIL, BROKEN, XFAIL, UNSUPPORTED, NOT_RUN])
def test_what_passed_and_does_not_any_more_is_worse(outcome: str) -> None:
    """Whatever comes in the place of a pass is a regression; the other way round it is progress."""
    worse = compare.compare(one(PASS), one(outcome))
    assert [change.id for change in worse.worse] == [PASSED]
    assert compare.regressed(worse)
    better = compare.compare(one(outcome), one(PASS))
    assert [change.id for change in better.better] == [PASSED]
    assert not compare.regressed(better)


@pytest.mark.parametrize("outcome", [BROKEN, XFAIL, UNSUPPORTED, NOT_RUN])
def test_a_new_failure_is_worse_and_a_failure_that_is_gone_is_no_pass(outcome: str) -> None:
    """From unsupported to fail is a regression; from fail to unsupported is a change, neither worse nor better."""
    assert compare.regressed(compare.compare(one(outcome), one(FAIL)))
    found = compare.compare(one(FAIL), one(outcome))
    assert not compare.regressed(found)
    assert not found.better
    assert [change.id for change in found.other] == [PASSED]


def test_what_was_not_judged_this_time_is_no_regression() -> None:
    """A run of one section does not make the others worse: they are listed as not judged."""
    found = compare.compare(one(PASS), report(result(PASS, FAILED)))
    assert [change.id for change in found.unjudged] == [PASSED]
    assert not compare.regressed(found)


def test_a_case_can_become_worse_while_its_clause_fails_anyway() -> None:
    """A clause that fails already hides nothing: the case that fails now is named."""
    before = report(result(FAIL, PASSED, name="a"), result(PASS, PASSED, name="b"))
    after = report(result(FAIL, PASSED, name="a"), result(FAIL, PASSED, name="b"))
    found = compare.compare(before, after)
    assert [change.id for change in found.cases_worse] == [f"{PASSED}/b"]
    assert compare.regressed(found)


def test_equal_reports_have_no_difference() -> None:
    """And the text says so."""
    assert "no difference" in compare.as_text(compare.compare(one(PASS), one(PASS)))


def test_another_edition_of_the_guide_is_not_compared() -> None:
    """Clauses of two editions are not the same clauses."""
    other = one(PASS)
    other["guide"] = {**other["guide"], "edition": 3}
    with pytest.raises(ReportError, match="editions"):
        compare.compare(one(PASS), other)


def test_the_command_takes_files_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 0 without and 1 with a regression, which is named with its title."""
    paths = []
    for name, outcome in (("old", PASS), ("new", FAIL)):
        paths.append(tmp_path / name / "report.json")
        paths[-1].parent.mkdir()
        paths[-1].write_text(json.dumps(one(outcome)))
    old, new = map(str, paths)
    assert command.main([old, new]) == 1
    shown = capsys.readouterr().out
    assert f"{PASSED}       pass -> fail" in shown
    assert command.main([str(tmp_path / "new"), str(tmp_path / "old")]) == 0
    assert command.main([old, old]) == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1}'])
def test_what_is_no_report_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Exit status 2 with the file and what is wrong with it."""
    (tmp_path / "report.json").write_text(text)
    assert command.main([str(tmp_path), str(tmp_path)]) == 2
    assert "report.json" in capsys.readouterr().err
