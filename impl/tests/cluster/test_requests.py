"""Operators' requests: where they are carried out, how they end, and what a refusal says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from twinset.cluster import events

if TYPE_CHECKING:
    from .conftest import Pair

S1, S2 = "server1", "server2"


@pytest.mark.parametrize("asked", [S1, S2])
@pytest.mark.parametrize("group", ["A", "B"])
def test_any_server_can_be_asked(started: Pair, asked: str, group: str) -> None:
    """A request reaches the server that can carry it out, and its answer comes back."""
    assert started.ask(asked, "group.stop", group=group).result == {"state": "inactive"}
    assert started.ask(asked, "group.start", group=group).ok
    target = S2 if group == "A" else S1
    assert started.ask(asked, "group.move", group=group).result["server"] == target
    assert started.places(asked)[group] == target


REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    ("group.start", {"group": "A"}, "it is active on server1", "twinset group move A"),
    ("group.start", {"group": "nobody"}, "no failover group 'nobody'", "twinset group list"),
    ("group.move", {"group": "A", "server": "server3"}, "'server3' is no server", "twinset cluster status"),
    ("mirror.create", {"set": "set9"}, "no mirror set 'set9'", "twinset mirror status"),
    ("mirror.create", {"set": "set1"}, "its group A is in operation", "twinset group stop A"),
    ("server.shutdown", {"server": "x"}, "'x' is no server", "twinset cluster status"),
    ("format.disks", {}, "unknown request 'format.disks'", ""),
]


@pytest.mark.parametrize(("verb", "args", "message", "help_"), REFUSALS)
def test_a_refusal_says_what_why_and_what_helps(
    started: Pair, verb: str, args: dict[str, Any], message: str, help_: str
) -> None:
    """Every refusal names the state that forbids it and the command that would help."""
    answer = started.ask(S1, verb, **args)
    assert not answer.ok
    assert message in answer.error["message"]
    assert answer.error["help"] == help_
    assert set(answer.error) == {"code", "message", "clause", "help"}


STOPPED: list[tuple[str, dict[str, Any], str]] = [
    ("group.start", {"group": "A"}, "twinset cluster start"),
    ("group.stop", {"group": "A"}, "twinset cluster start"),
    ("group.move", {"group": "A"}, "twinset cluster start"),
    ("server.return", {"server": S1}, "twinset cluster start"),
]


@pytest.mark.parametrize(("verb", "args", "help_"), STOPPED)
def test_a_stopped_cluster_says_how_to_start_it(
    pair: Pair, verb: str, args: dict[str, Any], help_: str
) -> None:
    """With status X nothing is done, and the refusal names cluster start."""
    answer = pair.ask(S1, verb, **args)
    assert answer.error["help"] == help_
    assert "X (stopped by cluster shutdown)" in answer.error["message"]


def test_an_isolated_server_says_how_to_return(started: Pair) -> None:
    """On an Od server group commands and cluster start are refused with server return as help."""
    started.power_off(S1)
    started.power_on(S1)
    started.run(8_000)
    for verb, args in (("group.start", {"group": "A"}), ("cluster.start", {})):
        answer = started.ask(S1, verb, **args)
        assert answer.error["help"] == "twinset server return server1"
        assert "Od (restarted after down, isolated)" in answer.error["message"]


def test_a_group_is_not_moved_to_a_server_that_is_down(started: Pair) -> None:
    """A server that is not O is never a destination [6.2.5-02]."""
    started.power_off(S2)
    started.run(62_000)
    answer = started.ask(S1, "group.move", group="A")
    assert "server2 is Xd (down)" in answer.error["message"]
    assert answer.error["clause"] == "6.2.5-02"


def test_asking_again_for_what_is_so_is_no_error(started: Pair) -> None:
    """Starting what operates, returning what has returned, stopping what is stopped: done already."""
    assert started.ask(S1, "cluster.start").result["already"]
    assert started.ask(S1, "server.return").result["already"]
    assert started.ask(S1, "group.move", group="A", server=S1).result["already"]
    started.ask(S1, "group.stop", group="A")
    assert started.ask(S2, "group.stop", group="A").result["already"]


def test_a_lost_peer_ends_forwarded_requests(started: Pair) -> None:
    """When the peer goes down before it answered, the operator is told so, once."""
    started.held.add("script")
    number = started.request(S1, "group.move", group="B")
    assert number not in started.replies
    started.power_off(S2)
    started.run(62_000)
    assert "before it answered" in started.replies[number].error["message"]


def test_a_broken_connection_ends_forwarded_requests(started: Pair) -> None:
    """When the control connection breaks, the outcome is unknown and the refusal says where to look."""
    started.held.add("script")
    number = started.request(S1, "group.stop", group="B")
    started.queue.append((S1, events.PeerUnreachable()))
    started.settle()
    assert started.replies[number].error["help"] == "twinset cluster status"
    started.release()
    started.run(3_000)
    assert started.places(S1)["B"] is None


def test_a_broken_connection_ends_steps_that_were_asked_of_the_peer(started: Pair) -> None:
    """A creation or resolution whose step the peer may never have heard of is not waited for."""
    told: list[tuple[bool, str]] = []
    started.clusters[S1].creations[99] = lambda ok, reason: told.append((ok, reason))
    started.queue.append((S1, events.PeerUnreachable()))
    started.settle()
    assert told == [(False, "the control connection to the other server was lost")]
    assert not started.clusters[S1].creations


def test_a_start_that_fails_says_which_resource(started: Pair) -> None:
    """The answer to a start names the resource, its reason and the class of the error; it is rolled back."""
    started.ask(S1, "group.stop", group="A")
    started.failing[S1, "floating_ip", "start"] = "the address is in use"
    started.codes[S1, "floating_ip", "start"] = "E_DUP"
    answer = started.ask(S2, "group.start", group="A")
    assert answer.error["code"] == "E_DUP"
    assert "floating_ip 0: the address is in use" in answer.error["message"]
    assert started.status(S2)["groups"]["A"]["state"] == "start_failed"
    started.failing.clear()
    assert started.ask(S2, "group.start", group="A").ok


def test_a_stop_that_fails_keeps_the_group_here(started: Pair) -> None:
    """A group that cannot be stopped is not started elsewhere; another stop tries again [5.2.3-03]."""
    started.failing[S1, "mirror_disk", "stop"] = "the file system is busy"
    answer = started.ask(S1, "group.move", group="A")
    assert "the file system is busy" in answer.error["message"]
    assert started.steps(S2, "A") == []
    assert started.status(S2)["groups"]["A"]["state"] == "stop_failed"
    started.failing.clear()
    assert started.ask(S1, "group.stop", group="A").ok
    assert not started.clusters[S1].records["A"].wanted, (
        "it was stopped by an operator: nothing starts it again"
    )
    started.power_off(S1)
    started.run(62_000)
    assert started.steps(S2, "A") == []


def test_a_move_survives_the_loss_of_its_destination(started: Pair) -> None:
    """When the destination is lost while the group stops, the group starts again where it was."""
    started.held.add("script")
    number = started.request(S1, "group.move", group="A")
    started.power_off(S2)
    started.run(62_000)
    started.release()
    started.run(2_000)
    assert started.places(S1)["A"] == S1
    assert not started.replies[number].ok


def test_server_return_on_a_stopped_cluster_needs_a_start(started: Pair) -> None:
    """With both servers isolated there is nothing to return to; cluster start helps [8.7-05]."""
    for name in (S1, S2):
        started.power_off(name)
        started.power_on(name)
    started.run(8_000)
    assert started.servers(S1) == ("Od", "Od")
    answer = started.ask(S1, "server.return")
    assert answer.error["help"] == "twinset cluster start"
    assert started.ask(S2, "cluster.start").ok
    assert started.servers(S1) == ("O", "O")


def test_status_has_the_documented_shape(started: Pair) -> None:
    """The status names every server, group and set with the fields that the command line prints."""
    status = started.status(S1)
    assert status["servers"][S1] == {"status": "O", "word": "operating normally", "silent_s": 0}
    assert status["groups"]["A"] == {
        "state": "active",
        "server": S1,
        "disk_failure": False,
        "reason": "",
        "virtual_computer_names": {},
    }
    fields = {"state", "active_server", "latest", "dirty_bytes", "size_bytes", "copy", "copied_bytes_last"}
    assert fields | {"copy_mode_last", "redundant"} <= set(status["mirror_sets"]["set1"])
    assert started.ask(S1, "mirror.status", set="SET1").result.keys() == {"set1"}
