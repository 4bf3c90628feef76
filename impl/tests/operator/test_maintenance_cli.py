"""`twinset upgrade` and `twinset uninstall`: the verdict, its exit status, and what apt is told."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from impl.tests.advice.test_maintenance import GROUP, SET, status
from impl.tests.samples import TWO_SERVERS
from twinset.operator.cli import app

from .test_cli import Daemon, daemon, run

__all__ = ["daemon"]  # the fixture


def serve(daemon: Daemon, shown: dict[str, Any], *, configured: bool = True) -> None:
    daemon.answers = {"ping": {"configured": configured}, "cluster.status": shown}


def test_a_busy_server_is_not_upgraded(daemon: Daemon) -> None:
    """Every obstacle with its clause and the command that takes it away; exit status 1 (AUX-01)."""
    serve(daemon, status())
    result = run("upgrade", "check")
    assert result.exit_code == 1
    for words in (
        "group db runs on server1",
        "[AUX-01]",
        "twinset group move db server2",
        "twinset server isolate",
    ):
        assert words in result.stdout
    body = json.loads(run("upgrade", "check", "--json").stdout)
    assert (body["ok"], len(body["obstacles"])) == (False, 2)


@pytest.mark.parametrize(
    ("mine", "following"), [("Od", "twinset server return server1"), ("X", "twinset cluster start")]
)
def test_a_server_outside_of_the_cluster_is(daemon: Daemon, mine: str, following: str) -> None:
    """It says what follows."""
    serve(daemon, status(mine, "X" if mine == "X" else "O"))
    result = run("upgrade", "check")
    assert result.exit_code == 0
    assert following in result.stdout


@pytest.mark.parametrize("there", [True, False])
def test_a_server_without_a_cluster_is_nobodys_business(
    daemon: Daemon, there: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a configuration, and without a daemon."""
    serve(daemon, {}, configured=False)
    if not there:
        monkeypatch.setenv("TWINSET_RUN", str(tmp_path / "nowhere"))
    assert run("upgrade", "check").exit_code == 0


def test_apt_is_told_to_wait(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names come on standard input; the group and the packages are named where a person sees it (AUX-02)."""
    serve(daemon, status())
    files = "/var/cache/apt/archives/libc6_2.36_amd64.deb\n/x/vim_9_amd64.deb\n"
    result = CliRunner().invoke(app, ["upgrade", "packages"], input=files)
    assert result.exit_code == 1
    assert "group db runs on server1 [AUX-02]; held back: libc6." in result.stderr
    assert CliRunner().invoke(app, ["upgrade", "packages"], input="/x/vim_9_amd64.deb\n").exit_code == 0
    monkeypatch.setattr("sys.argv", [".venv/bin/twinset"])
    program = Path.cwd() / ".venv" / "bin" / "twinset"  # apt runs it from elsewhere
    assert f'DPkg::Pre-Install-Pkgs {{ "{program} upgrade packages"; }};' in run("upgrade", "guard").stdout


def test_a_removal_is_checked(daemon: Daemon, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is still in the cluster, and that nothing is any more (8.3-01)."""
    monkeypatch.setenv("TWINSET_STATE", str(tmp_path))
    serve(daemon, status())
    (tmp_path / "cluster.toml").write_text(TWO_SERVERS + SET + GROUP)
    result = run("uninstall", "check")
    assert result.exit_code == 1
    assert (
        result.stdout.index("cluster stop")
        < result.stdout.index("group db")
        < result.stdout.index("mirror cancel")
    )
    (tmp_path / "cluster.toml").write_text(TWO_SERVERS)
    serve(daemon, status("X", "X"))
    assert run("uninstall", "check").exit_code == 0
    (tmp_path / "cancelled.json").write_text('{"sets": {"set1": "/dev/sdb"}}')
    assert "twinset disk clear /dev/sdb --yes" in run("uninstall", "check").stdout


@pytest.mark.parametrize("words", [("upgrade", "check"), ("upgrade", "packages"), ("uninstall", "check")])
def test_a_dead_twinsetd_is_no_proof_of_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """While a mirror process runs, a group may be at work: nobody is told to go on (AUX-01)."""
    monkeypatch.setenv("TWINSET_RUN", str(tmp_path))
    monkeypatch.setenv("TWINSET_STATE", str(tmp_path))
    (tmp_path / "mirror-set1.pid").write_text(f"{os.getpid()}\n")
    result = CliRunner().invoke(app, list(words), input="/x/libc6_2_amd64.deb\n")
    assert result.exit_code == 1
    assert "systemctl start twinsetd" in result.stderr
    (tmp_path / "mirror-set1.pid").write_text("no number\n")
    assert CliRunner().invoke(app, list(words), input="").exit_code == 0
