"""The run as a whole: what is counted, and when a run fails."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.tests.test_adapter import FAKE

pytest_plugins = ("pytester",)
ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "conformance" / "examples"
HEAD = """
from conformance.suite.cases import clause
from conformance.suite.errors import NotRun
import pytest
"""


def run(
    pytester: pytest.Pytester, body: str, *options: str, fake: str = "pass"
) -> tuple[int, dict[str, Any], str]:
    """Run cases of our own making with the suite's plugin; return exit status, report and output."""
    pytester.makeini("[pytest]\naddopts = -p conformance.conftest\n")
    pytester.makepyfile(test_1_made_up=HEAD + body)
    (pytester.path / "fake.py").write_text(FAKE.replace("BODY", fake))
    pytester.syspathinsert(ROOT)
    adapter = f"{sys.executable} {pytester.path / 'fake.py'}"
    ran = pytester.runpytest_subprocess("--adapter", adapter, "--report", "out", *options)
    report = pytester.path / "out" / "report.json"
    return ran.ret, json.loads(report.read_text()) if report.exists() else {}, ran.stdout.str()


def test_outcomes_are_counted_apart(pytester: pytest.Pytester) -> None:
    """Pass, fail, unsupported, not run and broken each count as what they are; the run fails
    for a failure.
    """
    status, report, output = run(
        pytester,
        """
@clause("6.2.5-11")
def test_passes(judge): judge.holds("6.2.5-11", "f", True)
@clause("6.2.5-12")
def test_fails(judge): judge.holds("6.2.5-12", "f", False)
@clause("6.2.5-13")
def test_unsupported(adapter, judge): adapter.request("fly")
@clause("6.2.5-14")
def test_not_run(judge): raise NotRun("no servers")
@clause("6.2.5-15")
def test_broken(judge): raise KeyError("x")
@clause("6.2.5-16")
def test_judges_nothing(judge): pass
@clause("6.2.5-17")
@pytest.mark.cluster("walk-no")
def test_needs_a_pair(pair, judge): pass
""",
    )
    assert status == 1
    seen = {clause: entry["verdict"] for clause, entry in report["clauses"].items() if entry["cases"]}
    assert list(seen.values()) == ["pass", "fail", "unsupported", "not run", "broken", "broken", "not run"]
    assert "no root" in output
    assert report["checks_executed"] == 2


def test_a_run_that_checks_nothing_fails(pytester: pytest.Pytester) -> None:
    """All cases skipped is no success: a run without a single comparison fails and says so."""
    body = '@clause("6.2.5-14")\ndef test_not_run(judge): raise NotRun("no servers")\n'
    status, report, output = run(pytester, body)
    assert status == 1
    assert "nothing was checked" in output
    assert report["counts"]["pass"] == 0


def test_an_adapter_that_says_yes_to_anything_breaks_the_run(pytester: pytest.Pytester) -> None:
    """Without the probe's `unsupported` no case counts as passed."""
    body = '@clause("6.2.5-11")\ndef test_a(static, judge): judge.holds("6.2.5-11", "f", True)\n'
    status, report, _ = run(pytester, body, fake="result({}); continue")
    assert status == 1
    assert report["counts"]["pass"] == 0
    assert report["counts"]["broken"] == 1


def test_a_known_failure_that_passes_fails_the_run(pytester: pytest.Pytester) -> None:
    """The list of known failures cannot rot."""
    (pytester.path / "known.toml").write_text(
        '[[known]]\ncase = "6.2.5-11/a"\nreason = "r"\n[[known]]\ncase = "6.2.5-12/b"\nreason = "r"\n'
    )
    body = """
@clause("6.2.5-11")
def test_a(judge): judge.holds("6.2.5-11", "f", True)
@clause("6.2.5-12")
def test_b(judge): judge.holds("6.2.5-12", "f", False)
"""
    status, report, _ = run(pytester, body, "--known-failures", "known.toml")
    assert status == 1
    assert report["clauses"]["6.2.5-11"]["verdict"] == "fail"
    assert report["clauses"]["6.2.5-12"]["verdict"] == "xfail"


