"""twinset disk, from the command line, on image files."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from twinset.mirror.cluster_partition import Record, State
from twinset.operator import disk_cli
from twinset.operator.cli import app
from twinset.shell import disk_facts
from twinset.shell.disk import Disk

MIB = 1 << 20
PREPARE = ("--cluster-mib", "4", "--data", "16M,rest")


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSET_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture()
def image(tmp_path: Path) -> str:
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(64 * MIB)
    return str(path)


def disk(*args: str) -> Result:
    return CliRunner().invoke(app, ["disk", *args])


def as_json(*args: str) -> Any:
    return json.loads(disk(*args, "--json").stdout)


def register(image: str) -> None:
    opened = Disk(image)
    opened.write_record(
        Record(
            set_uuid=b"s" * 16,
            disk_uuid=b"d" * 16,
            server_name="server9",
            state=State.SOLO,
            cur=0xABC,
            base=5,
        )
    )
    opened.close()


def test_without_yes_nothing_is_written(image: str) -> None:
    """The whole plan is shown, and how to have it written; the image stays blank."""
    result = disk("prepare", image, *PREPARE)
    assert result.exit_code == 0
    assert "would be written" in result.stdout
    assert "with --yes" in result.stdout
    assert not any(Path(image).read_bytes())


def test_with_yes_the_plan_is_written(image: str) -> None:
    """What was shown is what inspect finds."""
    planned = as_json("prepare", image, *PREPARE)
    written = as_json("prepare", image, *PREPARE, "--yes")
    assert (planned["written"], written["written"]) == (False, True)
    assert planned["partitions"] == written["partitions"]
    found = as_json("inspect", image)
    keys = ("number", "primary", "start_bytes", "size_bytes")
    assert [{key: part[key] for key in keys} for part in found["partitions"]] == written["partitions"]
    assert (found["usable"], found["findings"], found["tail_bytes"]) == (True, [], 8 * MIB)


def test_inspect_says_no_by_its_exit_status(image: str) -> None:
    """0 for a disk that can be used, 1 for one that cannot, with reason and next step."""
    result = disk("inspect", image)
    assert result.exit_code == 1
    assert "no MBR partition table [2.2.2.1-04]" in result.stdout
    assert f"next: twinset disk prepare {image}" in result.stdout
    disk("prepare", image, *PREPARE, "--yes")
    result = disk("inspect", image)
    assert result.exit_code == 0
    assert "can be a mirror disk" in result.stdout
    assert "CLUSTER" in result.stdout


def test_a_prepared_disk_is_not_prepared_again_by_mistake(image: str) -> None:
    """The refusal names what is there and the option that gives it up; that option works."""
    disk("prepare", image, *PREPARE, "--yes")
    result = disk("prepare", image, *PREPARE, "--yes")
    assert result.exit_code == 1
    assert "a partition table with 3 partitions [8.6-02]" in result.stderr
    assert "--discard table" in result.stderr
    result = disk("prepare", image, *PREPARE, "--discard", "table", "--yes")
    assert result.exit_code == 0
    assert "lost: a partition table with 3 partitions" in result.stdout


def test_the_record_is_shown_decoded(image: str) -> None:
    """State, generation, identities, both copies; and that this server does not know it."""
    disk("prepare", image, *PREPARE, "--yes")
    register(image)
    out = disk("inspect", image).stdout
    assert "SOLO" in out
    assert f"{0xABC:016x} (based on {5:016x})" in out
    assert (b"s" * 16).hex() in out
    assert "whole, number 1" in out
    assert "W_REUSE" in out
    values = as_json("inspect", image)["record"]
    assert (values["registered"], values["fields"]["state"], values["fields"]["server_name"]) == (
        True, "SOLO", "server9",
    )  # fmt: skip


def test_clear_shows_first_and_does_it_with_yes(image: str) -> None:
    """The record that would go is shown; afterwards the disk is as new (8.6-02)."""
    disk("prepare", image, *PREPARE, "--yes")
    register(image)
    result = disk("clear", image)
    assert (result.exit_code, "SOLO" in result.stdout, "nothing was written" in result.stdout) == (
        0,
        True,
        True,
    )
    assert as_json("inspect", image)["record"]["registered"] is True
    assert as_json("clear", image, "--yes")["written"] is True
    assert as_json("inspect", image)["record"]["registered"] is False
    assert disk("clear", image).exit_code == 1


def test_clear_with_partitions(image: str) -> None:
    """What the guide advises before the disk is used for something else."""
    disk("prepare", image, *PREPARE, "--yes")
    assert disk("clear", image, "--partitions", "--yes").exit_code == 0
    assert as_json("inspect", image)["partitions"] == []


def test_match_gives_the_command_that_makes_both_equal(tmp_path: Path) -> None:
    """Run on either disk, it writes partitions that are equal; unequal capacity is warned about (2.1.3)."""
    paths = []
    for name, size in (("one", 64 * MIB), ("two", 70 * MIB + 4096)):
        path = tmp_path / name
        with path.open("wb") as file:
            file.truncate(size)
        paths.append(str(path))
    result = disk("match", *paths, "--data", "16M,rest")
    assert result.exit_code == 0
    assert "W_SIZE" in result.stdout
    assert "[4.1.1-01]" in result.stdout
    [line] = [line for line in result.stdout.splitlines() if line.startswith("on either server: ")]
    for path in paths:
        words = shlex.split(line.partition(": ")[2].replace("PATH", path))
        assert disk(*words[2:], "--yes").exit_code == 0
    one, two = (as_json("inspect", path) for path in paths)
    assert one["partitions"] == two["partitions"]
    assert two["tail_bytes"] - one["tail_bytes"] == 6 * MIB + 4096


def test_match_takes_sizes_too() -> None:
    """The other server's disk is not here; its size is."""
    values = as_json("match", "100G", "107374182400")
    assert (values["findings"], len(values["data_bytes"])) == ([], 1)
    assert values["disks"][0]["tail_bytes"] >= 8 * MIB
    values = as_json("match", "100G", "99G")
    assert [(finding["code"], finding["clause"]) for finding in values["findings"]] == [
        ("W_SIZE", "4.1.1-01")
    ]
    assert disk("match", "100G").exit_code == 1


