"""`twinset registry` on a server's plain store, without a daemon."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from twinset.operator.cli import app

KEY = "HKLM\\SOFTWARE\\Acme"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STATE", "RUN", "ETC"):
        monkeypatch.setenv(f"TWINSET_{name}", str(tmp_path))
    return tmp_path


def registry(*words: str) -> Result:
    return CliRunner().invoke(app, ["registry", *words])


def test_a_value_is_set_read_and_deleted() -> None:
    """What scripts do: the value alone on standard output, status 1 and a reason when there is none."""
    assert registry("set", KEY, "Port", "5432", "--type", "dword").exit_code == 0
    assert registry("get", "hklm\\software\\acme", "port").stdout == "5432\n"
    assert json.loads(registry("get", KEY, "Port", "--json").stdout) == {"type": "dword", "data": 5432}
    assert registry("delete", KEY, "Port").exit_code == 0
    assert registry("get", KEY, "Port").exit_code == 1


def test_a_key_is_listed_and_deleted() -> None:
    """Keys below with a backslash, values with type and data; a key that is gone is refused."""
    registry("set", f"{KEY}\\Sub", "", "x")
    registry("set", KEY, "Hosts", "a", "b", "--type", "multi_sz")
    assert registry("list", KEY).stdout == "Sub\\\nHosts\tmulti_sz\ta\nb\n"
    body = json.loads(registry("list", KEY, "--json").stdout)
    assert body == {"keys": ["Sub"], "values": {"Hosts": ["multi_sz", ["a", "b"]]}}
    assert registry("delete", KEY).exit_code == 0
    refused = registry("delete", KEY, "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["error"]["code"]) == (1, "E_NOTFOUND")


@pytest.mark.parametrize(
    "words",
    [
        ("set", "HKCU\\x", "n", "v"),
        ("set", KEY, "n", "v", "--type", "dword"),
        ("get", "HKLM", "x"),
        ("list", KEY),
    ],
)
def test_what_does_not_fit_is_refused(words: tuple[str, ...]) -> None:
    """A wrong root, a wrong value, a key that is not there: status 1 with the clause, no traceback."""
    refused = registry(*words)
    assert refused.exit_code == 1
    assert "6.2.7-" in refused.output


def test_a_command_runs_while_the_key_is_open(state: Path) -> None:
    """Its status is the command's; meanwhile the key is listed as open, afterwards no more (6.2.7-06)."""
    held = state / "registry/open"
    script = f"cat {held}/* > {state}/seen; exit 7"
    assert registry("hold", KEY, "sh", "-c", script).exit_code == 7
    assert json.loads((state / "seen").read_text()) == [
        "HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme",
        f"sh (process {os.getpid()})",
    ]
    assert list(held.iterdir()) == []
    assert registry("hold", KEY, "/nonexistent/program").exit_code == 1
