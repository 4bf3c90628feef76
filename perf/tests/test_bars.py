import pytest

from perf.figures import bars
from perf.figures.bars import Verdict
from perf.figures.results import Results
from perf.tests.factory import results


def verdict(found: Results, subject: str) -> Verdict:
    return next(one for one in bars.judge(found) if one.bar.subject == subject)


@pytest.mark.parametrize(("iops", "met"), [(549, False), (550, True), (551, True)])
def test_bar_is_met_at_its_figure_and_not_below(iops: int, met: bool) -> None:
    """0.55 of the limit for random writes at depth 16."""
    found = verdict(results({"limit": [1000], "mirrored": [iops]}), "randwrite-4k-qd16")
    assert found.met is met
    assert found.measured == pytest.approx(iops / 1000)


def test_bar_of_the_mix_is_against_the_raw_file() -> None:
    """R:W 2:1 counts all operations, against one plain file."""
    job = "readwrite-4k-qd16"
    found = results({"raw": [100], "limit": [50], "mirrored": [60]}, job=job)
    assert verdict(found, job).measured == pytest.approx(0.6)
    assert verdict(found, job).met


def test_bar_of_the_full_copy_is_against_nbdcopy() -> None:
    """0.7 of the plain tool."""
    assert verdict(results({}, {"full copy": [70], "nbdcopy": [100]}), "full copy").met
    assert not verdict(results({}, {"full copy": [69], "nbdcopy": [100]}), "full copy").met


def test_what_was_not_measured_is_not_met() -> None:
    """A bar is never met by leaving its row out."""
    verdicts = bars.judge(results({}))
    assert len(verdicts) == 5
    assert not any(one.met for one in verdicts)
    assert {one.measured for one in verdicts} == {None}


def test_one_good_round_does_not_meet_a_bar() -> None:
    """The median of the rounds decides."""
    found = results({"limit": [100, 100, 100], "mirrored": [90, 40, 50]})
    assert not verdict(found, "randwrite-4k-qd16").met
