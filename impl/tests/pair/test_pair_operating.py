"""Operating a pair: who is told and how, a snapshot of the standby, a bundle of both servers."""

import re

import pytest

from harness.labs import pair
from harness.labs.api import ApiRefused
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
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
    # The change starts twinsetd anew: right after it, the other server and the mirror have not been heard of yet.
    wait_for(
        lambda: (one.status() or {}).get("redundancy") == {"redundant": True, "next_faults": []},
        SOON_S,
        "both servers and both sides to be there again",
    )
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
    isolate_and_read(running)
    collect(running)
    running.stop_and_compare()


def marked(server: Server, device: str, text: str) -> bool:
    """Whether a text can be read from a device."""
    return server.run(["grep", "-q", "-a", text, device], check=False, timeout_s=60).returncode == 0


def isolate_and_read(running: Pair) -> None:
    """The standby is isolated under a writing load: its copy is of that moment, read-only, and it returns by a
    high-speed copy; the server that runs the group is refused (4.4-02).
    """
    lab = running.lab
    one, two = lab.servers
    scribe = running.write()
    one.run(["sh", "-c", f"echo written-before > {pair.MOUNT_POINT}/mark; sync"])
    with pytest.raises(ApiRefused) as caught:
        two.api("server.isolate", SOON_S, server=one.name)
    assert caught.value.error["clause"] == "4.4-02"
    one.api("server.isolate", LATE_S, server=two.name)
    pair.await_server(one, two.name, "Od", LATE_S)
    pair.await_set(one, "INCONSISTENT", SOON_S)
    one.run(["sh", "-c", f"echo written-after > {pair.MOUNT_POINT}/mark2; sync"])
    scribe.await_more(50)
    device = str(two.api("mirror.read", SOON_S, set=pair.SET)["devices"]["E"])
    assert marked(two, device, "written-before")
    assert not marked(two, device, "written-after")
    refused = two.run(["dd", "if=/dev/zero", f"of={device}", "count=1"], check=False)
    assert refused.returncode != 0
    with pytest.raises(ApiRefused):
        one.api("server.return", SOON_S, server=two.name)
    two.api("mirror.read_end", SOON_S, set=pair.SET)
    one.api("server.return", LATE_S, server=two.name)
    running.await_normal()
    assert one.status_of_set(pair.SET)["copy_mode_last"] == "high-speed"
    scribe.await_more(50)
    scribe.stop()
    scribe.verify(one)


def collect(running: Pair) -> None:
    """One file with both servers, and a list of their events on one clock."""
    one, two = running.lab.servers
    result = two.api("support.collect", LATE_S)
    assert result["other"] == ""
    listed = two.run(["tar", "-tzf", result["path"]]).stdout
    for name in (
        "server1/metadata/set1.json",
        "server2/metadata/set1.json",
        "server1/run/mirror-set1.log",
        "timeline.jsonl",
    ):
        assert f"/{name}\n" in listed
    key = (one.etc_directory / "cluster.key").read_text().strip()
    text = two.run(["sh", "-c", f"tar -xzOf {result['path']}"]).stdout
    assert key not in text
    rows = one.api("support.timeline", SOON_S)["events"]
    assert {row["server"] for row in rows} == {one.name, two.name}
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