def test_selection_by_tier_and_section(pytester: pytest.Pytester) -> None:
    """What a run leaves out is said to be left out."""
    body = """
@clause("6.2.5-11")
def test_a(judge): judge.holds("6.2.5-11", "f", True)
@clause("2.2.2.3-11")
def test_b(judge): judge.holds("2.2.2.3-11", "f", True)
@clause("6.2.5-12")
@pytest.mark.cluster("walk-no")
def test_c(pair, judge): pass
"""
    status, report, _ = run(pytester, body, "--tier", "static", "--section", "6.2")
    assert status == 0
    seen = {clause: report["clauses"][clause]["verdict"] for clause in ("6.2.5-11", "2.2.2.3-11", "6.2.5-12")}
    assert seen == {"6.2.5-11": "pass", "2.2.2.3-11": "not selected", "6.2.5-12": "not selected"}


def test_what_did_not_hold_stays_a_failure(pytester: pytest.Pytester) -> None:
    """A case that catches it, or ends otherwise while it cleans up, has failed; the clause before it has not passed."""
    status, report, _ = run(
        pytester,
        """
import contextlib
@clause("6.2.5-11", "6.2.5-12")
def test_a(judge):
    judge.holds("6.2.5-11", "f", True)
    with contextlib.suppress(Exception):
        judge.holds("6.2.5-12", "f", False)
    judge.holds("6.2.5-11", "g", True)
@clause("6.2.5-13")
def test_b(judge):
    try:
        judge.holds("6.2.5-13", "f", False)
    finally:
        raise NotRun("the environment went away")
""",
    )
    assert status == 1
    seen = {clause: entry["verdict"] for clause, entry in report["clauses"].items() if entry["cases"]}
    assert seen == {"6.2.5-11": "not run", "6.2.5-12": "fail", "6.2.5-13": "fail"}


def test_a_run_of_what_failed_goes_on_with_the_report(pytester: pytest.Pytester) -> None:
    """With --last-failed the cases that passed stay in the report, the repeated one has its new end, and a case that
    nobody could judge in the first run still fails the second one.
    """
    body = """
import pathlib
@clause("6.2.5-11")
def test_a(static, judge): judge.holds("6.2.5-11", "f", True)
@clause("6.2.5-12")
def test_b(static, judge): judge.holds("6.2.5-12", "f", pathlib.Path("mended").exists())
@pytest.mark.needs("wings")
@clause("6.2.5-13")
def test_c(static, judge): judge.holds("6.2.5-13", "f", True)
"""
    (pytester.path / "list.toml").write_text("")
    options = ("--must-run", "list.toml")
    whole = "described['tiers']['pair'] = ''"
    status, first, _ = run(pytester, body, *options, fake=whole)
    assert (status, first["run"]["earlier"]) == (1, [])
    (pytester.path / "mended").write_text("")
    status, report, output = run(pytester, body, *options, "--last-failed", fake=whole)
    assert status == 1
    assert "must run: 6.2.5-13/c was not judged" in output
    seen = {clause: entry["verdict"] for clause, entry in report["clauses"].items() if entry["cases"]}
    assert seen == {"6.2.5-11": "pass", "6.2.5-12": "pass", "6.2.5-13": "unsupported"}
    assert report["run"]["earlier"] == [first["run"]["started"]]
    assert "cases that were not run again are of" in (pytester.path / "out" / "report.html").read_text()


def test_an_unknown_clause_ends_the_run(pytester: pytest.Pytester) -> None:
    """A case that names a clause which does not exist is found at collection."""
    status, _, _ = run(pytester, '@clause("6.2.5-99")\ndef test_a(judge): pass\n')
    assert status == pytest.ExitCode.USAGE_ERROR


def test_a_report_has_three_forms_and_the_evidence(pytester: pytest.Pytester) -> None:
    """JSON, JUnit and the page; of a case that failed what the adapter said meanwhile; compared with an older run."""
    body = """
@clause("6.2.5-11")
def test_a(static, judge):
    static.adapter.validate({})
    judge.holds("6.2.5-11", "f", HOLDS)
"""
    fake = "sys.stderr.write(f'asked {verb}\\n'); sys.stderr.flush()"
    run(pytester, body.replace("HOLDS", "True"), fake=fake)
    older = pytester.path / "older.json"
    (pytester.path / "out" / "report.json").rename(older)
    status, report, output = run(
        pytester, body.replace("HOLDS", "False"), "--baseline", str(older), fake=fake
    )
    assert status == 1
    assert report["cases"][0]["log"][-1] == "asked validate"
    assert report["adapter"]["port"] == "fake"
    assert report["run"]["options"]["profile"] == "full"
    page = (pytester.path / "out" / "report.html").read_text()
    assert "Against an older run" in page
    assert "asked validate" in page
    assert "<failure" in (pytester.path / "out" / "junit.xml").read_text()
    assert "report.html" in output


