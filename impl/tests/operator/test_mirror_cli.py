"""The commands of the Mirror Disk Administrator: words in, one request, its answer for a person."""

from __future__ import annotations

from typing import Any

import pytest

from twinset.errors import Refusal
from twinset.operator import render

from .test_cli import STATUS, Daemon, daemon, run

__all__ = ["daemon"]  # the fixture

OPTIONS = {
    "set": "s2",
    "max_io_kib": 128,
    "max_io_count": 64,
    "fastsync": True,
    "defaults": {"max_io_kib": 64, "max_io_count": 64, "fastsync": True},
    "formula": "(128 x (64 + 64) + 1024) x 2 KiB",
    "memory_kib": 34816,
    "memory_kib_all": 53248,
    "available_kib": 40000,
    "changed": True,
}
PERMITTED = {"set": "s2", "server": "server1", "exports": {"E": "nbd+unix:///E?socket=/run/x.sock"}}
COUNTS = {
    "reads": 3, "read_bytes": 1 << 20, "writes": 5, "written_bytes": 2 << 20, "flushes": 7, "received": 11,
    "received_bytes": 0, "copied_bytes": 4 << 20, "full_copies": 1, "high_speed_copies": 0, "breaks": 2,
}  # fmt: skip
FUNCTIONS = {
    "s2": {
        "situation": "active",
        "functions": {
            "create": {
                "allowed": False,
                "reason": "its group db is in operation",
                "clause": "8.7-04",
                "help": "",
            },
            "cancel": {"allowed": True, "reason": "", "clause": "8.7-03", "help": ""},
        },
    }
}
REGISTER = ["mirror", "register", "s2", "--disk", "server1=/a", "--disk", "server2=/b", "--partition", "2=F"]
SET: dict[str, Any] = {"set": "s2"}
APART = {
    "given_up": False, "forced": False, "since_s": 1_700_000_000, "last_s": None, "known": True, "bytes": 1 << 20,
    "ranges": [[4096, 512]], "ranges_count": 1, "doubt": "", "keep_scope": "union", "keep_bytes": 2 << 20,
}  # fmt: skip
PLAN = {
    "set": "s2", "keep": "server1", "give_up": "server2", "mode": "high-speed", "reason": "known",
    "copy_bytes": 3 << 20, "servers": {"server1": APART, "server2": {**APART, "known": False}},
    "discards": {}, "kept": {"bytes": 2 << 20, "scope": "union", "room_bytes": 1 << 20},
    "partitions": [{"letter": "E", "start": 0, "length": 1 << 20}],
}  # fmt: skip
RESOLVE = ["mirror", "resolve", "s2", "--keep", "server1"]
COMMANDS: list[tuple[list[str], str, dict[str, Any], Any, list[str]]] = [
    (
        REGISTER,
        "mirror.register",
        {**SET, "disks": {"server1": "/a", "server2": "/b"}, "partitions": {"2": "F"}},
        {"next": "twinset mirror create s2"},
        ["s2 is registered", "twinset mirror create s2"],
    ),
    (
        [*RESOLVE, "--dry-run"],
        "mirror.resolve",
        {**SET, "keep": "server1", "dry_run": True},
        PLAN,
        [
            "nobody knows what was written",
            "E: 512 bytes at 4096",
            "1.0 MiB in 1 ranges",
            "3.0 MiB (high-speed: known)",
            "2.0 MiB (everything that differs); room: 1.0 MiB",
            "add --discard",
            "resolve s2 --keep server1",
        ],
    ),
    (
        [*RESOLVE, "--discard"],
        "mirror.resolve",
        {**SET, "keep": "server1", "discard": True},
        {**PLAN, "file": "/kept/x"},
        ["server1 is kept", "/kept/x on server2", "mirror status s2"],
    ),
    (["mirror", "verify", "s2"], "mirror.verify", SET, {}, ["being compared", "twinset mirror status s2"]),
    (["mirror", "verify", "s2", "--stop"], "mirror.verify", {**SET, "stop": True}, {}, ["is stopped"]),
    (["mirror", "verify", "s2", "--repair"], "mirror.verify", {**SET, "repair": True}, {}, ["compared"]),
    (["mirror", "cancel", "s2"], "mirror.cancel", SET, {"next": "restart"}, ["s2 is cancelled", "restart"]),
    (
        ["mirror", "permit", "s2", "--server", "server1"],
        "mirror.permit",
        {**SET, "server": "server1"},
        PERMITTED,
        ["permitted on server1", "nbd+unix:///E?socket=/run/x.sock", "twinset mirror restrict s2"],
    ),
    (
        ["mirror", "forced-permit", "s2", "--yes"],
        "mirror.forced_permit",
        {**SET, "confirm": True},
        PERMITTED,
        ["permitted on server1"],
    ),
    (
        ["mirror", "forced-return", "s2", "--yes"],
        "mirror.forced_return",
        {**SET, "confirm": True},
        {},
        ["counts as the latest"],
    ),
    (["mirror", "restrict", "s2"], "mirror.restrict", SET, {}, ["Only groups give access to s2"]),
    (
        ["mirror", "options", "s2", "--max-io-kib", "128", "--no-fastsync"],
        "mirror.options",
        {**SET, "max_io_kib": 128, "fastsync": False},
        OPTIONS,
        [
            "(128 x (64 + 64) + 1024) x 2 KiB = 34816 KiB",
            "53248 KiB",
            "sets that get none do not start",
            "started anew",
        ],
    ),
    (
        ["mirror", "options", "s2", "--reset"],
        "mirror.options",
        {**SET, "reset": True},
        {**OPTIONS, "changed": False, "available_kib": None},
        ["available now: ? KiB"],
    ),
    (
        ["mirror", "functions"],
        "mirror.functions",
        {},
        FUNCTIONS,
        ["s2: active", "its group db is in operation", "8.7-04"],
    ),
]


