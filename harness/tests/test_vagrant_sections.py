"""The record of a conformance run in pieces."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.run import Result
from harness.vagrant import record, sections
from harness.vagrant.record import Made, Ran

WHOLE = Ran("box-1", "2026-11-29", 1.0, 60, 0, {"1-01/a": "pass"})
SHAKY = Ran(
    "box-1", "2026-11-29", 0.5, 120, 2, {"2-01/b": "fail", "2-02/c": "pass"}, {"2-01/b": "it was not there"}
)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    """A record survives its file; without a file it is empty."""
    file = tmp_path / "sections.json"
    assert record.read(file) == {}
    record.write(file, {"b": SHAKY, "a": WHOLE})
    assert record.read(file) == {"a": WHOLE, "b": SHAKY}


def test_a_run_goes_on_after_what_ran() -> None:
    """Files that ran are left out; asked again, those with a failed case come first."""
    found = {"a": WHOLE, "b": SHAKY}
    assert record.due(["a", "b", "c"], found) == ["c"]
    assert record.due(["a", "b", "c"], found, again=True) == ["b", "c"]


def test_the_most_telling_files_come_first() -> None:
    """Every name of the list is a file of the suite, and the suite's other files follow in the guide's order."""
    names = sections.names()
    assert tuple(names[: len(record.FIRST)]) == record.FIRST
    assert names[len(record.FIRST) :] == sorted(set(names) - set(record.FIRST))


def case(
    file: str, name: str, outcome: str = "pass", reason: str = "", duration_s: float = 1.0
) -> dict[str, Any]:
    """A case as the suite's report has it."""
    tier = "static" if outcome == "pass" else "pair"
    node = f"test_{file}.py::test_{name}"
    found = {"case": name, "node": node, "tier": tier, "outcome": outcome}
    return {**found, "reason": reason, "duration_s": duration_s}


def test_an_entry_holds_every_case_and_why_it_did_not_pass() -> None:
    """Reasons are one line each; a case that passed has none; what the run took is shared by its cases' seconds."""
    report = {
        "cases": [case("a", "1-01"), case("a", "1-02", "unsupported", "no\n  router"), case("b", "2-01")]
    }
    assert record.from_report(report, {"a": 2, "b": 1}, Made("box-1", "2026-11-29", 0.5), 30.0) == {
        "a": Ran(
            "box-1", "2026-11-29", 0.5, 20, 1, {"1-01": "pass", "1-02": "unsupported"}, {"1-02": "no router"}
        ),
        "b": Ran("box-1", "2026-11-29", 0.5, 10, 0, {"2-01": "pass"}),
    }


def test_a_file_that_lacks_a_case_has_not_ended() -> None:
    """An interrupted run's report has some cases of a file only: it is due again."""
    report = {"cases": [case("a", "1-01"), case("b", "2-01")]}
    assert set(record.from_report(report, {"a": 2, "b": 1}, Made("box-1", "2026-11-29", 1.0), 30.0)) == {"b"}


def test_the_summary_counts_and_says_what_did_not_pass() -> None:
    """Files, cases, minutes, boxes; each case that did not pass with its reason; what a file takes."""
    assert record.summary(["a", "b", "c"], {"a": WHOLE, "b": SHAKY}) == [
        "2 of 3 files, 3 cases in 3 min: 2 pass, 1 fail",
        "box: box-1",
        "  fail: 2-01/b: it was not there",
        "a file that needs the machines took 2.0 min; 1 files are left",
    ]


def test_files_of_one_configuration_run_together() -> None:
    """A cluster is brought up once for them; every file is in one piece, and the first file leads."""
    pieces = sections.together(sections.names())
    assert sorted(name for piece in pieces for name in piece) == sorted(sections.names())
    first = next(piece for piece in pieces if "4_3_4_fastsync" in piece)
    assert {"4_3_1_mirror_break", "4_4_recovery"} <= set(first)


def test_every_case_of_the_suite_is_counted() -> None:
    """The number of cases of each file, its own tests left out."""
    assert set(sections.wanted_cases()) == set(sections.names())


def test_what_does_not_end_is_not_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time ran out in the second piece: what ended is in the record, and no third piece begins."""
    asked: list[str] = []
    clock = [0.0]

    def played(argv: list[str], **options: float) -> Result:
        name = next(word for word in argv if word.endswith(".py")).partition("test_")[2].removesuffix(".py")
        asked.append(name)
        folder = Path(next(word for word in argv if word.startswith("--report=")).partition("=")[2])
        (folder / "report.json").write_text(json.dumps({"cases": [case(name, "1-01")]}))
        clock[0] += 60 if name == "a" else float(argv[3])
        return Result(tuple(argv), 0, "", "")

    monkeypatch.setattr(sections, "OUTPUT", tmp_path / "output")
    monkeypatch.setattr(sections, "run", played)
    monkeypatch.setattr(sections, "now_s", lambda: clock[0])
    monkeypatch.setattr(sections, "box_of_machines", lambda: "box-1")
    monkeypatch.setattr(sections, "wanted_cases", lambda: {"a": 1, "b": 2, "c": 1})
    monkeypatch.setattr(sections, "together", lambda names: [[name] for name in names])
    file = tmp_path / "sections.json"
    sections.go_on(["a", "b", "c"], file, minutes=10, scale=1.0)
    assert list(record.read(file)) == ["a"]
    assert asked == ["a", "b"]
