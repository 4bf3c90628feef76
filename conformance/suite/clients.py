"""Clients of a floating IP address, near and remote, through a loss of its server: watched once, judged by many cases.

The application is an echo server that the group's start script starts; it also calls the remote host, as in formats
(2) and (3) of 7.2.6. Its clients connect, talk, and connect again when the connection breaks.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.suite.clusters import CLIENTS_GROUP as GROUP
from conformance.suite.pair import DEADLINE_S, Pair
from conformance.suite.wait import wait_for

PORT = 7000
HOME, AWAY = "server1", "server2"
NEAR, REMOTE = "client", "remote"
CALLS = 3  # echo requests to the remote host at each start of the application

SERVER_PROGRAM = f"""
import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(64):
            self.request.sendall(data)
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("", {PORT}), Echo).serve_forever()
"""
CLIENT_PROGRAM = f"""
import select, socket, sys
while True:
    try:
        with socket.create_connection((sys.argv[1], {PORT}), 0.5) as connection:
            connection.settimeout(1)
            print("up", flush=True)
            while True:
                connection.sendall(b"x")
                if not connection.recv(64):
                    raise OSError("closed")
                select.select([], [], [], 0.1)
    except OSError:
        print("lost", flush=True)
        select.select([], [], [], 0.2)
"""


@dataclass
class Side:
    """What was seen while the group ran on one server."""

    server: str
    pings: dict[str, bool]  # by the host that asked
    neighbours: dict[str, str]  # whom the client and the router believe to have the address
    mac: str  # of that server
    outgoing: list[str]  # sources of what the application sent to the remote host


@dataclass
class Seen:
    """Both sides, and what the clients' connections went through between them."""

    address: str
    fixed: dict[str, str]
    before: Side
    after: Side
    lines: dict[str, list[str]] = field(default_factory=dict)  # "up" and "lost", by host


def watch(pair: Pair) -> Seen:
    """Start the group, connect, cut the power of its server, wait until everybody is served again; once a run."""
    return pair.once(_watch)


def _watch(pair: Pair) -> Seen:
    see, address = pair.see, str(pair.provisioned["floating_ips"][0])
    remote = str(pair.provisioned["remote"]["address"])
    for host in (NEAR, REMOTE, HOME, AWAY):
        see.need(host, "python3")
    for server in (HOME, AWAY):
        _install(pair, server, remote)
    capture = see.capture(REMOTE, "any", "icmp[icmptype]=icmp-echo")
    pair.operate("group.start", group=GROUP)
    pair.wait_place(GROUP, HOME)
    jobs = {host: _connect(pair, host, address) for host in (NEAR, REMOTE)}
    _await_lines(pair, jobs, lambda lines: lines[-1:] == ["up"], "every client to be connected")
    called = capture.stop_after(_last_call)  # else the next capture sees the last of them
    before = _side(pair, HOME, address, _sources(called))
    capture = see.capture(REMOTE, "any", "icmp[icmptype]=icmp-echo")
    pair.crash(HOME)
    pair.wait(lambda s: s.place(GROUP) == AWAY, "the group to fail over", seen_by=AWAY)
    lines = _await_lines(
        pair, jobs, lambda each: "lost" in each and each[-1] == "up", "every client to be connected again"
    )
    after = _side(pair, AWAY, address, _sources(capture.stop_after(_last_call)))
    for job in jobs.values():
        pair.adapter.request("job", {"job": job, "action": "stop"})
    return Seen(address, see.fixed, before, after, lines)


def _install(pair: Pair, server: str, remote: str) -> None:
    """Lay the application beside the start script, which starts it and lets it call the remote host."""
    scratch = pair.see.scratch
    line = (
        f"setsid python3 {scratch}/echo.py > /dev/null 2>&1 & "
        f"ping -n -c {CALLS} -i 0.2 {remote} > /dev/null 2>&1 &"
    )
    for name, text in (("echo.py", SERVER_PROGRAM), ("at-start", line)):
        argv = ["sh", "-c", 'printf "%s\\n" "$1" > "$2"', "sh", text, f"{scratch}/{name}"]
        pair.see.run(server, argv)


def _connect(pair: Pair, host: str, address: str) -> str:
    argv = ["python3", "-c", CLIENT_PROGRAM, address]
    return str(pair.adapter.request("run", {"host": host, "argv": argv, "background": True})["job"])


def _await_lines(
    pair: Pair, jobs: dict[str, str], accept: Callable[[list[str]], bool], what: str
) -> dict[str, list[str]]:
    def lines() -> dict[str, list[str]]:
        return {
            host: str(pair.adapter.request("job", {"job": job, "action": "read"})["stdout"]).split()
            for host, job in jobs.items()
        }

    return wait_for(lines, lambda found: all(map(accept, found.values())), DEADLINE_S, what)


def _side(pair: Pair, server: str, address: str, outgoing: list[str]) -> Side:
    see = pair.see
    other = AWAY if server == HOME else HOME
    hosts = [NEAR, REMOTE, server, *([other] if other in pair.now.powered else [])]
    pings = {h: see.run(h, ["ping", "-n", "-c", "1", "-W", "1", address]).returncode == 0 for h in hosts}
    router = str(pair.provisioned["remote"]["router"])
    return Side(
        server,
        pings,
        {host: _neighbour(pair, host, address) for host in (NEAR, router)},
        see.mac_of(see.fixed[server]),
        outgoing,
    )


def _neighbour(pair: Pair, host: str, address: str) -> str:
    """The hardware address under which a host sends to an address, by its ARP table."""
    shown = pair.see.run(host, ["ip", "neigh", "show", address]).stdout
    found = re.search(r"lladdr (\S+)", shown)
    return found[1].lower() if found else ""


def _last_call(frame: str) -> bool:
    return f"seq {CALLS}," in frame


def _sources(frames: list[str]) -> list[str]:
    return sorted({m[1] for line in frames if (m := re.search(r"(\d+\.\d+\.\d+\.\d+) > \d+", line))})