def test_prepare_for_the_size_of_the_other_disk(image: str) -> None:
    """With --other, `rest` is what both have; the own disk keeps the rest as its tail."""
    values = as_json("prepare", image, *PREPARE, "--other", "50M")
    assert values["tail_bytes"] == 22 * MIB


def test_two_disks_are_compared(image: str, tmp_path: Path) -> None:
    """With the other server's inspect as a file: unequal partitions are an error, with the way to equal ones."""
    disk("prepare", image, *PREPARE, "--yes")
    same = as_json("inspect", image)
    other = tmp_path / "other.json"
    other.write_text(json.dumps(same))
    assert disk("inspect", image, "--other", str(other)).exit_code == 0
    same["partitions"][1]["size_bytes"] += 4096
    same["size_bytes"] += MIB
    other.write_text(json.dumps(same))
    result = disk("inspect", image, "--other", str(other))
    assert result.exit_code == 1
    assert "E_PARTITION" in result.stdout
    assert "W_SIZE" in result.stdout
    assert "twinset disk match" in result.stdout
    values = as_json("inspect", image, "--other", str(other))
    assert values["usable"] is False


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("inspect", "/nonexistent"), "No such file"),
        (("prepare", "IMAGE", "--cluster-mib", "0", "--data", "rest"), "4.1.3-02"),
        (("prepare", "IMAGE", "--cluster-mib", "4", "--data", "1X"), "is no size"),
        (("prepare", "IMAGE", "--cluster-mib", "4", "--data", "70M"), "2.1.3-05"),
        (("prepare", "IMAGE", "--cluster-mib", "4", "--data", "rest", "--discard", "gpt"), "no such thing"),
        (("inspect", "IMAGE", "--other", "/nonexistent"), "No such file"),
        (("clear", "IMAGE"), "no CLUSTER partition"),
    ],
)
@pytest.mark.parametrize("json_too", [False, True])
def test_every_refusal_is_a_sentence(image: str, args: tuple[str, ...], words: str, json_too: bool) -> None:
    """Exit status 1, no traceback; with --json an object beside it."""
    full = [image if arg == "IMAGE" else arg for arg in args] + (["--json"] if json_too else [])
    result = disk(*full)
    assert result.exit_code == 1
    assert words in result.stderr
    if json_too:
        assert json.loads(result.stdout)["ok"] is False


def test_all_disks_are_listed_with_every_reason(
    image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that can be used is enough for success; with none the server needs another disk (4.1.2-01)."""
    disk("prepare", image, *PREPARE, "--yes")
    blank = tmp_path / "blank.img"
    blank.write_bytes(bytes(MIB))
    paths = [image, str(blank), "/nonexistent"]
    monkeypatch.setattr(disk_facts, "paths_of_disks", lambda: paths)
    values = as_json("list")
    assert [(each["path"], each["usable"]) for each in values] == list(
        zip(paths, (True, False, False), strict=True)
    )
    assert "2.2.2.1-04" in values[1]["reason"]
    assert "No such file" in values[2]["reason"]
    assert disk("list").exit_code == 0
    paths.remove(image)
    result = disk("list")
    assert (result.exit_code, "[4.1.2-01]" in result.stdout) == (1, True)


def test_every_command_and_option_is_in_the_operators_manual() -> None:
    """What `--help` has, docs/disks.md explains."""
    manual = (Path(disk_cli.__file__).parents[2] / "docs" / "disks.md").read_text(encoding="utf-8")
    words = {f"twinset disk {command.name}" for command in disk_cli.app.registered_commands}
    assert words
    for command in disk_cli.app.registered_commands:
        text = disk(str(command.name), "--help").stdout
        words |= set(re.findall(r"--(?!help)[a-z-]+", text))
    assert {word for word in words if word not in manual} == set()


def test_adjust_takes_the_sizes_of_the_other_disk(image: str, tmp_path: Path) -> None:
    """What lies there is named first; afterwards both disks can be mirrored, and a disk without a tail is refused."""
    other, full = str(tmp_path / "other.img"), str(tmp_path / "full.img")
    for path, size in ((other, 80), (full, 30)):
        with Path(path).open("wb") as file:
            file.truncate(size * MIB)
    disk("prepare", other, "--cluster-mib", "4", "--data", "20M,20M", "--yes")
    disk("prepare", image, "--cluster-mib", "4", "--data", "18M,20M", "--yes")
    disk("prepare", full, "--cluster-mib", "4", "--data", "12M,12M", "--reserve-tail", "0", "--yes")
    told = tmp_path / "other.json"
    told.write_text(disk("inspect", other, "--json").stdout)
    assert disk("adjust", image, "--other", str(told), "--yes").exit_code == 1
    written = as_json("adjust", image, "--other", str(told), "--discard", "table", "--yes")
    assert [part["size_bytes"] // MIB for part in written["partitions"]] == [4, 20, 20]
    assert as_json("inspect", image, "--other", str(told))["usable"]
    refused = disk("adjust", full, "--other", str(told), "--discard", "table")
    assert (refused.exit_code, "[2.1.3-05]" in refused.stdout + refused.stderr) == (1, True)
