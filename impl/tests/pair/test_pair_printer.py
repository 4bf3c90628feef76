"""A printer follows its group: jobs of a client wait on the mirrored disk, and the other server prints them."""

import os
import signal
import sys

import pytest

from harness import topology
from harness.labs import pair
from harness.labs.running import SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

PRINTER, PORT = "10.0.1.60", 9100  # the client takes the address when the printer is switched on
SPOOL = f"{pair.MOUNT_POINT}/spool"
MORE = f"""
[[group.printer]]
spool = "{SPOOL}"
queues = [ {{name = "office", device = "socket://{PRINTER}:{PORT}"}} ]
"""
PAPER = f"""
import socket
with socket.create_server(("{PRINTER}", {PORT})) as printer:
    while True:
        connection, _ = printer.accept()
        with connection:
            while data := connection.recv(4096):
                print(data.decode(), end="", flush=True)
"""
SOCKET = f"/run/twinset/printers/{pair.GROUP}/cups.sock"


def lp(running: Pair, *words: str, text: str | None = None) -> str:
    """A client of the printing system, at the group's address; what it says."""
    argv = [words[0], "-h", topology.FLOATING_IP, *words[1:]]
    return running.lab.client.run(argv, timeout_s=30, input_text=text).stdout


def schedulers(server: Server) -> list[int]:
    return server.pids_of("cupsd")


@pytest.mark.parametrize("running", [{"more": MORE}], indirect=True)
def test_jobs_that_wait_at_a_power_cut_are_printed_by_the_other_server(running: Pair) -> None:
    """One is held by its owner, one waits for a printer that is off. After the failover the client finds both where
    they were; they come out of the printer once it is on and the held one is released. A stop leaves no scheduler.
    """
    active, standby, client = running.active, running.standby, running.lab.client
    assert (len(schedulers(active)), schedulers(standby)) == (1, [])
    lp(running, "lp", "-d", "office", "-H", "indefinite", text="held\n")
    lp(running, "lp", "-d", "office", text="waiting\n")
    active.run(["sync"])  # CUPS does not sync the data of a job
    running.lab.power_off(active)
    running.await_active_on(standby)
    assert {line.split()[0] for line in lp(running, "lpstat", "-o").splitlines()} == {"office-1", "office-2"}

    client.run(["ip", "address", "add", f"{PRINTER}/24", "dev", "public"])
    paper = client.start_job([sys.executable, "-c", PAPER])
    wait_for(lambda: "waiting" in paper.output(), SOON_S, "the waiting job to be printed", poll_s=0.2)
    assert "held" not in paper.output()
    standby.run(["lp", "-h", SOCKET, "-i", "office-1", "-H", "resume"])
    wait_for(lambda: "held" in paper.output(), SOON_S, "the held job to be printed", poll_s=0.2)
    paper.stop()
    assert sorted(paper.output().split()) == ["held", "waiting"]

    standby.api("group.stop", SOON_S, group=pair.GROUP)
    assert schedulers(standby) == []
    assert SPOOL not in standby.run(["cat", "/proc/self/mounts"]).stdout


@pytest.mark.parametrize("running", [{"more": MORE}], indirect=True)
def test_a_scheduler_that_dies_makes_its_group_fail_over(running: Pair) -> None:
    """The reason is told, and a client is served again."""
    active, standby = running.active, running.standby
    for pid in schedulers(active):
        os.kill(pid, signal.SIGKILL)
    running.await_active_on(standby)
    moved = [event["fields"] for event in active.events() if event["event"] == "group_fails_over"]
    assert "print scheduler" in moved[-1]["reason"]
    assert "scheduler is running" in lp(running, "lpstat", "-r")
