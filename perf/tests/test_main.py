import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import perf.__main__ as program
from perf.commands import run
from perf.commands.run import Record
from perf.errors import PerfError
from perf.figures import matrix
from perf.figures.matrix import JOBS, QUICK, SMOKE, STANDARD, Cell, Matrix
from perf.figures.results import COPY, Results
from perf.shell import fio
from perf.tests.factory import SURROUNDINGS, results

GOOD = {"raw": [100], "limit": [100], "mirrored": [60]}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Matrix]:
    """Run the program on made-up results; return the plans it would have measured."""
    seen: list[Matrix] = []

    def measure(plan: Matrix, options: argparse.Namespace, _say: object) -> Record:
        seen.append(plan)
        return Record(plan, results(GOOD), dict(SURROUNDINGS), options.json)

    monkeypatch.setattr(run, "measure", measure)
    return seen


def test_default_is_the_standard_matrix(measured: list[Matrix]) -> None:
    """Without a command and without options: run, standard."""
    assert program.main([]) == program.OK
    assert program.main(["run", "--matrix", "quick"]) == program.OK
    assert measured == [STANDARD, QUICK]


def test_options_override_the_matrix_and_smoke(measured: list[Matrix]) -> None:
    """What is given on the command line wins; jobs and rows named one by one make a matrix of their own."""
    program.main(["--rows", "raw,copy", "--jobs", "seqwrite-1m-qd4", "--rounds", "2", "--disk-mib", "64"])
    program.main(["--smoke", "--seconds", "1.5"])
    program.main(["--rows", "raw,limit"])
    program.main(
        ["--rows", "raw", "--jobs", "seqwrite-1m-qd4,seqwrite-1m-qd4@link-1g,randwrite-4k-qd1@link-1g"]
    )
    first, smoke, rows, slow = measured
    assert [block.condition for block in slow.blocks] == ["", "link-1g"]
    assert slow.blocks[1].workloads == ("seqwrite-1m-qd4", "randwrite-4k-qd1")
    assert (first.rounds, first.seconds, first.disk_mib) == (2, STANDARD.seconds, 64)
    assert first.cells()[0] == Cell("seqwrite-1m-qd4", "raw")
    assert {cell.workload for cell in first.cells()[1:]} == {COPY}
    assert (smoke.seconds, smoke.blocks) == (1.5, SMOKE.blocks)
    assert {cell.workload for cell in rows.cells()} == set(JOBS)


