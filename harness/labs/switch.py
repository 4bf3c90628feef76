"""The lab's switches: one bridge per LAN in the keeper's network namespace, one port per host and LAN.

A port is one end of a veth pair; the other end is the host's interface, named like the LAN.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from harness.faults import links
from harness.run import run
from harness.topology import Lan, Topology
from harness.wait import wait_for

CARRIER_S = 10.0


def build_commands(topology: Topology) -> list[str]:
    """``ip -batch`` lines for the switches themselves."""
    lines = ["link set lo up"]
    for lan in topology.lans:
        lines += [f"link add {lan.bridge} type bridge forward_delay 0", f"link set {lan.bridge} up"]
    return lines


def mac(topology: Topology, lan: Lan, host: str) -> str:
    """A network card keeps its address over a power cut."""
    names = [h.name for h in topology.hosts]
    return f"02:7e:15:00:{topology.lans.index(lan):02x}:{names.index(host):02x}"


def plug_commands(topology: Topology, host: str, pid: int) -> list[str]:
    """Lines that give a host its interfaces, on the switch's side."""
    lines = []
    for lan in topology.lans_of(host):
        port = lan.port(host)
        lines += [
            f"link add {port} type veth peer name {lan.name} address {mac(topology, lan, host)} netns {pid}",
            f"link set {port} master {lan.bridge} up",
        ]
    return lines


def address_commands(topology: Topology, host: str) -> list[str]:
    """Lines that address a host's interfaces, on its own side."""
    lines = ["link set lo up"]
    for lan in topology.lans_of(host):
        lines += [f"addr add {lan.addresses[host]} dev {lan.name}", f"link set {lan.name} up"]
    gateway = topology.host(host).gateway
    return [*lines, f"route add default via {gateway}"] if gateway else lines


@dataclass
class Switch:
    """The switches of one lab, and which of their ports are in use or cut."""

    topology: Topology
    keeper_pid: int
    cuts: dict[links.Port, links.Cut] = field(default_factory=dict)
    plugged: dict[links.Port, int] = field(default_factory=dict)  # and the process whose network it leads to

    def build(self) -> None:
        """Make the bridges."""
        self._ip(self.keeper_pid, build_commands(self.topology))

    def plug(self, host: str, pid: int) -> None:
        """Connect a host that has just been powered on; cuts made before still hold."""
        self._ip(self.keeper_pid, plug_commands(self.topology, host, pid))
        self._ip(pid, address_commands(self.topology, host))
        mine = {(lan.name, host) for lan in self.topology.lans_of(host)}
        self.plugged |= dict.fromkeys(mine, pid)
        if mine & self.cuts.keys():
            self._apply(mine)
        self._await_carrier(mine)

    def unplug(self, host: str) -> None:
        """Take a host off all its LANs at once: nothing that it still sends, a FIN for instance, gets out."""
        mine = {port for port in self.plugged if port[1] == host}
        self._ip(self.keeper_pid, [f"link del {self._name(port)}" for port in sorted(mine)])
        for port in mine:
            del self.plugged[port]

    def cut(self, ports: Iterable[links.Port], direction: str) -> None:
        """Cut ports, also one-way."""
        affected = set(ports)
        self.cuts.update(dict.fromkeys(affected, links.cut_of(direction)))
        self._apply(affected)

    def heal(self, ports: Iterable[links.Port]) -> None:
        """Undo every cut of these ports."""
        affected = set(ports)
        for port in affected:
            self.cuts.pop(port, None)
        self._apply(affected)
        self._await_carrier(affected & self.plugged.keys())

    def isolate(self, ports: Iterable[links.Port], *, isolated: bool) -> None:
        """Ports that are isolated pass nothing to each other, and everything to the others, as in a private VLAN."""
        for port in sorted(set(ports) & self.plugged.keys()):
            word = "on" if isolated else "off"
            run(_enter(self.keeper_pid, "bridge", "link", "set", "dev", self._name(port), "isolated", word))

    def _apply(self, affected: set[links.Port]) -> None:
        names = {(lan.name, host): lan.port(host) for lan in self.topology.lans for host in lan.addresses}
        run(_enter(self.keeper_pid, "nft", "-f", "-"), input_text=links.rules(self.cuts, names))
        self._ip(self.keeper_pid, links.carrier_commands(self.cuts, names, affected & self.plugged.keys()))

    def _await_carrier(self, ports: set[links.Port]) -> None:
        """Return once both ends of these links pass packets: the kernel tells them of the carrier late."""
        wanted = {port for port in ports if self.cuts.get(port, links.Cut()).carrier}
        ends: dict[int, set[str]] = {self.keeper_pid: {self._name(port) for port in wanted}}
        for port in wanted:
            ends.setdefault(self.plugged[port], set()).add(port[0])
        for pid, names in ends.items():
            wait_for(partial(_pass_packets, pid, names), CARRIER_S, f"carrier on {sorted(names)}")

    def _name(self, port: links.Port) -> str:
        return self.topology.lan(port[0]).port(port[1])

    def _ip(self, pid: int, lines: list[str]) -> None:
        if lines:
            run(_enter(pid, "ip", "-batch", "-"), input_text="\n".join(lines) + "\n")


def _enter(pid: int, *argv: str) -> list[str]:
    return ["nsenter", "--target", str(pid), "--net", "--", *argv]


def _pass_packets(pid: int, names: set[str]) -> bool:
    """Tell whether these interfaces are up, as the process's network sees them."""
    shown = json.loads(run(_enter(pid, "ip", "-json", "link", "show")).stdout)
    return names <= {link["ifname"] for link in shown if link.get("operstate") == "UP"}
