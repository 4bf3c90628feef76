"""The guide's failover-policy example, arrow by arrow [6.2.5]."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Pair, disk_group, make_view

S1, S2 = "server1", "server2"


def crash(pair: Pair, name: str) -> None:
    pair.power_off(name)
    pair.run(62_000)


def back(pair: Pair, name: str, **status: Any) -> None:
    """Switch a server on again; its side is stale until the rebuild."""
    pair.power_on(name, **status)
    pair.run(6_000)


def returned(pair: Pair, name: str) -> None:
    """Restore to the cluster, with the rebuild still running."""
    assert pair.ask(pair.view.peer_of(name), "server.return", server=name).ok
    pair.run(4_000)


def test_arrow_1_startup_places_each_group_on_its_first_server(pair: Pair) -> None:
    """Both become O; A starts on server 1 and B on server 2, with START and HOME [6.2.5-11]."""
    assert pair.servers(S1) == ("X", "X")
    assert pair.ask(S2, "cluster.start").ok
    pair.run(4_000)
    assert pair.servers(S2) == ("O", "O")
    assert pair.places(S1) == {"A": S1, "B": S2}
    for server, group in ((S1, "A"), (S2, "B")):
        (environment,) = pair.scripts(server, group)
        assert (environment["ARMS_EVENT"], environment["ARMS_SERVER"]) == ("START", "HOME")


def test_arrow_2_shutdown_stops_everything_and_fails_nothing_over(started: Pair) -> None:
    """Both become X, groups stop with their stop scripts, nothing starts elsewhere [6.2.5-12]."""
    assert started.ask(S1, "cluster.stop").ok
    assert started.servers(S2) == ("X", "X")
    started.run(120_000)
    assert started.places(S1) == {"A": None, "B": None}
    assert started.scripts(S1, "B") == started.scripts(S2, "A") == []
    assert ("script", "stop", "START") in started.steps(S1, "A")


def test_arrow_3_a_crash_fails_its_groups_over(started: Pair) -> None:
    """A fails over to server 2 with FAILOVER and OTHER; B is undisturbed [6.2.5-13]."""
    crash(started, S1)
    assert started.servers(S2) == ("Xd", "O")
    assert started.places(S2) == {"A": S2, "B": S2}
    (environment,) = started.scripts(S2, "A")
    assert (environment["ARMS_EVENT"], environment["ARMS_SERVER"]) == ("FAILOVER", "OTHER")
    assert started.steps(S2, "B") == []
    assert ("set1", {"peer": "down"}) in started.commands(S2, "activate")


def test_arrow_4_a_restarted_server_is_isolated(started: Pair) -> None:
    """Server 1 becomes Od; nothing starts there and nothing moves [6.2.5-14]."""
    crash(started, S1)
    started.done.clear()
    back(started, S1)
    assert started.servers(S1) == started.servers(S2) == ("Od", "O")
    assert started.places(S1) == {"A": S2, "B": S2}
    assert started.steps(S1, "A") == started.steps(S2, "A") == []


def test_arrow_5_restoring_rebuilds_and_leaves_the_group(started: Pair) -> None:
    """Server 1 becomes O, mirrors are rebuilt, A stays on server 2, RECOVER runs on server 1 [6.2.5-15]."""
    crash(started, S1)
    back(started, S1)
    started.done.clear()
    returned(started, S1)
    assert started.servers(S1) == started.servers(S2) == ("O", "O")
    assert started.places(S1) == {"A": S2, "B": S2}
    assert {name for name, _ in started.commands(S1, "rebuild")} == {"set1", "set2"}
    assert {name for name, _ in started.commands(S2, "rebuild")} == {"set1", "set2"}
    assert [environment["ARMS_EVENT"] for environment in started.scripts(S1, "A")] == ["RECOVER"]


def test_arrow_6_offline_failback(started: Pair) -> None:
    """After a cluster shutdown and startup A is on server 1 again [6.2.3-05, 6.2.5-16]."""
    crash(started, S1)
    back(started, S1)
    returned(started, S1)
    started.mirrors()
    assert started.ask(S2, "cluster.stop").ok
    assert started.ask(S1, "cluster.start").ok
    started.run(4_000)
    assert started.places(S2) == {"A": S1, "B": S2}


def test_arrow_7_an_operator_moves_the_group_home(started: Pair) -> None:
    """A is stopped on server 2 and started on server 1 with START and HOME [6.2.5-17]."""
    crash(started, S1)
    back(started, S1)
    returned(started, S1)
    started.mirrors()
    started.done.clear()
    assert started.ask(S1, "group.move", group="A").result["server"] == S1
    assert started.places(S2) == {"A": S1, "B": S2}
    (environment,) = started.scripts(S1, "A")
    assert (environment["ARMS_EVENT"], environment["ARMS_SERVER"]) == ("START", "HOME")


def test_arrow_8_the_other_server_crashes(started: Pair) -> None:
    """B fails over to server 1, its priority 2; A is undisturbed [6.2.5-18]."""
    crash(started, S2)
    assert started.places(S1) == {"A": S1, "B": S1}
    (environment,) = started.scripts(S1, "B")
    assert (environment["ARMS_EVENT"], environment["ARMS_SERVER"]) == ("FAILOVER", "OTHER")


def test_arrow_9_both_groups_leave_a_crashed_server(started: Pair) -> None:
    """From P4 both groups start on server 1, A at HOME and B at OTHER [6.2.5-19]."""
    crash(started, S1)
    back(started, S1)
    returned(started, S1)
    started.mirrors()
    started.done.clear()
    crash(started, S2)
    assert started.places(S1) == {"A": S1, "B": S1}
    assert [env["ARMS_SERVER"] for env in started.scripts(S1, "A")] == ["HOME"]
    assert [env["ARMS_SERVER"] for env in started.scripts(S1, "B")] == ["OTHER"]


def test_arrow_9_in_the_rebuild_window_shows_the_disk_failure(started: Pair) -> None:
    """With the rebuild unfinished scripts run with ARMS_DISK=FAILURE and the status says why [4.5.2-01]."""
    crash(started, S1)
    back(started, S1)
    returned(started, S1)
    for name in ("set1", "set2"):
        started.failing[S1, "activate", name] = "a rebuild of this side has not ended"
    started.done.clear()
    crash(started, S2)
    row = started.status(S1)["groups"]["A"]
    assert (row["state"], row["disk_failure"]) == ("active", True)
    assert "a rebuild of this side has not ended" in row["reason"]
    assert [environment["ARMS_DISK"] for environment in started.scripts(S1, "A")] == ["FAILURE"]


def test_the_last_server_goes_down(started: Pair) -> None:
    """Server 2 crashes while server 1 is isolated: no group runs anywhere [6.2.5-02]."""
    crash(started, S1)
    back(started, S1)
    crash(started, S2)
    assert started.places(S1) == {"A": None, "B": None}
    assert started.servers(S1) == ("Od", "Xd")


@pytest.mark.parametrize("manual", [True, False])
def test_a_manual_group_waits_for_its_user(manual: bool) -> None:
    """A manual group stays inactive at startup and starts when asked [6.2.2-03]."""
    pair = Pair(make_view(groups=(disk_group("A", (S1, S2), "set1", automatic=not manual),)))
    pair.run(4_000)
    pair.ask(S1, "cluster.start")
    assert pair.places(S1) == {"A": None if manual else S1}
    if manual:
        assert pair.ask(S2, "group.start", group="a").result["server"] == S1
        assert pair.places(S2) == {"A": S1}


def test_failback_goes_home_when_the_mirror_is_normal() -> None:
    """With failback YES the group waits on server 2 for the rebuild, then starts on server 1 [6.2.4-02]."""
    groups = (disk_group("A", (S1, S2), "set1", failback=True), disk_group("B", (S2, S1), "set2"))
    pair = Pair(make_view(groups=groups))
    pair.run(4_000)
    pair.ask(S1, "cluster.start")
    crash(pair, S1)
    back(pair, S1, state="INCONSISTENT", set_state="RECONSTRUCTING", session="copying")
    returned(pair, S1)
    pair.mirrors(set_state="RECONSTRUCTING", session="copying")
    pair.run(30_000)
    assert pair.places(S1) == {"A": S2, "B": S2}
    pair.mirrors()
    pair.run(2_000)
    assert pair.places(S1) == {"A": S1, "B": S2}
    assert pair.ask(S1, "group.move", group="A", server=S2).ok
    pair.run(60_000)
    assert pair.places(S1) == {"A": S2, "B": S2}


def test_exclusive_stays_down_where_another_group_runs() -> None:
    """An exclusive group does not fail over to a server that runs a group; the status says why [6.2.3-06]."""
    groups = (disk_group("A", (S1, S2), "set1", exclusive=True), disk_group("B", (S2, S1), "set2"))
    pair = Pair(make_view(groups=groups))
    pair.run(4_000)
    pair.ask(S1, "cluster.start")
    crash(pair, S1)
    assert pair.places(S2) == {"A": None, "B": S2}
    assert "6.2.3-02" in pair.status(S2)["groups"]["A"]["reason"]


def test_shutdown_of_one_server_fails_its_groups_over(started: Pair) -> None:
    """A server shut down alone shows as Xd; its groups fail over without waiting for a time-out [6.3-02]."""
    assert started.ask(S2, "server.shutdown", server=S1).ok
    started.run(6_000)
    assert S1 not in started.clusters
    assert started.servers(S2) == ("Xd", "O")
    assert started.places(S2) == {"A": S2, "B": S2}
    assert [environment["ARMS_EVENT"] for environment in started.scripts(S2, "A")] == ["FAILOVER"]
    back(started, S1)
    assert started.servers(S2) == ("Od", "O")


def test_an_isolated_server_that_is_lost_again_is_down(started: Pair) -> None:
    """Od until it is silent for the whole time-out, then Xd, and Od again when it is heard; nothing moves meanwhile."""
    crash(started, S1)
    back(started, S1)
    assert started.servers(S2) == ("Od", "O")
    before = started.places(S2)
    crash(started, S1)
    assert started.servers(S2) == ("Xd", "O")
    assert started.places(S2) == before
    back(started, S1)
    assert started.servers(S2) == ("Od", "O")
    returned(started, S1)
    assert started.servers(S2) == ("O", "O")
