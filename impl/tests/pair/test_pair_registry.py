"""A Samba share whose definition is a registry key: it follows its group, seen by an SMB client."""

from collections.abc import Iterator

import pytest

from harness import audits, topology
from harness.labs import pair, samba
from harness.labs.namespaces import Lab
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

SHARE = "Docs"
KEY = f"HKLM\\SOFTWARE\\Samba\\smbconf\\{SHARE}"


@pytest.fixture
def with_registry_share(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A pair whose group has a share definition in Samba's registry, and smbd that reads its shares there."""
    with Lab.create(disk_mib=64, seed=11, name=request.node.name[:40]) as lab:
        scripts = samba.registry_share_scripts(lab)
        pair.bring_up(lab, LATE_S, scripts=(scripts,), registry_keys=((KEY, "samba"),))
        yield Pair(lab)
    audits.no_leftovers(lab).require()


def net(server: Server, *words: str) -> str:
    return server.run(["net", "-s", samba.REGISTRY_CONF, *words], timeout_s=30).stdout


def comment(lab: Lab) -> str:
    """What a client sees of the share at the group's address; empty without it."""
    argv = ["smbclient", "--no-pass", "--grepable", "--list", topology.FLOATING_IP]
    printed = lab.client.run(argv, check=False, timeout_s=30).stdout
    rows = [line.split("|") for line in printed.splitlines() if line.startswith("Disk|")]
    return next((row[2] for row in rows if row[1] == SHARE), "")


def test_a_share_definition_follows_its_group(with_registry_share: Pair) -> None:
    """Added and changed with Samba's own tool on the active server; after a power cut the other server shares it."""
    running, lab = with_registry_share, with_registry_share.lab
    active, standby = running.active, running.standby
    net(active, "conf", "addshare", SHARE, pair.MOUNT_POINT, "writeable=n", "guest_ok=y", "first")

    def version() -> int:
        return int(standby.api("registry.status")["keys"][0]["version"])

    wait_for(lambda: version() == 1, SOON_S, "the share definition to reach the other server", poll_s=0.2)
    net(active, "conf", "setparm", SHARE, "comment", "last")
    wait_for(lambda: version() == 2, SOON_S, "its change to reach the other server", poll_s=0.2)
    assert SHARE not in net(standby, "conf", "listshares").split()
    wait_for(lambda: comment(lab) == "last", SOON_S, "the client to see the share", poll_s=0.2)

    lab.power_off(active)
    running.await_active_on(standby)
    wait_for(lambda: comment(lab) == "last", SOON_S, "the client to see the share again", poll_s=0.2)
    events = [event["event"] for event in standby.events()]
    assert events.index("registry_key_restored") < events.index("script_started")
