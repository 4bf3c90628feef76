import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from conformance.suite import registry
from perf.figures import verdicts
from perf.figures.matrix import WRITE_SHARES
from perf.figures.results import CopyMeasurement, Results
from perf.figures.verdicts import MET, MISSED, NOT_MEASURED, OPEN, TOLD, Finding
from perf.tests.factory import measurement, results

MIX = "readwrite-4k-qd16"


def finding(found: Results, clause: str, words: str = "") -> Finding:
    return next(one for one in verdicts.judge(found) if one.clause == clause and words in one.fact)


def mirrored(share: Sequence[float], job: str, below: str = "raw", above: str = "mirrored") -> Results:
    """1,000 IOPS below, so many shares of it above, one a round."""
    rows = {below: [1000] * len(share), above: [round(1000 * one) for one in share]}
    return results(rows, job=job)


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [
        ([0.85, 0.86, 0.84], MET),
        ([0.80], MET),
        ([0.79], MISSED),
        ([0.70, 0.71, 0.69], MISSED),
        ([0.75, 0.85, 0.80], OPEN),
    ],
)
def test_loss_is_judged_by_its_whole_interval(shares: list[float], verdict: str) -> None:
    """20 % at read:write 2:1: kept by all of the interval, missed by all of it, or open."""
    found = mirrored(shares, f"{MIX}@disk-5000")
    assert finding(found, "4.1.4.1-01", "disk-5000").verdict == verdict
    assert finding(found, "4.1.4.1-01", "disk-500").clause == "4.1.4.1-01"


def test_share_on_the_machines_own_disk_is_told_and_not_judged() -> None:
    """The guide speaks of ordinary disks: half of a fast one is no missed clause, and no hidden figure."""
    found = finding(mirrored([0.5, 0.5], MIX), "4.1.4.1-01", "own disk")
    assert found.verdict == TOLD
    assert found.observed.startswith("50 % lost")


def test_rebuild_is_judged_against_normal_operation() -> None:
    """15 % further loss at read:write 2:1."""
    job = f"{MIX}@disk-5000-half"
    assert (
        finding(mirrored([0.86, 0.87, 0.88], job, "mirrored", "rebuild"), "4.1.4.2-01", "disk-5000").verdict
        == MET
    )
    assert (
        finding(mirrored([0.5, 0.51, 0.52], job, "mirrored", "rebuild"), "4.1.4.2-01", "disk-5000").verdict
        == MISSED
    )


def curve(shares: Sequence[float]) -> Results:
    made = Results()
    for (job, _), share in zip(WRITE_SHARES, shares, strict=True):
        for number, wobble in enumerate((0.99, 1.0, 1.01)):
            made.add(job, "raw", number, measurement(1000))
            made.add(job, "mirrored", number, measurement(1000 * share * wobble))
    return made


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [
        ([0.9, 0.85, 0.6, 0.5, 0.45, 0.4], MET),
        ([0.9, 0.85, 0.6, 0.605, 0.45, 0.4], MET),
        ([0.9, 0.85, 0.4, 0.6, 0.45, 0.4], MISSED),
        ([0.5] * 6, OPEN),
    ],
)
def test_loss_grows_with_the_share_of_writes(shares: list[float], verdict: str) -> None:
    """A point within the noise of the one before is no rise; a curve that stays level is no fall."""
    assert finding(curve(shares), "4.1.4.1-02").verdict == verdict


def copies(seconds: dict[int, float], more: dict[str, tuple[int, float]] | None = None) -> Results:
    made = Results()
    for percent, s in seconds.items():
        made.add_copy(f"difference {percent} %", 0, CopyMeasurement(percent << 20, s))
    for kind, (mib, s) in (more or {}).items():
        made.add_copy(kind, 0, CopyMeasurement(mib << 20, s))
    return made


def test_copy_time_is_proportional_and_rises() -> None:
    """A constant start-up time beside the line is allowed."""
    good = copies({1: 0.11, 10: 0.2, 50: 0.6, 100: 1.1})
    assert finding(good, "4.3.3-04").verdict == MET
    assert finding(good, "4.3.3-02").verdict == MET
    flat = copies({1: 1.0, 10: 0.5, 50: 1.0, 100: 0.5})
    assert finding(flat, "4.3.3-04").verdict == MISSED
    assert finding(flat, "4.3.3-02").verdict == MISSED
    assert finding(copies({1: 1.0, 10: 2.0}), "4.3.3-04").verdict == NOT_MEASURED


