from collections.abc import Sequence

import pytest

from perf.figures import compare
from perf.figures.compare import BETTER, LEVEL, UNSURE, WORSE
from perf.figures.results import Results
from perf.tests.factory import measurement, results

JOB = "randwrite-4k-qd16"


def run(*shares: float, raw: float = 1000) -> Results:
    made = Results()
    for number, share in enumerate(shares):
        made.add(JOB, "raw", number, measurement(raw))
        made.add(JOB, "mirrored", number, measurement(raw * share))
    return made


STEADY = (0.50, 0.51, 0.49, 0.50, 0.50)


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [
        (STEADY, LEVEL),
        ([share * 0.9 for share in STEADY], WORSE),
        ([share * 1.1 for share in STEADY], BETTER),
        ([share * 0.96 for share in STEADY], UNSURE),
        ((0.3, 0.7, 0.5, 0.4, 0.6), UNSURE),
    ],
)
def test_verdict_is_by_the_interval_of_the_change(shares: Sequence[float], verdict: str) -> None:
    """A tenth less on a steady machine is worse; the same median from a wild one is unsure."""
    (found,) = compare.compare(run(*STEADY), run(*shares))
    assert found.verdict == verdict
    assert found.subject == f"{JOB} mirrored"


def test_machine_that_is_twice_as_fast_changes_nothing() -> None:
    """Ratios are compared, not absolute figures."""
    (found,) = compare.compare(run(*STEADY), run(*STEADY, raw=2000))
    assert found.verdict == LEVEL
    assert (found.a, found.b) == (0.5, 0.5)


def test_one_round_says_nothing() -> None:
    """No spread, no verdict."""
    (found,) = compare.compare(run(0.5), run(0.1))
    assert found.verdict == UNSURE
    assert "one round only" in next(compare.lines([found]))


def test_only_what_both_have_is_compared() -> None:
    """Other rows, other jobs and copies without their base are left out."""
    other = results({"raw": [1, 1], "broken": [1, 1]}, {"full copy": [1]}, job="seqwrite-1m-qd4")
    assert compare.compare(run(*STEADY), other) == []


def test_row_without_a_raw_disk_of_its_own_is_against_the_plain_one() -> None:
    """A slow link changes the mirror, not the raw disk."""
    made = run(*STEADY)
    for number in range(5):
        made.add(f"{JOB}@link-1g", "mirrored", number, measurement(250))
    found = {one.subject: one for one in compare.compare(made, made)}
    assert found[f"{JOB}@link-1g mirrored"].a == 0.25


def test_copies_are_against_nbdcopy_and_the_worst_comes_first() -> None:
    """Lines begin with what became worse."""
    before = results(
        {"raw": [1000, 1000], "mirrored": [500, 501]}, {"full copy": [100, 101], "nbdcopy": [100, 100]}
    )
    now = results(
        {"raw": [1000, 1000], "mirrored": [500, 501]}, {"full copy": [50, 51], "nbdcopy": [100, 100]}
    )
    found = compare.compare(before, now)
    lines = list(compare.lines(found))
    assert len(lines) == 2
    assert lines[0].startswith("worse   full copy")
    assert lines[1].startswith("level")
