import json
from pathlib import Path

import pytest

import perf.__main__ as program
from perf.figures import coefficients, predictions, stored
from perf.figures.conditions import CONDITIONS
from perf.figures.predictions import Prediction
from perf.figures.results import MIRRORED, RAW, Results
from perf.figures.spreads import Interval
from perf.shell import files
from perf.tests.factory import measurement, results
from perf.tests.test_stored import body_of
from twinset.advice.coefficients import Interval as Bounds
from twinset.advice.expectation import Expected

DATA = Path(__file__).parent / "data"
RUN, COPIES = DATA / "what-if-run.json", DATA / "what-if-copies.json"
WORKLOAD = "randwrite-4k-qd16"


def prediction(low: float, high: float, seen: Interval) -> Prediction:
    return Prediction("a", RAW, "IOPS", Expected(Bounds((low + high) / 2, low, high), "disk", {}), seen)


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (Interval(100, 50, 150), "met"),
        (Interval(120, 105, 130), "open"),
        (Interval(80, 70, 95), "open"),
        (Interval(130, 120, 140), "missed"),
        (Interval(70, 60, 80), "missed"),
    ],
)
def test_prediction_is_judged_by_its_bounds(seen: Interval, verdict: str) -> None:
    """The mean within them; else the rounds' own interval may still reach them."""
    assert prediction(90, 110, seen).verdict == verdict


def test_bounds_far_apart_predict_nothing() -> None:
    """A run that was too noisy is not proved right by saying nothing."""
    vague = prediction(10, 60, Interval(20, 19, 21))
    assert vague.verdict == "vague"
    assert not predictions.passed([vague])
    assert predictions.passed([vague, prediction(90, 110, Interval(100, 99, 101))])


def of(plain: int, slow: int) -> Results:
    """A mirror that does so much as the machine is, and so much on a disk of 500 IOPS."""
    found = results({RAW: [20_000] * 3, MIRRORED: [plain] * 3})
    for number in range(3):
        found.add(f"{WORKLOAD}@disk-500", RAW, number, measurement(505))
        found.add(f"{WORKLOAD}@disk-500", MIRRORED, number, measurement(slow))
    return found


@pytest.mark.parametrize(("slow", "status", "last"), [(495, 0, "2 met"), (300, 1, "1 met, 1 missed")])
def test_predict_says_whether_the_slowed_cells_are_as_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], slow: int, status: int, last: str
) -> None:
    """The mirror does what the slow disk does, or the model is wrong and the exit status says so."""
    file = tmp_path / "run.json"
    files.write_json(file, body_of(of(10_000, slow)))
    assert program.main(["predict", str(file)]) == status
    printed = capsys.readouterr().out
    assert f"{WORKLOAD}@disk-500 mirrored: 500 IOPS expected (450 to 550; disk), {slow} seen" in printed
    assert printed.endswith(f"2 predictions: {last}\n")


def test_another_run_is_predicted_with_its_plain_cells(tmp_path: Path) -> None:
    """Coefficients of one run, figures of the next: as the machine is, and slowed."""
    before, now = tmp_path / "before.json", tmp_path / "now.json"
    files.write_json(before, body_of(of(10_000, 500)))
    files.write_json(now, body_of(of(5_000, 500)))
    assert program.main(["predict", str(before), str(before)]) == program.OK
    assert program.main(["predict", str(before), str(now)]) == program.MISSED


def test_nothing_to_check_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run without slowed cells; how to measure them."""
    file = tmp_path / "run.json"
    files.write_json(file, body_of(results({RAW: [2], MIRRORED: [1]})))
    assert program.main(["predict", str(file)]) == program.FAILED
    assert "--matrix what-if" in capsys.readouterr().err


def test_report_writes_coefficients(tmp_path: Path) -> None:
    """From a run's file, for `twinset plan --measured`."""
    run, costs = tmp_path / "run.json", tmp_path / "costs.json"
    files.write_json(run, body_of(of(10_000, 500)))
    program.main(["report", str(run), "--coefficients", str(costs)])
    assert json.loads(costs.read_text())["operations"][WORKLOAD]["mirrored_iops"] == [10_000, 10_000, 10_000]


def test_a_throttle_is_a_machine_whose_reads_and_writes_are_limited_apart() -> None:
    """And a slow link slows nothing but the link."""
    disk, link = (predictions.described(CONDITIONS[name]) for name in ("disk-500", "link-100m"))
    assert (disk.disk_iops, disk.disk_mib_s, disk.throttled, disk.link_mbit_s) == (500, 200, True, 0)
    assert (link.disk_iops, link.throttled, link.link_mbit_s) == (0, True, 100)


def test_a_run_of_this_suite_bears_the_model_out() -> None:
    """data/what-if-run.json is of `python -m perf run --matrix what-if`; nothing that was predicted is missed."""
    run = stored.load(files.read_json(RUN))
    checked = predictions.check(coefficients.measured(run.results, run.surroundings), run.results)
    verdicts = [one.verdict for one in checked]
    assert "missed" not in verdicts, "\n".join(str(one) for one in checked)
    assert verdicts.count("met") >= len(verdicts) / 2


def test_copies_of_another_run_bear_the_model_out() -> None:
    """The next run's full copies on slowed disks and links; on the slowest of each the bounds are narrow, and met."""
    before, now = (stored.load(files.read_json(file)) for file in (RUN, COPIES))
    found = coefficients.measured(before.results, before.surroundings)
    checked = {one.row: one.verdict for one in predictions.check(found, now.results, plain=True)}
    assert (checked["full copy@disk-500"], checked["full copy@link-100m"]) == ("met", "met")
    assert "missed" not in checked.values()
