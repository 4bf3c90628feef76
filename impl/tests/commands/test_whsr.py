"""ARMWHSR: what it asks the share, what it tells the servers, and what it takes for a server that is down."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinset.commands import frame, whsr
from twinset.errors import DaemonUnreachable
from twinset.shell import clock, run
from twinset.shell.run import Result

Call = Callable[..., int]
SHARE, ADDRESS = r"\\server2\share2", "10.10.10.2"


class Ended(Exception):  # noqa: N818
    """The watch would go on for ever."""


class World:
    """Answers of smbclient and ping, one look after the other; the last one stays."""

    def __init__(self, looks: list[Result], ping: int = 0) -> None:
        self.looks = looks
        self.ping = ping
        self.ran: list[tuple[list[str], float]] = []
        self.rounds = 0

    async def run(self, argv: list[str], *, timeout_s: float) -> Result:
        self.ran.append((argv, timeout_s))
        if argv[0] == "ping":
            return Result(tuple(argv), self.ping, "", "")
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    async def pause(self, seconds: float) -> None:
        self.rounds += 1
        self.seconds = seconds
        if self.rounds >= 5:
            raise Ended


def result(code: int = 0, said: str = "", *, late: bool = False) -> Result:
    return Result(("smbclient",), code, said, "", late)


GOOD, LATE = result(), result(-1, late=True)
REFUSED = result(1, "tree connect failed: NT_STATUS_BAD_NETWORK_NAME")


@pytest.fixture()
def world(monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    def make(*looks: Result, ping: int = 0) -> World:
        made = World(list(looks), ping)
        monkeypatch.setattr(run, "run", made.run)
        monkeypatch.setattr(clock, "pause", made.pause)
        return made

    return make


def reports(daemon: Any) -> list[dict[str, Any]]:
    return [args for verb, args in daemon.asked if verb == "share.report"]


def test_a_share_that_is_accessible_is_no_news(call: Call, daemon: Any, world: Callable[..., World]) -> None:
    """It connects to the address, as a guest, and says nothing; it looks once a minute (9.2-16)."""
    made = world(GOOD)
    with pytest.raises(Ended):
        call(whsr.main, SHARE, ADDRESS)
    argv, timeout_s = made.ran[0]
    assert argv == [
        "smbclient",
        "//server2/share2",
        "--ip-address",
        ADDRESS,
        "--no-pass",
        "--command",
        "exit",
    ]
    assert (timeout_s, made.seconds, daemon.asked) == (30, 60, [])


@pytest.mark.parametrize(
    ("look", "reason"), [(LATE, "no answer within 3 s"), (REFUSED, "NT_STATUS_BAD_NETWORK_NAME")]
)
def test_a_share_that_is_lost_and_comes_back_is_told_twice(
    call: Call,
    daemon: Any,
    world: Callable[..., World],
    monkeypatch: pytest.MonkeyPatch,
    look: Result,
    reason: str,
) -> None:
    """Once with the share, the address and the reason, once when it is back (9.2-01, 9.2-02)."""
    monkeypatch.setenv("ARMS_GROUPNAME", "watch")
    world(GOOD, look, look, look, GOOD)
    with pytest.raises(Ended):
        call(whsr.main, SHARE, ADDRESS, "/T", "1", "/A", "/etc/smb")
    lost = {"share": SHARE, "address": ADDRESS, "accessible": False, "reason": reason, "group": "watch"}
    back = {"share": SHARE, "address": ADDRESS, "accessible": True, "group": "watch"}
    assert reports(daemon) == [lost, back]


def test_a_server_that_is_down_is_not_stalled(call: Call, daemon: Any, world: Callable[..., World]) -> None:
    """It does not answer a ping either: heartbeats tell that, this says nothing."""
    made = world(LATE, ping=1)
    with pytest.raises(Ended):
        call(whsr.main, SHARE, ADDRESS, "/N", "1")
    assert reports(daemon) == []
    assert made.ran[1][0][-1] == ADDRESS


def test_what_could_not_be_told_is_told_later(call: Call, daemon: Any, world: Callable[..., World]) -> None:
    """While twinsetd is being restarted it goes on looking, and tells the next one."""
    world(LATE)
    answers = iter([DaemonUnreachable("being restarted"), {"told": []}])
    daemon.answers["share.report"] = lambda _: next(answers)
    with pytest.raises(Ended):
        call(whsr.main, SHARE, ADDRESS, "/N", "1")
    assert len(reports(daemon)) == 2


def test_without_smbclient_it_ends(call: Call, daemon: Any, world: Callable[..., World], capsys: Any) -> None:
    """Nothing can be watched: status 8, and what to install."""
    world(Result(("smbclient",), -1, "", "cannot be started: No such file or directory"))
    assert call(whsr.main, SHARE, ADDRESS) == frame.STATUS_OF["E_UNSUPPORTED"]
    assert "install smbclient" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [(), (SHARE,), ("share2", ADDRESS), (SHARE, "server2"), (SHARE, ADDRESS, "more"), (SHARE, ADDRESS, "/T", "0"),
     (SHARE, ADDRESS, "/N", "x"), (SHARE, ADDRESS, "/A")],
)  # fmt: skip
def test_wrong_words_are_usage_errors(call: Call, daemon: Any, words: tuple[str, ...], capsys: Any) -> None:
    """A missing share or address, something else in its place, values out of range: with the clause (9.2-16)."""
    assert call(whsr.main, *words) == frame.USAGE
    assert "9.2-16" in capsys.readouterr().err


def test_the_credentials_are_smbclient_s_file(call: Call, daemon: Any, world: Callable[..., World]) -> None:
    """A file, so that no password stands in a command line."""
    made = world(GOOD)
    with pytest.raises(Ended):
        call(whsr.main, SHARE, ADDRESS, "/A", str(Path("/etc/smb")))
    assert made.ran[0][0][4:6] == ["--authentication-file", "/etc/smb"]
