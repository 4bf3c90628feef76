from perf.figures.results import CopyMeasurement
from perf.tests.factory import measurement, results

JOB = "randwrite-4k-qd16"


def test_ratio_is_taken_within_rounds() -> None:
    """Each round's mirrored run against the same round's limit."""
    ratio = results({"limit": [100, 200, 400], "mirrored": [60, 110, 280]}).ratio(JOB, "mirrored", "limit")
    assert ratio is not None
    assert ratio.values == (0.6, 0.55, 0.7)
    assert ratio.median == 0.6


def test_job_without_a_raw_row_is_held_against_the_same_disk() -> None:
    """A throttled disk is not compared with the machine's own, unless nothing else was measured."""
    found = results({"raw": [100]})
    assert found.raw_of(f"{JOB}@disk-500-half") == JOB
    found.add(f"{JOB}@disk-500", "raw", 0, measurement(50))
    assert found.raw_of(f"{JOB}@disk-500-half") == f"{JOB}@disk-500"
    assert found.raw_of(f"{JOB}@disk-500") == f"{JOB}@disk-500"
    assert found.raw_of(f"{JOB}@link-1g") == JOB
    assert found.raw_of(f"{JOB}@disk-5000-half") == JOB


def test_what_was_not_measured_has_no_spread_and_no_ratio() -> None:
    """Absent is None, not zero."""
    found = results({"raw": [100]})
    assert found.spread(JOB, "mirrored", "iops") is None
    assert found.ratio(JOB, "mirrored", "raw") is None
    assert found.ratio("other", "raw", "raw") is None
    assert found.copy_ratio("full copy", "nbdcopy") is None
    assert found.cpu(JOB, "raw", "active") is None


def test_what_has_a_figure_is_told_by_row_and_round() -> None:
    """Jobs, copies and switches alike: what is there, in which rounds, and what is to be measured again."""
    found = results({"raw": [1, 2]}, {"nbdcopy": [1, 2]})
    assert found.measured(JOB, "raw")
    assert not found.measured(JOB, "mirrored")
    assert found.measured("copy", "nbdcopy")
    assert not found.measured("copy", "full copy")
    assert not found.measured("switching", "power cut")
    found.forget(JOB, "raw", 0)
    found.forget("copy", "nbdcopy", 1)
    found.forget("other", "raw", 0)
    found.switches.append({"script_started": 1.0})
    assert found.rounds_of(JOB, "raw") == {1}
    assert found.rounds_of("copy", "nbdcopy") == {0}
    assert found.rounds_of("switching", "power cut") == {0}


def test_quiet_run_has_no_warnings() -> None:
    """Nothing to say of a machine that did nothing else."""
    found = results({"raw": [100, 110]})
    found.repeats = {0: 1.05, 1: 0.95}
    found.busy = {0: 0.01, 1: 0.05}
    assert found.warnings() == []


def test_raw_run_that_does_not_repeat_is_a_warning() -> None:
    """The noise check: the same run twice in a round, off by more than the factor."""
    found = results({"raw": [100]})
    found.repeats = {0: 1.0, 1: 0.7}
    (warning,) = found.warnings()
    assert warning.startswith("noisy machine")
    assert "0.70" in warning


def test_other_load_and_wandering_raw_figures_are_warnings() -> None:
    """Busy processors before a round, and raw figures that differ by half over the rounds."""
    found = results({"raw": [100, 160]})
    found.busy = {0: 0.0, 1: 0.8}
    warnings = found.warnings()
    assert any("80% busy" in warning for warning in warnings)
    assert any("100 to 160 IOPS" in warning for warning in warnings)


def test_rebuild_row_without_a_rebuild_is_a_warning() -> None:
    """A copy that ended early leaves the row with figures of something else."""
    found = results({})
    found.add(JOB, "rebuild", 0, measurement(50, rebuild={"share": 0.4, "mib_s": 80.0}))
    (warning,) = found.warnings()
    assert "only 40%" in warning
    during = found.rebuild_spread(JOB)
    assert during is not None
    assert during.median == 80.0


def test_copy_throughput_is_bytes_over_seconds() -> None:
    """512 MiB in 4 s."""
    assert CopyMeasurement(512 << 20, 4.0).mib_s == 128.0
