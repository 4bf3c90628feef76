"""twinset plan --measured: the file of coefficients, the described machine, what is printed."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from impl.tests.advice.measured_costs import BODY
from impl.tests.operator.test_plan import CONFIG
from twinset.operator.cli import app


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run `twinset plan` with these words on a configuration and a file of coefficients."""
    for name in ("ETC", "STATE", "RUN"):
        monkeypatch.setenv(f"TWINSET_{name}", str(tmp_path))
    (tmp_path / "server").write_text("server1\n")
    (tmp_path / "cluster.toml").write_text(CONFIG)
    (tmp_path / "costs.json").write_text(json.dumps(BODY))

    def plan(*words: str, measured: str = "costs.json") -> Any:
        given = ["--measured", str(tmp_path / measured)] if measured else []
        return CliRunner().invoke(app, ["plan", str(tmp_path / "cluster.toml"), *given, *words])

    return plan


def test_expected_figures_for_programs(run: Any) -> None:
    """The described machine, what limits each workload, the rebuild with its bounds, the link, the outage."""
    found = json.loads(
        run("--disk-iops", "500", "--link-mbit", "100", "--write-mib-s", "10", "--json").stdout
    )["expected"]
    assert found["machine"] == {"disk_iops": 500, "link_mbit_s": 100}
    rows = {row["workload"]: row["mirrored"] for row in found["operations"]}
    assert (rows["write-16"]["limited_by"], rows["write-16"]["rate"]) == ("disk", [500, 450, 550])
    assert found["rebuilds"][0]["mib_s"]["limited_by"] == "link"
    assert round(found["link"]["share"], 2) == 0.88
    assert [part["source"] for part in found["outages"][0]["parts"]][:2] == ["coefficients", "coefficients"]


def test_expected_figures_for_a_person(run: Any) -> None:
    """Overhead with its bounds, a GB of a set whose disk is elsewhere, the link, how many outages a year."""
    printed = run("--write-mib-s", "10", "--processors", "4").stdout
    assert "expected on 4 processors a server; measured 2026-11-29T08:00:00Z" in printed
    assert "4 KiB 75% reads, depth 16: overhead 0% (0% to 20%): 20000 (16000 to 22000) a second" in printed
    assert "full copy of set1: 2.05 s (1.64 to 2.56) a GB, limited by: processor of the target" in printed
    assert "10 MiB/s in 4 KiB writes need 88 Mbit/s" in printed
    assert "so many a year leave 99.9 %" in printed


def test_without_measured_nothing_is_expected(run: Any) -> None:
    """The plan by the guide is as before; a machine described in vain is refused with what is missing."""
    assert json.loads(run("--json", measured="").stdout)["expected"] is None
    refused = run("--disk-iops", "500", measured="")
    assert refused.exit_code == 1
    assert "--measured FILE" in refused.output


@pytest.mark.parametrize(
    ("text", "reason"), [(None, "No such file"), ("{", "Expecting"), ("[]", "no measured")]
)
def test_files_that_are_none_are_refused(run: Any, tmp_path: Path, text: str | None, reason: str) -> None:
    """With the name, or the reason."""
    if text is not None:
        (tmp_path / "other.json").write_text(text)
    refused = run(measured="other.json")
    assert refused.exit_code == 1
    assert reason in refused.output
