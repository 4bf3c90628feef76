"""The two daemons on a person's command line."""

import sys

import pytest

from twinset.shell import daemon, mirrord

DAEMONS = {"twinsetd": daemon.main, "twinset-mirrord": mirrord.main}


@pytest.mark.parametrize("name", DAEMONS)
def test_who_asks_for_help_gets_it_and_no_daemon(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--help prints the usage with status 0; anything else that is wrong prints it as an error, with status 2."""
    main = DAEMONS[name]
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    assert main() == 0
    assert capsys.readouterr().out.startswith(f"usage: {name}")
    monkeypatch.setattr(sys, "argv", [name, "--now", "--please"])
    assert main() == 2
    assert capsys.readouterr().err.startswith(f"usage: {name}")
