"""`mirror verify` finds the side that writes, and refuses with the state where nothing can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Pair

S1, S2 = "server1", "server2"
JOB: dict[str, Any] = {"state": "running", "bytes_done": 5, "ranges": []}


def source(pair: Pair, name: str, **fields: Any) -> None:
    """Server `name` writes set1."""
    for server in (S1, S2):
        pair.mirror(server, "set1", source=server == name, **(fields if server == name else {}))
    pair.run(4_000)


@pytest.mark.parametrize("asked", [S1, S2])
def test_the_side_that_writes_compares_whoever_is_asked(started: Pair, asked: str) -> None:
    """The request goes to the source's mirror process, with its options."""
    source(started, S1)
    reply = started.ask(asked, "mirror.verify", set="set1", repair=True)
    assert reply.ok, reply
    assert started.commands(S1, "verify") == [("set1", {"stop": False, "repair": True})]
    assert started.commands(S2, "verify") == []


def test_a_set_that_is_not_in_sync_is_refused_with_its_state(started: Pair) -> None:
    """What differs for a known reason is not compared."""
    source(started, S1, set_state="RECONSTRUCTING", session="copying")
    reply = started.ask(S1, "mirror.verify", set="set1")
    assert reply.error is not None
    assert "RECONSTRUCTING" in reply.error["message"]
    assert started.commands(S1, "verify") == []


def test_without_the_other_server_it_is_refused(started: Pair) -> None:
    """There is nothing to compare with."""
    source(started, S1)
    started.power_off(S2)
    started.run(120_000)
    reply = started.ask(S1, "mirror.verify", set="set1")
    assert reply.error is not None
    assert "server2 cannot be reached" in reply.error["message"]


def test_what_the_mirror_process_refuses_is_the_answer(started: Pair) -> None:
    """Its reason reaches the operator."""
    source(started, S1)
    started.failing[S1, "verify", "set1"] = "the program on the other server cannot compare; update it"
    reply = started.ask(S2, "mirror.verify", set="set1")
    assert reply.error is not None
    assert "update it" in reply.error["message"]


def test_only_what_runs_can_be_stopped(started: Pair) -> None:
    """Stop needs a comparison that goes on, and works out of step too."""
    source(started, S1)
    refused = started.ask(S1, "mirror.verify", set="set1", stop=True)
    assert refused.error is not None
    assert "nothing is being compared" in refused.error["message"]
    source(started, S1, verify=JOB, set_state="INCONSISTENT", session="none")
    assert started.ask(S2, "mirror.verify", set="set1", stop=True).ok


def test_both_servers_show_the_comparison(started: Pair) -> None:
    """The writing side's word counts; the other server has it from there."""
    source(started, S1, verify=JOB)
    for server in (S1, S2):
        shown = started.ask(server, "mirror.status", set="set1").result["set1"]["verify"]
        assert shown == JOB
