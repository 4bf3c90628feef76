"""Two cores against crashes, reboots, pauses, cuts and each other's verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from twinset.cluster import effects, events
from twinset.cluster.view import GroupView, Resource

from .conftest import TIMING, Pair, make_view

S1, S2 = "server1", "server2"


def leases(pair: Pair, name: str) -> list[int]:
    return [e.until_ms for server, e in pair.done if server == name and isinstance(e, effects.GrantLease)]


def test_a_reboot_faster_than_the_time_out_is_a_crash(started: Pair) -> None:
    """A new boot id means that the server went down at once: failover within seconds, and it is Od (R12)."""
    started.power_off(S1)
    started.power_on(S1)
    started.run(7_000)
    assert started.servers(S2) == ("Od", "O")
    assert started.places(S2) == {"A": S2, "B": S2}


def test_a_restart_of_twinsetd_is_no_crash(started: Pair) -> None:
    """A new twinsetd in the same boot takes over what runs; nothing fails over, nothing is started again."""
    started.start_daemon(S1)
    started.done.clear()
    started.run(20_000)
    assert started.servers(S2) == ("O", "O")
    assert started.places(S2) == {"A": S1, "B": S2}
    assert started.steps(S1, "A") == started.steps(S2, "A") == []


def test_a_new_twinsetd_grants_no_lease_before_it_heard_the_peer(started: Pair) -> None:
    """While the peer counts as a member and is not heard, a new twinsetd grants nothing (R13)."""
    started.mute.add(S2)
    started.start_daemon(S1)
    started.done.clear()
    started.run(25_000)
    assert leases(started, S1) == []


def test_a_lease_rests_on_what_the_peer_echoed(started: Pair) -> None:
    """A lease ends L after the sending of the newest echoed heartbeat; a one-way cut ends it (R13)."""
    started.mute.add(S1)
    cut_ms = started.now_ms
    started.done.clear()
    started.run(50_000)
    assert all(until_ms <= cut_ms + TIMING.lease_ms for until_ms in leases(started, S1))


def test_a_lone_member_renews_its_lease(started: Pair) -> None:
    """With the peer declared down nobody can take over, so the lease follows the own clock."""
    started.power_off(S2)
    started.run(62_000)
    started.done.clear()
    started.run(30_000)
    granted = leases(started, S1)
    assert granted == sorted(granted)
    assert granted[-1] > started.now_ms


def test_a_one_way_cut_ends_in_one_operating_server(started: Pair) -> None:
    """The server that is not heard hears that it was declared down: it stops everything and is isolated."""
    started.mute.add(S1)
    started.run(75_000)
    assert started.servers(S1)[0] == "Od"
    assert started.places(S2) == {"A": S2, "B": S2}
    assert ("script", "stop", "START") in started.steps(S1, "A")
    assert "declared_down" in started.logged(S1)
    assert ("set1", {"revoke": True}) in started.commands(S1, "deactivate")
    assert {name for name, _ in started.commands(S1, "mark_stale")} == {"set1", "set2"}


def test_a_server_that_stood_still_does_not_take_over(started: Pair) -> None:
    """After a long pause silence proves nothing: the peer may have gone on alone and died since."""
    del started.clusters[S2]
    started.now_ms += 600_000
    for _ in range(200):
        started.now_ms += TIMING.tick_ms
        started.queue.append((S1, events.Tick(started.now_ms)))
        started.settle()
    assert "in_doubt" in started.logged(S1)
    assert started.clusters[S1].status == "Od"
    assert started.steps(S1, "B") == []


def test_what_a_silent_peer_told_is_shown_with_its_age(started: Pair) -> None:
    """An isolated server cannot know what a dead peer runs: it shows what is known, and how old that is."""
    status = started.status(S1)
    assert [row["silent_s"] for row in status["servers"].values()] == [0, 0]
    assert status["groups"]["B"]["reason"] == ""
    test_a_server_that_stood_still_does_not_take_over(started)
    status = started.status(S1)
    assert status["servers"][S2]["silent_s"] >= 60
    row = status["groups"]["B"]
    assert (row["state"], row["server"]) == ("active", S2)
    assert f"what {S2} told {status['servers'][S2]['silent_s']} s ago" in row["reason"]


def test_a_short_pause_is_no_reason_for_doubt(started: Pair) -> None:
    """A pause shorter than the peer's time-outs leaves the server its judgement."""
    started.now_ms += 20_000
    started.run(2_000)
    started.power_off(S2)
    started.run(65_000)
    assert started.places(S1) == {"A": S1, "B": S1}


