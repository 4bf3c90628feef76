"""The mirror processes as the cluster drives them: verdicts, STALE, closing, lone start, creation."""

from __future__ import annotations

from typing import Any

import pytest

from twinset.cluster import events

from .conftest import TIMING, Pair, disk_group, make_view

S1, S2 = "server1", "server2"
BLANK: dict[str, Any] = {
    "state": "BLANK",
    "set_state": "UNREGISTERED",
    "may_activate": {"ok": False, "reason": "blank"},
}


def alone(pair: Pair, **status: object) -> None:
    """Server 2 is switched on alone, after a shutdown; the startup wait passes."""
    pair.ask(S1, "cluster.stop")
    pair.power_off(S1)
    pair.power_off(S2)
    pair.power_on(S2, session="none", **status)
    pair.run(pair.view.timing.startup_wait_ms + 15_000)


def test_stale_is_confirmed_after_it_is_durable(started: Pair) -> None:
    """The owner's side goes solo only after the peer's mirror process has made STALE durable (R1)."""
    started.held.add("mark_stale")
    started.queue.append((S1, events.MirrorNeedsPeerStale("set1", "1")))
    started.run(2_000)
    assert ("set1", {"cur": "1"}) in started.commands(S2, "mark_stale")
    assert started.commands(S1, "peer_stale") == []
    started.release()
    assert started.commands(S1, "peer_stale") == [("set1", {"cur": "1"})]


def test_a_refused_stale_permits_nothing(started: Pair) -> None:
    """When the peer's side cannot be made stale, the own side stays where it is."""
    started.failing[S2, "mark_stale", "set1"] = "this side serves"
    started.queue.append((S1, events.MirrorNeedsPeerStale("set1", "1")))
    started.run(10_000)
    assert started.commands(S1, "peer_stale") == []
    assert "stale_refused" in started.logged(S2)


def test_only_the_owner_outdates_the_other_side(started: Pair) -> None:
    """A side whose group belongs to the other server never asks: else both could outdate each other."""
    started.queue.append((S2, events.MirrorNeedsPeerStale("set1", "1")))
    started.run(5_000)
    assert started.commands(S1, "mark_stale") == []


def test_a_lost_request_for_stale_is_repeated(started: Pair) -> None:
    """The request is repeated with every heartbeat until it is answered."""
    started.mute.update((S1, S2))
    started.queue.append((S1, events.MirrorNeedsPeerStale("set1", "1")))
    started.run(4_000)
    started.mute.clear()
    started.run(4_000)
    assert started.commands(S1, "peer_stale") == [("set1", {"cur": "1"})]


def test_exactly_one_server_may_start_alone(started: Pair) -> None:
    """At a cluster shutdown all sets are closed on both servers, and one server gets the right (R7)."""
    started.ask(S2, "cluster.stop")
    assert {args["solo_right"] for _, args in started.commands(S1, "close")} == {True}
    assert {args["solo_right"] for _, args in started.commands(S2, "close")} == {False}
    assert len(started.commands(S1, "close")) == len(started.commands(S2, "close")) == 2


@pytest.mark.parametrize(("stays", "told"), [(S1, {"down"}), (S2, set())])
def test_who_gave_the_right_away_does_not_go_on_alone(started: Pair, stays: str, told: set[str]) -> None:
    """Groups are stopped, then the other one goes: the holder of the right may have closed with it, so who has none
    closes as it is; were its sets told that the first one is down, both would start alone with different data (R7).
    """
    started.held.add("deactivate")
    started.request(S1, "cluster.stop")
    started.run(5_000)
    started.done.clear()
    started.power_off(S2 if stays == S1 else S1)
    started.release()
    started.run(2 * TIMING.timeout_ms)
    assert {args["state"] for _, args in started.commands(stays, "peer")} == told
    assert {args["solo_right"] for _, args in started.commands(stays, "close")} == {stays == S1}


def test_mirrors_close_after_all_groups_are_stopped(started: Pair) -> None:
    """No side is closed while a group is still stopping on either server."""
    started.held.add("script")
    started.request(S1, "cluster.stop")
    started.run(20_000)
    assert started.commands(S1, "close") == started.commands(S2, "close") == []
    started.release()
    started.run(5_000)
    assert started.servers(S1) == ("X", "X")


