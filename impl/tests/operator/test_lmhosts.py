"""twinset lmhosts: lines for associated names, a reason for every other."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from impl.tests.samples import TWO_SERVERS
from twinset.operator.cli import app

BASE = (
    TWO_SERVERS
    + """
[[group]]
name = "db"
policy = ["server1"]
[[group.virtual_computer_name]]
name = "DbServer"
"""
)
ADDRESS = """
[[group.floating_ip]]
address = "10.0.1.100"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cluster.toml"


def test_an_associated_name_is_a_line(file: Path) -> None:
    """Address and name as entered, on standard output, and nothing else there."""
    file.write_text(BASE + ADDRESS)
    result = CliRunner().invoke(app, ["lmhosts", str(file)])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "10.0.1.100      DbServer\n", "")


def test_an_unassociated_name_is_refused(file: Path) -> None:
    """No line, the reason with its clause on standard error, exit status 1."""
    file.write_text(BASE)
    result = CliRunner().invoke(app, ["lmhosts", str(file)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "W_LMHOSTS DbServer" in result.stderr
    assert "[7.3.2.2-02]" in result.stderr


def test_for_programs_both_are_json(file: Path) -> None:
    """With --json, standard output is one object with lines and refusals."""
    file.write_text(BASE + ADDRESS)
    result = CliRunner().invoke(app, ["lmhosts", str(file), "--json"])
    assert json.loads(result.stdout) == {"lines": ["10.0.1.100      DbServer"], "refused": []}


@pytest.mark.parametrize("text", ["", "no toml", BASE.replace("DbServer", "a_b")])
def test_a_refused_configuration_has_no_lines(file: Path, text: str) -> None:
    """A file that the rules refuse is told with its findings."""
    file.write_text(text)
    result = CliRunner().invoke(app, ["lmhosts", str(file)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr
