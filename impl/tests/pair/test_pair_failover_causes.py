"""Every cause of 6.3 that has no test of its own makes the group fail over; two pairs, one cause after the other.

Elsewhere: power cut (killed_processes, mirrors), complete stall (paused_server), a program of ARMLOAD (programs),
ARMDOWN, ARMFOVER and ARMRSP (script_commands), a mirror disk that fails (disks).
"""

from collections.abc import Callable

import pytest

from harness import audits, topology
from harness.labs import pair
from harness.labs.namespaces import Lab
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

START = """#!/bin/sh
[ "$ARMS_EVENT" = RECOVER ] && exit 0
sleep 86400 &
echo $! > /run/app.pid
rm -f /run/stalled
"""
STOP = """#!/bin/sh
kill "$(cat /run/app.pid)"
exit 0
"""
ALIVE = """#!/bin/sh
[ ! -e /run/stalled ] || sleep 600
"""
ACTIVE = "/var/lib/twinset/cluster.toml"
RULES = """
[[event_rule]]
name = "fatal"
file = "/run/app.log"
match = "FATAL"
[[event_rule]]
name = "told"
event = "broadcast_message"
match = "leave now"
[[event_rule]]
name = "broken"
file = "/run/app.log"
match = "no way out"
action = "shutdown"
"""
WATCHED = {
    "install": {"start.sh": START, "stop.sh": STOP, "alive.sh": ALIVE},
    "scripts": [("/etc/twinset/scripts/start.sh", "/etc/twinset/scripts/stop.sh")],
    "monitor": {"pid_files": ["/run/app.pid"], "interval_s": 5.0, "looks": 2},
    "watches": [
        {"command": "/etc/twinset/scripts/alive.sh", "interval_s": 5.0, "timeout_s": 5.0, "looks": 2}
    ],
    "more": RULES,
}


def kill_process(server: Server) -> None:
    server.run(["sh", "-c", 'kill -9 "$(cat /run/app.pid)"'])


def stall(server: Server) -> None:
    server.run(["touch", "/run/stalled"])


def log_line(server: Server) -> None:
    server.run(["sh", "-c", "echo FATAL: the instance died >> /run/app.log"])


def say(server: Server) -> None:
    server.run(["ARMBCAST", "/MSG", "leave now", "/A"])


MONITORED: tuple[tuple[str, Callable[[Server], None], str], ...] = (
    ("a process is lost (6.3-09, 6.3-19)", kill_process, "process 0"),
    ("software stalls (6.3-20)", stall, "watch 0"),
    ("a line in a log (6.3-16, 9.4-01)", log_line, "event rule fatal"),
    ("an event of twinset (6.3-16)", say, "event rule told"),
)


JOURNALD = "/lib/systemd/systemd-journald"
JOURNAL_RULE = """
[[event_rule]]
name = "journal"
journal = "postgres"
match = "FATAL"
"""


def keep_a_journal(server: Server) -> None:
    """Run a real journald on a server, whose machine has no systemd, and wait until it takes messages."""
    server.run(["mount", "-t", "tmpfs", "none", "/var/log"])  # not the machine's journal
    server.run(["mkdir", "-p", "/run/systemd/journal", "/run/log/journal"])
    server.start_job([JOURNALD])
    server_says = ["journalctl", "--quiet", "--lines=1"]
    wait_for(
        lambda: server.run(server_says, check=False).stdout, SOON_S, "the journal to be kept", poll_s=0.1
    )


def why(server: Server) -> str:
    """The reason of the last failover away from a server."""
    told = [event for event in server.events() if event["event"] == "group_fails_over"]
    return str(told[-1]["fields"].get("reason", "")) if told else ""


@pytest.mark.parametrize("running", [WATCHED], indirect=True)
def test_what_is_watched_makes_a_group_fail_over(running: Pair) -> None:
    """A process, a stall, a line of a log, an event: each moves the group at once, with its reason. A rule that says so
    shuts the server down instead; the group survives that too, and its server comes back as Od.
    """
    for what, cause, reason in MONITORED:
        here, there = running.active, running.standby
        for server in (here, there):
            server.run(["touch", "/run/app.log"])
        running.await_normal()
        cause(here)
        pair.await_group(there, "active", SOON_S, on=there.name)
        assert reason in why(here), what
    here, there = running.active, running.standby
    here.run(["sh", "-c", "echo no way out >> /run/app.log"])
    pair.await_group(there, "active", LATE_S, on=there.name)
    wait_for(
        lambda: "server_shutdown" in [event["event"] for event in here.events()],
        SOON_S,
        "the server to leave",
    )


@pytest.mark.parametrize("running", [{}], indirect=True)
def test_a_server_that_stops_being_one_loses_its_group(running: Pair) -> None:
    """A panic, then cluster software that dies and does not come back, then a shutdown of one server alone: the other
    one takes over each time (6.3-02, 6.3-04, 6.3-06). The survivor knows what it took (twinset plan); the check list
    misses the lost server, and then has both (twinset doctor).
    """
    lab = running.lab
    one, two = running.active, running.standby
    lab.panic(one)
    running.await_active_on(two)
    measured = two.twinset("plan", ACTIVE)["measured"]
    assert (list(measured["groups_s"]), measured["counts"]["floating_ip"]) == ([pair.GROUP], 1)
    absent = two.twinset_result("doctor")
    assert (absent.returncode, f'"server": "{one.name}"' in absent.stdout) == (1, True)
    lab.power_on(one)
    running.give_back(one)
    checked = two.twinset("doctor")
    assert [line for line in checked["lines"] if line["status"] == "error"] == []
    assert {line["server"] for line in checked["lines"] if line["code"] == "W_SNMP"} == {one.name, two.name}

    two.release_daemon()
    for program in ("twinsetd", "twinset-mirrord"):
        two.kill_program(program)
    running.await_active_on(one)
    shown = two.run(
        ["ip", "-4", "address"]
    ).stdout  # nobody is left to unmount, but the address has gone by itself
    assert f" {topology.FLOATING_IP}/" not in shown
    lab.power_off(two)
    lab.power_on(two)
    running.give_back(two)

    one.api("server.shutdown", LATE_S, server=one.name)
    running.await_active_on(two)


def test_a_message_in_the_journal_makes_a_group_fail_over() -> None:
    """Of the program that the rule names; the same words of another program are passed over (6.3-16)."""
    with Lab.create(disk_mib=64, seed=11, name="journal") as lab:
        for server in lab.servers:
            keep_a_journal(server)
        pair.bring_up(lab, LATE_S, more=JOURNAL_RULE)
        running = Pair(lab)
        here, there = running.active, running.standby
        for program, words in (("other", "FATAL: of no interest"), ("postgres", "FATAL: the instance died")):
            here.run(["systemd-cat", "-t", program, "echo", words])
        running.await_active_on(there)
        assert "event rule journal [6.3-16]: postgres: FATAL: the instance died" in why(here)
        assert "of no interest" not in str(here.events())
    audits.no_leftovers(lab).require()
