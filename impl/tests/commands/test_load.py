"""ARMLOAD and ARMKILL: words become one request."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinset.commands import frame, kill, load
from twinset.errors import DaemonUnreachable, Refusal
from twinset.shell import clock

Call = Callable[..., int]


@pytest.fixture(autouse=True)
def script(
    daemon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:  # after its fixture, which clears the variable
    """The commands run in a script of group db."""
    monkeypatch.setenv("ARMS_GROUPNAME", "db")


def asked(daemon: Any) -> dict[str, Any]:
    [(verb, args)] = daemon.asked
    assert verb == "program.load"
    return dict(args)


def test_the_sample_of_the_guide(call: Call, daemon: Any, script: None, capsys: Any) -> None:
    """ARMLOAD WatchID /R 2 /H 1 AppName: threshold 2, interval one hour, server shutdown beyond it (9.3-05)."""
    daemon.answers["program.load"] = {"watch": "W1", "group": "db", "pid": 7}
    assert call(load.main, "W1", "/R", "2", "/H", "1", "AppName", "/R", "x") == frame.DONE
    args = asked(daemon)
    assert (args["watch"], args["group"], args["argv"]) == ("W1", "db", ["AppName", "/R", "x"])
    assert (args["restarts"], args["reset_hours"], args["monitor"]) == (2, 1.0, True)
    assert (args["scripts"], args["failover"], args["service"]) == (False, False, False)
    assert args["environment"]["ARMS_GROUPNAME"] == "db"
    assert args["directory"] == str(Path.cwd())
    assert capsys.readouterr().out == "W1 runs as process 7, for group db.\n"


def test_the_sample_with_a_user(call: Call, daemon: Any) -> None:
    r"""ARMLOAD W1 /U Administrator ARMWHSR \\server2\share2 address: the program's words stay as they are (9.2-13)."""
    daemon.answers["program.load"] = {"watch": "W1", "group": "db", "pid": 7}
    assert (
        call(load.main, "W1", "/U", "Administrator", "ARMWHSR", r"\\server2\share2", "10.10.10.2")
        == frame.DONE
    )
    args = asked(daemon)
    assert args["user"] == "Administrator"
    assert args["argv"] == ["ARMWHSR", r"\\server2\share2", "10.10.10.2"]


def test_every_option_has_its_argument(call: Call, daemon: Any, tmp_path: Path) -> None:
    """Scope, action, directory, group; a service takes neither directory nor environment of its own."""
    daemon.answers["program.load"] = {"watch": "W1", "group": "web", "pid": 0}
    assert (
        call(load.main, "/SCR", "/FOV", "/M", "/C", str(tmp_path), "/G", "web", "W1", "/bin/app")
        == frame.DONE
    )
    args = asked(daemon)
    assert (args["scripts"], args["failover"], args["group"]) == (True, True, "web")
    assert args["directory"] == str(tmp_path)
    daemon.asked.clear()
    assert call(load.main, "W1", "/s", "--no-monitor", "app.service") == frame.DONE
    args = asked(daemon)
    assert (args["service"], args["monitor"], args["argv"]) == (True, False, ["app.service"])
    assert not {"directory", "environment", "user"} & set(args)


@pytest.mark.parametrize(
    ("words", "clause"),
    [
        ([], "9.2-15"),
        (["W1"], "9.2-15"),
        (["W1", "/R", "x", "app"], "9.3-05"),
        (["W1", "/R", "100", "app"], "9.3-05"),
        (["W1", "/H", "x", "app"], "9.3-05"),
        (["W1", "/H", "-1", "app"], "9.3-05"),
        (["W1", "/Q", "app"], "9.2-15"),
        (["W1", "/M", "/NOM", "app"], "6.3-11"),
        (["W1", "/W", "/M", "app"], "6.3-11"),
        (["W1", "/W", "/R", "1", "app"], "6.3-11"),
        (["W1", "/NOM", "/FOV", "app"], "6.3-11"),
        (["W1", "/S", "/U", "root", "app"], "6.3-10"),
        (["W1", "/S", "/W", "app"], "6.3-10"),
    ],
)
def test_bad_words_are_refused_with_the_clause(
    call: Call, daemon: Any, words: list[str], clause: str, capsys: Any
) -> None:
    """Missing program, numbers that are none, options that contradict each other: nothing is asked."""
    assert call(load.main, *words) == frame.USAGE
    assert f"[{clause}]" in capsys.readouterr().err
    assert daemon.asked == []


