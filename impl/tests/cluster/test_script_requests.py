"""What scripts ask of the cluster: fail over, run the scripts again, say something, look at the public LAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from twinset.cluster import effects, events
from twinset.cluster.groups import GroupRun, Wish

from .conftest import Pair, make_view
from .conftest import disk_group as group_view

if TYPE_CHECKING:
    from collections.abc import Iterator

S1, S2 = "server1", "server2"


def test_a_group_fails_over_where_it_runs(started: Pair) -> None:
    """Accepted at once; the group stops here and starts on the other server with FAILOVER (4.5.2-17)."""
    started.held.add("script")
    number = started.request(S1, "group.failover", group="a", reason="test")
    assert started.replies[number].result == {"group": "A", "server": S2, "waits": False}
    started.release()
    started.run(6_000)
    assert started.places(S1)["A"] == S2
    assert started.scripts(S2, "A")[-1]["ARMS_EVENT"] == "FAILOVER"


def test_a_starting_group_fails_over_when_it_has_started(started: Pair) -> None:
    """A start script may ask: it is not aborted, and the group goes when the script has ended (4.5.2-14)."""
    started.ask(S1, "group.stop", group="A")
    started.held.add("script")
    start = started.request(S1, "group.start", group="A")
    number = started.request(S1, "group.failover", group="A")
    assert started.replies[number].result["waits"]
    started.run(3_000)
    assert ("script", "abort", "") not in started.steps(S1, "A")
    started.release()
    started.run(6_000)
    assert started.places(S1)["A"] == S2
    assert start in started.replies


def test_a_start_that_fails_forgets_the_wish(started: Pair) -> None:
    """The group did not come up: it is not moved, and a later start begins without the old wish."""
    started.ask(S1, "group.stop", group="A")
    started.held.add("floating_ip")
    started.failing[S1, "floating_ip", "start"] = "in use"
    started.request(S1, "group.start", group="A")
    started.request(S1, "group.failover", group="A")
    started.release()
    started.run(3_000)
    assert started.status(S1)["groups"]["A"]["state"] == "start_failed"
    started.failing.clear()
    started.ask(S1, "group.start", group="A")
    started.run(6_000)
    assert started.places(S1)["A"] == S1


def test_a_lost_destination_leaves_the_group_and_is_told(started: Pair) -> None:
    """Accepted while it started, but the other server went down meanwhile: it stays, with an event."""
    started.ask(S1, "group.stop", group="A")
    started.held.add("script")
    started.request(S1, "group.start", group="A")
    started.request(S1, "group.failover", group="A")
    started.power_off(S2)
    started.run(62_000)
    started.release()
    started.run(3_000)
    assert started.places(S1)["A"] == S1
    assert "group_not_failed_over" in started.logged(S1)


def bad_mirror(pair: Pair) -> None:
    pair.mirror(S2, "set1", may_activate={"ok": False, "reason": "stale"})
    pair.settle()


REFUSALS: list[tuple[Any, str, dict[str, Any], str, str]] = [
    (None, S1, {"group": "nobody"}, "E_NOTFOUND", "no failover group 'nobody'"),
    (None, S2, {"group": "A"}, "E_STATE", "it is inactive on server2, not active"),
    (None, S1, {"group": "A", "server": "server9"}, "E_NOTFOUND", "'server9' is no server"),
    (None, S1, {"group": "A", "server": S1}, "E_STATE", "it runs on server1 already"),
    (
        lambda pair: pair.ask(S1, "server.shutdown", server=S2),
        S1,
        {"group": "A"},
        "E_STATE",
        "does not operate",
    ),
    (bad_mirror, S1, {"group": "A"}, "E_STATE", "mirror set set1 cannot be used on server2"),
]


@pytest.mark.parametrize(("before", "asked", "args", "code", "message"), REFUSALS)
def test_a_refused_failover_says_why(
    started: Pair, before: Any, asked: str, args: dict[str, Any], code: str, message: str
) -> None:
    """Unknown group, not active on this server, nowhere to go: the class, the reason, and the group stays."""
    if before is not None:
        before(started)
        started.run(6_000)
    answer = started.ask(asked, "group.failover", **args)
    assert answer.error["code"] == code
    assert message in answer.error["message"]
    started.run(3_000)
    assert started.places(S1)["A"] == S1


@pytest.fixture(params=[{"policy": (S1,)}, {"policy": (S1, S2), "exclusive": True}])
def bound(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Group A may not go to server 2: by its policy, or because it is Exclusive and B runs there."""
    options = dict(request.param)
    groups = (group_view("A", options.pop("policy"), "set1", **options), group_view("B", (S2, S1), "set2"))
    pair = Pair(make_view(groups=groups))
    pair.run(4_000)
    assert pair.ask(S1, "cluster.start").ok
    pair.run(4_000)
    yield pair


