"""The script commands on two servers: from a shell, from within a group's script, against a lost public LAN."""

import pytest

from harness.labs import pair
from harness.labs.api import ApiRefused
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.run import Result
from harness.wait import wait_for

START = """#!/bin/sh
[ "$ARMS_EVENT" = RECOVER ] && exit 0
ARMBCAST /MSG "$ARMS_EVENT on $ARMS_SERVER"
if [ "$ARMS_SERVER" = HOME ] && [ -e /etc/twinset/flee ]; then setsid /etc/twinset/scripts/diskfail.sh & fi
armsleep 1
"""
# The guide's sample (4.5.2): only the home server fails over, so that there is no ping-pong.
DISKFAIL = """#!/bin/sh
[ "$ARMS_SERVER" = OTHER ] && exit 0
exec ARMFOVER /F "$ARMS_GROUPNAME"
"""
STOP = """#!/bin/sh
armsleep 1
armbcast --message "stopped on $ARMS_SERVER"
"""


SCRIPTS = {
    "install": {"start.sh": START, "stop.sh": STOP, "diskfail.sh": DISKFAIL},
    "scripts": [("/etc/twinset/scripts/start.sh", "/etc/twinset/scripts/stop.sh")],
    "group_options": {"startup": "manual"},
}


SECRET = "open sesame"


def refused(server: Server) -> str:
    """Return the class of the refusal when it is asked, without the password, to stop a group that is not there."""
    with pytest.raises(ApiRefused) as caught:
        server.api("group.stop", group="nobody")
    return str(caught.value.error["code"])


def command(server: Server, *words: str, status: int = 0) -> Result:
    """Run a script command on a server; its exit status has to be that."""
    result = server.run(words, check=False)
    assert result.returncode == status, f"{words}: {result.returncode} {result.stdout}{result.stderr}"
    return result


def said(server: Server) -> list[str]:
    """Return the messages in a server's event log."""
    return [event["fields"]["text"] for event in server.events() if event["event"] == "broadcast_message"]


def test_an_operator_talks_moves_and_shuts_down(running: Pair) -> None:
    """ARMBCAST is in both event logs, ARMFOVER moves the group, ARMDOWN makes it fail over and its server Od."""
    one, two = running.lab.servers
    command(one, "ARMBCAST", "/MSG", "hello", "/A")
    wait_for(lambda: "hello" in said(one) and "hello" in said(two), SOON_S, "the message on both")
    assert "[4.5.2-17]" in command(one, "armfover", status=2).stderr
    command(one, "ARMFOVER", "/F", "nobody", status=4)
    assert "not active" in command(two, "ARMFOVER", "/F", pair.GROUP, status=1).stderr
    assert running.active is one
    command(one, "ARMFOVER", "/F", pair.GROUP)
    running.await_active_on(two)
    running.await_normal()
    assert "server2 leaves the cluster" in command(two, "ARMDOWN").stdout
    running.await_active_on(one)
    pair.await_server(one, two.name, "Od", LATE_S)
    command(one, "ARMDOWN", status=1)
    running.give_back(two)


def test_a_public_lan_lost_on_one_server_only_moves_the_group(running: Pair) -> None:
    """ARMRSP: lost on both servers nothing moves; lost on the active one alone, the group fails over (6.3-19)."""
    active, standby = running.active, running.standby
    client = "10.0.1.50"
    watch = active.popen(["ARMRSP", client, "/F", pair.GROUP, "/T", "1", "/N", "2"])
    running.lab.cut("public", ["client"])
    wait_for(
        lambda: any("no better off" in text for text in said(active)), SOON_S, "ARMRSP to hold, and to say so"
    )
    assert running.active is active
    running.lab.heal("public")
    wait_for(lambda: any("is good" in text for text in said(active)), SOON_S, "the LAN to be good again")
    running.lab.cut("public", [active])
    running.await_active_on(standby)
    assert watch.wait(SOON_S) == 0
    running.lab.heal("public")
    running.await_normal()


@pytest.mark.parametrize("running", [SCRIPTS], indirect=True)
def test_a_script_flees_from_its_own_server(running: Pair) -> None:
    """The sample of 4.5.2: the start script on HOME lets its own group fail over; on OTHER it stays, no ping-pong.

    Scripts are not asked for the cluster password, everybody else is, and it is found nowhere (2.2.2.3-14).
    """
    one, two = running.lab.servers
    text = one.api("cluster.configuration")["text"]
    one.api(
        "cluster.apply", LATE_S, text=text.replace("[cluster]\n", f'[cluster]\npassword = "{SECRET}"\n', 1)
    )
    for server in (one, two):
        wait_for(lambda s=server: refused(s) == "E_DENIED", SOON_S, f"{server.name} to ask")  # type: ignore[misc]
        server.write_file("/etc/twinset/word", f"{SECRET}\n", 0o600)
        (server.etc_directory / "flee").touch()
    command(two, "ARMFOVER", "/F", pair.GROUP, status=6)
    asked = ["twinset", "--password-file", "/etc/twinset/word", "group"]
    command(two, *asked, "stop", pair.GROUP)
    command(one, *asked, "start", pair.GROUP)
    running.await_active_on(two)
    wanted = [*["START on HOME", "stopped on HOME"] * 2, "FAILOVER on OTHER"]
    wait_for(lambda: said(one) == said(two) == wanted, SOON_S, f"{wanted} in both event logs")
    for server in (one, two):
        command(
            server, "grep", "-rlF", SECRET, "/var/lib/twinset", "/run/twinset", "--devices=skip", status=1
        )
        assert SECRET not in server.run(["ps", "-eo", "args"]).stdout
