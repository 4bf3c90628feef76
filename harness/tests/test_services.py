"""The lab's services: what becomes of one is what systemctl shows."""

from pathlib import Path

import pytest

from harness.labs import services


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FOLDER", "PROGRAMS", "SYSTEMD"):
        monkeypatch.setattr(services, name, tmp_path / name.lower())
    (tmp_path / "folder").mkdir()


def ended(program: str, *, stopping: bool = False) -> str:
    """What is shown of a service whose program came to its end."""
    services.define("s", ["sh", "-c", program])
    if stopping:
        (services.FOLDER / "s.stopping").touch()
    services.supervise("s")
    return services.shown("s")


def test_a_service_that_was_not_started_is_inactive() -> None:
    """Defined, it is stopped; the machine then counts as one that systemd runs, with a systemctl that knows it."""
    services.define("s", ["true"])
    assert "ActiveState=inactive\nSubState=dead\nResult=success\n" in services.shown("s")
    assert services.SYSTEMD.is_dir()
    assert (services.PROGRAMS / "systemctl").stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("program", "stopping", "state"),
    [
        ("exit 0", False, "inactive"),
        ("exit 3", False, "failed"),
        ("kill -9 $$", False, "failed"),
        ("kill -9 $$", True, "inactive"),
    ],
)
def test_an_end_is_a_failure_unless_it_was_asked_for(program: str, stopping: bool, state: str) -> None:
    """Status 0, and whatever a stop leads to, is inactive; any other end is a failure."""
    assert f"ActiveState={state}\n" in ended(program, stopping=stopping)


def test_the_commands_of_the_implementation_are_understood(capsys: pytest.CaptureFixture[str]) -> None:
    """`show` with properties, options before the verb, the unit behind `--`."""
    services.define("s", ["true"])
    services.systemctl(["show", "--property=LoadState,ActiveState", "--", "s"])
    services.systemctl(["--no-ask-password", "stop", "--", "s"])
    assert "LoadState=loaded\nActiveState=inactive\n" in capsys.readouterr().out
