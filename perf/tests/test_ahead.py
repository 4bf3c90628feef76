import pytest

from perf.figures import ahead
from perf.tests.factory import results

STEADY = [100, 101, 99, 100, 100]


@pytest.mark.parametrize(
    ("mirrored", "word"),
    [
        ([120, 121, 119, 120, 122], "ahead"),
        ([80, 81, 79, 80, 80], "behind"),
        ([110, 90, 125, 80, 130], "level"),
        ([120], "one round"),
    ],
)
def test_row_is_ahead_only_when_its_whole_interval_is(mirrored: list[int], word: str) -> None:
    """Above 1 by its lower bound; below 1 by its upper one; what holds 1 is level; one round says nothing."""
    (verdict,) = ahead.judge(results({"qemu": STEADY, "mirrored": mirrored}))
    assert verdict.word == word


def test_ratios_are_paired_by_round() -> None:
    """A round in which everything was slow does not blur the verdict."""
    (verdict,) = ahead.judge(results({"qemu": [100, 10, 50], "mirrored": [120, 12, 60]}))
    assert verdict.shown == "1.20 (1.20 to 1.20)"


def test_everywhere_needs_rows_and_each_of_them_ahead() -> None:
    """Nothing measured is not ahead."""
    assert not ahead.everywhere([])
    good = ahead.judge(results({"qemu": STEADY, "mirrored": [200] * 5}))
    bad = ahead.judge(results({"qemu": STEADY, "mirrored": [50] * 5}))
    assert ahead.everywhere(good)
    assert not ahead.everywhere([*good, *bad])
    assert next(ahead.lines(bad)).startswith("BEHIND       randwrite-4k-qd16: 0.50 (")


def test_verdict_is_written_with_its_interval() -> None:
    """For a program; one round has none."""
    (many,) = ahead.judge(results({"qemu": [100, 100], "mirrored": [120, 120]}))
    (once,) = ahead.judge(results({"qemu": [100], "mirrored": [120]}))
    assert many.as_json()["ratio"] == {"middle": 1.2, "low": 1.2, "high": 1.2}
    assert once.as_json() == {
        "job": "randwrite-4k-qd16",
        "peer": "qemu",
        "ratio": None,
        "verdict": "one round",
    }


@pytest.mark.parametrize(
    ("mirrored", "enough"), [([110, 90, 125, 80, 130], True), ([80, 81, 79, 80, 80], False)]
)
def test_beside_drbd_level_is_enough(mirrored: list[int], enough: bool) -> None:
    """QEMU's mirror is to be outrun; DRBD, in the kernel, is to be kept up with."""
    (verdict,) = ahead.judge(results({"drbd": STEADY, "mirrored": mirrored}))
    assert (verdict.enough, verdict.as_json()["peer"]) == (enough, "drbd")
    (line,) = ahead.lines([verdict])
    assert line.endswith("times DRBD; an interval that is not wholly below 1 is wanted")


def test_copies_stand_beside_drbds_under_the_same_condition() -> None:
    """A full copy on slow disks is held against DRBD's on slow disks."""
    copies = {"full copy": [10, 11], "full copy by DRBD": [5, 5], "full copy@disk-100": [4, 4],
              "full copy by DRBD@disk-100": [8, 8]}  # fmt: skip
    found = ahead.judge(results({}, copies))
    assert [(one.job, one.word) for one in found] == [
        ("full copy", "ahead"),
        ("full copy@disk-100", "behind"),
    ]