def test_a_lone_server_without_proof_starts_nothing(started: Pair) -> None:
    """Server 2 was closed without the right: alone it operates, but runs no group with a mirror (R7)."""
    alone(started, set_state="NORMAL")
    assert started.servers(S2) == ("Xd", "O")
    assert started.places(S2) == {"A": None, "B": None}
    assert "nothing proves that this side is the latest" in started.status(S2)["groups"]["B"]["reason"]
    answer = started.ask(S2, "group.start", group="B")
    assert not answer.ok
    assert "nothing proves" in answer.error["message"]


def test_a_lone_server_that_went_on_alone_before_starts(started: Pair) -> None:
    """A side whose own record says that it went on alone is the latest."""
    alone(started, state="SOLO", set_state="INCONSISTENT")
    assert started.places(S2) == {"A": S2, "B": S2}
    assert ("set2", {"peer": "down"}) in started.commands(S2, "activate")


def test_a_lone_server_with_the_right_starts(started: Pair) -> None:
    """The server that was given the right starts alone."""
    started.ask(S1, "cluster.stop")
    started.power_off(S1)
    started.power_off(S2)
    started.power_on(S1, session="none")
    started.run(started.view.timing.startup_wait_ms + 15_000)
    assert started.places(S1) == {"A": S1, "B": S1}


def test_a_restarted_mirror_process_is_told_everything(started: Pair) -> None:
    """It learns of the peer, may rebuild, has a lease, and serves its active group again."""
    started.done.clear()
    started.queue.append((S1, events.MirrordDied("set1", "killed")))
    started.queue.append((S1, events.MirrordUp("set1")))
    started.settle()
    for verb in ("peer", "rebuild", "activate"):
        assert [name for name, _ in started.commands(S1, verb)] == ["set1"]


def test_a_failed_disk_moves_its_group(started: Pair) -> None:
    """The group of a faulty disk fails over when the other side is good [8.4-01]."""
    started.mirror(S2, "set1", state="SOLO", session="connected")
    started.mirror(S1, "set1", state="FAULTY", role="active", session="connected")
    started.run(3_000)
    assert started.places(S1) == {"A": S2, "B": S2}
    assert [environment["ARMS_EVENT"] for environment in started.scripts(S2, "A")] == ["FAILOVER"]


def test_a_failed_disk_without_a_good_side_changes_nothing(started: Pair) -> None:
    """With both sides bad the group stays where it is."""
    started.mirror(S2, "set1", state="STALE", may_activate={"ok": False, "reason": "stale"})
    started.settle()
    started.mirror(S1, "set1", state="FAULTY", role="active", session="connected")
    started.run(3_000)
    assert started.places(S1) == {"A": S1, "B": S2}


def test_a_set_that_was_never_created_keeps_its_group_down() -> None:
    """The group's start fails and says which command creates the set [4.3.4.1-01]."""
    pair = Pair(make_view(groups=(disk_group("A", (S1, S2), "set1"),)))
    pair.mirrors(**BLANK)
    pair.run(4_000)
    pair.ask(S1, "cluster.start")
    row = pair.status(S1)["groups"]["A"]
    assert (row["state"], row["server"]) == ("start_failed", None)
    assert "twinset mirror create set1" in row["reason"]
    assert not pair.ask(S2, "group.start", group="A").ok
    created = pair.ask(S2, "mirror.create", set="set1")
    assert created.ok
    assert created.result["source"] == S1
    assert pair.commands(S1, "create") == [("set1", {"source": True})]
    assert pair.commands(S2, "create") == [("set1", {"source": False})]
    pair.mirrors()
    assert pair.ask(S1, "group.start", group="A").result["server"] == S1


def test_an_undecided_set_wants_a_name(started: Pair) -> None:
    """Without a named source a diverged set is not created; with it, the other side becomes the target."""
    assert started.ask(S1, "group.stop", group="A").ok
    started.mirror(S1, "set1", state="DIVERGED", set_state="DIVERGED", session="connected", latest=None)
    started.mirror(S2, "set1", state="DIVERGED", set_state="DIVERGED", session="connected", latest=None)
    started.run(1_000)
    refused = started.ask(S1, "mirror.create", set="set1")
    assert "name the server whose data is good" in refused.error["message"]
    assert started.ask(S1, "mirror.create", set="set1", source="server2").ok
    assert started.commands(S2, "create") == [("set1", {"source": True})]
    assert started.commands(S1, "create") == [("set1", {"source": False})]


