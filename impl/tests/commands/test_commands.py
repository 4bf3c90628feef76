"""The small script commands: what they ask of twinsetd, what they say, how they end."""

import importlib
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinset.commands import bcast, down, fover, frame, sleep, vcset
from twinset.commands.options import Command
from twinset.errors import DaemonUnreachable, Refusal, StepFailed
from twinset.shell import clock

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
INSTALLED = {name: target for name, target in SCRIPTS.items() if target.startswith("twinset.commands.")}
DOC = (ROOT / "impl" / "docs" / "script-commands.md").read_text()

Call = Callable[..., int]


def commands() -> dict[str, Command]:
    """Return the table of each installed command by its upper-case name."""
    found = {}
    for name, target in INSTALLED.items():
        if name.isupper():
            found[name] = importlib.import_module(target.partition(":")[0]).COMMAND
    return found


def test_each_command_has_both_names() -> None:
    """The guide's name and lower case lead to the same function, which exists."""
    assert {"ARMSLEEP", "ARMFOVER", "ARMFORVER", "ARMDOWN", "ARMBCAST", "ARMRSP"} <= set(INSTALLED)
    for name, target in INSTALLED.items():
        module, _, function = target.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
        assert INSTALLED[name.upper()] == INSTALLED[name.lower()] == target


def test_the_document_has_each_usage_and_option() -> None:
    """docs/script-commands.md shows the usage line of every command and every form of every option."""
    for command in commands().values():
        assert command.usage() in DOC
        for option in command.options:
            assert f"`/{option.letter}`, `--{option.word}`" in DOC, (command.name, option.letter)


def test_the_document_has_each_exit_status() -> None:
    """The table of exit statuses is the table in the code."""
    rows = dict(
        line.strip("| ").split(" | ")[:2] for line in DOC.splitlines() if line.startswith(("| E_", "| `E_"))
    )
    assert {code.strip("`"): int(status) for code, status in rows.items()} == frame.STATUS_OF


def test_sleep_waits_that_long(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """ARMSLEEP n waits n seconds (5.2.2-07)."""
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(clock, "pause", pause)
    assert call(sleep.main, "10") == frame.DONE
    assert waited == [10]


@pytest.mark.parametrize("words", [[], ["x"], ["-1"], ["0"], ["32768"], ["1.5"], ["1", "2"], ["/T", "1"]])
def test_sleep_refuses_what_is_no_number_of_seconds(call: Call, words: list[str], capsys: Any) -> None:
    """No number, a negative one, none at all: usage error with the clause, no traceback (5.2.2-07)."""
    assert call(sleep.main, *words) == frame.USAGE
    assert "5.2.2-07" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["/F", "db"], ["-f", "db"], ["--failover=db"]])
def test_fover_asks_for_a_failover(call: Call, daemon: Any, option: list[str], capsys: Any) -> None:
    """ARMFOVER /F group: one request, answered at once, and the destination is said (4.5.2-17)."""
    daemon.answers["group.failover"] = {"group": "db", "server": "server2", "waits": False}
    assert call(fover.main, *option) == frame.DONE
    assert daemon.asked == [("group.failover", {"group": "db"})]
    assert capsys.readouterr().out == "Group db fails over to server2.\n"


def test_fover_to_a_server_named(call: Call, daemon: Any, capsys: Any) -> None:
    """The destination may be named; a group that still starts goes when it has started."""
    daemon.answers["group.failover"] = {"group": "db", "server": "server2", "waits": True}
    assert call(fover.main, "/F", "db", "server2") == frame.DONE
    assert daemon.asked == [("group.failover", {"group": "db", "server": "server2"})]
    assert "when its start has ended" in capsys.readouterr().out


def test_fover_without_a_group_is_a_usage_error(call: Call, daemon: Any, capsys: Any) -> None:
    """Missing /F (4.5.2-17); nothing is asked."""
    assert call(fover.main, "server2") == frame.USAGE
    assert daemon.asked == []
    assert "/F group is missing [4.5.2-17]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("failure", "status", "text"),
    [
        (
            Refusal("E_STATE", "it is inactive", "4.5.2-17", "twinset group list"),
            frame.REFUSED,
            "[4.5.2-17]\ntry:",
        ),
        (Refusal("E_NOTFOUND", "no group"), 4, "no group"),
        (Refusal("E_DUP", "in use"), 5, "in use"),
        (Refusal("E_DENIED", "not registered"), 6, "not registered"),
        (Refusal("E_LAUNCH", "cannot start"), 7, "cannot start"),
        (Refusal("E_UNSUPPORTED", "no systemd"), 8, "no systemd"),
        (DaemonUnreachable("nobody answers"), frame.UNREACHABLE, "nobody answers"),
        (StepFailed("it failed"), frame.REFUSED, "it failed"),
    ],
)
def test_each_refusal_has_its_status(
    call: Call, daemon: Any, failure: Exception, status: int, text: str, capsys: Any
) -> None:
    """Classes of refusals are told apart by the exit status; the sentence goes to standard error."""
    daemon.answers["group.failover"] = failure
    assert call(fover.main, "/F", "db") == status
    said = capsys.readouterr()
    assert text in said.err
    assert said.out == ""


