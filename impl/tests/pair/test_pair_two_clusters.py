"""Two clusters on one public LAN: neither takes the other's address or name, and each reaches the other's address."""

from collections.abc import Iterator

import pytest

from harness import audits, topology
from harness.labs import pair
from harness.labs.api import ApiRefused
from harness.labs.namespaces import Lab
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

FIRST, SECOND = topology.FLOATING_IP, "10.0.1.110"
NAME = "DBSERVER"


@pytest.fixture
def both(request: pytest.FixtureRequest) -> Iterator[tuple[Pair, pair.Part]]:
    """The first cluster with an address and a name; the second one with an address."""
    with Lab.create(topology.two_clusters(), disk_mib=64, seed=11, name=request.node.name[:40]) as lab:
        part = pair.Part(lab, topology.SECOND)
        pair.bring_up(lab, LATE_S, virtual_names=(NAME,))
        pair.bring_up(part, LATE_S, floating_ip=SECOND, cluster={"name": "second"})
        yield Pair(lab), part
    audits.no_leftovers(lab).require()


def reaches(server: Server, address: str) -> bool:
    return server.run(["ping", "-n", "-c", "1", "-W", "1", address], check=False).ok


def test_two_clusters_share_a_lan_and_nothing_else(both: tuple[Pair, pair.Part]) -> None:
    """Servers of each cluster reach the other's floating IP address, before a failover and after it (7.2.5-02). A
    configuration with an address or the name of the other cluster is refused (2.2.2.3-02, 2.2.2.3-04), and heartbeats
    of the one mean nothing to the other.
    """
    running, second = both
    lab = running.lab
    assert [reaches(server, FIRST) for server in second.servers] == [True, True]
    assert [reaches(server, SECOND) for server in lab.servers] == [True, True]

    server3 = second.server1
    server3.api("cluster.stop", LATE_S)
    pair.await_stopped(second, SOON_S)
    stolen = pair.configuration(second, floating_ip=FIRST, cluster={"name": "second"})
    with pytest.raises(ApiRefused, match=r"E_DUP.*another host on public answers for"):
        server3.api("cluster.create", LATE_S, text=stolen)
    namesake = pair.configuration(second, floating_ip=SECOND, cluster={"name": "DEMO"})
    with pytest.raises(ApiRefused, match=r"E_DUP.*another cluster DEMO"):
        server3.api("cluster.create", LATE_S, text=namesake)
    pair.insist(server3, "cluster.start", LATE_S)
    pair.await_both_normal(second, LATE_S)
    assert [reaches(server, FIRST) for server in second.servers] == [True, True]

    lab.power_off(lab.server1)
    running.await_active_on(lab.server2)
    wait_for(
        lambda: all(reaches(s, FIRST) for s in second.servers), SOON_S, "the address to be reached again"
    )
    for server in second.servers:
        states = {name: each["status"] for name, each in (server.status() or {})["servers"].items()}
        assert states == {"server3": "O", "server4": "O"}
        assert "server_down" not in [event["event"] for event in server.events()]
