"""Start with one server only: after the startup wait it runs what it proves to be the latest, and nothing else."""

import pytest

from harness.labs import pair
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

SHORT_WAIT = {"timing": {"startup_wait_s": 60.0}}


def stop_everything(running: Pair) -> None:
    """A cluster shutdown, then both servers lose their power."""
    running.lab.server1.api("cluster.stop", LATE_S)
    pair.await_stopped(running.lab, SOON_S)
    for server in running.lab.servers:
        running.lab.power_off(server)


def await_lone_start(server: Server) -> None:
    count = sum(event["event"] == "lone_start" for event in server.events())
    wait_for(
        lambda: sum(event["event"] == "lone_start" for event in server.events()) > count,
        LATE_S,
        f"{server.name} to start alone",
        poll_s=0.2,
    )


@pytest.mark.parametrize("running", [SHORT_WAIT], indirect=True)
def test_a_lone_server_runs_only_what_it_proves_to_be_the_latest(running: Pair) -> None:
    """After a cluster shutdown the right to start alone is that of server 1: it runs the group, and server 2 returns.
    Server 2 alone operates, but does not start the group, and says why (promise 3); the data stays unmounted there.
    """
    lab = running.lab
    one, two = lab.servers
    running.active.run(["sh", "-c", f"echo kept > {pair.MOUNT_POINT}/note; sync"])

    stop_everything(running)
    lab.power_on(one)
    await_lone_start(one)
    running.await_active_on(one)
    assert one.run(["cat", f"{pair.MOUNT_POINT}/note"]).stdout == "kept\n"
    lab.power_on(two)
    running.give_back(two)

    stop_everything(running)
    lab.power_on(two)
    await_lone_start(two)
    pair.await_group(two, "inactive", SOON_S)
    group = (two.status() or {})["groups"][pair.GROUP]
    wait_for(
        lambda: "latest" in str((two.status() or {})["groups"][pair.GROUP]["reason"]), SOON_S, "the reason"
    )
    assert group["server"] in (None, "")
    assert pair.MOUNT_POINT not in two.run(["cat", "/proc/self/mounts"]).stdout