def test_where_a_slow_disk_was_measured_its_copies_are_judged() -> None:
    """In emulated machines the processors' whims hide the line; the disk's own pace shows it."""
    made = copies({1: 1.0, 10: 0.5, 50: 1.0, 100: 0.5})
    for percent, s in {1: 0.11, 10: 0.2, 50: 0.6, 100: 1.1}.items():
        made.add_copy(f"contiguous difference {percent} %@disk-100", 0, CopyMeasurement(percent << 20, s))
    assert finding(made, "4.3.3-04").verdict == MET
    assert finding(made, "4.3.3-02").verdict == MET


def test_one_copy_that_was_held_up_does_not_bend_the_line() -> None:
    """The medians of the rounds are judged."""
    seconds = {1: 0.11, 10: 0.2, 50: 0.6, 100: 1.1}
    made = copies(seconds)
    for number, late in ((1, 1.0), (2, 1.7)):
        for percent, s in seconds.items():
            took = s * late if percent == 100 else s
            made.add_copy(f"difference {percent} %", number, CopyMeasurement(percent << 20, took))
    assert finding(made, "4.3.3-04").verdict == MET


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [
        ((1.0, 1.04, 0.97), MET),
        ((1.0, 1.2, 0.8), OPEN),
        ((1.3, 1.35, 1.4), MISSED),
        ((0.7, 0.71, 0.69), MISSED),
    ],
)
def test_copy_rates_are_level_when_the_whole_interval_is(seconds: tuple[float, ...], verdict: str) -> None:
    """Noise about 1 is no difference, but too much of it leaves the question open."""
    made = Results()
    for number, s in enumerate(seconds):
        made.add_copy("difference 100 %", number, CopyMeasurement(100 << 20, 1.0))
        made.add_copy("copy without FastSync", number, CopyMeasurement(100 << 20, s))
    assert finding(made, "4.3.3-03").verdict == verdict


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(1.0, MET), (1.09, MET), (0.92, MET), (1.2, MISSED), (0.8, MISSED)]
)
def test_copy_without_fastsync_is_as_fast_as_of_everything(seconds: float, verdict: str) -> None:
    """Within 10 % either way, by bytes a second."""
    found = copies({100: 1.0}, {"copy without FastSync": (100, seconds)})
    assert finding(found, "4.3.3-03").verdict == verdict


@pytest.mark.parametrize(
    ("seconds", "single", "write_back"), [(200, MET, MET), (300, MET, MISSED), (400, MISSED, MISSED)]
)
def test_creation_time_is_for_a_gigabyte(seconds: float, single: str, write_back: str) -> None:
    """390 s on a single disk, 240 s with write-back."""
    found = copies({}, {"full copy": (1024, seconds)})
    assert finding(found, "4.4.1-04").verdict == single
    assert finding(found, "4.4.1-06").verdict == write_back


@pytest.mark.parametrize(("mib_s", "verdict"), [(2.7, MET), (2.6, MISSED)])
def test_creation_time_is_judged_on_a_single_slow_disk_too(mib_s: float, verdict: str) -> None:
    """390 s are 2.63 MiB/s; on a disk of 500 IOPS, of which a client takes half meanwhile."""
    found = Results()
    assert finding(found, "4.4.1-04", "500 IOPS").verdict == NOT_MEASURED
    found.add(f"{MIX}@disk-500-half", "rebuild", 0, measurement(50, rebuild={"share": 1.0, "mib_s": mib_s}))
    assert finding(found, "4.4.1-04", "500 IOPS").verdict == verdict


def test_creation_beside_an_application_takes_longer() -> None:
    """Half the rate while a job runs."""
    found = copies({}, {"full copy": (100, 1.0)})
    found.add(MIX, "rebuild", 0, measurement(50, rebuild={"share": 1.0, "mib_s": 50.0}))
    assert finding(found, "4.4.1-03").verdict == MET
    found.add(MIX, "rebuild", 0, measurement(50, rebuild={"share": 1.0, "mib_s": 150.0}))
    assert finding(found, "4.4.1-03").verdict == MISSED


