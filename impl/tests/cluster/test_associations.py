"""ARMVCSET in the core: who changes what a virtual computer name stands for, when, and what that outlives."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from twinset.cluster import associations, effects
from twinset.cluster.associations import Association
from twinset.cluster.view import GroupView, Resource

from .conftest import Pair, make_view

S1, S2, FIP = "server1", "server2", "10.0.1.100"
NAME = Resource("virtual_computer_name", 0, name="DbServer", description=FIP)
GROUP = GroupView("A", (S1, S2), resources=(Resource("floating_ip", 0), NAME, Resource("script", 0)))
TWO = (NAME, Resource("virtual_computer_name", 1, name="Web"))
LONE = GroupView(
    "B", (S2, S1), resources=tuple(Resource(each.kind, each.index, name=each.name) for each in TWO)
)


@pytest.fixture()
def named() -> Pair:
    """Both operate: A with one associated name on server 1, B with two names and no address on server 2."""
    pair = Pair(make_view(sets=(), groups=(GROUP, LONE)))
    pair.run(4_000)
    assert pair.ask(S1, "cluster.start").ok
    pair.run(4_000)
    pair.done.clear()
    return pair


def told(pair: Pair, server: str = S1) -> Any:
    return pair.status(server)["groups"]["A"]["virtual_computer_names"]


def step(pair: Pair, server: str) -> bool:
    """What the last start of the name on that server was told."""
    return [
        effect.associate
        for name, effect in pair.done
        if name == server
        and isinstance(effect, effects.RunStep)
        and (effect.kind, effect.action) == ("virtual_computer_name", "start")
    ][-1]


def restart(pair: Pair) -> None:
    assert pair.ask(S1, "group.stop", group="A").ok
    assert pair.ask(S1, "group.start", group="A").ok


def test_a_cancelled_association_counts_from_the_next_start_on(named: Pair) -> None:
    """A running name keeps its address; after the next start it has none, after a reset and a start it has it again."""
    answer = named.ask(S1, "name.associate", name="dbserver", associate=False)
    assert answer.result == {
        "group": "A", "name": "DbServer", "associated": False, "address": FIP, "waits": True,
    }  # fmt: skip
    assert told(named) == {"DbServer": FIP}
    restart(named)
    assert (told(named), told(named, S2), step(named, S1)) == ({"DbServer": ""}, {"DbServer": ""}, False)
    assert named.ask(S1, "name.associate", group="a", associate=True).result["waits"]
    restart(named)
    assert (told(named), step(named, S1)) == ({"DbServer": FIP}, True)
    assert named.logged(S1).count("virtual_computer_name_association") == 2


def test_the_other_server_may_be_asked(named: Pair) -> None:
    """The owner of the group carries it out; asking for what holds already changes nothing."""
    assert named.ask(S2, "name.associate", name="DBSERVER", associate=False).ok
    assert named.clusters[S1].associations["A"] == Association(False, 1, S1)
    assert not named.ask(S2, "name.associate", name="DBSERVER", associate=False).result["associated"]
    assert named.clusters[S1].associations["A"].version == 1


def test_a_power_cut_right_after_the_answer_loses_nothing(named: Pair) -> None:
    """The other server made it durable before the answer, so its failover starts the name as was wanted."""
    named.ask(S1, "name.associate", name="DBSERVER", associate=False)
    assert named.memory[S2]["associations"]["A"] == [False, 1, S1]
    named.power_off(S1)
    named.run(80_000)
    assert named.places(S2)["A"] == S2
    assert (told(named, S2), step(named, S2)) == ({"DbServer": ""}, False)


def test_it_is_not_answered_before_the_other_server_has_it(named: Pair) -> None:
    """A peer that cannot be heard keeps the answer back until it counts as down."""
    named.mute.add(S2)
    number = named.request(S1, "name.associate", name="DBSERVER", associate=False)
    named.run(6_000)
    assert number not in named.replies
    named.run(80_000)
    assert named.replies[number].ok


def test_a_restarted_daemon_and_a_rebooted_server_know_it(named: Pair) -> None:
    """What a running name stands for and what is wanted next are two things, and both outlive twinsetd."""
    named.ask(S1, "name.associate", name="DBSERVER", associate=False)
    named.start_daemon(S1)
    named.run(6_000)
    assert told(named) == {"DbServer": FIP}
    assert not named.clusters[S1].associations["A"].wanted
    restart(named)
    named.start_daemon(S1)
    named.run(6_000)
    assert told(named) == {"DbServer": ""}


def test_a_returning_server_learns_what_it_missed(named: Pair) -> None:
    """Changed while the other one was down: at its return the newer version wins, also over its own older change."""
    named.ask(S1, "name.associate", name="DBSERVER", associate=False)
    named.power_off(S2)
    named.run(80_000)
    named.ask(S1, "name.associate", name="DBSERVER", associate=True)
    named.power_on(S2)
    named.run(6_000)
    assert named.ask(S1, "server.return", server=S2).ok
    named.run(6_000)
    assert named.clusters[S2].associations["A"] == Association(True, 2, S1)


def test_both_servers_decide_alike_between_changes_of_one_version(named: Pair) -> None:
    """Changed apart from each other: whatever is heard first, the same one remains on both."""
    for server, peer in ((S1, S2), (S2, S1)):
        cluster = named.clusters[server]
        cluster.associations["A"] = Association(server == S1, 1, server)
        associations.hear(cluster, {"A": [peer == S1, 1, peer]})
        assert cluster.associations["A"] == Association(False, 1, S2)


REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "Nobody"}, "E_NOTFOUND", "there is no virtual computer name 'Nobody'"),
    ({"group": "nobody"}, "E_NOTFOUND", "there is no failover group 'nobody'"),
    ({"name": "Web", "group": "A"}, "E_NOTFOUND", "no virtual computer name 'Web' in group A"),
    ({"group": "B"}, "E_STATE", "2 virtual computer names and 0 floating IP addresses"),
]


@pytest.mark.parametrize(("args", "code", "text"), REFUSALS)
def test_what_has_no_association_is_refused(named: Pair, args: dict[str, Any], code: str, text: str) -> None:
    """Unknown names and groups, and groups in which nothing is ever associated: class, reason, nothing changed."""
    answer = named.ask(S1, "name.associate", associate=False, **args)
    assert answer.error["code"] == code
    assert text in answer.error["message"]
    assert all(each.version == 0 for each in named.clusters[S1].associations.values())


def test_too_many_names_have_no_association(named: Pair) -> None:
    """Cancelling is always possible; a reset needs room for the places that an associated name takes (2.2.2.3-22)."""
    for cluster in named.clusters.values():
        cluster.view = dataclasses.replace(cluster.view, associated_names_max=2)
    assert named.ask(S1, "name.associate", name="DBSERVER", associate=False).ok
    assert named.ask(S1, "name.associate", name="DBSERVER", associate=True).error["code"] == "E_LIMIT"


def test_a_stopped_cluster_changes_nothing(named: Pair) -> None:
    """Each server could change it alone then, so neither may."""
    assert named.ask(S1, "cluster.stop").ok
    assert named.ask(S1, "name.associate", name="DBSERVER", associate=False).error["code"] == "E_STATE"


@pytest.mark.parametrize("value", [None, [], [1, 2, "x"], [True, "1", "x"], [True, 1]])
def test_a_malformed_association_is_refused(value: Any) -> None:
    """What is no association raises, and the message that holds it is dropped as a whole."""
    with pytest.raises(ValueError, match="is no association"):
        associations.from_json(value)
