"""What the servers know of each other's program, and what a server that leaves in order says."""

from typing import Any

import pytest

from twinset.cluster import program
from twinset.cluster.program import OWN, Program

from .conftest import Pair

S1, S2 = "server1", "server2"


def fields(pair: Pair, server: str, name: str) -> list[dict[str, Any]]:
    """The entries of that name that a server wrote."""
    return [
        dict(effect.fields)
        for who, effect in pair.done
        if who == server and getattr(effect, "name", "") == name
    ]


def kinds(pair: Pair, server: str) -> set[str]:
    """The kinds of messages that a server has refused."""
    return {str(each["kind"]) for each in fields(pair, server, "message_refused")}


def test_equal_programs_are_no_news(started: Pair) -> None:
    """The status says so too."""
    assert not {"versions_differ", "versions_equal"} & {*started.logged(S1), *started.logged(S2)}
    shown = started.status(S1)["programs"]
    assert shown == {"releases": {S1: OWN.release, S2: OWN.release}, "differ": False, "waits": []}


@pytest.mark.parametrize("older", [Program(), Program("0.0.9", frozenset())])
def test_another_program_is_told_once_and_its_end_too(
    started: Pair, monkeypatch: pytest.MonkeyPatch, older: Program
) -> None:
    """The one that is upgraded first tells it, what waits stands in it, and it is over with the other one's upgrade."""
    core = started.clusters[S1]
    core.told.seq = 0
    program.hear(core, older.to_json() if older.release else {})
    program.hear(core, older.to_json() if older.release else {})
    started._perform(S1, core.out)
    (told,) = fields(started, S1, "versions_differ")
    assert told["waits"] == ["latency", "leaving"]
    assert told["here"] == OWN.release
    assert told["there"] in ("0.0.9", "a release that does not say")
    assert started.clusters[S1].heard_program == older
    started.run(4_000)  # the real one speaks again
    assert len(fields(started, S1, "versions_equal")) == 1


def test_nonsense_about_a_program_is_bounded(started: Pair) -> None:
    """Whatever a peer of another release says there."""
    program.hear(started.clusters[S1], {"release": "x" * 1000, "features": ["y" * 1000] * 1000})
    heard = started.clusters[S1].told.program
    assert len(heard.release) == program.RELEASE_MAX
    assert len(heard.features) == 1


@pytest.mark.parametrize(
    ("verb", "words"), [("server.shutdown", "asked by an operator"), ("server.isolate", "isolated")]
)
def test_a_server_that_leaves_in_order_is_no_alert(started: Pair, verb: str, words: str) -> None:
    """The other one takes over at once, and writes who left and why, not that a server is down (6.3-02)."""
    assert started.ask(S1, "group.move", group="B", server=S1).ok
    started.run(4_000)
    started.done.clear()
    assert started.ask(S1, verb, server=S2).ok
    (left,) = fields(started, S1, "server_left")
    assert left["server"] == S2
    assert words in left["reason"]
    assert "server_down" not in started.logged(S1)
    assert not [
        effect for who, effect in started.done if who == S1 and getattr(effect, "severity", "") == "error"
    ]


def test_an_older_peer_is_not_told_what_it_would_refuse(
    started: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it hears only that the server has left, and its groups fail over all the same."""
    for core in started.clusters.values():
        monkeypatch.setattr(core.told, "program", Program())
    monkeypatch.setattr(program, "hear", lambda _cluster, _said: None)
    assert started.ask(S2, "server.shutdown", server=S2).ok
    started.run(4_000)
    (left,) = fields(started, S1, "server_left")
    assert left["reason"] == "it says so"
    assert not kinds(started, S1)
    assert started.places(S1) == {"A": S1, "B": S1}


def test_an_older_peer_is_not_asked_to_sample_latencies(
    started: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason says why; the own side is sampled all the same."""
    for core in started.clusters.values():
        monkeypatch.setattr(core.told, "program", Program())
    monkeypatch.setattr(program, "hear", lambda _cluster, _said: None)
    refused = started.ask(S1, "mirror.latency", set="set1", server=S2, every=8)
    assert refused.error["code"] == "E_STATE"
    assert "samples no latencies" in refused.error["message"]
    assert not started.commands(S2, "latency")
    assert started.ask(S1, "mirror.latency", set="set1", server=S1, every=8).ok