def test_blocks_of_a_matrix_can_be_run_alone(
    measured: list[Matrix], capsys: pytest.CaptureFixture[str]
) -> None:
    """By the names in the matrix; an unknown one is an error that names those that there are."""
    assert program.main(["--matrix", "standard", "--blocks", "applications, switching"]) == program.OK
    assert [block.name for block in measured[0].blocks] == ["applications", "switching"]
    assert program.main(["--blocks", "basics,nothing"]) == program.FAILED
    assert "'switching'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["--rows", "raw,fast"],
        ["--rows", ","],
        ["--jobs", "nothing"],
        ["--jobs", "smallfiles"],
        ["--jobs", "seqwrite-1m-qd4@nothing"],
        ["--jobs", "seqwrite-1m-qd4@mounted"],
        ["--rounds", "0"],
        ["--seconds", "x"],
        ["--disk-mib", "1"],
        ["--matrix", "huge"],
        ["--unknown"],
    ],
)
def test_bad_option_is_a_usage_error(
    argv: list[str], measured: list[Matrix], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, with what is known."""
    with pytest.raises(SystemExit) as ended:
        program.main(argv)
    assert ended.value.code == 2
    assert not measured
    assert argv[0].strip("-") in capsys.readouterr().err


def test_slow_figures_are_no_error_unless_bars_are_asked_for(measured: list[Matrix]) -> None:
    """Most bars were not even measured here: status 0 without --bars, 1 with it."""
    assert program.main([]) == program.OK
    assert program.main(["--bars"]) == program.MISSED


def test_matrix_with_bars_of_its_own_is_held_to_those(
    measured: list[Matrix], capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence a bar, in place of the other bars; the status by them alone."""
    assert program.main(["--matrix", "differences", "--bars"]) == program.MISSED
    printed = capsys.readouterr().out
    assert "\nnot measured rate of a full copy against nbdcopy: at least 0.9 is wanted\n" in printed
    assert "0.55 of limit" not in printed


def test_json_is_written(measured: list[Matrix], tmp_path: Path) -> None:
    """The file holds what was measured, and the digest of each workload."""
    file = tmp_path / "out.json"
    assert program.main(["--json", str(file)]) == program.OK
    body = json.loads(file.read_text())
    assert body["jobs"]["randwrite-4k-qd16"]["mirrored"]["ratio_to_limit"]["median"] == 0.6
    assert body["workloads"]["randwrite-4k-qd16"] == fio.load("randwrite-4k-qd16").digest
    assert body["settings"]["matrix"] == "standard"
    assert list(tmp_path.iterdir()) == [file]


def test_cells_left_out_are_printed(measured: list[Matrix], capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody takes a part of the matrix for the whole."""
    program.main([])
    printed = capsys.readouterr().out
    assert "not measured copies: copy: full copy, nbdcopy" in printed
    assert "not measured applications: smallfiles, pgbench: raw, mirrored" in printed
    assert "not measured facts of 4.1.4-01, 4.1.4-02, " in printed


def test_error_is_one_message_and_status_three(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operator reads a sentence, not a traceback."""

    def measure(*_: object) -> Record:
        raise PerfError("fio: not found (package fio)")

    monkeypatch.setattr(run, "measure", measure)
    assert program.main(["--smoke"]) == program.FAILED
    assert "perf: fio: not found (package fio)" in capsys.readouterr().err


Resume = Callable[[Matrix, Results], Results]


@pytest.fixture
def resume(tmp_path: Path) -> Resume:
    """Write a run's file, go on with it, return what still counts."""

    def go_on(plan: Matrix, found: Results) -> Results:
        file = tmp_path / "run.json"
        Record(plan, found, SURROUNDINGS, file).save()
        options = argparse.Namespace(resume=file)
        return run.begun(plan, options, SURROUNDINGS)

    return go_on


def test_resumed_run_keeps_whole_blocks_and_forgets_broken_ones(resume: Resume) -> None:
    """What is compared stays together: a block of a round that lacks a row is measured again."""
    plan = run.planned(run_options("--rows", "raw,mirrored", "--jobs", "randwrite-4k-qd16", "--rounds", "2"))
    kept = resume(plan, results({"raw": [100, 200], "mirrored": [50]}))
    assert kept.iops("randwrite-4k-qd16", "raw") == {0: 100}
    assert kept.iops("randwrite-4k-qd16", "mirrored") == {0: 50}


def test_damaged_file_is_no_run_to_go_on_with(tmp_path: Path) -> None:
    """The reason is said, and the file stays."""
    file = tmp_path / "run.json"
    file.write_text("{")
    with pytest.raises(PerfError, match=r"run\.json"):
        run.begun(QUICK, argparse.Namespace(resume=file), SURROUNDINGS)


def run_options(*words: str) -> Any:
    return program.arguments().parse_args(["run", *words])


def test_page_summary_and_conformance_file_are_written(
    measured: list[Matrix], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a run and, the same once more, from its file."""
    names = ("json", "html", "text", "measured")
    words = [word for name in names for word in (f"--{name}", str(tmp_path / name))]
    assert program.main(words) == program.OK
    first = {name: (tmp_path / name).read_text() for name in names}
    assert "randwrite-4k-qd16" in first["html"]
    assert "not measured applications" in first["text"]
    assert json.loads(first["measured"])["commit"] == "abc"
    capsys.readouterr()
    assert program.main(["report", str(tmp_path / "json"), *words[2:]]) == program.OK
    assert {name: (tmp_path / name).read_text() for name in names} == first
    assert "mirrored" in capsys.readouterr().out


def test_guide_is_judged_when_asked(measured: list[Matrix]) -> None:
    """Nothing that the guide speaks of was measured here: passed is not said of nothing."""
    assert program.main(["--guide"]) == program.MISSED


@pytest.mark.parametrize(
    ("mirrored", "status"), [(900, program.OK), (700, program.MISSED), (800, program.MISSED)]
)
def test_exit_status_reflects_the_guide(mirrored: int, status: int, tmp_path: Path) -> None:
    """At most 20 % at read:write 2:1 on an ordinary disk: met, missed, or open (the interval holds the figure)."""
    rounds = {"raw": [1000] * 3, "mirrored": [mirrored, mirrored + 20, mirrored - 20]}
    Record(
        STANDARD, results(rounds, job="readwrite-4k-qd16@disk-5000"), SURROUNDINGS, tmp_path / "run"
    ).save()
    assert program.main(["report", str(tmp_path / "run"), "--guide"]) == status


@pytest.mark.parametrize(("mirrored", "status"), [(60, program.OK), (30, program.MISSED)])
def test_exit_status_reflects_the_place_beside_qemu(mirrored: int, status: int, tmp_path: Path) -> None:
    """When it is asked for."""
    rounds = {"qemu": [40, 40], "mirrored": [mirrored, mirrored]}
    Record(QUICK, results(rounds), SURROUNDINGS, tmp_path / "run").save()
    assert program.main(["report", str(tmp_path / "run"), "--ahead"]) == status
    assert program.main(["report", str(tmp_path / "run")]) == program.OK


def test_plan_is_printed_and_nothing_measured(
    measured: list[Matrix], capsys: pytest.CaptureFixture[str]
) -> None:
    """Cells and time of a run, before anybody waits for it."""
    assert program.main(["--matrix", "quick", "--plan"]) == program.OK
    assert not measured
    assert "quick: 18 cells, 5 rounds" in capsys.readouterr().out


def test_compare_ends_with_one_when_something_is_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tenth of the speed in B; a run against itself is no worse, against nothing in common it is no comparison."""
    a, b, other = (tmp_path / name for name in "abc")
    rounds = {"raw": [1000, 1000, 1000], "mirrored": [500, 501, 499]}
    Record(QUICK, results(rounds), SURROUNDINGS, a).save()
    smaller = replace(QUICK, disk_mib=64)
    Record(
        smaller, results({**rounds, "mirrored": [50, 50, 50]}), {**SURROUNDINGS, "commit": "def"}, b
    ).save()
    Record(QUICK, results(rounds, job="seqwrite-1m-qd4"), SURROUNDINGS, other).save()
    assert program.main(["compare", str(a), str(a)]) == 0
    assert program.main(["compare", str(a), str(b)]) == 1
    printed = capsys.readouterr().out
    assert "commit: abc -> def" in printed
    assert "settings: disk_mib 256 -> 64" in printed
    assert "worse   randwrite-4k-qd16 mirrored: 0.500 -> 0.050 of raw" in printed
    assert program.main(["compare", str(a), str(other)]) == 1
    assert "nothing to compare" in capsys.readouterr().out


def test_changed_workload_is_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Figures of two different jobs say nothing about the software."""
    a, b = (tmp_path / name for name in "ab")
    for file in (a, b):
        Record(QUICK, results({"raw": [1, 1], "mirrored": [1, 1]}), SURROUNDINGS, file).save()
    body = json.loads(b.read_text())
    body["workloads"]["randwrite-4k-qd16"] = "another"
    b.write_text(json.dumps(body))
    assert program.main(["compare", str(a), str(b)]) == 1
    assert "other text, so not compared: randwrite-4k-qd16" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["report", "nothing"], ["compare", "nothing", "nothing"]])
def test_file_that_is_not_there_is_an_error_in_one_sentence(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 3."""
    assert program.main(words) == program.FAILED
    assert "nothing" in capsys.readouterr().err


def test_latencies_are_sampled_when_asked() -> None:
    """One block more, beside whatever is measured; the exhaustive run has it already."""
    assert run.planned(run_options("--matrix", "quick")).blocks[-1] != matrix.LATENCY
    assert run.planned(run_options("--matrix", "quick", "--latency")).blocks[-1] == matrix.LATENCY
    assert run.planned(run_options("--rows", "raw", "--latency")).blocks[-1] == matrix.LATENCY
    everything = run.planned(run_options("--matrix", "exhaustive", "--latency"))
    assert everything.blocks == matrix.EXHAUSTIVE.blocks