@pytest.mark.parametrize(("words", "verb", "args", "answer", "shown"), COMMANDS)
def test_a_command_is_one_request_and_its_answer_is_shown(
    daemon: Daemon, words: list[str], verb: str, args: dict[str, Any], answer: Any, shown: list[str]
) -> None:
    """What was asked, and what an operator has to know of the answer; with --json too."""
    daemon.answers[verb] = answer
    result = run(*words)
    assert result.exit_code == 0, result.output
    for text in shown:
        assert text in result.stdout
    assert run(*words, "--json").exit_code == 0
    assert daemon.asked == [(verb, args)] * 2


@pytest.mark.parametrize("function", ["forced-permit", "forced-return"])
def test_force_without_a_word_says_what_follows_and_fails(daemon: Daemon, function: str) -> None:
    """twinsetd is asked without confirmation, and its refusal is what the operator reads."""
    verb = f"mirror.{function.replace('-', '_')}"
    daemon.answers[verb] = Refusal(
        "E_STATE", "the copies differ", "8.7-09", f"twinset mirror {function} s2 --yes"
    )
    result = run("mirror", function, "s2")
    assert result.exit_code == 1
    assert "the copies differ" in result.output
    assert "--yes" in result.output
    assert daemon.asked == [(verb, {"set": "s2", "confirm": False})]


def test_statistics_of_both_servers_stand_side_by_side(daemon: Daemon) -> None:
    """A side that cannot be asked says why; the other one is shown all the same."""
    side = {"set": "s2", "state": "SOLO", "dirty_bytes": 1 << 20, "counts": COUNTS}
    daemon.answers["mirror.stats"] = [side, Refusal("E_STATE", "server2 cannot be reached")] * 2
    lines = run("mirror", "stats", "s2").stdout
    assert "5, 2.0 MiB" in lines
    assert "SOLO" in lines
    assert "server2: server2 cannot be reached" in lines
    assert [args for verb, args in daemon.asked if verb == "mirror.stats"] == [
        {"set": "s2", "server": name} for name in STATUS["servers"]
    ]


SPREAD = {"mean_us": 310.4, "p50_us": 300.0, "p99_us": 900.0}
SAMPLED = {
    "every": 64,
    "operations": {
        "write": {"count": 5, "stages": {"queue": SPREAD, "own_disk": SPREAD}, "total": SPREAD},
        "received": {"count": 4, "stages": {"disk": SPREAD}, "total": SPREAD, "receipt": SPREAD},
    },
}
OFF = {"every": 0, "operations": {}}


def test_statistics_have_the_latencies_that_are_sampled(daemon: Daemon) -> None:
    """Median and 99th percentile of each kind of operation; where nothing is sampled it says so."""
    side = {"set": "s2", "state": "SOLO", "dirty_bytes": 1 << 20, "counts": COUNTS}
    daemon.answers["mirror.stats"] = [side | {"latency": told} for told in (SAMPLED, OFF, OFF, OFF)]
    lines = run("mirror", "stats", "s2").stdout.splitlines()
    write = next(line for line in lines if line.startswith("write, median us"))
    assert write.split()[-4:] == ["300", "(900)", "not", "sampled"]
    assert any(line.startswith("received, median us") for line in lines)
    lines = run("mirror", "stats", "s2").stdout.splitlines()
    assert next(line for line in lines if line.startswith("latencies")).count("not sampled") == 2


def test_latencies_are_shown_stage_by_stage(daemon: Daemon) -> None:
    """Of each server; a mirror process of an earlier release and a server out of reach say why not."""
    side = {"set": "s2", "latency": SAMPLED}
    away = Refusal("E_STATE", "server2 cannot be reached")
    daemon.answers["mirror.stats"] = [side, away, {"latency": OFF}, {"latency": None}]
    shown = run("mirror", "latency", "s2").stdout
    assert "server1: one in 64 operations" in shown
    rows = [line.split() for line in shown.splitlines()]
    assert ["write,", "5", "queue", "310", "300", "900"] in rows
    assert ["own", "disk", "310", "300", "900"] in rows
    assert ["(receipt)", "310", "300", "900"] in rows
    assert "server2: server2 cannot be reached" in shown
    shown = run("mirror", "latency", "s2").stdout
    assert "server1: not sampled" in shown
    assert "server2: its mirror process is of an earlier release" in shown


