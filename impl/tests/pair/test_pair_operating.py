"""Operating a pair: who is told, and by what way."""

import re

import pytest

from harness.labs import pair
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.wait import wait_for
from twinset.wire import snmp

HOOK = '#!/bin/sh\nprintf "%s %s\\n" "$TWINSET_EVENT_ID" "$TWINSET_EVENT" >> /var/lib/twinset/told\n'
TRAPS = """
[alerts]
hook_error = "/etc/twinset/scripts/on-error"
[[trap]]
address = "10.0.1.50"
community = "ours"
severity = "error"
[[trap]]
address = "10.0.1.50"
port = 1162
version = "3"
user = "twinset"
password = "at-least-8-bytes"
severity = "error"
"""
RECEIVER = "disableAuthorization no\nauthCommunity log ours\nauthUser log twinset\n"


@pytest.mark.parametrize("running", [{"install": {"on-error": HOOK}}], indirect=True)
def test_alerts_reach_people(running: Pair) -> None:
    """The end of a server is told by the hook, by a notification of version 2c and by one of version 3, which
    net-snmp's receiver takes and authenticates; the status names the fault that would hurt next.
    """
    lab = running.lab
    one, two = lab.servers
    conf = lab.directory / "client" / "snmptrapd.conf"
    users = [
        f"createUser -e 0x{snmp.engine_id(server.name).hex()} twinset SHA-256 at-least-8-bytes\n"
        for server in lab.servers
    ]
    conf.write_text(RECEIVER + "".join(users))
    argv = ["snmptrapd", "-f", "-Lo", "-n", "-On", "-C", "-c", str(conf), "udp:162", "udp:1162"]
    log = lab.directory / "client" / "traps.log"
    with log.open("w") as output:
        receiver = lab.client.popen(argv, stdout=output, stderr=output)
    wait_for(lambda: "NET-SNMP version" in log.read_text(), SOON_S, "the receiver to listen")
    one.api("cluster.apply", LATE_S, text=pair.configuration(lab) + TRAPS)
    wait_for(lambda: one.status_of_set(pair.SET), SOON_S, "the change to be in use")
    assert (one.status() or {})["redundancy"] == {"redundant": True, "next_faults": []}
    lab.power_off(two)
    pair.await_server(one, two.name, "Xd", LATE_S)

    def received() -> bool:
        text = log.read_text()
        return len(re.findall(r"\.9999\.2004\.0\.201", text)) >= 2

    wait_for(received, SOON_S, "both notifications of server_down")
    assert "server_down" in log.read_text()
    told = one.state_directory / "told"
    wait_for(lambda: told.exists() and "TS0201 server_down" in told.read_text(), SOON_S, "the hook to run")
    found = (one.status() or {})["redundancy"]
    assert not found["redundant"]
    assert {each["does"] for each in found["next_faults"]} == {"loses data", "stops the service"}
    receiver.terminate()
    receiver.wait(20)
    lab.power_on(two)
    running.give_back(two)
    running.stop_and_compare()