def test_the_takeover_waits_for_the_session_to_end(started: Pair) -> None:
    """A group of a silent peer is not activated while its mirror session lives (R13)."""
    del started.clusters[S2]
    started.run(90_000)
    assert ("set2", {"peer": "down"}) not in started.commands(S1, "activate")
    started.mirror(S1, "set2", session="none")
    started.run(1_000)
    assert ("set2", {"peer": "down"}) in started.commands(S1, "activate")


def test_a_total_partition_is_settled_by_both(started: Pair) -> None:
    """Both run both groups; when they hear each other again both log it, stop, and stay operating."""
    started.mute.update((S1, S2))
    for name in (S1, S2):
        for mirror_set in ("set1", "set2"):
            started.mirror(name, mirror_set, session="none")
    started.run(75_000)
    assert started.clusters[S1].runs["B"].state == started.clusters[S2].runs["A"].state == "active"
    started.mute.clear()
    started.run(10_000)
    for name in (S1, S2):
        assert started.logged(name).count("double_activation") == 2
        assert started.places(name) == {"A": None, "B": None}
        assert started.servers(name) == ("O", "O")
    reason = started.status(S1)["groups"]["A"]["reason"]
    assert "2.2.1-11" in reason


def test_a_settled_partition_leaves_no_verdict_behind(started: Pair) -> None:
    """Long after, at a cluster shutdown, nobody hears that it is down: both stop, nobody is isolated or STALE."""
    started.mute.update((S1, S2))
    started.mirrors(session="none")
    started.run(75_000)
    started.mute.clear()
    started.mirrors()
    started.run(30_000)
    started.held.add("close")
    started.request(S1, "cluster.stop")
    started.run(3_000)
    slow = [each for each in started.kept if each[0] == S2]  # server 2 closes its sets a little later
    started.kept = [each for each in started.kept if each[0] == S1]
    started.release()
    started.run(3_000)
    started.queue.extend(slow)
    started.run(3_000)
    for name in (S1, S2):
        assert "declared_down" not in started.logged(name)
        assert started.servers(name) == ("X", "X")


def test_a_group_that_ran_on_both_does_not_fail_over(started: Pair) -> None:
    """A side that has just learned that it is DIVERGED is no reason to move what both servers have to stop."""
    started.mute.update((S1, S2))
    started.mirror(S1, "set1", state="SOLO", session="none")
    started.mirror(S2, "set1", state="SOLO", session="none")
    started.run(75_000)
    started.mirror(S1, "set1", state="DIVERGED", set_state="DIVERGED", session="connected", latest=None)
    started.mute.clear()
    started.run(10_000)
    assert started.logged(S1).count("double_activation") == 2
    assert "group_moving" not in started.logged(S1)
    assert started.places(S1)["A"] is started.places(S2)["A"] is None


def test_a_preferred_survivor_keeps_its_groups() -> None:
    """Of what ran on both only the other server stops what has no mirror disk; what has one stops on both, and does not
    move to the other server without its disk: it waits for an operator (2.2.1-11).
    """
    web = GroupView("W", (S1, S2), resources=(Resource("floating_ip", 0),))
    pair = Pair(make_view(preferred_survivor=S2, groups=(*make_view().groups, web)))
    pair.run(4_000)
    pair.ask(S1, "cluster.start")
    pair.mute.update((S1, S2))
    pair.mirrors(session="none")
    pair.run(75_000)
    pair.mute.clear()
    pair.mirrors(
        state="DIVERGED", set_state="DIVERGED", latest=False, may_activate={"ok": False, "reason": "DIVERGED"}
    )
    pair.run(10_000)
    assert pair.places(S1) == pair.places(S2) == {"A": None, "B": None, "W": S2}
    words = [pair.status(name)["groups"]["A"]["reason"] for name in (S1, S2)]
    assert all("both servers" in text for text in words)


