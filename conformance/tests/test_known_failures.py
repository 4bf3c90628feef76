"""The list of known failures: expected ones count apart, unexpected passes fail."""

from pathlib import Path

import pytest

from conformance.suite import known_failures
from conformance.suite.errors import RegistryError
from conformance.suite.verdicts import BROKEN, FAIL, NOT_RUN, PASS, XFAIL, CaseResult


def listed(tmp_path: Path, text: str) -> known_failures.KnownFailures:
    (tmp_path / "known.toml").write_text(text)
    return known_failures.load(tmp_path / "known.toml")


@pytest.mark.parametrize(
    ("outcome", "becomes"), [(FAIL, XFAIL), (PASS, FAIL), (NOT_RUN, NOT_RUN), (BROKEN, BROKEN)]
)
def test_a_listed_case(tmp_path: Path, outcome: str, becomes: str) -> None:
    """A listed case that fails is xfail; one that passes is a failure; the rest stays."""
    found = CaseResult("c/x", "n", ("6.2.5-13",), "static", outcome)
    listed(tmp_path, '[[known]]\ncase = "c/x"\nreason = "not built"\n').apply(found)
    assert found.outcome == becomes


def test_an_unlisted_case_is_left_alone(tmp_path: Path) -> None:
    """Only what is listed is expected."""
    found = CaseResult("c/x", "n", ("6.2.5-13",), "static", FAIL)
    listed(tmp_path, "").apply(found)
    assert found.outcome == FAIL


@pytest.mark.parametrize("text", ['[[known]]\ncase = "c"\n', '[[known]]\ncase = "c"\nreason = " "\n'])
def test_a_known_failure_has_a_reason(tmp_path: Path, text: str) -> None:
    """Without a reason the list would hide, not explain."""
    with pytest.raises(RegistryError, match="reason"):
        listed(tmp_path, text)