def test_an_interrupted_command_says_nothing(call: Call, daemon: Any) -> None:
    """Ctrl-C is no traceback."""
    daemon.answers["group.failover"] = lambda _: (_ for _ in ()).throw(KeyboardInterrupt)
    assert call(fover.main, "/F", "db") == frame.INTERRUPTED


def test_down_leaves_the_cluster(call: Call, daemon: Any, capsys: Any) -> None:
    """ARMDOWN shuts this server down; /R starts it again, /F does it although nobody takes over (6.3-17)."""
    daemon.answers["server.down"] = {"server": "server1", "machine": "powers off"}
    assert call(down.main) == frame.DONE
    assert call(down.main, "/r", "--force") == frame.DONE
    assert [args for _, args in daemon.asked] == [
        {"reboot": False, "force": False},
        {"reboot": True, "force": True},
    ]
    assert "server1 leaves the cluster; the machine powers off." in capsys.readouterr().out


def test_bcast_tells_both(call: Call, daemon: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """ARMBCAST /MSG text /A: both servers, with the group of the script it runs in."""
    monkeypatch.setenv("ARMS_GROUPNAME", "db")
    daemon.answers["message.broadcast"] = {"told": ["server1", "server2"]}
    assert call(bcast.main, "/MSG", "hello there", "/A") == frame.DONE
    assert daemon.asked == [("message.broadcast", {"text": "hello there", "group": "db", "here": False})]
    assert capsys.readouterr().err == ""


def test_bcast_says_when_only_one_was_told(call: Call, daemon: Any, capsys: Any) -> None:
    """With the other server away the message is kept here, and that is said; /S never meant more."""
    daemon.answers["message.broadcast"] = {"told": ["server1"]}
    assert call(bcast.main, "--message=hello") == frame.DONE
    assert "cannot be reached" in capsys.readouterr().err
    assert call(bcast.main, "--message=hello", "/S") == frame.DONE
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", [[], ["/MSG"], ["/MSG", "x", "/A", "/S"], ["x"]])
def test_bcast_needs_a_message(call: Call, daemon: Any, words: list[str]) -> None:
    """Without text, or with contradicting options, nothing is sent."""
    assert call(bcast.main, *words) == frame.USAGE
    assert daemon.asked == []


@pytest.mark.parametrize(
    ("words", "asked", "said"),
    [
        (("DBSERVER", "/C"), {"name": "DBSERVER", "associate": False}, "the address of the server that runs"),
        (("--group=db", "/a"), {"group": "db", "associate": True}, "stands for 10.0.1.100 when group db is"),
        (("/C",), {"group": "own", "associate": False}, "the address of the server that runs"),
    ],
)
def test_vcset_cancels_and_resets(
    call: Call, daemon: Any, monkeypatch: pytest.MonkeyPatch, words: Any, asked: Any, said: str, capsys: Any
) -> None:
    """ARMVCSET of a name, of a group's only name, in a script of its own group's (7.3.1.4-01)."""
    monkeypatch.setenv("ARMS_GROUPNAME", "own")
    daemon.answers["name.associate"] = lambda args: {
        "group": "db", "name": "DBSERVER", "address": "10.0.1.100", "waits": True,
        "associated": args["associate"],
    }  # fmt: skip
    assert call(vcset.main, *words) == frame.DONE
    assert daemon.asked == [("name.associate", asked)]
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("words", [(), ("DBSERVER",), ("DBSERVER", "/C", "/A"), ("/C",), ("A", "B", "/C")])
def test_vcset_needs_a_name_and_one_direction(call: Call, daemon: Any, words: Any, capsys: Any) -> None:
    """Neither or both of /C and /A, or no name outside a script: usage error with the clause, nothing is asked."""
    assert call(vcset.main, *words) == frame.USAGE
    assert daemon.asked == []
    assert "7.3.1.4-01" in capsys.readouterr().err


def test_without_a_daemon_there_is_a_status(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No twinsetd on the socket: status 3 and a sentence."""
    monkeypatch.setenv("TWINSET_RUN", str(tmp_path))
    assert "ARMS_GROUPNAME" not in os.environ
    assert call(fover.main, "/F", "db") == frame.UNREACHABLE
