"""ARMRSP: it leaves only when the public LAN is lost here and good on the other server."""

from collections.abc import Callable
from typing import Any

import pytest

from twinset.commands import frame, rsp
from twinset.errors import DaemonUnreachable, Refusal
from twinset.shell import clock

Call = Callable[..., int]
ROUNDS_MAX = 12


class Ended(Exception):  # noqa: N818
    """The watch would go on for ever."""


@pytest.fixture()
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses that take no time; the test ends after some of them."""
    taken: list[float] = []

    async def pause(seconds: float) -> None:
        taken.append(seconds)
        if len(taken) >= ROUNDS_MAX:
            raise Ended

    monkeypatch.setattr(clock, "pause", pause)
    return taken


def world(daemon: Any, here: list[str], there: str | Exception) -> None:
    """Looks here, one after the other (the last one stays), and the look on the other server."""
    looks = list(here)

    def probe(args: dict[str, Any]) -> Any:
        if args["server"] is not None:
            return there if isinstance(there, Exception) else {"good": not there, "reason": there}
        reason = looks.pop(0) if len(looks) > 1 else looks[0]
        return {"server": "server1", "good": not reason, "reason": reason}

    daemon.answers["lan.probe"] = probe
    daemon.answers["cluster.status"] = {"servers": {"server1": {}, "server2": {}}}


def verbs(daemon: Any) -> list[str]:
    return [verb for verb, _ in daemon.asked]


def test_it_fails_over_when_the_other_server_is_better_off(
    call: Call, daemon: Any, paused: list[float]
) -> None:
    """Lost here three times in a row, good there: the group fails over, with the reason, and it ends."""
    world(daemon, ["", "no link on eth0"], "")
    assert call(rsp.main, "10.0.1.254", "/F", "db", "/T", "5") == frame.DONE
    assert paused == [5, 5, 5]
    verb, args = daemon.asked[-1]
    assert (verb, args["group"]) == ("group.failover", "db")
    assert "no link on eth0" in args["reason"]
    assert daemon.asked[0][1]["targets"] == ["10.0.1.254"]


@pytest.mark.parametrize("there", ["no link on eth0", Refusal("E_STATE", "down"), DaemonUnreachable("gone")])
def test_it_holds_when_the_other_server_is_no_better(
    call: Call, daemon: Any, paused: list[float], there: str | Exception
) -> None:
    """Both lost it, or the other one cannot be asked: nothing moves, however long; it is told once (6.3-19)."""
    world(daemon, ["no link on eth0"], there)
    with pytest.raises(Ended):
        call(rsp.main, "/F", "db")
    assert "group.failover" not in verbs(daemon)
    assert verbs(daemon).count("message.broadcast") == 1


def test_it_needs_failed_looks_in_a_row(call: Call, daemon: Any, paused: list[float]) -> None:
    """A good look in between begins the count anew."""
    world(daemon, ["x", "x", "", "x", "x", ""], "")
    with pytest.raises(Ended):
        call(rsp.main, "/F", "db", "/N", "3")
    assert "group.failover" not in verbs(daemon)


def test_it_can_shut_the_server_down(call: Call, daemon: Any, paused: list[float]) -> None:
    """With /D the server is shut down instead."""
    world(daemon, ["x"], "")
    assert call(rsp.main, "/D", "/N", "1") == frame.DONE
    assert verbs(daemon)[-1] == "server.down"


def test_a_refused_failover_is_tried_again(call: Call, daemon: Any, paused: list[float]) -> None:
    """What the cluster refuses now is asked again at the next look, and told once."""
    world(daemon, ["x"], "")
    answers = [Refusal("E_STATE", "busy"), Refusal("E_STATE", "busy"), {}]
    daemon.answers["group.failover"] = lambda _: answers.pop(0)
    assert call(rsp.main, "/F", "db", "/N", "1") == frame.DONE
    assert verbs(daemon).count("group.failover") == 3
    assert verbs(daemon).count("message.broadcast") == 1


def test_it_survives_a_restart_of_the_daemon(call: Call, daemon: Any, paused: list[float]) -> None:
    """While nobody answers it waits; that is no failed look."""
    world(daemon, ["x"], "")
    probe = daemon.answers["lan.probe"]
    silent = [DaemonUnreachable("gone")] * 5

    def answer(args: dict[str, Any]) -> Any:
        return silent.pop() if silent else probe(args)

    daemon.answers["lan.probe"] = answer
    assert call(rsp.main, "/F", "db", "/N", "2") == frame.DONE
    assert len(paused) == 6


def test_in_a_script_it_knows_its_group(
    call: Call, daemon: Any, paused: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """ARMS_GROUPNAME names the group of the script."""
    monkeypatch.setenv("ARMS_GROUPNAME", "db")
    world(daemon, ["x"], "")
    assert call(rsp.main, "/N", "1") == frame.DONE
    assert daemon.asked[-1][1]["group"] == "db"


@pytest.mark.parametrize(
    "words", [[], ["/T", "0", "/D"], ["/N", "0", "/D"], ["/T", "x", "/D"], ["/F", "db", "/D"], ["a"] * 17]
)
def test_bad_words_are_refused(call: Call, daemon: Any, words: list[str], capsys: Any) -> None:
    """Without group and /D, with numbers out of range or contradicting options: usage, with the clause."""
    assert call(rsp.main, *words) == frame.USAGE
    assert "6.3-19" in capsys.readouterr().err
    assert daemon.asked == []
