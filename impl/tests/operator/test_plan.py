"""twinset plan: the terms of 9.1 beside what was measured, memory, copies, load."""

import json
from pathlib import Path
from typing import Any

import pytest

from impl.tests.samples import TWO_SERVERS
from twinset.errors import Refusal
from twinset.operator.plan import run_plan
from twinset.shell.paths import Paths

CONFIG = (
    TWO_SERVERS
    + """
[[mirror_set]]
name = "set1"
disks = [ {server="server1", path="/dev/nothing"}, {server="server2", path="/dev/nothing"} ]
partitions = [ {number=2, letter="E"} ]
[[group]]
name = "db"
policy = ["server1", "server2"]
[[group.mirror_disk]]
set = "set1"
[[group.floating_ip]]
address = "10.0.1.100"
[[group.floating_ip]]
address = "10.0.1.101"
[[group.virtual_computer_name]]
name = "DB"
[[group.script]]
start = "/etc/start"
stop = "/etc/stop"
[[group]]
name = "home"
policy = ["server1"]
[[group.floating_ip]]
address = "10.0.1.102"
"""
)
EVENTS = [
    ("server_down", 100.0, {}),
    ("group_fails_over", 100.0, {"group": "db"}),
    ("script_started", 101.0, {"group": "db", "ms": 700}),
    ("group_state", 101.0, {"group": "db", "state": "active"}),
]


@pytest.fixture
def plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what runs the command and returns its report."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "server").write_text("server1\n")
    file = tmp_path / "cluster.toml"
    file.write_text(CONFIG)
    log = tmp_path / "events.jsonl"

    def run(
        *, events: bool = True, as_json: bool = True, scripts_s: float | None = None, write: float = 0
    ) -> Any:
        lines = [
            json.dumps({"seq": number, "event": name, "time": at, "fields": fields})
            for number, (name, at, fields) in enumerate(EVENTS, 1)
        ]
        log.write_text("\n".join([*lines, '{"torn']) if events else "")
        paths = Paths(tmp_path / "etc", tmp_path, tmp_path / "run")
        assert (
            run_plan(file, paths, write_mib_s=write, scripts_s=scripts_s, events=None, as_json=as_json) == 0
        )
        printed = capsys.readouterr().out
        return json.loads(printed) if as_json else printed

    return run


def test_the_terms_of_the_guide(plan: Any) -> None:
    """30 s, 30 to 60 s, two addresses, one disk, one name, the script as measured (9.1-01, 9.1-08)."""
    one, two = plan()["switching"]
    assert (one["server"], one["groups"]) == ("server1", ["db"])
    assert one["resources_s"] == {"mirror_disk": 60, "floating_ip": 720, "virtual_computer_name": 60}
    assert (one["least_s"], one["most_s"]) == (30 + 30 + 840 + 0.7, 30 + 60 + 840 + 0.7)
    assert (two["groups"], two["least_s"]) == ([], 60)


def test_scripts_count_as_told_or_not_at_all(plan: Any) -> None:
    """A figure of the operator goes before what was measured; without either they count nothing."""
    assert plan(scripts_s=20)["switching"][0]["scripts_s"] == 20
    report = plan(events=False)
    assert report["measured"] is None
    assert report["switching"][0]["scripts_s"] == 0


def test_measured_stands_beside(plan: Any) -> None:
    """The last failover of this server's event log, in numbers and for a person."""
    assert plan()["measured"]["groups_s"] == {"db": 1.0}
    printed = plan(as_json=False)
    assert "from the verdict to the last" in printed
    assert "slowest 0.70 s" in printed
    assert "tells of no failover" in plan(events=False, as_json=False)


def test_memory_copies_and_load(plan: Any) -> None:
    """18 432 KiB by the formula; a full copy a GB where the disk is not here; what is written fills the link."""
    report = plan(write=11.92)
    assert report["memory"]["total_kib"] == 18432
    [copy] = report["copies"]
    assert (copy["size_bytes"], copy["guide_s_per_gb"]["single disk"]) == (None, 390)
    assert [round(each["percent"]) for each in report["link"]] == [100, 10, 1]
    assert "a GB takes 6.5 min (single disk)" in plan(as_json=False)


def test_an_event_log_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    """A wrong path is no empty log."""
    file = tmp_path / "cluster.toml"
    file.write_text(CONFIG)
    paths = Paths(tmp_path, tmp_path, tmp_path)
    with pytest.raises(Refusal, match="No such file"):
        run_plan(file, paths, write_mib_s=0, scripts_s=None, events=tmp_path / "gone", as_json=True)
