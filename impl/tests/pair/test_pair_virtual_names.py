"""Virtual computer names seen by real clients: Samba's nmblookup, smbclient, and nmbd as rival and name server."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from harness import audits, topology
from harness.labs import pair, samba
from harness.labs.api import ApiRefused
from harness.labs.host import Host
from harness.labs.namespaces import Lab
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

NAME, OTHER, FIP = "DBSERVER", "WEB-1", topology.FLOATING_IP
WINS = "wins"
RIVAL, RIVAL_ADDRESS = "rival", "10.0.1.60"

WITH_RIVAL = topology.default().plus_client(RIVAL, "public", f"{RIVAL_ADDRESS}/24")
WITH_WINS = topology.default().plus_client(WINS, "public", "10.0.1.53/24")


@pytest.fixture
def with_share(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A pair whose group has one name, associated with its address, and a share on its mirror disk."""
    with Lab.create(WITH_RIVAL, disk_mib=64, seed=11, name=request.node.name[:40]) as lab:
        scripts = samba.share_scripts(lab, "data", pair.MOUNT_POINT)
        pair.bring_up(lab, LATE_S, virtual_names=(NAME,), scripts=(scripts,))
        yield Pair(lab)
    audits.no_leftovers(lab).require()


@dataclass
class Named(Pair):
    """A pair with name servers, by the addresses at which they are asked."""

    name_servers: dict[str, Host] = field(default_factory=dict)

    def known(self, name: str) -> set[tuple[str, ...]]:
        """The answers of the name servers that have power: one, when they are of one mind."""
        return {
            tuple(looked_up(self.lab.client, "-U", address, "--recursion", name))
            for address, host in self.name_servers.items()
            if host.powered
        }


@pytest.fixture(params=["outside the cluster", "on both servers"])
def named(request: pytest.FixtureRequest) -> Iterator[Named]:
    """A pair whose two names are not associated; before them, Samba as the name server in either arrangement."""
    with Lab.create(WITH_WINS, disk_mib=64, seed=11, name="name-servers") as lab:
        hosts = [lab.host(WINS)] if request.param == "outside the cluster" else [*lab.servers]
        addresses = {lab.topology.lan("public").addresses[host.name]: host for host in hosts}
        for address, host in addresses.items():
            samba.nmbd(host, address, netbios_name=host.name.upper(), wins_support="yes")
        servers = {address.partition("/")[0]: host for address, host in addresses.items()}
        pair.bring_up(lab, LATE_S, virtual_names=(NAME, OTHER), wins_servers=tuple(servers))
        yield Named(lab, name_servers=servers)
    audits.no_leftovers(lab).require()


def looked_up(client: Host, *words: str) -> list[str]:
    """The addresses that nmblookup prints, sorted."""
    printed = client.run(["nmblookup", *words], check=False, timeout_s=30).stdout
    return sorted(line.split()[0] for line in printed.splitlines() if "<" in line and line[0].isdigit())


def await_lookup(client: Host, expected: Sequence[str], what: str) -> None:
    """A broadcast finds exactly these addresses, some time soon."""
    wait_for(lambda: looked_up(client, NAME) == list(expected), LATE_S, what, poll_s=0.1)


def named_sockets(server: Server) -> list[str]:
    """The sockets on the port of the name service."""
    return server.run(["ss", "-Huan", "sport", "=", ":137"]).stdout.splitlines()


def shared_note(client: Host) -> str:
    """What an SMB client reads that knows the name only; empty when it reads nothing."""
    argv = ["smbclient", f"//{NAME}/data", "--no-pass", "--option", "name resolve order=bcast"]
    return client.run([*argv, "--command", "get note -"], check=False, timeout_s=60).stdout.strip()


def test_a_name_is_defended_follows_its_group_and_ends_with_it(with_share: Pair) -> None:
    """One name through its life: found by broadcast, kept from a rival, after a power cut found as before, gone."""
    running, lab, client = with_share, with_share.lab, with_share.lab.client
    rival = lab.host(RIVAL)
    assert looked_up(client, NAME) == looked_up(client, f"{NAME.lower()}#20") == [FIP]
    assert looked_up(running.standby, NAME) == [FIP]
    assert client.run(["nmblookup", "-A", FIP]).stdout.count(f"{NAME} ") == 2
    assert (running.active.status() or {})["groups"][pair.GROUP]["virtual_computer_names"] == {NAME: FIP}

    running.active.run(["sh", "-c", f"echo on the mirror > {pair.MOUNT_POINT}/note; sync"])
    assert shared_note(client) == "on the mirror"

    nmbd = samba.nmbd(rival, "public", netbios_name=NAME)
    log = rival.directory / "samba" / "log.nmbd"
    refused = f"Failed to register my name {NAME}<20>"
    wait_for(lambda: refused in log.read_text(), SOON_S, "Samba to be refused the name", poll_s=0.1)
    assert looked_up(client, NAME) == [FIP]
    assert any(event["event"] == "virtual_computer_name_defended" for event in running.active.events())
    nmbd.stop()

    survivor = running.standby
    lab.power_off(running.active)
    await_lookup(client, [FIP], "the name to be found again")
    running.await_active_on(survivor)
    assert shared_note(client) == "on the mirror"

    survivor.kill_program("twinsetd")
    await_lookup(client, [FIP], "the next twinsetd to answer for the name")

    pair.insist(survivor, "group.stop", SOON_S, group=pair.GROUP)
    pair.await_group(survivor, "inactive", SOON_S)
    assert looked_up(client, NAME) == []
    assert named_sockets(survivor) == []

    samba.nmbd(rival, "public", netbios_name=NAME)
    await_lookup(client, [RIVAL_ADDRESS], "the rival to have the name")
    with pytest.raises(ApiRefused, match="E_DUP"):
        survivor.api("group.start", SOON_S, group=pair.GROUP)
    group = (survivor.status() or {})["groups"][pair.GROUP]
    assert f"belongs to the host at {RIVAL_ADDRESS}" in group["reason"]
    assert "[7.3.1.1-02]" in group["reason"]
    assert (group["state"], group["virtual_computer_names"]) == ("start_failed", {NAME: FIP})
    assert named_sockets(survivor) == []


def test_name_servers_follow_the_group(named: Named) -> None:
    """Names that are not associated: registered with the server's address, after a power cut with the other's, gone."""
    lab, client = named.lab, named.lab.client
    assert named.known(NAME) == named.known(f"{OTHER}#20") == {("10.0.1.1",)}
    assert looked_up(client, NAME) == ["10.0.1.1"]
    lab.power_off(lab.server1)
    named.await_active_on(lab.server2)
    assert named.known(NAME) == named.known(f"{OTHER}#20") == {("10.0.1.2",)}
    assert looked_up(client, NAME) == ["10.0.1.2"]
    pair.insist(lab.server2, "group.stop", SOON_S, group=pair.GROUP)
    pair.await_group(lab.server2, "inactive", SOON_S)
    assert named.known(NAME) == named.known(f"{OTHER}#20") == {()}
    assert looked_up(client, NAME) == []
