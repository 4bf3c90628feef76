"""twinset check: every finding at once, an exit status, never a traceback."""

import json
from pathlib import Path

import pytest

from impl.tests.samples import TWO_SERVERS
from twinset.operator.check import run_check

GOOD = (
    TWO_SERVERS
    + """
[[group]]
name = "db"
policy = ["server1"]
"""
)
BAD = (
    GOOD.replace('"demo"', '"a b"').replace('"db"', '"payroll_database_1"').replace("/24", "/99", 1)
    + "\nx = 1\n"
)


def check(tmp_path: Path, text: str, as_json: bool) -> int:
    path = tmp_path / "cluster.toml"
    path.write_text(text)
    return run_check(path, as_json)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("text", "status"),
    [
        (GOOD, 0),
        (GOOD.replace('"db"', '"prn"'), 0),
        (BAD, 1),
        ("", 1),
        ("[", 1),
        ("server = 5", 1),
        ("\x00", 1),
    ],
    ids=["good", "warning", "bad", "empty", "no TOML", "wrong type", "nul"],
)
def test_exit_status(tmp_path: Path, text: str, status: int, as_json: bool) -> None:
    """0 when nothing forbids the file, warnings or not; 1 when something does."""
    assert check(tmp_path, text, as_json) == status


def test_people_see_every_finding_and_a_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each finding, and a last line that counts them."""
    check(tmp_path, BAD, as_json=False)
    *lines, verdict = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == [
        "group[0].x:",
        "cluster.name:",
        "lan[0].endpoints[0].address:",
        "group[0].name:",
    ]
    assert lines[-1].endswith('"payroll_database_1" is 18 bytes, at most 15 are allowed [6.2.1-05]')
    assert verdict.endswith("is refused: 4 errors, 0 warnings")


def test_programs_see_every_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json, one object with the verdict and every finding with all its parts."""
    check(tmp_path, BAD, as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["accepted"] is False
    assert report["findings"][3] == {
        "severity": "error",
        "code": "E_LENGTH",
        "path": "group[0].name",
        "value": "payroll_database_1",
        "limit": 15,
        "clause": "6.2.1-05",
        "message": 'group[0].name: "payroll_database_1" is 18 bytes, at most 15 are allowed [6.2.1-05]',
    }


def test_good_file_is_accepted_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to say is said in one line."""
    check(tmp_path, GOOD, as_json=False)
    assert capsys.readouterr().out.endswith("cluster.toml is accepted: 0 errors, 0 warnings\n")


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("name", ["missing", ".", "bad\udcffname", "a\x00b"])
def test_unreadable_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, as_json: bool
) -> None:
    """A file that cannot be read is a finding, whatever its name is made of."""
    assert run_check(f"{tmp_path}/{name}", as_json) == 1
    assert "cannot be read" in capsys.readouterr().out


def test_markup_in_a_name_is_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that looks like markup of the terminal library is shown as it is."""
    check(tmp_path, GOOD.replace('"demo"', '"[red]x[/red]"'), as_json=False)
    assert '"[red]x[/red]" contains' in capsys.readouterr().out
