import io
import json

import pytest
from rich.console import Console

from perf.figures import bars, report
from perf.figures.matrix import EXHAUSTIVE
from perf.figures.results import Results
from perf.figures.spreads import spread
from perf.tests.factory import measurement, results

JOB = "randwrite-4k-qd16"


@pytest.fixture
def found() -> Results:
    made = results(
        {"raw": [100, 200], "limit": [80, 100], "mirrored": [50, 60]}, {"full copy": [70], "nbdcopy": [100]}
    )
    cpu = {"active": 40.0, "standby": 30.0}
    made.add(JOB, "rebuild", 0, measurement(25, cpu_us_per_op=cpu, rebuild={"share": 0.9, "mib_s": 80.0}))
    made.repeats, made.busy = {0: 0.5}, {0: 0.0}
    made.memory_kib = {"peak": {"active": 22724}}
    return made


def test_json_holds_each_round_each_ratio_and_the_verdicts(found: Results) -> None:
    """A program that reads the file needs nothing else to judge the run again."""
    body = json.loads(json.dumps(report.as_json(found, {"commit": "abc"}, {"rounds": 2})))
    assert body["commit"] == "abc"
    assert body["settings"] == {"rounds": 2}
    mirrored = body["jobs"][JOB]["mirrored"]
    assert mirrored["iops"] == {"median": 55, "min": 50, "max": 60, "values": [50, 60]}
    assert mirrored["ratio_to_raw"]["values"] == [0.5, 0.3]
    assert mirrored["ratio_to_limit"]["values"] == [0.625, 0.6]
    assert mirrored["rounds"]["1"]["iops"] == 60
    rebuild = body["jobs"][JOB]["rebuild"]
    assert rebuild["ratio_to_mirrored"]["median"] == 0.5
    assert rebuild["mirrord_cpu_us_per_op"]["standby"]["median"] == 30
    assert rebuild["copy_mib_s"]["median"] == 80
    assert body["copies"]["full copy"]["ratio_to_nbdcopy"]["median"] == 0.7
    assert body["noise"]["raw_end_to_begin"] == {"0": 0.5}
    assert body["mirrord_memory_kib"] == {"peak": {"active": 22724}}
    assert [bar["met"] for bar in body["bars"]] == [True, False, False, False, True]
    assert body["warnings"][0].startswith("noisy machine")


def test_tables_show_every_row_that_was_measured(found: Results) -> None:
    """Rows that were not measured do not appear; a row is not compared with itself."""
    console = Console(width=200, record=True, file=io.StringIO())
    for table in report.tables(found):
        console.print(table)
    text = console.export_text()
    for shown in (
        "raw",
        "limit",
        "mirrored",
        "rebuild",
        "55.0 (50.0 to 60.0)",
        "40 + 30",
        "full copy beside",
    ):
        assert shown in text
    assert "broken" not in text
    assert "high-speed copy" not in text


def test_nothing_measured_is_no_table() -> None:
    """An empty run prints no empty frames."""
    assert list(report.tables(results({}))) == []


def test_cells_left_out_are_said_to_be_not_measured(found: Results) -> None:
    """Every cell of the exhaustive matrix without a figure is named; with the reason where there is one."""
    found.skipped["disk-500"] = "no control group"
    lines = report.not_measured_lines(found)
    assert f"{JOB}: qemu, nbd" in lines[0]
    assert lines[0].startswith("not measured basics: randwrite-4k-qd1, ")
    assert any(line.startswith("not measured rotating disk (no control group): ") for line in lines)
    assert "not measured switching: switching: power cut" in lines
    assert len(lines) <= len(EXHAUSTIVE.blocks)


def test_machines_are_held_to_their_own_matrix(found: Results) -> None:
    """A run in virtual machines is not told what only namespaces can measure."""
    lines = report.not_measured_lines(found, "machines")
    others = "randwrite-4k-qd1, readwrite-4k-qd16, seqwrite-1m-qd4"
    assert lines[0] == f"not measured basics: {others}: raw, drbd, md, mirrored; {JOB}: drbd, md"
    assert not any("growth" in line for line in lines)


def test_bar_lines_say_met_missed_or_not_measured(found: Results) -> None:
    """One sentence a bar, with the figure where there is one."""
    lines = report.bar_lines(bars.judge(found))
    assert lines[0].startswith("met")
    assert "0.61 of limit" in lines[0]
    assert lines[1].startswith("not measured")
    low = results({"limit": [100], "mirrored": [10]})
    assert report.bar_lines(bars.judge(low))[0].startswith("MISSED")


@pytest.mark.parametrize(
    ("value", "text"), [(23456.0, "23.5k"), (1234.4, "1234"), (99.94, "99.9"), (1.234, "1.23"), (0.0, "0.00")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    """Three digits, or whole numbers."""
    assert report.short(value) == text


def test_single_value_has_no_extremes() -> None:
    """A run of one round shows one number."""
    assert report.span(spread([5.0])) == "5.00"
    assert report.span(None) == ""
    assert report.middle(spread([1.0, 3.0])) == "2.00"
    assert report.middle(None) == ""
