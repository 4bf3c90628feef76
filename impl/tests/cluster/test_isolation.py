"""A server is taken out for a snapshot or a backup: it goes on running, its copy can be read, a return ends it."""

import pytest

from twinset.simulation.cluster import isolations, play

from .conftest import Pair

S1, S2 = "server1", "server2"


@pytest.fixture
def standby(started: Pair) -> Pair:
    """Every group runs on server 1."""
    assert started.ask(S1, "group.move", group="B", server=S1).ok
    started.run(4_000)
    started.done.clear()
    return started


def test_the_standby_is_isolated_and_returned(standby: Pair) -> None:
    """Its mirrors are closed, it is Od and goes on; groups stay; the return rebuilds (4.4-02, 4.3.4.4-01)."""
    answer = standby.ask(S1, "server.isolate", server=S2)
    assert (answer.ok, answer.result) == (True, {"status": "Od"})
    standby.run(10_000)
    assert standby.servers(S1) == standby.servers(S2) == ("O", "Od")
    assert standby.places(S1) == {"A": S1, "B": S1}
    assert standby.steps(S1, "A") == standby.steps(S1, "B") == []
    assert {name for name, _ in standby.commands(S2, "close")} == {"set1", "set2"}
    assert "server_isolated" in standby.logged(S2)
    standby.run(120_000)
    assert standby.servers(S1) == ("O", "Od")  # not by itself
    standby.done.clear()
    assert standby.ask(S2, "server.return").ok
    standby.run(4_000)
    assert standby.servers(S1) == ("O", "O")
    assert {name for name, _ in standby.commands(S1, "rebuild")} == {"set1", "set2"}


def test_what_was_asked_here_before_the_isolation_is_answered(standby: Pair) -> None:
    """The other server holds this one for gone and is silent: an operator waited for ever (cluster seed 335110)."""
    standby.held.add("script")  # the stop on server 1 takes its time
    number = standby.request(S2, "group.move", group="A", server=S2)
    assert standby.ask(S2, "server.isolate", server=S2).ok
    standby.release()
    standby.run(10_000)
    reply = standby.replies[number]
    assert not reply.ok
    assert "left the cluster" in reply.error["message"]


def test_a_server_that_runs_a_group_is_not_isolated(started: Pair) -> None:
    """The refusal names the group and the command that moves it [4.4-02]."""
    answer = started.ask(S1, "server.isolate", server=S2)
    assert (answer.error["code"], answer.error["clause"]) == ("E_STATE", "4.4-02")
    assert answer.error["help"] == "twinset group move B server1"


def test_a_copy_that_is_not_whole_is_not_isolated(standby: Pair) -> None:
    """A backup of a side that is being rebuilt would be of no use."""
    standby.mirror(S2, "set2", state="INCONSISTENT", set_state="RECONSTRUCTING")
    standby.settle()
    answer = standby.ask(S1, "server.isolate", server=S2)
    assert "no whole copy" in answer.error["message"]


def test_the_last_server_is_not_isolated(standby: Pair) -> None:
    """Nothing would go on."""
    standby.power_off(S1)
    standby.run(70_000)
    assert not standby.ask(S2, "server.isolate", server=S2).ok


def test_a_read_copy_keeps_the_server_out(standby: Pair) -> None:
    """While somebody reads, the server neither returns nor is written under a permit; then it returns [4.4-02]."""
    assert not standby.ask(S2, "mirror.read", set="set1").ok  # it operates
    assert standby.ask(S2, "server.isolate", server=S2).ok
    standby.run(10_000)
    assert standby.ask(S2, "mirror.read", set="set1").ok
    answer = standby.ask(S2, "server.return")
    assert "mirror restrict" in answer.error["help"] or "read" in answer.error["message"]
    assert standby.ask(S2, "mirror.forced_permit", set="set1", confirm=True).error["help"].endswith("--end")
    assert not standby.commands(S2, "permit")
    standby.start_daemon(S2)
    standby.run(10_000)
    assert not standby.ask(S2, "server.return").ok  # of this boot, so a restarted twinsetd knows it
    assert standby.ask(S2, "mirror.read_end", set="set1").ok
    assert standby.ask(S2, "server.return").ok


def test_a_restarted_twinsetd_stays_isolated(standby: Pair) -> None:
    """Also one that dies in the middle of the isolation."""
    standby.held.add("close")
    standby.request(S1, "server.isolate", server=S2)
    standby.run(1_000)
    standby.held.clear()
    standby.start_daemon(S2)
    standby.run(20_000)
    assert standby.servers(S1) == ("O", "Od")


@pytest.mark.parametrize("start", range(1, 61, 15))
def test_isolation_among_all_faults(start: int) -> None:
    """Seeded: servers are isolated at any moment of any fault; every invariant of the cluster holds."""

    isolated = 0
    for seed in range(start, start + 15):
        outcome = play(seed, isolations)
        assert not outcome.found, f"seed {seed}: {outcome.found}"
        isolated += outcome.world.coverage["phase", "left", "isolated"]
    assert isolated, "no seed isolates a server"
