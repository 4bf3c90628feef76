"""`--must-run`: cases that vanish quietly fail the run."""

from pathlib import Path

import pytest

from conformance.suite import must_run
from conformance.suite.errors import RegistryError
from conformance.suite.verdicts import BROKEN, FAIL, NOT_RUN, PASS, UNSUPPORTED, CaseResult
from conformance.tests.case_files import HERE, every_case


def ended(outcome: str) -> list[CaseResult]:
    return [CaseResult("c/x", "n", ("6.2.5-13",), "static", outcome, "because")]


@pytest.mark.parametrize("outcome", [UNSUPPORTED, NOT_RUN])
def test_a_case_that_is_not_judged_needs_an_exception(outcome: str) -> None:
    """Without one it is a complaint, with its reason; with one it is none."""
    assert must_run.complaints(ended(outcome), {}) == ["c/x was not judged: because"]
    assert must_run.complaints(ended(outcome), {"c/x": "r"}) == []


@pytest.mark.parametrize("outcome", [PASS, FAIL, BROKEN])
def test_an_exception_that_was_judged_is_one_too_many(outcome: str) -> None:
    """The list cannot rot; a case that is not in the list may end as it likes."""
    assert "needs no exception" in must_run.complaints(ended(outcome), {"c/x": "r"})[0]
    assert must_run.complaints(ended(outcome), {}) == []


def test_exceptions_of_cases_that_were_not_selected_say_nothing() -> None:
    """A run of one section is not asked about the others."""
    assert must_run.complaints([], {"c/x": "r"}) == []


@pytest.mark.parametrize(
    "text",
    [
        '[[excepted]]\ncase = "c"\n',
        '[[excepted]]\nreason = "r"\n',
        '[[excepted]]\ncase = "c"\nreason = " "\n',
    ],
)
def test_an_exception_has_a_case_and_a_reason(tmp_path: Path, text: str) -> None:
    """Without a reason the list would hide, not explain."""
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(RegistryError, match="exception"):
        must_run.load(tmp_path / "x.toml")


def test_the_exceptions_of_the_reference_are_frozen_and_exist() -> None:
    """Every one names a case of the suite, and they become fewer, never more."""
    excepted = must_run.load(HERE / "reference-not-run.toml")
    ids = {case.id for case in every_case()}
    assert {case.partition("[")[0] for case in excepted} <= ids
    assert not excepted