@pytest.mark.parametrize(("listed", "wanted"), [("", 1), ('case = "6.2.5-12/b"\nreason = "r"', 0)])
def test_a_case_that_must_run_and_does_not_fails_the_run(
    pytester: pytest.Pytester, listed: str, wanted: int
) -> None:
    """Green but for a capability that is not there: 1, unless the case is excepted."""
    (pytester.path / "list.toml").write_text(f"[[excepted]]\n{listed}\n" if listed else "")
    body = """
@clause("6.2.5-11")
def test_a(static, judge): judge.holds("6.2.5-11", "f", True)
@pytest.mark.needs("wings")
@clause("6.2.5-12")
def test_b(static, judge): judge.holds("6.2.5-12", "f", True)
"""
    whole = "described['tiers']['pair'] = ''"
    status, _, output = run(pytester, body, "--must-run", "list.toml", fake=whole)
    assert status == wanted
    assert ("must run: 6.2.5-12/b was not judged" in output) is bool(wanted)


def test_the_core_profile_asks_what_is_mandatory(pytester: pytest.Pytester) -> None:
    """A case of advice or of an option is left out, and counted as such."""
    body = """
@clause("6.2.5-11")
def test_mandatory(judge): judge.holds("6.2.5-11", "f", True)
@clause("2.1.4-03")
def test_advice(judge): judge.holds("2.1.4-03", "f", True)
@clause("4.3.4-01")
def test_option(judge): judge.holds("4.3.4-01", "f", True)
"""
    status, report, _ = run(pytester, body, "--profile", "core")
    assert status == 0
    assert report["counts"]["pass"] == 1
    assert report["clauses"]["2.1.4-03"]["verdict"] == "not selected"


@pytest.mark.parametrize(("option", "text"), [("--baseline", "{}"), ("--hooks", "[hooks]\nfly = ['x']")])
def test_a_file_that_cannot_be_used_ends_the_run_at_once(
    pytester: pytest.Pytester, option: str, text: str
) -> None:
    """Before any case, with the file's name."""
    file = pytester.path / "given.file"
    file.write_text(text)
    body = '@clause("6.2.5-11")\ndef test_a(judge): judge.holds("6.2.5-11", "f", True)\n'
    status, report, _ = run(pytester, body, option, str(file))
    assert (status, report) == (pytest.ExitCode.USAGE_ERROR, {})


@pytest.mark.parametrize(
    ("fence", "command", "needs"),
    [
        ("transcript", [str(EXAMPLES / "static_adapter.sh")], "jq"),
        ("transcript-pair", [sys.executable, str(EXAMPLES / "paper_pair.py")], ""),
    ],
)
def test_the_transcripts_of_the_contract_are_true(
    tmp_path: Path, fence: str, command: list[str], needs: str
) -> None:
    """The sessions shown in ADAPTER.md are what the example adapters really say, from the probe to the teardown."""
    if needs and not shutil.which(needs):
        pytest.skip(f"the example adapter needs {needs}")
    from conformance.suite.process import LineProcess

    text = (ROOT / "conformance" / "ADAPTER.md").read_text()
    lines = text.partition(f"```{fence}\n")[2].partition("```")[0].splitlines()
    assert "probe-" in lines[0]
    assert "teardown" in lines[-2]
    adapter = LineProcess(command, tmp_path / "log")
    try:
        for asked, answered in zip(lines[::2], lines[1::2], strict=True):
            adapter.send(asked.removeprefix("> ").encode())
            assert alike(json.loads(answered.removeprefix("< ")), json.loads(adapter.receive(30)))
    finally:
        adapter.close()


def alike(shown: Any, said: Any) -> bool:
    """Whether an answer is the one that is shown, where three dots stand for any text."""
    if isinstance(shown, dict) and isinstance(said, dict):
        return shown.keys() == said.keys() and all(alike(shown[key], said[key]) for key in shown)
    if shown == "...":
        return isinstance(said, str)
    return bool(shown == said)
