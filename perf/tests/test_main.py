import json
from pathlib import Path
from typing import Any

import pytest

import perf.__main__ as program
from perf.errors import PerfError
from perf.figures.results import ROWS, Results
from perf.shell.suite import FSYNC_JOBS, JOBS, SMOKE, Settings
from perf.tests.factory import results

GOOD = {"raw": [100], "limit": [100], "mirrored": [60]}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Run the program on made-up results; return the settings it would have measured with."""
    seen: list[Settings] = []

    def measure(settings: Settings, _say: object) -> tuple[Results, dict[str, Any]]:
        seen.append(settings)
        return results(GOOD), {"machine": {}}

    monkeypatch.setattr(program, "measure", measure)
    return seen


def test_defaults_are_the_whole_suite(measured: list[Settings]) -> None:
    """Five rounds of ten seconds, every row, every job."""
    assert program.main([]) == program.OK
    assert measured == [Settings(5, 10.0, 1024, ROWS, JOBS + FSYNC_JOBS)]


def test_options_override_defaults_and_smoke(measured: list[Settings]) -> None:
    """What is given on the command line wins, also over the smoke settings."""
    program.main(["--rows", "raw,limit", "--jobs", "seqwrite-1m-qd4", "--rounds", "2"])
    program.main(["--smoke", "--seconds", "1.5"])
    assert measured[0] == Settings(2, 10.0, 1024, ("raw", "limit"), ("seqwrite-1m-qd4",))
    assert measured[1].seconds == 1.5
    assert measured[1].jobs == SMOKE.jobs


@pytest.mark.parametrize(
    "argv",
    [
        ["--rows", "raw,fast"],
        ["--rows", ","],
        ["--jobs", "nothing"],
        ["--rounds", "0"],
        ["--seconds", "x"],
        ["--disk-mib", "1"],
        ["--unknown"],
    ],
)
def test_bad_option_is_a_usage_error(
    argv: list[str], measured: list[Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, with what is known."""
    with pytest.raises(SystemExit) as ended:
        program.main(argv)
    assert ended.value.code == 2
    assert not measured
    assert argv[0].strip("-") in capsys.readouterr().err


def test_slow_figures_are_no_error_unless_bars_are_asked_for(measured: list[Settings]) -> None:
    """Most bars were not even measured here: status 0 without --bars, 1 with it."""
    assert program.main([]) == program.OK
    assert program.main(["--bars"]) == program.BAR_MISSED


def test_json_is_written(measured: list[Settings], tmp_path: Path) -> None:
    """The file holds what was measured."""
    file = tmp_path / "out.json"
    assert program.main(["--json", str(file)]) == program.OK
    assert (
        json.loads(file.read_text())["jobs"]["randwrite-4k-qd16"]["mirrored"]["ratio_to_limit"]["median"]
        == 0.6
    )


def test_error_is_one_message_and_status_three(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operator reads a sentence, not a traceback."""

    def measure(_settings: Settings, _say: object) -> tuple[Results, dict[str, Any]]:
        raise PerfError("fio: not found (package fio)")

    monkeypatch.setattr(program, "measure", measure)
    assert program.main(["--smoke"]) == program.FAILED
    assert "perf: fio: not found (package fio)" in capsys.readouterr().err
