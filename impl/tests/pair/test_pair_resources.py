"""What follows its group beside disk and address: a share definition, seen by an SMB client; a route, by a router."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from harness import audits, topology
from harness.labs import pair, samba
from harness.labs.namespaces import Lab
from harness.labs.router import Router
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

SHARE = "Docs"
VIP = "10.200.0.5"
WITH_ROUTER = topology.default().plus_client("router", "public", "10.0.1.70/24")
KEY = f"HKLM\\SOFTWARE\\Samba\\smbconf\\{SHARE}"


@dataclass
class Routed(Pair):
    """A pair beside a router that learns by RIP."""

    router: Router | None = None

    def await_route(self, gateway: str, what: str) -> None:
        """The router reaches the virtual address through that server, or ("") does not know it."""
        router = self.router
        assert router is not None
        wait_for(lambda: router.routes().get(VIP, "") == gateway, SOON_S, what, poll_s=0.1)
        ping = router.host.run(["ping", "-n", "-c", "1", "-W", "2", VIP], check=False)
        assert (ping.returncode == 0) == bool(gateway), ping


@pytest.fixture
def routed(request: pytest.FixtureRequest) -> Iterator[Routed]:
    """A pair whose group has a virtual address and a share definition in Samba's registry; smbd; a router."""
    with Lab.create(WITH_ROUTER, disk_mib=64, seed=11, name=request.node.name[:40]) as lab:
        scripts = samba.registry_share_scripts(lab)
        router = Router(lab.host("router"), "public")
        pair.bring_up(lab, LATE_S, scripts=(scripts,), registry_keys=((KEY, "samba"),), virtual_ips=(VIP,))
        yield Routed(lab, router=router)
    audits.no_leftovers(lab).require()


def net(server: Server, *words: str) -> str:
    return server.run(["net", "-s", samba.REGISTRY_CONF, *words], timeout_s=30).stdout


def comment(lab: Lab) -> str:
    """What a client sees of the share at the group's address; empty without it."""
    argv = ["smbclient", "--no-pass", "--grepable", "--list", topology.FLOATING_IP]
    printed = lab.client.run(argv, check=False, timeout_s=30).stdout
    rows = [line.split("|") for line in printed.splitlines() if line.startswith("Disk|")]
    return next((row[2] for row in rows if row[1] == SHARE), "")


def test_a_share_definition_and_a_route_follow_their_group(routed: Routed) -> None:
    """Added and changed with Samba's own tool on the active server; after a power cut the other server shares it.
    The router reaches the virtual address through the active server, soon through the other, and not after a stop.
    """
    running, lab = routed, routed.lab
    active, standby = running.active, running.standby
    running.await_route("10.0.1.1", "the router to learn the route")
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
    running.await_route("10.0.1.2", "the router to change to the other server")
    wait_for(lambda: comment(lab) == "last", SOON_S, "the client to see the share again", poll_s=0.2)
    events = [event["event"] for event in standby.events()]
    assert events.index("registry_key_restored") < events.index("script_started")

    pair.insist(standby, "group.stop", SOON_S, group=pair.GROUP)
    pair.await_group(standby, "inactive", SOON_S)
    running.await_route("", "the router to forget the route")
    assert VIP not in standby.run(["ip", "address"]).stdout