def test_policy_and_exclusive_forbid_a_failover(bound: Pair) -> None:
    """A server outside the policy, or one that runs a group while this one is Exclusive, gets nothing (6.2.3)."""
    answer = bound.ask(S1, "group.failover", group="A")
    assert answer.error["clause"] == "6.2.5-02"
    assert "policy" in answer.error["message"] or "Exclusive" in answer.error["message"]


def test_scripts_run_again_and_nothing_else(started: Pair) -> None:
    """Stop script, then start script, on the same server; disk and address stay up (6.3-14)."""
    answer = started.ask(S1, "group.restart_scripts", group="A", reason="watch W1")
    assert answer.result == {"server": S1}
    assert started.steps(S1, "A") == [("script", "stop", "START"), ("script", "start", "START")]
    assert started.status(S1)["groups"]["A"]["state"] == "active"
    assert "group_scripts_again" in started.logged(S1)


def test_the_group_can_be_stopped_after_its_scripts_ran_again(started: Pair) -> None:
    """A later stop still takes everything down, each resource once."""
    started.ask(S1, "group.restart_scripts", group="A")
    started.done.clear()
    started.ask(S1, "group.stop", group="A")
    assert [kind for kind, _, _ in started.steps(S1, "A")] == ["script", "floating_ip", "mirror_disk"]


def test_a_stop_interrupts_the_scripts(started: Pair) -> None:
    """Asked to stop in the middle: the stop wins and takes everything down; the restart is answered with that."""
    started.held.add("script")
    number = started.request(S1, "group.restart_scripts", group="A")
    started.request(S1, "group.stop", group="A")
    started.release()
    started.run(6_000)
    assert started.status(S1)["groups"]["A"]["state"] == "inactive"
    assert ("mirror_disk", "stop", "START") in started.steps(S1, "A")
    assert "it is" in started.replies[number].error["message"]


def test_scripts_that_fail_again_take_the_group_down(started: Pair) -> None:
    """A start script that cannot be run is a failed start: everything is rolled back, the reason stays."""
    started.failing[S1, "script", "start"] = "no executable file"
    answer = started.ask(S1, "group.restart_scripts", group="A")
    assert "start_failed" in answer.error["message"]
    assert started.status(S1)["groups"]["A"]["state"] == "start_failed"
    assert ("mirror_disk", "stop", "START") in started.steps(S1, "A")


def test_a_group_without_scripts_has_none_to_run() -> None:
    """The refusal says that there are no scripts."""
    group = group_view("A", (S1, S2), "set1")
    bare = type(group)(group.name, group.policy, resources=group.resources[:2])
    pair = Pair(make_view(groups=(bare,), sets=("set1",)))
    pair.run(4_000)
    pair.ask(S1, "cluster.start")
    pair.run(4_000)
    assert "it has no scripts" in pair.ask(S1, "group.restart_scripts", group="A").error["message"]


def messages(pair: Pair, name: str) -> list[dict[str, Any]]:
    return [
        dict(effect.fields)
        for server, effect in pair.done
        if server == name and isinstance(effect, effects.Log) and effect.name == "broadcast_message"
    ]