def test_after_a_partition_who_ran_nothing_is_isolated() -> None:
    """When only one server runs groups, the other one is the one that was down."""
    pair = Pair(make_view(groups=make_view().groups[:1]))
    pair.run(4_000)
    pair.ask(S1, "cluster.start")
    pair.mute.update((S1, S2))
    pair.run(75_000)  # the session lives, so server 2 could not take A over
    assert pair.ask(S2, "group.stop", group="A").ok
    pair.mute.clear()
    pair.run(10_000)
    assert pair.servers(S1) == pair.servers(S2) == ("O", "Od")
    assert pair.places(S2) == {"A": S1}


def test_automatic_return_needs_nobody() -> None:
    """With auto_return a server that comes back returns by itself [6.2.5-07]."""
    pair = Pair(make_view(auto_return=True))
    pair.run(4_000)
    pair.ask(S1, "cluster.start")
    pair.power_off(S2)
    pair.power_on(S2)
    pair.run(15_000)
    assert pair.servers(S1) == ("O", "O")


def test_power_on_after_a_shutdown_is_a_startup(started: Pair) -> None:
    """Both servers are switched on after a cluster shutdown: the cluster starts by itself [6.2.5-11]."""
    started.ask(S1, "cluster.stop")
    for name in (S1, S2):
        started.power_off(name)
        started.power_on(name)
    started.mirrors()
    started.run(10_000)
    assert started.servers(S1) == ("O", "O")
    assert started.places(S2) == {"A": S1, "B": S2}


def test_servers_with_different_configurations_form_no_cluster() -> None:
    """A difference of the configurations is logged and keeps the cluster from starting."""
    pair = Pair(make_view())
    other = replace(pair.view, digest="f" * 16)
    pair.clusters[S2].view = pair.clusters[S2].book.view = other
    pair.run(TIMING.timeout_ms + 4_000)
    answer = pair.ask(S1, "cluster.start")
    assert not answer.ok
    assert "different configurations" in answer.error["message"]
    assert "configuration_differs" in pair.logged(S1)


@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_a_lost_state_message_is_made_good(started: Pair, lost: int) -> None:
    """Whatever message of a move is lost, the group is active on exactly one server in the end."""
    number = started.request(S1, "group.move", group="A") if lost == 0 else 0
    started.mute.update((S1, S2))
    number = number or started.request(S1, "group.move", group="A")
    for _ in range(lost):
        started.run(TIMING.tick_ms)
    started.mute.clear()
    started.run(10_000)
    assert started.places(S1) == {"A": S2, "B": S2}
    assert started.replies[number].ok


def test_malformed_messages_are_logged_and_dropped(started: Pair) -> None:
    """Nothing the peer sends can end the daemon; what cannot be read is logged."""
    cluster = started.clusters[S1]
    head = {"boot": cluster.book.peer_boot, "run": cluster.book.peer_run, "to": cluster.book.incarnation}
    for body in (
        {"kind": "state"},
        {"kind": "nonsense"},
        {"kind": "create", "number": "x"},
        {"kind": "reply"},
    ):
        started.queue.append((S1, events.PeerMessage({**head, "seq": 10**9, **body})))
    started.queue.append((S1, events.PeerMessage({**head, "kind": "state"})))
    started.queue.append((S1, events.PeerMessage({})))
    started.settle()
    assert started.logged(S1).count("message_refused") == 5
    assert started.ask(S1, "cluster.status").ok


def test_a_server_that_slept_through_its_peers_end_does_not_take_over(started: Pair) -> None:
    """The peer declared it down, went on alone and was stopped or restarted: it stops and is isolated."""
    for end in ("stop", "reboot"):
        pair = Pair(started.view)
        pair.run(4_000)
        pair.ask(S1, "cluster.start")
        asleep = pair.clusters.pop(S2)
        pair.mirrors(session="none")
        pair.run(62_000)
        assert pair.places(S1) == {"A": S1, "B": S1}
        if end == "stop":
            pair.ask(S1, "cluster.stop")
        else:
            pair.power_off(S1)
            pair.power_on(S1, session="none")
        pair.done.clear()
        pair.clusters[S2] = asleep
        pair.run(10_000)
        assert pair.clusters[S2].status == "Od"
        assert "declared_down" in pair.logged(S2)
        assert [step for step in pair.steps(S2, "A") if step[1] == "start"] == []
