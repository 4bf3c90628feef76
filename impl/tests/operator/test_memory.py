"""twinset memory: the formula by set and in all, and whether this server has it."""

import json
from pathlib import Path

import pytest

from impl.tests.samples import TWO_SERVERS
from twinset.operator import memory
from twinset.operator.memory import run_memory

CONFIG = (
    TWO_SERVERS
    + """
[[mirror_set]]
name = "set1"
disks = [ {server="server1", path="/dev/sdb"}, {server="server2", path="/dev/sdb"} ]
partitions = [ {number=2, letter="E"} ]
[[mirror_set]]
name = "set2"
max_io_kib = 128
max_io_count = 32
disks = [ {server="server1", path="/dev/sdc"}, {server="server2", path="/dev/sdc"} ]
partitions = [ {number=2, letter="F"} ]
[[group]]
name = "db"
policy = ["server1", "server2"]
[[group.mirror_disk]]
set = "set1"
[[group]]
name = "web"
policy = ["server2", "server1"]
[[group.mirror_disk]]
set = "set2"
"""
)
TOTAL = 18432 + (128 * (32 + 64) + 1024) * 2


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int | None, *, as_json: bool = True) -> int:
    monkeypatch.setattr(memory, "available_kib", lambda: left)
    path = tmp_path / "cluster.toml"
    path.write_text(CONFIG)
    return run_memory(path, as_json=as_json)


def test_every_set_and_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Options, formula and need by set; the sum (4.5.1-02, 2.2.1-13); what this server has."""
    assert run(tmp_path, monkeypatch, TOTAL) == 0
    report = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["memory_kib"]) for each in report["sets"]] == [
        ("set1", 18432),
        ("set2", 26624),
    ]
    assert report["sets"][1]["formula"] == "(128 x (32 + 64) + 1024) x 2 KiB"
    assert (report["total_kib"], report["available_kib"], report["enough"]) == (TOTAL, TOTAL, True)
    assert (report["clause"], "4.5.1-06" in report["note"]) == ("4.5.1-02", True)


def test_too_little_is_said_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By how much, with the clause, and what would help (4.5.1-01)."""
    assert run(tmp_path, monkeypatch, TOTAL - 7, as_json=False) == 1
    out = capsys.readouterr().out
    assert "7 KiB are missing" in out
    assert "[4.5.1-01]" in out
    assert "next: more memory, or a smaller max_io_kib" in out


def test_people_see_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Formula, total and the reminder of the adapters' buffers."""
    assert run(tmp_path, monkeypatch, TOTAL, as_json=False) == 0
    out = capsys.readouterr().out
    assert "(64 x (64 + 64) + 1024) x 2 KiB" in out
    assert f"{TOTAL} KiB" in out
    assert "[4.5.1-06]" in out


def test_an_unknown_amount_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody knows is said as such."""
    assert run(tmp_path, monkeypatch, None) == 0
    assert json.loads(capsys.readouterr().out)["enough"] is None


def test_a_bad_configuration_is_shown_as_check_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its findings, and a failure."""
    path = tmp_path / "cluster.toml"
    path.write_text("[")
    assert run_memory(path, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["accepted"] is False