def test_a_creation_waits_for_the_mirror_processes(pair: Pair) -> None:
    """Right after the startup a mirror process may not have reported: the request waits, for a bounded time."""
    pair.mirrors(**BLANK)
    pair.ask(S1, "cluster.start")
    pair.queue.append((S2, events.MirrordDied("set1", "it begins")))
    pair.run(4_000)
    asked = pair.request(S1, "mirror.create", set="set1", source=S1)
    pair.run(4_000)
    assert asked not in pair.replies
    pair.queue.append((S2, events.MirrordUp("set1")))
    pair.mirror(S2, "set1", **BLANK)
    pair.run(1_000)
    assert pair.replies[asked].ok
    pair.queue.append((S2, events.MirrordDied("set2", "it does not begin")))
    pair.run(4_000)
    asked = pair.request(S1, "mirror.create", set="set2", source=S1)
    pair.run(32_000)
    assert "its mirror process on server2 has not reported" in pair.replies[asked].error["message"]


def test_a_creation_waits_for_a_group_that_stops(started: Pair) -> None:
    """A group that is just stopping is no reason to refuse: the set is created when it has stopped."""
    for name in (S1, S2):
        started.mirror(name, "set1", state="DIVERGED", set_state="DIVERGED", session="connected", latest=None)
    started.held.add("script")
    started.request(S1, "group.stop", group="A")
    asked = started.request(S2, "mirror.create", set="set1", source=S1)
    started.run(4_000)
    assert asked not in started.replies
    started.release()
    started.run(4_000)
    assert started.replies[asked].ok


def test_a_set_in_use_is_not_created(started: Pair) -> None:
    """A set whose group is active, or that is normal, is not created anew [8.7-04]."""
    assert started.ask(S1, "mirror.create", set="set1").error["clause"] == "8.7-04"
    started.ask(S1, "group.stop", group="A")
    assert "NORMAL" in started.ask(S1, "mirror.create", set="set1").error["message"]


def test_a_forced_return_needs_no_peer(started: Pair) -> None:
    """With the other server lost for good, an operator names the side that is left [8.7-06]."""
    started.power_off(S1)
    started.power_off(S2)
    started.power_on(S2, session="none", set_state="UNDECIDED", latest=None)
    started.run(4_000)
    assert started.ask(S2, "mirror.create", set="set2", source=S2).ok
    assert started.commands(S2, "create") == [("set2", {"source": True})]
    assert "forced_return" in started.logged(S2)
    refused = started.ask(S2, "mirror.create", set="set2", source=S1)
    assert not refused.ok


def test_a_slow_mirror_process_is_waited_for() -> None:
    """A group is not started before its mirror process has reported: else a set not created looks broken."""
    pair = Pair(make_view(groups=(disk_group("A", (S1, S2), "set1"),)))
    pair.queue.clear()  # nobody has reported yet
    pair.run(4_000)
    number = pair.request(S1, "cluster.start")
    pair.run(20_000)
    assert number not in pair.replies
    for name in (S1, S2):
        for mirror_set in ("set1", "set2"):
            pair.mirror(name, mirror_set, state="BLANK", set_state="UNREGISTERED")
    pair.run(12_000)
    assert pair.replies[number].ok
    assert "has not been created" in pair.status(S1)["groups"]["A"]["reason"]


def test_a_missing_mirror_process_fails_the_disk_in_the_end(pair: Pair) -> None:
    """Without any report within the time-out the start is tried, and the scripts see the disk failure."""
    assert pair.ask(S1, "cluster.start").ok
    cluster = pair.clusters[S1]
    pair.ask(S1, "group.stop", group="A")
    cluster.mirrors["set1"].status = {}
    pair.failing[S1, "activate", "set1"] = "the mirror process does not run"
    pair.run(31_000)
    assert pair.ask(S1, "group.start", group="A").result["disk_failure"]
