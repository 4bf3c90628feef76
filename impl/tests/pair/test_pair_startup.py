"""Start-up rules on two servers: a fast reboot is the crash it was, and a lone server starts only what it can prove."""

import pytest

from harness.labs import pair
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

GROUP, SET = pair.GROUP, pair.SET


def reason_of(server: Server) -> str:
    """Why the group does not run, as the server shows it."""
    return str((server.status() or {}).get("groups", {}).get(GROUP, {}).get("reason", ""))


def all_off(running: Pair) -> None:
    """A cluster shutdown, then no power anywhere."""
    running.lab.server1.api("cluster.stop", LATE_S)
    pair.await_stopped(running.lab, SOON_S)
    for server in running.lab.servers:
        running.lab.power_off(server)


@pytest.mark.parametrize("running", [{"timing": {"startup_wait_s": 40}}], indirect=True)
def test_startup_rules(running: Pair) -> None:
    """A server that is back before its silence is noticed was down all the same: its group fails over at once, it is
    Od. After a shutdown the server without the right to start alone operates and runs nothing; the one with it does.
    """
    lab = running.lab
    one, two = lab.servers
    scribe = running.write()
    scribe.await_more(100)
    lab.power_off(one)
    lab.power_on(one)
    running.await_active_on(two)
    scribe.verify(two)
    downs = [event for event in two.events() if event["event"] == "server_down"]
    assert [event["fields"]["reason"] for event in downs] == ["it was restarted: its boot id is new"]
    assert not [event for event in two.events() if event["event"] == "heartbeat_lost"]
    running.give_back(one)

    all_off(running)
    lab.power_on(two)
    pair.await_server(two, two.name, "O", LATE_S)
    wait_for(lambda: "holds the right to start alone" in reason_of(two), SOON_S, "the reason")
    assert {"lone_start", "group_not_started"} <= {event["event"] for event in two.events()}
    lab.power_on(one)
    pair.await_server(two, one.name, "Od", LATE_S)
    # Its heartbeat may be heard before its connection is up.
    pair.insist(two, "server.return", LATE_S, server=one.name)
    running.await_normal()
    pair.insist(one, "group.start", LATE_S, group=GROUP)
    scribe.verify(running.active)

    all_off(running)
    lab.power_on(one)
    running.await_active_on(one)
    scribe.verify(one)
    lab.power_on(two)
    running.give_back(two)
    running.stop_and_compare()
