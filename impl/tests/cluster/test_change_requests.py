"""May the configuration change now, and what a new core does with the memory of the one before."""

from dataclasses import replace
from typing import Any

import pytest

from twinset.cluster import associations
from twinset.cluster.server import Cluster
from twinset.cluster.view import GroupView, Resource

from .conftest import TIMING, Pair, disk_group, make_view

S1, S2 = "server1", "server2"
NOTHING: dict[str, Any] = {"live": True, "cluster": None, "groups": []}
CHANGED = make_view(
    digest="c" * 16,
    groups=(
        disk_group("A", (S1, S2), "set1", failback=True),
        disk_group("B", (S2, S1), "set2"),
        disk_group("C", (S1, S2), "set2"),
    ),
)


def take_up(pair: Pair, name: str) -> None:
    """Begin a new core of the same boot with the new view, as change_over.py does."""
    pair.boots += 1
    incarnation = f"{pair.boots:016x}"
    pair.clusters[name] = Cluster(CHANGED, name, pair.boot_ids[name], incarnation, dict(pair.memory[name]))
    for mirror_set in CHANGED.sets:
        pair.mirror(name, mirror_set)


def test_what_a_change_does_not_touch_goes_on(started: Pair) -> None:
    """Both servers take another configuration up in turn: no group stops or starts, nobody is declared down."""
    assert started.ask(S1, "change.judge", **NOTHING).ok
    for name in (S1, S2):
        take_up(started, name)
        started.run(TIMING.tick_ms)
    started.run(60_000)
    assert started.servers(S1) == started.servers(S2) == ("O", "O")
    assert {name: place for name, place in started.places(S2).items() if place} == {"A": S1, "B": S2}
    assert started.steps(S1, "A") == started.steps(S2, "B") == []
    for name in (S1, S2):
        assert not {"server_down", "declared_down", "configuration_differs"} & set(started.logged(name))
    assert started.ask(S1, "group.start", group="C").ok


def test_a_server_that_was_isolated_stays_isolated(started: Pair) -> None:
    """A change of the configuration is no reason to forget that a server went down: Od, not X."""
    started.power_off(S2)
    started.run(70_000)
    started.power_on(S2)
    started.run(10_000)
    assert started.servers(S1) == ("O", "Od")
    for name in (S1, S2):
        take_up(started, name)
    started.run(10_000)
    assert started.servers(S1) == ("O", "Od")
    assert started.servers(S2) == ("O", "Od")


@pytest.mark.parametrize(
    ("args", "clause", "help_"),
    [
        ({"live": False}, "6.2.5-12", "twinset cluster stop"),
        ({"cluster": ["timing.lease_s", "9.1-03"]}, "9.1-03", "twinset cluster stop"),
        ({"groups": [["A", "6-01"]]}, "6-01", "twinset group stop A"),
        ({"groups": [["B", "6-01"]]}, "6-01", "twinset group stop B"),  # it runs on the other server
    ],
)
def test_what_needs_a_stopped_group_or_cluster_says_so(
    started: Pair, args: dict[str, Any], clause: str, help_: str
) -> None:
    """A refusal names the clause and the command that would help."""
    answer = started.ask(S1, "change.judge", **{**NOTHING, **args})
    assert not answer.ok
    assert (answer.error["clause"], answer.error["help"]) == (clause, help_)


def test_at_rest_everything_may_change(pair: Pair) -> None:
    """X: no group runs, and mirror processes begin anew."""
    for live in (True, False):
        args = {"live": live, "cluster": ["server (order)", ""], "groups": [["A", ""]]}
        assert pair.ask(S1, "change.judge", **args).ok


def test_it_waits_for_what_is_in_motion(started: Pair) -> None:
    """A group that is starting would be interrupted: the request waits, and is accepted when it is over."""
    assert started.ask(S1, "group.stop", group="A").ok
    started.held.add("script")
    started.request(S1, "group.start", group="A")
    number = started.request(S1, "change.judge", **NOTHING)
    assert started.ask(S1, "change.ready", **NOTHING).result == {"reason": "group A is starting"}
    assert number not in started.replies
    started.release()
    started.run(TIMING.tick_ms)
    assert started.replies[number].ok
    assert started.ask(S1, "change.ready", **NOTHING).result == {"reason": ""}


def test_a_decided_change_stops_what_was_started_in_its_way(started: Pair) -> None:
    """Group A was started after the decision; it is stopped, told, and then the change can be taken up."""
    groups = [["A", "5.2.2-17"]]
    assert started.ask(S1, "change.ready", **{**NOTHING, "groups": groups}).result["reason"]
    started.run(TIMING.tick_ms)
    assert started.places(S1)["A"] is None
    assert "group_stopped_for_change" in started.logged(S1)
    assert started.ask(S1, "change.ready", **{**NOTHING, "groups": groups}).result == {"reason": ""}


def test_a_change_that_passes_is_no_alert(started: Pair) -> None:
    """Two configurations for less than the heartbeat time-out are a change under way; for longer, an event."""
    take_up(started, S1)
    started.run(TIMING.timeout_ms // 2)
    assert "configuration_differs" not in started.logged(S2)
    started.run(TIMING.timeout_ms)
    assert started.logged(S2).count("configuration_differs") == 1


def test_an_association_holds_until_the_configuration_says_otherwise() -> None:
    """What ARMVCSET set outlives changes of other things, and yields to a change of that very word [7.3.1.4-01]."""
    name = Resource("virtual_computer_name", 0, name="DB", description="10.0.1.100")
    group = GroupView("A", (S1, S2), resources=(Resource("floating_ip", 0), name))
    view = make_view(groups=(group,))
    memory = {"associations": {"A": [False, 3, S1]}, "association_words": {"A": True}}
    assert not associations.resumed(memory, view)["A"].wanted
    other = replace(group, resources=(Resource("floating_ip", 0), replace(name, associate=False)))
    assert associations.resumed(memory, make_view(groups=(other,)))["A"].version == 0