def test_outside_a_script_it_needs_a_group(call: Call, daemon: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator has to say which group the program belongs to."""
    monkeypatch.delenv("ARMS_GROUPNAME")
    assert call(load.main, "W1", "app") == frame.USAGE
    assert daemon.asked == []


def test_an_environment_that_is_no_text_stays_behind(
    call: Call, daemon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables with bytes that are no UTF-8 are left out; the others, also of several lines, go along."""
    monkeypatch.setenv("BAD", os.fsdecode(b"\xff"))
    monkeypatch.setenv("LINES", "a\nb")
    daemon.answers["program.load"] = {"watch": "W1", "group": "db", "pid": 7}
    assert call(load.main, "W1", "app") == frame.DONE
    environment = asked(daemon)["environment"]
    assert "BAD" not in environment
    assert environment["LINES"] == "a\nb"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([{"ended": True, "status": 3}], "with status 3"),
        ([{"ended": False, "status": None}] * 3 + [{"ended": True, "status": None}], "has ended."),
        ([DaemonUnreachable("gone")] * 2 + [{"ended": True, "status": 0}], "with status 0"),
        ([DaemonUnreachable("gone"), Refusal("E_NOTFOUND", "unknown")], "has ended."),
        ([Refusal("E_NOTFOUND", "unknown")], "has ended."),
    ],
)
def test_it_can_wait_for_the_end(
    call: Call, daemon: Any, monkeypatch: pytest.MonkeyPatch, answers: list[Any], said: str, capsys: Any
) -> None:
    """/W returns when the program has ended, over restarts of twinsetd; it is not monitored meanwhile."""

    async def pause(_: float) -> None:
        """No time passes."""

    monkeypatch.setattr(clock, "pause", pause)
    daemon.answers["program.load"] = {"watch": "W1", "group": "db", "pid": 7}
    daemon.answers["program.wait"] = lambda _: answers.pop(0)
    assert call(load.main, "W1", "/W", "app") == frame.DONE
    assert daemon.asked[0][1]["monitor"] is False
    assert said in capsys.readouterr().out


def test_a_daemon_that_stays_away_is_a_failure(
    call: Call, daemon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for ever for a twinsetd that does not come back; other refusals are passed on."""

    async def pause(_: float) -> None:
        """No time passes."""

    monkeypatch.setattr(clock, "pause", pause)
    daemon.answers["program.load"] = {"watch": "W1", "group": "db", "pid": 7}
    daemon.answers["program.wait"] = DaemonUnreachable("gone")
    assert call(load.main, "W1", "/W", "app") == frame.UNREACHABLE
    daemon.answers["program.wait"] = Refusal("E_STATE", "no")
    assert call(load.main, "W1", "/W", "app") == frame.REFUSED


def test_kill_names_the_watch_id(call: Call, daemon: Any, capsys: Any) -> None:
    """ARMKILL watchID, with 60 seconds from SIGTERM to SIGKILL, or as many as /T says (6.3-08)."""
    daemon.answers["program.kill"] = {"watch": "W1", "group": "db"}
    assert call(kill.main, "W1") == frame.DONE
    assert call(kill.main, "w1", "/T", "5") == frame.DONE
    assert daemon.asked == [
        ("program.kill", {"watch": "W1", "grace_s": 60.0}),
        ("program.kill", {"watch": "w1", "grace_s": 5.0}),
    ]
    assert "W1 of group db has ended." in capsys.readouterr().out


def test_kill_of_an_unknown_id_has_its_status(call: Call, daemon: Any) -> None:
    """An unknown watch ID is status 4 (6.3-08)."""
    daemon.answers["program.kill"] = Refusal("E_NOTFOUND", "not known", "6.3-08")
    assert call(kill.main, "W9") == 4
    assert call(kill.main) == frame.USAGE
