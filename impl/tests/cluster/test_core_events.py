"""Events of the core that no other test of it names: what provokes each."""

from twinset.cluster.effects import SendHeartbeat
from twinset.cluster.events import MirrordDied, MirrordUp, ResourceLost

from .conftest import TIMING, Pair

S1, S2 = "server1", "server2"


def test_a_lone_start_and_what_it_leaves(started: Pair) -> None:
    """The server without the right to start alone operates and says which groups it does not start (R7)."""
    started.ask(S1, "cluster.stop")
    for name in (S1, S2):
        started.power_off(name)
    started.power_on(S2)
    started.run(TIMING.startup_wait_ms + 15_000)
    assert {"cluster_stopped"} <= set(started.logged(S1))
    assert {"lone_start", "group_not_started"} <= set(started.logged(S2))


def test_a_return_that_does_not_come_about(started: Pair) -> None:
    """The other server goes away in the middle of it."""
    started.power_off(S2)
    started.run(70_000)
    started.power_on(S2)
    started.run(10_000)
    started.mute.add(S1)
    started.request(S2, "server.return")
    started.run(TIMING.timeout_ms + 10_000)
    assert "return_refused" in started.logged(S2)
    assert "server_restarted" in started.logged(S1)


def test_a_move_to_a_server_that_is_lost_meanwhile(started: Pair) -> None:
    """The group starts again where it was."""
    started.held.add("script")
    started.request(S1, "group.move", group="A")
    started.power_off(S2)
    started.run(70_000)
    started.release()
    started.run(4_000)
    assert "group_move_undone" in started.logged(S1)
    assert started.places(S1)["A"] == S1


def test_a_server_leaves_and_comes_back(started: Pair) -> None:
    """Shutdown, restart, return, each told on the server that sees it."""
    started.ask(S2, "server.shutdown")
    started.run(8_000)
    assert "server_shutdown" in started.logged(S2)
    started.start_daemon(S2)
    started.run(8_000)
    assert started.ask(S2, "server.return").ok
    started.run(4_000)
    for name in (S1, S2):
        assert "server_returned" in started.logged(name)
    assert {"twinsetd_started", "recover_script"} <= set(started.logged(S2))


def test_a_lost_resource_with_nowhere_to_go(started: Pair) -> None:
    """It is told, because nothing else can be done (6.3-19)."""
    started.power_off(S2)
    started.run(70_000)
    started.queue.append((S1, ResourceLost("A", "floating_ip", 0, "the interface is gone")))
    started.settle()
    assert "resource_lost" in started.logged(S1)


def test_a_disk_that_does_not_come_back_with_its_process(started: Pair) -> None:
    """The export of an active group could not be opened again by the restarted mirror process."""
    started.failing[S1, "activate", "set1"] = "its record is damaged"
    started.queue.extend([(S1, MirrordDied("set1", "killed")), (S1, MirrordUp("set1"))])
    started.settle()
    assert {"mirrord_died", "disk_lost"} <= set(started.logged(S1))


def test_a_mirror_that_does_not_close(started: Pair) -> None:
    """The cluster stops all the same, and says what the next start will cost."""
    started.failing[S1, "close", "set1"] = "writes do not end"
    started.ask(S1, "cluster.stop")
    assert "mirror_not_closed" in started.logged(S1)


def test_a_network_goes_and_comes(started: Pair) -> None:
    """One of two networks: an event each time, and nobody is declared down."""
    whole = started._perform

    def without_ic1(name: str, todo: list[object]) -> None:
        whole(name, [x for x in todo if not (isinstance(x, SendHeartbeat) and x.lan == "ic1")])

    started._perform = without_ic1  # type: ignore[method-assign]
    started.run(TIMING.timeout_ms + 8_000)
    started._perform = whole  # type: ignore[method-assign]
    started.run(8_000)
    assert {"interconnect_lost", "interconnect_restored"} <= set(started.logged(S1))
    assert "server_down" not in started.logged(S1)
