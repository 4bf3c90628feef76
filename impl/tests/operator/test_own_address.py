"""twinset own-address: which address a program gets first for this server's own name."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from twinset.operator import own_address
from twinset.operator.cli import app

HOSTS = """127.0.0.1 localhost
127.0.1.1 server1.site server1   # as the installer leaves it
10.0.1.1 server1 www
10.0.1.100 service server1
"""


def test_the_name_has_that_address_alone() -> None:
    """Nobody else loses a name (5.2.2-21).

    Failed before: other addresses followed, and getaddrinfo put the server's own one before a floating address that was
    on the other server.
    """
    assert own_address.alone(HOSTS, "SERVER1", "10.0.1.100").splitlines() == [
        "10.0.1.100 SERVER1",
        "127.0.0.1 localhost",
        "127.0.1.1 server1.site",
        "10.0.1.1 www",
        "10.0.1.100 service",
    ]
    assert own_address.alone("", "server1", "10.0.1.1") == "10.0.1.1 server1\n"


def test_the_command_gets_a_hosts_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program and its words are handed on untouched, behind the file that is mounted for it."""
    ran: list[str] = []

    def become(_file: str, argv: list[str]) -> None:
        ran.extend(argv)
        raise SystemExit(0)

    hosts = tmp_path / "hosts"
    hosts.write_text(HOSTS)
    monkeypatch.setattr(own_address, "HOSTS", hosts)
    monkeypatch.setattr(os, "execvp", become)
    monkeypatch.setattr(socket, "gethostname", lambda: "server1")
    monkeypatch.setattr(own_address.tempfile, "tempdir", str(tmp_path))
    result = CliRunner().invoke(app, ["own-address", "10.0.1.100", "prog", "--flag", "a b"])
    assert result.exit_code == 0, result.output
    file = Path(ran[ran.index("prog") - 1])
    assert ran[ran.index("prog") :] == ["prog", "--flag", "a b"]
    assert file.read_text().startswith("10.0.1.100 server1\n")
    assert file.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("address", ["nobody", "127.0.0.1", "224.0.0.1", "0.0.0.0", "::1"])
def test_what_is_no_address_of_a_host_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its clause, and nothing is run."""

    def never(*_: Any) -> None:
        raise AssertionError("the command was run")

    monkeypatch.setattr(os, "execvp", never)
    result = CliRunner().invoke(app, ["own-address", address, "true"])
    assert result.exit_code == 1
    assert "5.2.2-21" in result.output
