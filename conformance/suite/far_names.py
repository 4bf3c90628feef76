"""Clients of virtual computer names on the servers' LAN and behind a router: watched once, judged by many cases.

The guide's two arrangements of name servers (WINS) are two stories: on both servers (A of 7.3.2.3), or on a host
outside the cluster (B), which the client plays. One name is associated with an address (LINKED), one stands for its
server (LOOSE). A file service of the suite on either server shows that a name leads to somebody.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from conformance.suite.clusters import LINKED, LOOSE
from conformance.suite.name_server import NameProxy, NameServer
from conformance.suite.pair import Pair
from conformance.suite.smb import BROADCAST, Resolver, Shared, calls, connects
from conformance.suite.wait import settled

HOME, AWAY = "server1", "server2"
NEAR, REMOTE = "client", "remote"
GROUPS = {"linked": LINKED, "loose": LOOSE}
SHARE = "data"
LONG_S, SHORT_S = 3600, 1  # for which DNS keeps what it learnt from a name server
DNS = {LONG_S: 5301, SHORT_S: 5302}  # the ports of those two DNS servers
FORGET_S = 2.0
Known = dict[tuple[str, str], list[str]]  # addresses by name server and name


@dataclass
class Look:
    """What is to be seen while the groups run on a server."""

    server: str
    known: Known
    by_wins: dict[str, bool]  # the remote client, set to the name servers, comes to the share: by name
    by_lmhosts: dict[tuple[str, str], bool] = field(default_factory=dict)  # by host and name
    services: dict[str, bool] = field(default_factory=dict)  # by what a client of the name used
    from_standby: bool | None = None  # the other server comes to the share by LINKED
    dns: dict[int, str] = field(
        default_factory=dict
    )  # what the remote client is told of LOOSE, by seconds kept


@dataclass
class Seen:
    """Both servers, and the time between them."""

    address: str  # of LINKED
    fixed: dict[str, str]
    name_servers: tuple[str, ...]
    before: Look
    stopped: Known  # while the cluster was stopped
    restarted: Look
    after: Look  # of the loss of server 1

    def expected(self, look: Look) -> Known:
        """What every name server that has power should know."""
        there = [each for each in self.name_servers if each != self.fixed[HOME] or look.server == HOME]
        stands_for = {LINKED: self.address, LOOSE: self.fixed[look.server]}
        return {(each, name): [stands_for[name]] for each in there for name in stands_for}


def watch(pair: Pair) -> Seen:
    """The story of the present configuration."""
    return pair.once(_watch)


def _watch(pair: Pair) -> Seen:
    addresses = tuple(str(each) for each in pair.now.config["name_service"]["wins_servers"])
    hosts = {fixed: server for server, fixed in pair.see.fixed.items()}
    names = [NameServer(pair, hosts.get(address, NEAR), address) for address in addresses]
    own = len(names) > 1
    proxies = (
        {} if own else {keep_s: NameProxy(pair, port, keep_s, addresses[0]) for keep_s, port in DNS.items()}
    )
    with (
        _running(pair, [*names, *proxies.values()]),
        Shared(pair, HOME, SHARE, rpc=own),
        Shared(pair, AWAY, SHARE, rpc=own),
    ):
        look = _Looking(pair, addresses, proxies)
        _start(pair, HOME)
        before = look.at(HOME, thorough=own)
        pair.operate("cluster.stop")
        pair.wait(lambda s: set(s.servers.values()) == {"X"}, "both servers to be X")
        stopped = look.known()
        pair.until_accepted("cluster.start")
        pair.wait(lambda s: set(s.servers.values()) == {"O"} and s.settled(), "both servers to operate")
        _start(pair, HOME)
        restarted = look.at(HOME)
        pair.crash(HOME)
        for group in GROUPS:
            pair.wait(lambda s, g=group: s.place(g) == AWAY, f"{group} to fail over", seen_by=AWAY)  # type: ignore[misc]
        after = look.at(AWAY, thorough=own)
    address = str(pair.provisioned["floating_ips"][0])
    return Seen(address, pair.see.fixed, addresses, before, stopped, restarted, after)


@contextlib.contextmanager
def _running(pair: Pair, names: Sequence[NameServer | NameProxy]) -> Iterator[None]:
    """All of them run for as long as this lasts."""
    pair.see.need(NEAR, "nmblookup")
    with contextlib.ExitStack() as stack:
        for each in names:
            stack.callback(each.end)
            each.start()
        yield


def _start(pair: Pair, server: str) -> None:
    for group in GROUPS:
        if pair.status().place(group) is None:
            pair.until_accepted("group.start", group=group)
        pair.wait_place(group, server)


@dataclass(frozen=True)
class _Looking:
    pair: Pair
    name_servers: tuple[str, ...]
    proxies: dict[int, NameProxy]  # by the seconds for which they keep an answer

    def at(self, server: str, *, thorough: bool = False) -> Look:
        """Look from everywhere; thorough: also at what does not go by name servers."""
        pair, by = self.pair, Resolver("wins", wins=self.name_servers)
        look = Look(
            server,
            self.known(),
            {name: connects(pair, REMOTE, name, SHARE, by) for name in GROUPS.values()},
        )
        look.dns = {keep_s: self._told(proxy, server) for keep_s, proxy in self.proxies.items()}
        if thorough:
            lines = f"{pair.provisioned['floating_ips'][0]} {LINKED}\n{pair.see.fixed[HOME]} {LOOSE}"
            listed = Resolver("lmhosts", lmhosts=lines)
            look.by_lmhosts = {
                (host, name): connects(pair, host, name, SHARE, listed)
                for host in (NEAR, REMOTE)
                for name in GROUPS.values()
            }
            look.services = {
                "named pipe": calls(pair, NEAR, LINKED, BROADCAST),
                "RPC over TCP/IP": calls(pair, NEAR, f"ncacn_ip_tcp:{LINKED}", BROADCAST),
                "NetBIOS over TCP/IP": connects(pair, NEAR, LINKED, SHARE, BROADCAST, "--port=139"),
            }
            if server == HOME:
                look.from_standby = connects(pair, AWAY, LINKED, SHARE, BROADCAST)
        return look

    def known(self) -> Known:
        """What the name servers that have power know of both names."""
        see, off = self.pair.see, set(self.pair.see.fixed) - self.pair.now.powered
        asked = [each for each in self.name_servers if each not in {see.fixed[server] for server in off}]
        return {(each, name): see.knows(each, name) for each in asked for name in GROUPS.values()}

    def _told(self, proxy: NameProxy, server: str) -> str:
        """What the remote client is told by DNS; asked again for longer than a short-lived answer is kept."""
        wanted = self.pair.see.fixed[server]
        return settled(lambda: proxy.says(REMOTE, LOOSE), lambda said: said == wanted, SHORT_S + FORGET_S)
