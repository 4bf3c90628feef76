"""The committed baseline, and which runs may become one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import perf.__main__ as program
from perf.commands import baseline as command
from perf.figures import baseline, report, stored
from perf.figures.matrix import STANDARD
from perf.figures.stored import Stored
from perf.tests.factory import SURROUNDINGS, stored_run


def body_of(found: Stored) -> Any:
    body = report.as_json(found.results, found.surroundings, found.settings) | {"workloads": found.workloads}
    return json.loads(json.dumps(body))


def test_committed_baseline_is_a_whole_standard_run() -> None:
    """It loads, has each of its cells at least five times, compiled, of a commit that can be had.

    Cells that the matrix has got since are told as not measured in perf/README.md.
    """
    found = command.load()
    cells = baseline.own_cells(found)
    assert len(cells) > len(STANDARD.cells()) / 2
    assert list(baseline.objections(found, cells)) == []
    assert found.settings["matrix"] == STANDARD.name
    assert len(command.FILE.read_bytes()) < 400_000


def test_committed_baseline_says_commit_and_class_of_machine() -> None:
    """And not the name of the machine."""
    found = command.load()
    assert len(found.surroundings["commit"]) == 40
    machine = found.surroundings["machine"]
    assert {"processor", "processors", "memory_mib", "kernel", "file_system"} <= machine.keys()
    assert "host" not in machine
    assert found.surroundings["commit"][:12] in baseline.described(found)


def test_trimmed_file_is_the_run() -> None:
    """Nothing that was measured is lost; what is derived is derived again."""
    body = body_of(stored_run())
    short = json.loads(baseline.text(baseline.trimmed(body)))
    again, whole = stored.load(short).results, stored.load(body).results
    assert (again.jobs, again.copies, again.growth, again.switches) == (
        whole.jobs, whole.copies, whole.growth, whole.switches,
    )  # fmt: skip
    assert "guide" not in short
    assert len(baseline.text(short)) < len(json.dumps(body))


def test_each_round_is_a_line() -> None:
    """A renewed baseline shows in a difference where it changed."""
    lines = baseline.text(baseline.trimmed(body_of(stored_run()))).splitlines()
    assert sum(line.lstrip().startswith('"4": {"iops"') for line in lines) > 50
    assert max(map(len, lines)) < 5000


def test_whole_run_has_no_objections() -> None:
    """Five rounds of everything."""
    assert list(baseline.objections(stored_run())) == []


@pytest.mark.parametrize(
    ("surroundings", "words"),
    [
        ({"commit": "abc+changes"}, "commit abc[+]changes"),
        ({"commit": "unknown"}, "commit unknown"),
        ({"versions": {"twinset": "1, interpreted"}}, "interpreted"),
    ],
)
def test_run_that_nobody_can_have_again_is_refused(surroundings: dict[str, Any], words: str) -> None:
    """A changed tree, or an interpreted data path."""
    found = replace(stored_run(), surroundings=SURROUNDINGS | surroundings)
    (objection,) = baseline.objections(found)
    assert words.replace("[+]", "+") in objection


def test_missing_round_and_missing_cell_are_refused_with_their_reason() -> None:
    """Four rounds, or a condition that could not be had."""
    found = stored_run()
    del found.results.jobs["randwrite-4k-qd1"]["raw"][4]
    del found.results.jobs["readwrite-4k-qd16@disk-500"]["raw"]
    found.results.skipped["disk-500"] = "no control group"
    assert list(baseline.objections(found)) == [
        "randwrite-4k-qd1 raw: 4 rounds, 5 are wanted", "readwrite-4k-qd16@disk-500 raw: no control group",
    ]  # fmt: skip


def test_command_writes_the_file_and_the_readmes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command renews everything that is committed; a short run changes nothing."""
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "FILE", tmp_path / "made" / "base.json")
    monkeypatch.setattr(command, "READMES", ("README.md",))
    monkeypatch.setattr(command.load, "__defaults__", (tmp_path / "made" / "base.json",))
    readme, run, short = (tmp_path / name for name in ("README.md", "run.json", "short.json"))
    readme.write_text("<!-- figures: made/base.json bars -->\n<!-- end of figures -->\n")
    run.write_text(json.dumps(body_of(stored_run())))
    short.write_text(json.dumps(body_of(stored_run(rounds=4))))
    assert program.main(["baseline", str(short)]) == program.FAILED
    assert not (tmp_path / "made").exists()
    assert "4 rounds, 5 are wanted" in capsys.readouterr().err
    assert program.main(["baseline", str(run)]) == program.OK
    assert "`full copy`" in readme.read_text()
    assert "README.md: figures renewed" in capsys.readouterr().out


def test_another_matrix_is_committed_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever it has measured; but not of a tree that nobody can have."""
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "FILE", tmp_path / "made" / "base.json")
    monkeypatch.setattr(command, "READMES", ())
    found = stored_run(rounds=2)
    run, changed = tmp_path / "run.json", tmp_path / "changed.json"
    run.write_text(json.dumps(body_of(found)))
    surroundings = SURROUNDINGS | {"commit": "abc+changes"}
    changed.write_text(json.dumps(body_of(replace(found, surroundings=surroundings))))
    assert program.main(["baseline", str(changed), "--beside", "machines"]) == program.FAILED
    assert "commit abc+changes" in capsys.readouterr().err
    program.main(["baseline", str(run), "--beside", "machines"])
    assert stored.load(json.loads((tmp_path / "made/machines.json").read_text())).results.jobs
    assert not (tmp_path / "made/base.json").exists()


def test_run_is_compared_with_the_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One file is enough: the committed one is A."""
    run = tmp_path / "run.json"
    run.write_text(command.FILE.read_text())
    assert program.main(["compare", str(run)]) == program.OK
    assert " 0 worse" in capsys.readouterr().out
