"""The cluster password on the side of the commands: every way in, and none that others see."""

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinset.errors import Refusal
from twinset.operator import password

from .test_cli import Daemon, run

DENIED = Refusal("E_DENIED", "group.stop needs the cluster password", "2.2.2.3-14", "give it")


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by the environment nor by an earlier test."""
    monkeypatch.delenv("TWINSET_PASSWORD", raising=False)
    monkeypatch.delenv("TWINSET_TOKEN", raising=False)
    password.take_file(None)


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """Return a daemon that the command will find."""
    monkeypatch.setenv("TWINSET_RUN", str(tmp_path))
    with Daemon(tmp_path) as running:
        yield running


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A person who types what is in the list."""
    typed: list[str] = []
    monkeypatch.setattr(password, "_at_terminal", lambda: True)
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: typed.pop(0))
    return typed


def private(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def test_a_file_and_the_environment_give_it(
    daemon: Daemon,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first line of the file, spaces and all; the file goes before the environment."""
    assert run("group", "stop", "db").exit_code == 0
    monkeypatch.setenv("TWINSET_PASSWORD", "tahini")
    assert run("group", "stop", "db").exit_code == 0
    file = private(tmp_path / "word", " sésame \nmore\n")
    assert run("--password-file", file, "group", "stop", "db").exit_code == 0
    assert [args.get("password") for _, args in daemon.asked] == [None, "tahini", " sésame "]


@pytest.mark.parametrize("fault", ["readable by others", "missing", "binary"])
def test_a_file_that_cannot_be_used_is_refused(daemon: Daemon, tmp_path: Path, fault: str) -> None:
    """Before the daemon is asked; what it says is not shown."""
    path = tmp_path / "word"
    if fault != "missing":
        path.write_bytes(b"sesame\n" if fault == "readable by others" else b"\xffsesame")
        path.chmod(0o640 if fault == "readable by others" else 0o600)
    found = run("--password-file", str(path), "group", "stop", "db")
    assert found.exit_code == 1
    assert "sesame" not in found.output
    assert daemon.asked == []


def test_a_person_is_asked_once(daemon: Daemon, terminal: list[str]) -> None:
    """When it is refused for want of it, and only then; a wrong one is refused like any request."""
    terminal += ["sesame", "tahini"]
    daemon.answers["group.stop"] = [DENIED, {}]
    assert run("group", "stop", "db").exit_code == 0
    assert [args.get("password") for _, args in daemon.asked] == [None, "sesame"]
    daemon.answers["group.stop"] = [DENIED, DENIED]
    found = run("group", "stop", "db")
    assert found.exit_code == 1
    assert "2.2.2.3-14" in found.output
    assert terminal == []
    daemon.answers["group.stop"] = [
        Refusal("E_DENIED", "no", "9.2-03"),
        Refusal("E_STATE", "no", "2.2.2.3-14"),
    ]
    assert [run("group", "stop", "db").exit_code for _ in range(2)] == [1, 1]


def test_a_script_waits_for_nobody(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal the refusal is the answer; what twinsetd started shows its token."""
    daemon.answers["group.stop"] = DENIED
    assert run("group", "stop", "db").exit_code == 1
    monkeypatch.setenv("TWINSET_TOKEN", "t" * 64)
    run("group", "stop", "db")
    assert [sorted(args) for _, args in daemon.asked] == [["group"], ["group", "token"]]


def test_no_command_takes_it_as_an_argument() -> None:
    """It would stand in the list of processes."""
    found = run("--help").output
    assert "--password-file" in found
    assert run("--password", "sesame", "group", "stop", "db").exit_code == 2
