"""twinset doctor: the check list of both servers, of one without a daemon, and its exit status."""

import json
from pathlib import Path
from typing import Any

import pytest

from impl.tests.samples import TWO_SERVERS
from twinset.advice.facts import Nic, ServerFacts
from twinset.errors import DaemonUnreachable, Refusal
from twinset.operator import doctor
from twinset.shell.paths import Paths

CONFIG = TWO_SERVERS + '[[group]]\nname = "web"\npolicy = ["server1", "server2"]\n'


class FakeClient:
    """A twinsetd that has seen both servers, or does not answer."""

    answer: Any = None

    def __init__(self, path: Path) -> None:
        if self.answer is None:
            raise DaemonUnreachable(f"twinsetd does not answer on {path}")

    def call(self, verb: str, timeout_s: float, *, text: str) -> Any:
        assert (verb, text) == ("server.facts", CONFIG)
        return self.answer

    def close(self) -> None:
        """Nothing is open."""


def run(
    directory: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, *, named: bool = True, as_json: bool = True
) -> int:
    monkeypatch.setattr(doctor, "Client", FakeClient)
    monkeypatch.setattr(FakeClient, "answer", answer)
    paths = Paths(directory / "etc", directory, directory / "run")
    paths.etc.mkdir()
    (paths.etc / "server").write_text("server1\n")
    file = directory / "cluster.toml"  # also where the active one lies
    file.write_text(CONFIG)
    return doctor.run_doctor(file if named else None, paths, as_json=as_json)


def both() -> list[dict[str, Any]]:
    from twinset import config as configuration

    lans = configuration.loads(CONFIG).lans
    return [
        ServerFacts(
            server=name,
            nics={
                lan.endpoint(name).interface: Nic((lan.endpoint(name).address,), up=True, speed_mbps=1000)
                for lan in lans
            },
        ).as_json()
        for name in ("server1", "server2")
    ]


def test_both_servers_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Advice is no failure; the active configuration is the one that is looked at when no file is named."""
    assert run(tmp_path, monkeypatch, {"servers": both(), "absent": {}}, named=False) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["fit"] is True
    snmp = [line for line in report["lines"] if line["code"] == "W_SNMP"]
    assert [(line["status"], line["server"], line["clause"]) for line in snmp] == [
        ("advice", "server1", "2.2.2.2-02"),
        ("advice", "server2", "2.2.2.2-02"),
    ]


def test_a_missing_interface_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with clause and next step, for a person too."""
    servers = both()
    servers[1]["nics"] = {}
    assert run(tmp_path, monkeypatch, {"servers": servers, "absent": {}}, as_json=False) == 1
    printed = capsys.readouterr().out
    assert "server2: there is no interface" in printed
    assert "next: ip link" in printed
    assert "advice.md#w_no_backup" in printed


def test_without_a_daemon_this_server_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is found here is told, and that the other server was not asked."""
    assert run(tmp_path, monkeypatch, None) == 1
    lines = json.loads(capsys.readouterr().out)["lines"]
    wrong = [line for line in lines if line["status"] == "error" and line["code"] == "E_STATE"]
    assert [line["server"] for line in wrong] == ["server1", "server2"]
    assert "does not answer" in wrong[0]["text"]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With the way to name one."""
    paths = Paths(tmp_path, tmp_path, tmp_path)
    with pytest.raises(Refusal, match="cannot be read") as caught:
        doctor.run_doctor(None, paths, as_json=True)
    assert caught.value.help == "twinset doctor FILE"


def test_a_configuration_with_errors_is_judged_by_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its findings come first."""
    file = tmp_path / "bad.toml"
    file.write_text("format = 1\n")
    assert doctor.run_doctor(file, Paths(tmp_path, tmp_path, tmp_path), as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["accepted"] is False
