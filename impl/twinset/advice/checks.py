"""Checks of what two servers say of themselves, one function a code. Each yields what is wrong; silence is fine.

A check that could not look (the driver does not say, the other server was not asked) yields `unknown`.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

from .line import ADVICE, UNKNOWN, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from twinset.config.cluster import ClusterConfig, Group, Lan

    from .facts import Nic, ServerFacts

    Check = Callable[[ClusterConfig, Sequence[ServerFacts]], Iterator[Line]]

SPEED_MBPS_MIN: Final = 100  # 2.1.4-01
LIKE: Final = 0.9  # one server counts as equal to the other from this part on
IP_FRAMES: Final = frozenset({"0800", "0806", "86dd", "ALL"})
# Scanners on access: they hold files of a mirror disk open while its group stops (5.2.3).
HOLDERS: Final = frozenset({"clamonacc", "nails", "sav-protect", "ds_agent", "esets_daemon", "wdavdaemon"})
CONTROLLERS: Final = frozenset({"samba"})  # Samba's program when it is an Active Directory domain controller
SNMP: Final = "udp/161"
PORTS: Final = "udp 24001 and 24009, tcp 24002 and 24010 to 24017 between the servers"


def _speed(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    for lan, facts, name, nic in _nics(config, servers, {"interconnect", "mirror"}):
        if not nic.speed_mbps:
            text = f"the driver of {name} ({lan.name}) does not say how fast it is"
            yield Line(UNKNOWN, "", "", text, "look at the adapter and the switch", facts.server)
        elif nic.speed_mbps < SPEED_MBPS_MIN:
            text = f"{name} ({lan.name}) has {nic.speed_mbps} Mbit/s, at least {SPEED_MBPS_MIN} are asked for"
            yield Line(ADVICE, "", "", text, "a faster adapter, cable or switch port", facts.server)


def _buffers(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    for lan, facts, name, nic in _nics(config, servers, {"mirror"}):
        if not nic.rx_ring_max:
            text = f"the driver of {name} ({lan.name}) does not say how many buffers it has"
            yield Line(UNKNOWN, "", "", text, f"ethtool -g {name}", facts.server)
        elif nic.rx_ring < nic.rx_ring_max:
            text = f"{name} ({lan.name}) uses {nic.rx_ring} of {nic.rx_ring_max} receive buffers"
            yield Line(ADVICE, "", "", text, f"ethtool -G {name} rx {nic.rx_ring_max}", facts.server)


def _shared(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    for lan, facts, name, nic in _nics(config, servers, {"mirror"}):
        if "public" in lan.roles:
            continue  # chosen in the configuration, which has a finding about it
        own = {endpoint.ip for endpoint in lan.endpoints}
        strangers = sorted(set(nic.neighbours) - own)
        if strangers:
            text = f"{', '.join(strangers[:4])} was seen on mirror connect {lan.name} ({name})"
            yield Line(ADVICE, "", "", text, "join only the two servers by it", facts.server)


def _protocols(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    for lan, facts, name, nic in _nics(config, servers, {"mirror"}):
        others = sorted(set(nic.protocols) - IP_FRAMES)
        if others:
            text = f"frames of type {', '.join(others)} are listened for on {name} ({lan.name})"
            yield Line(ADVICE, "", "", text, f"unbind that protocol from {name}", facts.server)


def _capacity(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    if len(servers) < 2 or not config.groups:
        return
    for one, two in ((servers[0], servers[1]), (servers[1], servers[0])):
        for word, mine, other in (
            ("KiB of memory", one.memory_kib, two.memory_kib),
            ("processors", one.processors, two.processors),
        ):
            if mine < LIKE * other:
                text = f"has {mine} {word}, {two.server} has {other}: it may have to run what runs there"
                yield Line(ADVICE, "", "", text, "equip both servers alike", one.server)


def _controller(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    del config
    yield from _running(servers, CONTROLLERS, "is a domain controller", "make another machine the controller")


def _incompatible(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    del config
    yield from _running(
        servers,
        HOLDERS,
        "may hold files of mirror disks while groups stop",
        "leave mirror disks out of its scope",
    )


def _running(servers: Sequence[ServerFacts], names: frozenset[str], text: str, remedy: str) -> Iterator[Line]:
    for facts in servers:
        for name in sorted(names & set(facts.processes)):
            yield Line(ADVICE, "", "", f"{name} runs: {text}", remedy, facts.server)


def _snmp(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    del config
    for facts in servers:
        if SNMP not in facts.listening:
            yield Line(ADVICE, "", "", f"nobody listens on {SNMP}", "install snmpd", facts.server)


def _filters(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    del config
    for facts in servers:
        if facts.filter_hooks:
            text = f"packets may be dropped by {', '.join(facts.filter_hooks)}"
            yield Line(ADVICE, "", "", text, f"let through {PORTS}", facts.server)


def _revision(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    del config
    if len(servers) < 2:
        return
    one, two = servers
    if one.version != two.version:
        text = f"twinset {one.version} runs on {one.server} and {two.version} on {two.server}"
        yield Line(ADVICE, "", "", text, "install one version on both")
    for path in sorted({*one.scripts, *two.scripts}):
        digests = [facts.scripts[path].digest for facts in servers if path in facts.scripts]
        if len(set(digests)) > 1 and all(digests):
            yield Line(ADVICE, "", "", f"{path} differs between the servers", "copy the right one to both")


def _placement(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    del servers
    for group in config.groups:
        mounts = [mount.path.rstrip("/") + "/" for disk in group.mirror_disks for mount in disk.mounts]
        for path in _scripts(group):
            if any(path.startswith(mount) for mount in mounts):
                text = (
                    f"{path} of group {group.name} lies on its mirror disk: no stop script without the disk"
                )
                yield Line(ADVICE, "", "", text, "keep programs and scripts on each server's own disk")


def _form(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    del servers
    for one, two in combinations(config.groups, 2):
        common = sorted(set(_scripts(one)) & set(_scripts(two)))
        if common and one.policy == two.policy:
            text = f"groups {one.name} and {two.name} have one policy and share {common[0]}"
            yield Line(ADVICE, "", "", text, "one group for one application in uni-directional standby")


def _lmhosts(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    del servers
    for group in config.groups:
        for item in group.virtual_computer_names:
            if not group.associated_address:
                text = f"{item.name} of group {group.name} changes its address at failover"
                yield Line(
                    ADVICE, "", "", text, "keep it out of LMHOSTS, or associate it (twinset lmhosts FILE)"
                )


def _bind_order(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    del servers
    lans = config.public_lans()
    for address in config.name_service.wins_servers:
        holds = [lan for lan in lans if any(endpoint.ip == address for endpoint in lan.endpoints)]
        if holds and holds[0] is not lans[0]:
            text = (
                f"name server {address} lies in {holds[0].name}, names are registered through {lans[0].name}"
            )
            yield Line(ADVICE, "", "", text, f"let {holds[0].name} be the first public LAN of the file")


def _unwatched(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    watching = {
        group.policy[0].casefold()
        for group in config.groups
        if len(group.policy) == 1 and any("ARMWHSR" in _commands(path, servers) for path in _scripts(group))
    }
    for server in config.servers:
        if server.name.casefold() not in watching:
            text = (
                "no group of this server alone runs ARMWHSR: a partial stall of the other one is not noticed"
            )
            yield Line(ADVICE, "", "", text, "the sample of 9.2, where shares are served", server.name)


def _agent(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    del config
    for facts in servers:
        for path, readable in facts.watched_logs.items():
            if not readable:
                yield Line(
                    ADVICE, "", "", f"{path} cannot be read", "let the logging service write it", facts.server
                )


def _commands(path: str, servers: Sequence[ServerFacts]) -> frozenset[str]:
    return frozenset(
        word for facts in servers if path in facts.scripts for word in facts.scripts[path].commands
    )


def _scripts(group: Group) -> list[str]:
    return [path for script in group.scripts for path in (script.start, script.stop)]


def _nics(
    config: ClusterConfig, servers: Sequence[ServerFacts], roles: set[str]
) -> Iterator[tuple[Lan, ServerFacts, str, Nic]]:
    """Every adapter of every server in LANs with one of the roles, as far as it is there."""
    for lan in config.lans:
        if roles & set(lan.roles):
            for facts in servers:
                name = lan.endpoint(facts.server).interface
                if name in facts.nics:
                    yield lan, facts, name, facts.nics[name]


def _same_wins(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    """The cluster's own are in one file for both servers; what each system is set to beside it may differ."""
    del config
    if len({facts.name_servers for facts in servers}) > 1:
        each = ", ".join(
            f"{' and '.join(facts.name_servers) or 'none'} on {facts.server}" for facts in servers
        )
        text = f"the systems of the servers use other name servers than each other: {each}"
        yield Line(ADVICE, "", "", text, "the same `wins server` in both smb.conf")


def _account(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    for account in config.accounts:
        numbers = [facts.accounts[account.name] for facts in servers if account.name in facts.accounts]
        if len(set(numbers)) > 1:
            text = f"{account.name} is user {' and '.join(map(str, numbers))}: what one may read, the other may not"
            yield Line(ADVICE, "", "", text, "one account for both servers, of a domain or with one number")


CHECKS: Final[dict[str, Check]] = {
    "W_ACCOUNT": _account,
    "W_AGENT": _agent,
    "W_BIND_ORDER": _bind_order,
    "W_CAPACITY": _capacity,
    "W_DC": _controller,
    "W_FIREWALL": _filters,
    "W_FORM": _form,
    "W_INCOMPAT": _incompatible,
    "W_LINKSPEED": _speed,
    "W_LMHOSTS": _lmhosts,
    "W_MC_SHARED": _shared,
    "W_NICBUF": _buffers,
    "W_PLACEMENT": _placement,
    "W_PROTO": _protocols,
    "W_REVISION": _revision,
    "W_SNMP": _snmp,
    "W_UNWATCHED": _unwatched,
    "W_WINS_DIFF": _same_wins,
}