@pytest.mark.parametrize(("grown", "verdict"), [(18_432, MET), (18_433, MISSED)])
def test_memory_of_a_set_keeps_the_formula(grown: int, verdict: str) -> None:
    """18,432 KiB with the defaults, beside the program itself."""
    found = Results()
    found.memory_kib = {"start": {"active": 1000}, "peak": {"active": 1000 + grown, "standby": 1}}
    assert finding(found, "4.5.1-05").verdict == verdict


SWITCH = {
    "heartbeat_lost": 29_500.0, "server_down": 62_000.0, "mirror_disk_started": 62_500.0,
    "floating_ip_started": 62_600.0, "script_started": 64_000.0, "client": 64_200.0,
}  # fmt: skip


def test_switch_has_its_parts() -> None:
    """Each part with its own bound, and the outage that a client saw against their sum."""
    found = Results()
    found.switches = [SWITCH]
    seen = {
        clause: finding(found, clause).verdict
        for clause in ("9.1-01", "9.1-02", "9.1-05", "9.1-09", "9.1-13")
    }
    assert set(seen.values()) == {MET}
    assert finding(found, "9.1-16").verdict == MET
    assert finding(found, "9.1-16").observed == "1.40 s"
    found.switches = [SWITCH, {**SWITCH, "heartbeat_lost": 20_000.0, "client": 90_000.0}]
    assert finding(found, "9.1-02").verdict == MISSED
    assert finding(found, "9.1-01").verdict == MISSED


def test_nothing_measured_is_nothing_passed() -> None:
    """A run without a judged figure passes nothing; what is told, or not measured, is no failure by itself."""
    found = verdicts.judge(Results())
    assert {one.verdict for one in found} == {NOT_MEASURED}
    assert not verdicts.passed(found)
    good = Finding("4.1.4-01", "f", "e", "o", MET)
    assert verdicts.passed([*found, good])
    assert not verdicts.passed([good, Finding("4.1.4-01", "f", "e", "o", OPEN)])


def test_measured_file_has_every_fact_with_its_clause() -> None:
    """What the conformance suite reads."""
    body = verdicts.measured_file(verdicts.judge(Results()), {"commit": "abc"})
    assert body["format"] == 1
    assert {"clause", "fact", "expected", "observed", "verdict"} == set(body["facts"][0])


def test_conformance_suite_has_a_case_for_each_clause_that_is_judged_here() -> None:
    """The ids are the registry's; those of another tier have cases of their own."""
    known = registry.load_once()
    judged = {one.clause for one in verdicts.judge(Results())}
    files = (Path(registry.__file__).parents[1]).glob("test_*.py")
    cased = {clause for file in files for clause in re.findall(r'"([\d.]+-\d\d)"', file.read_text())}
    assert {clause for clause in judged if known[clause].tier == "measured"} <= cased
    assert {clause for clause in judged if known[clause].tier != "measured"} == {"4.5.1-05"}


def test_machines_are_judged_on_the_disks_that_they_can_be_slower_than() -> None:
    """Disks of 100 IOPS are the ordinary ones where they were measured; their half load has the single disk's copy."""
    found = mirrored([0.9, 0.91, 0.92], f"{MIX}@disk-100")
    found.add(f"{MIX}@disk-100-half", "rebuild", 0, measurement(50, rebuild={"share": 1.0, "mib_s": 5.0}))
    judged = verdicts.judge(found)
    shares = [one for one in judged if one.clause in ("4.1.4.1-01", "4.1.4-02")]
    assert [one.fact.rpartition(", ")[2] for one in shares] == [
        "disk-100",
        "disk-100",
        "the machine's own disk",
    ]
    assert [one.verdict for one in shares] == ["not measured", "met", "not measured"]
    (copy,) = (one for one in judged if "100 IOPS that a client uses by half" in one.fact)
    assert (copy.clause, copy.verdict) == ("4.4.1-04", "met")
