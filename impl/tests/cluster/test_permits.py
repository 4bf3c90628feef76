"""Access without a group, as the cluster sees it: who is asked, what bars it, what it bars, how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from twinset.cluster import effects, events
from twinset.cluster.server import Cluster
from twinset.mirror.latency import EVERY_MAX

if TYPE_CHECKING:
    from .conftest import Pair

S1, S2 = "server1", "server2"
EQUAL: dict[str, Any] = {
    "state": "IN_SYNC",
    "set_state": "NORMAL",
    "session": "none",
    "sound": True,
    "cur": "5",
}


@pytest.fixture()
def stopped(pair: Pair) -> Pair:
    """Both servers are stopped (X), their sides equal and closed."""
    pair.mirrors(**EQUAL)
    pair.done.clear()
    return pair


def granted(pair: Pair, name: str, mirror_set: str = "set1") -> None:
    """The mirror process tells that it serves under a permit."""
    pair.mirror(name, mirror_set, **{**EQUAL, "state": "SOLO", "permitted": True, "role": "permitted"})
    pair.run(1_000)


def test_an_equal_side_is_opened_after_the_other_one_is_stale(stopped: Pair) -> None:
    """The other server makes its side STALE first, and only that proof goes to the own mirror process (R1)."""
    answer = stopped.ask(S1, "mirror.permit", set="set1")
    assert answer.result == {"set": "set1", "server": S1, "function": "permit"}
    assert stopped.commands(S2, "mark_stale") == [("set1", {"cur": "5"})]
    assert stopped.commands(S1, "permit") == [("set1", {"forced": False, "peer_stale": "5", "right": False})]
    assert "access_permitted" in stopped.logged(S1)
    assert stopped.memory[S1]["permits"]["sets"] == {"set1": "permit"}


def test_a_side_that_cannot_be_made_stale_is_no_proof(stopped: Pair) -> None:
    """The other side is of another generation: the own one is asked without proof, and its refusal is the answer."""
    stopped.failing[S2, "mark_stale", "set1"] = "this side is SOLO in another generation"
    stopped.failing[S1, "permit", "set1"] = "nothing proves that the other side cannot be the latest too"
    answer = stopped.ask(S1, "mirror.permit", set="set1")
    assert "nothing proves" in answer.error["message"]
    assert answer.error["help"] == "twinset mirror forced-permit set1"
    assert stopped.commands(S1, "permit") == [("set1", {"forced": False, "peer_stale": "", "right": False})]
    assert not stopped.clusters[S1].permits


def test_a_forced_permit_never_makes_the_other_side_stale(stopped: Pair) -> None:
    """It proves nothing about the data, so the other side stays what it is."""
    assert stopped.ask(S1, "mirror.forced_permit", set="set1", confirm=True).ok
    assert not stopped.commands(S2, "mark_stale")
    assert stopped.commands(S1, "permit") == [("set1", {"forced": True, "peer_stale": "", "right": False})]


def test_force_wants_the_operators_word(stopped: Pair) -> None:
    """Without it nothing is done, and the refusal says what would follow."""
    for verb, what in (
        ("mirror.forced_permit", "the two copies differ"),
        ("mirror.forced_return", "overwritten"),
    ):
        answer = stopped.ask(S1, verb, set="set1")
        assert what in answer.error["message"]
        assert answer.error["help"].endswith("--yes")
    assert not stopped.commands(S1, "permit")
    assert not stopped.commands(S1, "create")


def test_the_right_to_start_alone_is_told_along(started: Pair) -> None:
    """After a clean shutdown one server holds it; without the other one it is the proof (R7)."""
    started.mirrors(**{**EQUAL, "session": "in_sync"})
    assert started.ask(S1, "cluster.stop").ok
    started.run(4_000)
    started.power_off(S2)
    started.run(62_000)
    started.mirror(S1, "set1", **EQUAL)
    started.done.clear()
    assert started.ask(S1, "mirror.permit", set="set1").ok
    assert started.commands(S1, "permit") == [("set1", {"forced": False, "peer_stale": "", "right": True})]


def test_there_is_one_place_of_access(stopped: Pair) -> None:
    """What is permitted on one server is refused on the other, by force too [7.1.1-02]."""
    assert stopped.ask(S1, "mirror.permit", set="set1").ok
    granted(stopped, S1)
    for verb, args in (("mirror.permit", {}), ("mirror.forced_permit", {"confirm": True})):
        answer = stopped.ask(S2, verb, set="set1", **args)
        assert answer.error["clause"] == "7.1.1-02"
        assert "is permitted there" in answer.error["message"]
    assert stopped.ask(S2, "mirror.permit", set="set2").ok


def test_no_permit_beside_a_group_of_the_other_server(started: Pair) -> None:
    """A restarted server gives no access while the group is active on the other one, by force neither."""
    started.power_off(S1)
    started.run(62_000)
    started.power_on(S1, **{**EQUAL, "state": "STALE", "set_state": "INCONSISTENT"})
    started.run(8_000)
    assert started.places(S2)["A"] == S2
    for verb, args in (("mirror.permit", {}), ("mirror.forced_permit", {"confirm": True})):
        answer = started.ask(S1, verb, set="set1", **args)
        assert "group A is in operation there" in answer.error["message"]
        assert answer.error["clause"] == "7.1.1-02"
    assert not started.commands(S1, "permit")


def test_no_group_starts_beside_a_permit_of_the_other_server(started: Pair) -> None:
    """The operating server refuses to start the group, with what would help."""
    started.ask(S2, "group.stop", group="A")
    started.power_off(S1)
    started.run(62_000)
    started.power_on(S1, **{**EQUAL, "state": "STALE", "set_state": "INCONSISTENT"})
    started.run(8_000)
    assert started.ask(S1, "mirror.forced_permit", set="set1", confirm=True).ok
    granted(started, S1)
    answer = started.ask(S2, "group.start", group="A")
    assert "access to mirror set set1 is permitted on server1" in answer.error["message"]
    assert started.ask(S1, "mirror.restrict", set="set1").ok
    started.mirror(S1, "set1", **EQUAL)
    started.run(1_000)
    assert started.ask(S2, "group.start", group="A").ok


def test_an_operating_server_gives_nothing_up_for_a_permit(started: Pair) -> None:
    """Its side may be what the cluster goes on with: it is not made STALE for an isolated server (R1)."""
    started.ask(S1, "group.stop", group="A")
    assert started.ask(S1, "server.shutdown", server=S1).ok
    started.run(4_000)
    started.power_on(S1, **EQUAL)
    started.run(8_000)
    started.done.clear()
    started.ask(S2, "group.stop", group="A")
    started.ask(S1, "mirror.permit", set="set1")
    assert not started.commands(S2, "mark_stale")
    assert started.commands(S1, "permit") == [("set1", {"forced": False, "peer_stale": "", "right": False})]


@pytest.mark.parametrize("asked", [S1, S2])
def test_the_cluster_does_not_start_over_a_permit(stopped: Pair, asked: str) -> None:
    """Start is refused on either server, with the command that helps; after restrict it works."""
    assert stopped.ask(S1, "mirror.permit", set="set1").ok
    granted(stopped, S1)
    answer = stopped.ask(asked, "cluster.start")
    assert answer.error["help"] == "twinset mirror restrict set1 --server server1"
    assert stopped.ask(asked, "mirror.restrict", set="set1", server=S1).ok
    stopped.mirror(S1, "set1", **EQUAL)
    stopped.run(1_000)
    assert stopped.ask(asked, "cluster.start").ok


def test_a_server_does_not_return_over_a_permit(started: Pair) -> None:
    """Return, by an operator or by itself, waits until the access is withdrawn."""
    started.ask(S1, "group.stop", group="A")
    started.power_off(S1)
    started.run(62_000)
    started.power_on(S1, **{**EQUAL, "state": "SOLO"})
    started.run(8_000)
    started.ask(S2, "group.stop", group="A")
    assert started.ask(S1, "mirror.permit", set="set1").ok
    assert "mirror restrict" in started.ask(S1, "server.return").error["help"]
    assert started.ask(S1, "mirror.restrict", set="set1").ok
    assert started.ask(S1, "server.return").ok


def test_a_start_over_a_permit_that_nobody_knew_withdraws_it(stopped: Pair) -> None:
    """However this server comes to take part again, the access is gone before anything else."""
    assert stopped.ask(S1, "mirror.permit", set="set1").ok
    cluster = stopped.clusters[S1]
    stopped.done.clear()
    from twinset.cluster import lifecycle

    lifecycle.start(cluster)
    stopped.run(1_000)
    assert stopped.commands(S1, "restrict") == [("set1", {})]
    assert not cluster.permits


def test_a_permitted_server_gives_itself_a_lease(stopped: Pair) -> None:
    """I/O goes on for as long as the permit stands, also without the other server, and not longer (R13)."""

    def leases() -> int:
        return sum(isinstance(effect, effects.GrantLease) and name == S1 for name, effect in stopped.done)

    stopped.run(30_000)
    assert not leases()
    stopped.power_off(S2)
    stopped.run(62_000)
    assert stopped.ask(S1, "mirror.permit", set="set1").ok
    stopped.run(30_000)
    assert leases() > 10
    assert stopped.ask(S1, "mirror.restrict", set="set1").ok
    stopped.done.clear()
    stopped.run(30_000)
    assert not leases()


def test_restrict_leaves_a_stopped_server_closed(stopped: Pair) -> None:
    """After the last write the side is closed again, so that the next start finds its difference on the disk."""
    assert stopped.ask(S1, "mirror.permit", set="set1").ok
    assert stopped.ask(S1, "mirror.restrict", set="set1").ok
    assert stopped.commands(S1, "restrict") == [("set1", {})]
    assert stopped.commands(S1, "close") == [("set1", {"solo_right": False})]
    assert stopped.ask(S1, "mirror.restrict", set="set1").result["already"]


def test_a_restarted_daemon_and_a_restarted_mirror_process_go_on(stopped: Pair) -> None:
    """The permit is remembered for this boot, and given again to a mirror process that was started anew."""
    assert stopped.ask(S1, "mirror.permit", set="set1").ok
    stopped.done.clear()
    stopped.start_daemon(S1, **{**EQUAL, "state": "SOLO"})
    stopped.run(1_000)
    assert stopped.clusters[S1].permits == {"set1": "permit"}
    assert stopped.commands(S1, "permit") == [("set1", {"forced": False, "peer_stale": "", "right": False})]
    stopped.queue.append((S1, events.MirrordDied("set1", "killed")))
    stopped.queue.append((S1, events.MirrordUp("set1")))
    stopped.run(1_000)
    assert len(stopped.commands(S1, "permit")) == 2


def test_a_permit_ends_with_the_boot(stopped: Pair) -> None:
    """After a power cut nothing is permitted: what was written is told by the records (8.2-01)."""
    assert stopped.ask(S1, "mirror.permit", set="set1").ok
    memory = dict(stopped.memory[S1])
    again = Cluster(stopped.view, S1, "f" * 32, "f" * 16, memory)
    assert not again.permits


def test_a_lost_server_ends_the_question(stopped: Pair) -> None:
    """When the other server goes away before it answered, the operator is told, and nothing was opened."""
    stopped.held.add("mark_stale")
    asked = stopped.request(S1, "mirror.permit", set="set1")
    assert asked not in stopped.replies
    stopped.power_off(S2)
    stopped.run(62_000)
    assert "server2 did not answer" in stopped.replies[asked].error["message"]
    assert not stopped.clusters[S1].permitting
    assert not stopped.commands(S1, "permit")


def test_a_set_is_not_created_under_a_permit(stopped: Pair) -> None:
    """Neither side is named good, nor overwritten, while somebody writes to one of them."""
    assert stopped.ask(S1, "mirror.permit", set="set1").ok
    granted(stopped, S1)
    for verb, args in (("mirror.create", {"source": S2}), ("mirror.forced_return", {"confirm": True})):
        for name in (S1, S2):
            assert stopped.ask(name, verb, set="set1", **args).error["clause"] == "7.1.1-02"
    assert not stopped.commands(S2, "create")


def test_a_changed_partition_table_is_told_once(started: Pair) -> None:
    """The mirror process ends again and again with that reason; the event and the status say it, once (8.5-01)."""
    reason = "the mirror process ended: partition 3 is new [8.5-01]"
    for _ in range(3):
        started.queue.append((S1, events.MirrordDied("set1", reason)))
        started.run(1_000)
    assert started.logged(S1).count("partition_table_changed") == 1
    assert started.status(S1)["mirror_sets"]["set1"]["sides"][S1]["refused"] == reason
    started.mirror(S1, "set1")
    started.run(1_000)
    assert not started.status(S1)["mirror_sets"]["set1"]["sides"][S1]["refused"]


def test_a_forced_return_tells_a_server_that_is_heard(started: Pair) -> None:
    """It waits for the other mirror process to report, whose side forgets its claim first: else two rivals meet."""
    for name in (S1, S2):
        started.power_off(name)
    for name in (S1, S2):
        started.power_on(name, set_state="UNDECIDED", session="connected", sound=False, latest=None)
    started.queue.append((S2, events.MirrordDied("set1", "it begins")))
    started.run(8_000)
    started.done.clear()
    asked = started.request(S1, "mirror.forced_return", set="set1", confirm=True)
    started.run(4_000)
    assert asked not in started.replies
    assert not started.commands(S1, "create")
    started.queue.append((S2, events.MirrordUp("set1")))
    started.mirror(S2, "set1", set_state="UNDECIDED", latest=None)
    started.run(4_000)
    assert started.replies[asked].ok
    assert started.commands(S2, "create") == [("set1", {"source": False})]
    assert started.commands(S1, "create") == [("set1", {"source": True})]


def test_statistics_come_from_the_mirror_process(started: Pair) -> None:
    """Either server can be asked for either side."""
    for server in (S1, S2):
        answer = started.ask(S1, "mirror.stats", set="set1", server=server)
        assert answer.result["server"] == server
        assert answer.result["counts"] == {}
    assert started.commands(S2, "status") == [("set1", {})]


def test_latencies_are_sampled_on_the_server_that_is_named(started: Pair) -> None:
    """Either server can be asked for either side; of an older mirror process the statistics have none."""
    for server, every in ((S1, 64), (S2, 0)):
        answer = started.ask(S1, "mirror.latency", set="set1", server=server, every=every)
        assert answer.result == {"set": "set1", "server": server, "every": every}
        assert started.commands(server, "latency") == [("set1", {"every": every})]
    assert started.ask(S1, "mirror.stats", set="set1").result["latency"] is None
    for every in (-1, EVERY_MAX + 1):
        refused = started.ask(S1, "mirror.latency", set="set1", every=every)
        assert not refused.ok
        assert refused.error["code"] == "E_RANGE"
