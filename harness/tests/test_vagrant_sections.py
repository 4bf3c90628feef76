"""The record of a conformance run in pieces."""

from pathlib import Path

import pytest

from harness.errors import CommandFailed
from harness.run import Result
from harness.vagrant import record, sections
from harness.vagrant.record import Ran

WHOLE = Ran("box-1", "2026-11-29", 60, 0, {"1-01/a": "pass"})
SHAKY = Ran(
    "box-1", "2026-11-29", 120, 2, {"2-01/b": "fail", "2-02/c": "pass"}, {"2-01/b": "it was not there"}
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


def test_an_entry_holds_every_case_and_why_it_did_not_pass() -> None:
    """Reasons are one line each; a case that passed has none."""
    cases = [
        {"case": "1-01/a", "tier": "static", "outcome": "pass", "reason": ""},
        {"case": "1-02/b", "tier": "pair", "outcome": "unsupported", "reason": "no\n  router"},
    ]
    ran = record.from_report({"cases": cases}, "box-1", "2026-11-29", 12.6)
    assert ran == Ran(
        "box-1", "2026-11-29", 13, 1, {"1-01/a": "pass", "1-02/b": "unsupported"}, {"1-02/b": "no router"}
    )


def test_the_summary_counts_and_says_what_did_not_pass() -> None:
    """Files, cases, minutes, boxes; each case that did not pass with its reason; what a file takes."""
    assert record.summary(["a", "b", "c"], {"a": WHOLE, "b": SHAKY}) == [
        "2 of 3 files, 3 cases in 3 min: 2 pass, 1 fail",
        "box: box-1",
        "  fail: 2-01/b: it was not there",
        "a file that needs the machines took 2.0 min; 1 files are left",
    ]


def test_a_file_that_does_not_end_is_not_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time ran out in the second file: the first is in the record, the second is due again, no third one begins."""
    asked: list[str] = []

    def played(argv: list[str], **options: float) -> Result:
        name = argv[4]
        asked.append(name)
        if name.endswith("test_b.py"):
            clock[0] += options["timeout_s"]
            raise CommandFailed("no end within its time")
        folder = Path(next(word for word in argv if word.startswith("--report=")).partition("=")[2])
        (folder / "report.json").write_text(
            '{"cases": [{"case": "1-01/a", "tier": "static", "outcome": "pass", "reason": ""}]}'
        )
        return Result(tuple(argv), 0, "", "")

    clock = [0.0]
    monkeypatch.setattr(sections, "OUTPUT", tmp_path / "output")
    monkeypatch.setattr(sections, "run", played)
    monkeypatch.setattr(sections, "now_s", lambda: clock[0])
    monkeypatch.setattr(sections, "box_of_machines", lambda: "box-1")
    file = tmp_path / "sections.json"
    sections.go_on(["a", "b", "c"], file, minutes=10)
    assert list(record.read(file)) == ["a"]
    assert asked == ["conformance/test_a.py", "conformance/test_b.py"]
