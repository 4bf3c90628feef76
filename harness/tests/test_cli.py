"""The command line of the lab, without a lab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typer.testing import CliRunner

from harness import cli

if TYPE_CHECKING:
    import pytest


class Machine:
    """A host that remembers what it was asked to run."""

    env: ClassVar[dict[str, str]] = {}

    def argv(self, command: list[str]) -> list[str]:
        """The command as it is."""
        return command


def test_what_follows_the_host_is_the_command_options_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """`twinset-lab shell server1 twinset mirror --help` shows twinset's help, not the lab's."""
    ran: list[list[str]] = []

    def foreground(argv: list[str], **_: Any) -> int:
        ran.append(argv)
        return 3

    monkeypatch.setattr(cli, "_host", lambda _lab, _host: (None, Machine()))
    monkeypatch.setattr(cli, "call_foreground", foreground)
    result = CliRunner().invoke(cli.app, ["shell", "server1", "twinset", "mirror", "--help", "--lab", "x"])
    assert (result.exit_code, ran) == (3, [["twinset", "mirror", "--help", "--lab", "x"]])