def test_a_message_is_in_both_event_logs(started: Pair) -> None:
    """Said on one server, written on both, with the server and the group it came from."""
    assert started.ask(S2, "message.broadcast", text=" hello ", group="B").result == {"told": [S2, S1]}
    wanted = [{"text": "hello", "group": "B", "said_on": S2}]
    assert messages(started, S1) == messages(started, S2) == wanted


def test_a_message_may_stay_here(started: Pair) -> None:
    """`here` keeps it on this server; without the other server it is kept here too."""
    assert started.ask(S1, "message.broadcast", text="hello", here=True).result == {"told": [S1]}
    assert messages(started, S2) == []
    started.power_off(S2)
    started.run(62_000)
    assert started.ask(S1, "message.broadcast", text="hello").result == {"told": [S1]}


@pytest.mark.parametrize("text", ["", "   ", "x" * 1001])
def test_a_message_has_a_length(started: Pair, text: str) -> None:
    """Nothing, and more than the limit, are refused."""
    assert started.ask(S1, "message.broadcast", text=text).error["code"] == "E_LENGTH"


@pytest.mark.parametrize("looked_at", [S1, S2])
@pytest.mark.parametrize("reason", ["", "no link on public"])
def test_either_server_can_be_looked_at(started: Pair, looked_at: str, reason: str) -> None:
    """The look is done on the server named, and its verdict comes back to the one that was asked (6.3-19)."""
    number = started.request(S1, "lan.probe", server=looked_at, targets=["10.0.1.254"])
    [(where, probe)] = [item for item in started.done if isinstance(item[1], effects.Probe)]
    assert (where, probe.targets) == (looked_at, ("10.0.1.254",))
    assert number not in started.replies
    started.queue.append((where, events.StepDone(probe.action_id, not reason, reason)))
    started.settle()
    assert started.replies[number].result == {"server": looked_at, "good": not reason, "reason": reason}


def test_targets_are_bounded(started: Pair) -> None:
    """More targets than a look may take are refused."""
    assert started.ask(S1, "lan.probe", targets=["t"] * 17).error["code"] == "E_LIMIT"


def test_a_shutdown_may_be_answered_when_it_begins(started: Pair) -> None:
    """ARMDOWN: at once, because the script that asks is stopped along; the groups fail over (6.3-17)."""
    started.held.add("script")
    number = started.request(S1, "server.shutdown", at_once=True, needs_peer=True, reason="test")
    assert started.replies[number].ok
    started.release()
    started.run(62_000)
    assert started.places(S2)["A"] == S2


def test_the_last_server_does_not_shut_down_by_itself(started: Pair) -> None:
    """With needs_peer and the other server away, the shutdown is refused and the groups stay."""
    started.power_off(S2)
    started.run(62_000)
    answer = started.ask(S1, "server.shutdown", at_once=True, needs_peer=True)
    assert answer.error["help"] == "ARMDOWN /F"
    assert started.places(S1)["A"] == S1


def test_a_new_start_forgets_what_was_asked_before() -> None:
    """A wish belongs to the start during which it was made."""
    run = GroupRun(group_view("A", (S1, S2), "set1"), wish=Wish("old", S2))
    run.begin_start(1, "START")
    assert run.wish is None


def test_a_share_that_is_lost_is_an_alert_on_both_servers(started: Pair) -> None:
    """ARMWHSR tells one server, and both event logs have it; back is no alert (9.2-02)."""
    told = {"share": "\\\\server2\\share2", "address": "10.0.0.2", "group": "A"}
    answer = started.ask(S1, "share.report", accessible=False, reason="no answer", **told)
    assert answer.result == {"told": [S1, S2]}
    started.ask(S2, "share.report", accessible=True, **told)
    for server in (S1, S2):
        entries = [
            (effect.name, effect.severity, effect.fields["reason"])
            for name, effect in started.done
            if name == server and isinstance(effect, effects.Log) and effect.name.startswith("share_")
        ]
        assert entries == [("share_inaccessible", "error", "no answer"), ("share_accessible", "info", "")]
    started.power_off(S2)
    started.run(80_000)
    assert started.ask(S1, "share.report", accessible=False, **told).result == {"told": [S1]}
