"""ARMLOAD and ARMKILL on two servers: restarts, failover, kill -9 of twinsetd, and nothing left at the end."""

import pytest

from harness.errors import CommandFailed
from harness.labs import pair
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

# The program leaves a descendant in a session of its own, which has to go as well.
PROGRAM = """#!/bin/sh
setsid sleep 86400 &
exec sleep 86399
"""
START = """#!/bin/sh
[ "$ARMS_EVENT" = RECOVER ] && exit 0
ARMLOAD W1 /R 2 /H 1 /FOV /etc/twinset/scripts/program.sh || ARMBCAST /MSG "ARMLOAD failed with $?"
armload W2 -nom /etc/twinset/scripts/program.sh
"""
STOP = """#!/bin/sh
ARMKILL W2
"""
SCRIPTS = {
    "install": {"start.sh": START, "stop.sh": STOP, "program.sh": PROGRAM},
    "scripts": [("/etc/twinset/scripts/start.sh", "/etc/twinset/scripts/stop.sh")],
}


def loaded(server: Server, watch: str) -> int:
    """Return the pid, as the server itself sees it, of what runs under a watch ID; 0 without one."""
    try:
        rows = server.api("program.list")["programs"]
    except CommandFailed:
        return 0
    return next((int(row["pid"]) for row in rows if row["watch"] == watch), 0)


def kill(server: Server, watch: str) -> int:
    """Kill -9 what runs under a watch ID; return its pid."""
    pid = loaded(server, watch)
    server.run(["kill", "-9", str(pid)])
    return pid


def lost(server: Server) -> list[str]:
    """Return the watch IDs whose loss is in the event log."""
    return [event["fields"]["watch"] for event in server.events() if event["event"] == "program_lost"]


def await_restart(server: Server, old: int) -> None:
    """W1 runs as another process."""
    wait_for(lambda: loaded(server, "W1") not in (0, old), SOON_S, "W1 to be started again", poll_s=0.1)


def await_nothing_left(server: Server) -> None:
    """No process of the program is on the server, whichever way it went into the background."""
    wait_for(
        lambda: not server.run(["pgrep", "-f", "sleep 8639|sleep 8640|program.sh"], check=False).stdout,
        SOON_S,
        f"every process of the program on {server.name} to be gone",
    )


@pytest.mark.parametrize("running", [SCRIPTS], indirect=True)
def test_a_lost_program_is_restarted_and_then_its_group_fails_over(running: Pair) -> None:
    """Killed /R times it comes back, the second time under a new twinsetd; then the group goes, nothing remains."""
    one, two = running.lab.servers
    await_restart(one, 0)
    await_restart(one, kill(one, "W1"))
    starts = one.daemon_status()["starts"]
    one.kill_program("twinsetd")
    wait_for(lambda: one.daemon_status()["starts"] > starts and loaded(one, "W1"), SOON_S, "the new twinsetd")
    await_restart(one, kill(one, "W1"))
    assert running.active is one
    kill(one, "W1")
    running.await_active_on(two)
    await_nothing_left(one)
    await_restart(two, 0)
    assert "after 2 restarts" in str(
        [event for event in one.events() if event["event"] == "group_fails_over"]
    )
    assert not [
        event for server in (one, two) for event in server.events() if event["event"] == "broadcast_message"
    ]


@pytest.mark.parametrize("running", [SCRIPTS], indirect=True)
def test_killed_unwatched_and_stopped_programs_move_nothing(running: Pair) -> None:
    """ARMKILL ends W1 for good; W2, which is not watched, may die; the loss of W5 makes the scripts run again, here;
    after the stop of the group nothing is left.
    """
    one = running.active
    await_restart(one, 0)
    pid = loaded(one, "W1")
    assert "in use" in one.run(["ARMLOAD", "w1", "/G", pair.GROUP, "sleep", "1"], check=False).stderr
    one.run(["ARMKILL", "W1"])
    assert not one.run(["kill", "-0", str(pid)], check=False).ok
    assert one.run(["ARMKILL", "W1"], check=False).returncode == 4
    kill(one, "W2")
    wait_for(lambda: lost(one) == ["W2"], SOON_S, "the loss of W2 to be told")
    one.run(["ARMLOAD", "W3", "--group", pair.GROUP, "/etc/twinset/scripts/program.sh"])
    assert one.run(["ARMLOAD", "W4", "/G", pair.GROUP, "/S", "x.service"], check=False).returncode == 8
    one.run(["ARMLOAD", "W5", "/G", pair.GROUP, "/SCR", "/R", "1", "/etc/twinset/scripts/program.sh"])
    kill(one, "W5")
    await_restart(one, 0)
    pair.await_group(one, "active", SOON_S, on=one.name)
    assert not loaded(one, "W5")
    assert one.run(["ARMLOAD", "W6", "/G", pair.GROUP, "/W", "sh", "-c", "exit 3"]).stdout.endswith(
        "with status 3.\n"
    )
    one.api("group.stop", LATE_S, group=pair.GROUP)
    await_nothing_left(one)
    assert one.run(["ARMLOAD", "W7", "/G", pair.GROUP, "sleep", "1"], check=False).returncode == 1
    names = [event["event"] for event in one.events()]
    assert "program_ended_with_group" in names
    assert "group_fails_over" not in names
    assert lost(one) == ["W2", "W5", "W6"]
