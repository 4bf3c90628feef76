"""Cut networks: the mirror connect alone, one way only, and all networks at once."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.labs import pair
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.scribe import Scribe
from harness.labs.server import Server
from harness.wait import wait_for

NO_UDP = """table inet no_udp {
    chain in { type filter hook input priority 0; meta l4proto udp drop; }
}
"""
DOUBLE = {"double_activation", "diverged"}


@pytest.mark.parametrize("direction", ["both", "in", "out"])
def test_a_cut_mirror_connect_breaks_the_mirror_and_not_the_service(running: Pair, direction: str) -> None:
    """The mirror connect fails, heartbeats go on: the active side continues alone, both servers stay up."""
    active, standby = running.active, running.standby
    scribe = running.write()
    scribe.await_more(200)
    running.lab.cut("ic1", [standby], direction)
    wait_for(
        lambda: active.status_of_set(pair.SET).get("state") not in ("NORMAL", None),
        LATE_S,
        "the break to be shown",
    )
    scribe.await_more(200)
    status = active.status()
    assert status is not None
    assert {entry["status"] for entry in status["servers"].values()} == {"O"}
    assert running.active is active
    running.lab.heal()
    running.await_normal()
    scribe.await_more(50)
    scribe.stop()
    scribe.verify(active)
    running.stop_and_compare()


def test_a_standby_that_missed_writes_does_not_take_over_with_old_data(running: Pair) -> None:
    """Mirror connect cut, writes go on, then the active server loses power: the old side must not serve."""
    active, standby = running.active, running.standby
    scribe = running.write()
    scribe.await_more(100)
    running.lab.cut("ic1")
    wait_for(
        lambda: active.status_of_set(pair.SET).get("state") not in ("NORMAL", None),
        LATE_S,
        "the break to be shown",
    )
    scribe.await_more(100)
    running.lab.power_off(active)
    pair.await_server(standby, active.name, "Xd", LATE_S)
    # The group comes up without its disk (4.5.2) and says why; its scripts get ARMS_DISK=FAILURE.
    status = pair.await_status(
        standby,
        lambda status: status["groups"][pair.GROUP]["disk_failure"],
        LATE_S,
        "the disk to be refused",
    )
    assert "not the latest" in status["groups"][pair.GROUP]["reason"]
    assert not standby.run(["mountpoint", "-q", pair.MOUNT_POINT], check=False).ok
    running.lab.heal()
    running.lab.power_on(active)


@pytest.mark.parametrize("first", ["whatever comes", "mirror connect"])
def test_a_total_partition_is_told_to_both_and_resolved_by_nobody(running: Pair, first: str) -> None:
    """Every network is cut and both sides are written: after healing both tell it and stop, nothing is copied."""
    active, standby = running.active, running.standby
    scribe = running.write()
    scribe.await_more(200)
    running.lab.cut_all()
    pair.await_server(active, standby.name, "Xd", LATE_S)
    pair.await_server(standby, active.name, "Xd", LATE_S)
    running.await_active_on(standby)
    rival = Scribe(running.lab, standby, seed=2, file=f"{pair.MOUNT_POINT}/rival")
    rival.await_more(50)
    scribe.await_more(50)
    if first == "mirror connect":
        with no_heartbeat_received(running):
            running.lab.heal("ic1")
            for server in running.lab.servers:
                pair.await_set(server, "DIVERGED", LATE_S)
    running.lab.heal()
    wait_for(lambda: partition_is_told(running), LATE_S, "both servers to tell of the network partition")
    for server in running.lab.servers:
        pair.await_set(server, "DIVERGED", LATE_S)
        pair.await_group(server, "inactive", LATE_S)
    running.await_one_active()
    for server in running.lab.servers:
        wait_for(
            lambda s=server: told_since(s, "server_down") >= DOUBLE, SOON_S, f"{server.name} to tell {DOUBLE}"
        )  # type: ignore[misc]
        told = told_since(server, "server_down")
        assert not told & {"full_copy", "high_speed_copy", "mirror_normal", "group_moving"}
    if first != "mirror connect":
        resolve(running, active, standby)
        scribe.verify(active)
        compare(active)
        running.stop_and_compare()


def resolve(running: Pair, kept: Server, lost: Server) -> None:
    """An operator keeps one side: what was shown before is copied, the other side's blocks are in a file first."""
    shown = lost.api("mirror.resolve", SOON_S, set=pair.SET, keep=kept.name, dry_run=True)
    assert shown["mode"] == "high-speed", shown
    assert all(side["since_s"] <= side["last_s"] for side in shown["servers"].values())
    done = lost.api("mirror.resolve", LATE_S, set=pair.SET, keep=kept.name)
    running.await_normal()
    status = kept.status_of_set(pair.SET)
    assert (status["copy_mode_last"], status["copied_bytes_last"]) == ("high-speed", shown["copy_bytes"])
    files = [path.name for path in (lost.state_directory / "kept").iterdir()]
    assert [done["file"].rpartition("/")[2]] == files
    assert {"blocks_kept", "given_up"} <= set(names_of_events(lost))
    pair.insist(kept, "group.start", LATE_S, group=pair.GROUP)
    running.await_active_on(kept)


def compare(active: Server) -> None:
    """Both sides are compared while they are in use."""
    active.api("mirror.verify", SOON_S, set=pair.SET)

    def ended() -> bool:
        return bool((active.status_of_set(pair.SET).get("verify") or {}).get("state") == "ended")

    wait_for(ended, LATE_S, "the comparison to end")
    assert active.status_of_set(pair.SET)["verify"]["found_bytes"] == 0
    assert "verify_equal" in names_of_events(active)


def test_a_partition_that_heals_while_a_group_starts_holds_nobody_up(running: Pair) -> None:
    """Healed at the verdict, while the other side begins to start: an aborted start keeps no server silent."""
    active, standby = running.active, running.standby
    running.write().await_more(50)
    running.lab.cut_all()
    pair.await_server(active, standby.name, "Xd", LATE_S)
    pair.await_server(standby, active.name, "Xd", LATE_S)
    running.lab.heal()
    wait_for(lambda: partition_is_told(running), LATE_S, "both servers to tell of the network partition")
    running.await_one_active()
    for server in running.lab.servers:
        wait_for(lambda s=server: s.status() is not None, SOON_S, f"{server.name} to answer")  # type: ignore[misc]
        assert "heartbeat_lost" not in told_since(server, "partition_healed")


def partition_is_told(running: Pair) -> bool:
    """Both event logs hold the partition."""
    return all("partition_healed" in names_of_events(server) for server in running.lab.servers)


def names_of_events(server: Server) -> list[str]:
    """The event log of a server, names only."""
    return [event["event"] for event in server.events()]


def told_since(server: Server, event: str) -> set[str]:
    """What a server has told since it told this."""
    told = names_of_events(server)
    return set(told[told.index(event) :])


@contextmanager
def no_heartbeat_received(running: Pair) -> Iterator[None]:
    """Drop what arrives by UDP: of two connections that heal together, the mirror connect comes back first."""
    for server in running.lab.servers:
        server.run(["nft", "-f", "-"], input_text=NO_UDP)
    yield
    for server in running.lab.servers:
        server.run(["nft", "delete table inet no_udp"])
