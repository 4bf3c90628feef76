"""Every kind of resource on a real server, stopped and failing: a state, a reason, a way out, nothing left."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from harness import topology
from harness.labs import pair
from harness.labs.api import ApiRefused
from harness.labs.running import SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

FIP, VIP, NAME = topology.FLOATING_IP, "10.200.0.5", "DBSERVER"
START = """#!/bin/sh
[ "$ARMS_EVENT" = RECOVER ] && exit 0
[ ! -e /run/linger ] || (cd /mnt/db && exec setsid sleep 86397) &
ARMLOAD W1 sleep 86398
"""
STOP = """#!/bin/sh
[ ! -e /run/hang ] || sleep 600
exit 0
"""
WHOLE = {
    "install": {"start.sh": START, "stop.sh": STOP},
    "scripts": [("/etc/twinset/scripts/start.sh", "/etc/twinset/scripts/stop.sh")],
    "script_timeout_s": 10.0,
    "virtual_names": [NAME],
    "virtual_ips": [VIP],
    "registry_keys": [("HKLM\\SOFTWARE\\Acme", "twinset")],
    "more": """
[[group.printer]]
spool = "/mnt/db/spool"
queues = [ {name = "office", device = "socket://10.0.1.50:9100"} ]
""",
}
EVERYWHERE = (
    f"{sys.executable} -c 'import signal, socket; s = socket.create_server((\"\", 631)); signal.pause()'"
)

AWAIT_PORT = "until ss -Hltn | grep -q :631; do sleep 0.1; done"


@dataclass(frozen=True)
class Failure:
    """How to break one kind, how to mend it, and what the reason says."""

    kind: str
    break_it: Callable[[Pair, Server], object]
    mend: Callable[[Pair, Server], object]
    says: str


def sh(command: str) -> Callable[[Pair, Server], object]:
    return lambda _running, server: server.run(["sh", "-c", command])


def on_client(command: str) -> Callable[[Pair, Server], object]:
    return lambda running, _server: running.lab.client.run(["sh", "-c", command])


STARTS = (
    Failure(
        "floating_ip",
        on_client(f"ip address add {FIP}/24 dev public"),
        on_client(f"ip address delete {FIP}/24 dev public"),
        "another host on public",
    ),
    Failure(
        "printer",
        sh(f"setsid {EVERYWHERE} > /dev/null 2>&1 & echo $! > /run/everywhere.pid; {AWAIT_PORT}"),
        sh("kill $(cat /run/everywhere.pid)"),
        "Address already in use",
    ),
    Failure(
        "script",
        sh("chmod -x /etc/twinset/scripts/start.sh"),
        sh("chmod +x /etc/twinset/scripts/start.sh"),
        "is no executable file",
    ),
)


def left_of_the_group(server: Server) -> list[str]:
    """What of the group is on a server: addresses, the name's sockets, mount, block device, processes."""
    found = [
        address for address in (FIP, VIP) if f" {address}/" in server.run(["ip", "-4", "address"]).stdout
    ]
    found += ["name"] if server.run(["ss", "-Huan", "sport", "=", ":137"]).stdout.strip() else []
    found += ["mount"] if pair.MOUNT_POINT in server.run(["cat", "/proc/self/mounts"]).stdout else []
    found += [
        word
        for word in ("block_device", "cupsd", "socket://", "sleep 86398", "sleep 86397", "start.sh")
        if server.run(["pgrep", "-f", word], check=False).stdout.strip()
    ]
    return found


def group(server: Server) -> dict[str, str]:
    return dict((server.status() or {})["groups"][pair.GROUP])


@pytest.mark.parametrize("running", [WHOLE], indirect=True)
def test_a_failed_resource_leaves_a_reason_and_a_way_out(running: Pair) -> None:
    """Starts that fail by address, printer and script, a disk that cannot be mounted, stops that fail by script and
    by a program on the disk: state and reason each time, nothing left, and the next try works once the cause is gone.
    """
    one = running.active
    assert set(left_of_the_group(one)) >= {FIP, VIP, "name", "mount", "block_device", "cupsd", "sleep 86398"}
    one.api("group.stop", SOON_S, group=pair.GROUP)
    assert left_of_the_group(one) == []

    for failure in STARTS:
        failure.break_it(running, one)
        with pytest.raises(ApiRefused) as refused:
            one.api("group.start", SOON_S, group=pair.GROUP)
        assert refused.value.error["help"], failure.kind
        assert group(one)["state"] == "start_failed"
        assert failure.says in group(one)["reason"], failure.kind
        assert group(one)["reason"].startswith(failure.kind)
        assert left_of_the_group(one) == [], failure.kind
        failure.mend(running, one)
        one.api("group.start", SOON_S, group=pair.GROUP)
        one.api("group.stop", SOON_S, group=pair.GROUP)
        assert left_of_the_group(one) == [], failure.kind

    one.run(["mount", "-t", "tmpfs", "none", pair.MOUNT_POINT])
    one.api("group.start", SOON_S, group=pair.GROUP)
    assert (group(one)["state"], group(one)["disk_failure"]) == ("active", True)
    assert "carries another mount" in group(one)["reason"]
    one.api("group.stop", SOON_S, group=pair.GROUP)
    one.run(["umount", pair.MOUNT_POINT], check=False)
    assert left_of_the_group(one) == []

    one.run(["touch", "/run/hang", "/run/linger"])
    one.api("group.start", SOON_S, group=pair.GROUP)
    with pytest.raises(ApiRefused) as refused:
        one.api("group.stop", SOON_S, group=pair.GROUP)
    assert refused.value.error["help"] == f"twinset group stop {pair.GROUP}"
    assert group(one)["state"] == "stop_failed"
    for said in ("script 0", "did not end within", "mirror_disk 0", "was released by force", "sleep"):
        assert said in group(one)["reason"]
    assert not set(left_of_the_group(one)) & {FIP, VIP, "name", "mount", "sleep 86398"}
    one.run(["sh", "-c", "rm /run/hang /run/linger; pkill -f 'sleep 86397'"], check=False)
    one.api("group.stop", SOON_S, group=pair.GROUP)
    assert (group(one)["state"], group(one)["reason"]) == ("inactive", "")
    wait_for(lambda: left_of_the_group(one) == [], SOON_S, "everything of the group to be gone")
    one.api("group.start", SOON_S, group=pair.GROUP)