@pytest.mark.parametrize(
    ("options", "every"), [(["--on"], 64), (["--on", "--every", "7"], 7), (["--off"], 0)]
)
def test_sampling_is_turned_on_and_off_on_both_servers(
    daemon: Daemon, options: list[str], every: int
) -> None:
    """The answer says what each of them does from now on."""
    daemon.answers["mirror.latency"] = [{"every": every}, Refusal("E_STATE", "server2 cannot be reached")]
    shown = run("mirror", "latency", "s2", *options).stdout
    assert (f"server1 samples one in {every} operations" if every else "server1 samples nothing") in shown
    assert "server2: server2 cannot be reached" in shown
    assert [args for verb, args in daemon.asked if verb == "mirror.latency"] == [
        {"set": "s2", "server": name, "every": every} for name in STATUS["servers"]
    ]


def test_a_pair_without_a_value_is_wrong_usage(daemon: Daemon) -> None:
    """Nothing is asked."""
    assert run("mirror", "register", "s2", "--disk", "server1", "--partition", "2=F").exit_code == 2
    assert not daemon.asked


def compared(**fields: Any) -> dict[str, Any]:
    """The status of the cluster with a comparison."""
    job = {
        "state": "ended", "reason": "", "repair": False, "repaired": False, "found_bytes": 0, "ranges": [],
        "merged": False, "rechecked": 0, "waits": "", "bytes_done": 8 << 20, "bytes_total": 8 << 20,
        "rate_bytes_s": 0, "left_s": 0, **fields,
    }  # fmt: skip
    known = STATUS["mirror_sets"]["set1"]  # type: ignore[index]
    partitions = [
        {"letter": "E", "start": 0, "length": 4 << 20},
        {"letter": "F", "start": 4 << 20, "length": 1},
    ]
    return {**STATUS, "mirror_sets": {"set1": {**known, "verify": job, "partitions": partitions}}}


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({}, 0, ["8.0 MiB compared, no difference"]),
        ({"found_bytes": 512, "ranges": [[4096, 512]]}, 1, ["512 bytes differ", "E: 512 bytes at 4096"]),
        ({"found_bytes": 512, "ranges": [[4 << 20, 1]]}, 1, ["F: 1 bytes at 0"]),
        ({"found_bytes": 512, "repaired": True}, 0, ["512 bytes differed and were copied"]),
        ({"state": "stopped", "reason": "a disk is another one"}, 1, ["stopped after 8.0 MiB: a disk is"]),
        ({"found_bytes": 99, "ranges": [[at, 1] for at in range(25)]}, 1, ["and 5 more ranges"]),
    ],
)
def test_verify_with_wait_says_what_differs_and_where(
    daemon: Daemon, fields: dict[str, Any], status: int, words: list[str]
) -> None:
    """The exit status is 1 while differences are left; places are named by letter."""
    daemon.answers.update({"mirror.verify": {}, "cluster.status": compared(**fields), "events": {"last": 1}})
    result = run("mirror", "verify", "set1", "--wait")
    assert result.exit_code == status, result.output
    assert all(word in result.output for word in words), result.output


def test_status_shows_how_far_a_comparison_is(daemon: Daemon) -> None:
    """Share, rate and time left; or what it waits for."""
    fields = {"state": "running", "bytes_done": 2 << 20, "rate_bytes_s": 1 << 20, "left_s": 6.0}
    daemon.answers["mirror.status"] = compared(**fields)["mirror_sets"]
    output = " ".join(run("mirror", "status").output.split())
    assert "verify 25 % of 8.0 MiB (1.0 MiB/s, 6 s left), no difference" in output
    daemon.answers["mirror.status"] = compared(**{**fields, "waits": "not in sync"})["mirror_sets"]
    assert "(not in sync)" in " ".join(run("mirror", "status").output.split())


def test_status_shows_what_each_side_of_a_divergence_wrote(daemon: Daemon) -> None:
    """A line a server, with times, and the command that shows what a choice means."""
    known = STATUS["mirror_sets"]["set1"]  # type: ignore[index]
    row = {**known, "state": "DIVERGED", "copy": None, "diverged": {"server1": APART, "server2": APART}}
    daemon.answers["mirror.status"] = {"set1": row}
    output = " ".join(run("mirror", "status").output.split())
    assert "server1 wrote, and would lose: 1.0 MiB in 1 ranges, alone since 2023-11-1" in output
    assert "last written ?" in output
    assert "twinset mirror resolve set1 --keep SERVER --dry-run" in output


@pytest.mark.parametrize("state", ["ISOLATED", "INCONSISTENT"])
def test_a_failed_disk_leads_to_a_return_not_to_a_creation(
    state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On its own server and on the other one: as impl/docs/replacing.md has it, a copy begins with the return (8.4)."""
    render.mirror_status({"mirror_sets": {"s2": {"state": state}}})
    said = " ".join(capsys.readouterr().out.split())
    assert "twinset server return" in said
    assert "mirror create" not in said
