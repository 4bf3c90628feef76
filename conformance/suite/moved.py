"""One move of the group with the mirrored disk, there and back, watched from every side: chapters 5, 6 and 7.2.

Observed once on the configuration "copies"; the cases about disks, addresses and scripts judge what was seen.
"""

import re
from dataclasses import dataclass, field

from conformance.suite.errors import NotRun, WaitTimeout
from conformance.suite.observers import ScriptRun, announces
from conformance.suite.pair import SERVERS, Pair
from conformance.suite.wait import wait_for

GROUP = "db"
HOME, AWAY = SERVERS
TABLE_S = 10.0
_LLADDR = re.compile(r"lladdr ([0-9a-f:]{17})")
_SOURCE = re.compile(r" (\d+\.\d+\.\d+\.\d+) > (\d+\.\d+\.\d+\.\d+): ICMP echo request")


@dataclass(frozen=True)
class Look:
    """What is to be seen while the group is active on a server."""

    reached_from: dict[str, bool]  # by host: the address answers an echo request from there
    owner: str | None  # who answers ARP for the address
    addresses: dict[str, list[str]]  # of each server
    mounted: dict[str, bool]
    served: dict[str, bool]
    routes: str  # the client's routing table
    outgoing: str  # the source address of a connection from the active server to the client


@dataclass(frozen=True)
class Moved:
    """The group on its home server, and after its move to the other one."""

    fip: str
    fixed: dict[str, str]
    macs: dict[str, str]  # of the servers' fixed addresses
    before: Look
    after: Look
    table_before: str  # the client's ARP entry for the address
    table_after: str  # the same after the move, before the client asked anything
    announced: list[str]  # frames by which the new server told the LAN
    scripts: list[ScriptRun]
    noted: list[str] = field(default_factory=list)  # what start and stop script saw of the disk
    written: dict[str, str] = field(
        default_factory=dict
    )  # checksums: of a file on the disk, and of one beside it
    found: dict[str, str] = field(default_factory=dict)  # the same, on the other server after the move


def moved(pair: Pair) -> Moved:
    """The observation, made once."""
    return pair.remembered(
        "moved", _observe, NotRun
    )  # what is not there now is not there for the next case either


def _observe(pair: Pair) -> Moved:
    see, fip = pair.see, str(pair.provisioned["floating_ips"][0])
    for host, program in (("client", "tcpdump"), *((host, "ip") for host in ("client", *SERVERS))):
        see.need(host, program)
    pair.wait_place(GROUP, HOME)
    mount = pair.access(GROUP, HOME)["mount"]
    for server in SERVERS:
        for part in ("start", "stop"):
            line = f"mountpoint -q {mount} && echo {part} {server} >> {see.scratch}/disk-seen; true"
            _shell(pair, server, f"printf '%s\\n' '{line}' > {see.scratch}/at-{part}")
    beside = f"{see.scratch}/not-on-the-disk"
    _shell(pair, HOME, f"echo only here > {beside}")
    written = {"on the disk": pair.write_file(GROUP, HOME, "passed"), "beside it": see.checksum(HOME, beside)}
    runs = {server: len(see.script_runs(server)) for server in SERVERS}
    before = _look(pair, fip, HOME)
    see.pings(fip)
    table_before = _table(pair, fip)
    capture = see.capture_arp()
    pair.operate("group.move", group=GROUP, to=AWAY)
    pair.wait_place(GROUP, AWAY)
    macs = {server: see.mac_of(address) for server, address in see.fixed.items()}
    table_after = _table_changed(pair, fip, macs[AWAY])
    frames = capture.stop_after(lambda line: line.startswith(macs[AWAY]) and announces(line, fip))
    after = _look(pair, fip, AWAY)
    scripts = [run for server in SERVERS for run in see.script_runs(server)[runs[server] :]]
    noted = [
        line
        for server in SERVERS
        for line in see.run(server, ["sh", "-c", f"cat {see.scratch}/disk-seen || true"]).stdout.splitlines()
    ]
    found = {"on the disk": pair.checksum(GROUP, AWAY, "passed"), "beside it": see.checksum(AWAY, beside)}
    for server in SERVERS:
        _shell(
            pair,
            server,
            f"rm -f {beside} {see.scratch}/at-start {see.scratch}/at-stop {see.scratch}/disk-seen",
        )
    pair.operate("group.move", group=GROUP, to=HOME)
    pair.wait_place(GROUP, HOME)
    told = [line for line in frames if line.startswith(macs[AWAY]) and announces(line, fip)]
    return Moved(
        fip=fip,
        fixed=dict(see.fixed),
        macs=macs,
        before=before,
        after=after,
        table_before=table_before,
        table_after=table_after,
        announced=told,
        scripts=scripts,
        noted=noted,
        written=written,
        found=found,
    )


def _shell(pair: Pair, server: str, text: str) -> None:
    pair.see.run(server, ["sh", "-c", text])


def _look(pair: Pair, fip: str, active: str) -> Look:
    see = pair.see
    reached = {
        host: see.run(host, ["ping", "-n", "-c", "1", "-W", "1", fip]).returncode == 0
        for host in ("client", *SERVERS)
    }
    return Look(
        reached_from=reached,
        owner=see.owner_of(fip),
        addresses={server: _addresses(pair, server) for server in SERVERS},
        mounted={server: pair.mounted(GROUP, server) for server in SERVERS},
        served={server: pair.served(GROUP, server) for server in SERVERS},
        routes=see.run("client", ["ip", "-4", "route", "show"]).stdout,
        outgoing=_outgoing(pair, active),
    )


def _addresses(pair: Pair, host: str, *more: str) -> list[str]:
    shown = pair.see.run(host, ["ip", "-4", "-o", "address", "show", *more]).stdout
    return re.findall(r"inet (\d+\.\d+\.\d+\.\d+)", shown)


def _outgoing(pair: Pair, server: str) -> str:
    """From which address the server speaks to the client when nothing says which: as the client sees it."""
    see = pair.see
    client = _addresses(pair, "client", "dev", see.client_interface)
    if not client:
        raise NotRun(f"the client shows no address of {see.client_interface} that a server could be sent to")
    capture = see.capture("client", see.client_interface, "icmp[icmptype] == icmp-echo")
    see.run(server, ["ping", "-n", "-c", "1", "-W", "1", client[0]])
    frames = capture.stop_after(lambda line: f"> {client[0]}: ICMP" in line)
    return next(
        (found[1] for line in frames if (found := _SOURCE.search(line)) and found[2] == client[0]), ""
    )


def _table(pair: Pair, fip: str) -> str:
    """The MAC address in the client's ARP table; empty when there is none."""
    found = _LLADDR.search(pair.see.run("client", ["ip", "neigh", "show", fip]).stdout)
    return found[1] if found else ""


def _table_changed(pair: Pair, fip: str, wanted: str) -> str:
    try:
        return wait_for(
            lambda: _table(pair, fip), lambda seen: seen == wanted, TABLE_S, "the client's ARP entry"
        )
    except WaitTimeout:
        return _table(pair, fip)
