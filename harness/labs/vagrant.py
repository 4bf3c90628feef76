"""A lab of two virtual machines that `vagrant up` has made, with the interface of the namespaces lab.

Vagrant made the machines and the networks; this lab only uses them: power, cables and disks through libvirt, their
inside through an agent over Vagrant's own management network, which no test cuts. The client, and every other host
that is no server, lives in namespaces whose switch is joined to the machines' public LAN. When the lab ends, the
machines stay, healed and running.
"""

import contextlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.errors import HarnessError, LabError
from harness.faults import links
from harness.faults.disk import Disk
from harness.labs import fresh
from harness.labs.host import Host, Init, environment
from harness.labs.machine import Machine
from harness.labs.switch import Switch
from harness.run import run
from harness.topology import PUBLIC, Topology, default
from harness.vagrant import guest, inputs, place, plan

UPLINK = "tws-up"  # the machine's end of the wire between the two switches of the public LAN
SSH_OPTIONS = (
    "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null", "LogLevel=ERROR",
    "BatchMode=yes", "IdentitiesOnly=yes", "ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=8",
)  # fmt: skip


class VagrantLab:
    """Two servers as virtual machines, and a client; a context manager that leaves the machines up."""

    def __init__(
        self, where: place.Place, scale: float, name: str, artefacts_root: Path | None = None
    ) -> None:
        self.place = where
        self.topology: Topology = default()
        self.scale = scale
        self.run_id = secrets.token_hex(3)
        self.directory = Path(tempfile.mkdtemp(prefix=f"twinset-lab-{self.run_id}-"))
        root = artefacts_root or Path(os.environ.get("TWINSET_LAB_ARTEFACTS", "artefacts"))
        self._artefacts_directory = root.absolute() / f"{name}-{self.run_id}"
        self._libvirt = connect(where)
        self._cuts: dict[links.Port, links.Cut] = {}
        self._keeper = Init(self.directory / "keeper.sock")
        self._switch: Switch | None = None
        self.machines: dict[str, Machine] = {s.name: self._machine(s.name) for s in self.topology.servers}
        servers = set(self.machines)
        self._others = [
            Host(each.name, self.directory / each.name, self.run_id, each.role)
            for each in self.topology.hosts
            if each.name not in servers
        ]
        self.hosts: dict[str, Host | Machine] = {
            **self.machines,
            **{host.name: host for host in self._others},
        }

    @classmethod
    def create(
        cls, *, scale: float = 1.0, disk_mib: int = 256, name: str = "vms", artefacts_root: Path | None = None
    ) -> "VagrantLab":
        """The machines as after their first boot: blank disks of that size, no cluster; and a client beside them."""
        where = place.find()
        if where is None or not cls.machines_up(where):
            raise LabError("the virtual machines are not up: make vms")
        lab = cls(where, scale, name, artefacts_root)
        try:
            fresh.both(lab.servers, lab.topology, disk_mib, scale)
            lab._make_others()
        except BaseException:
            lab.destroy()
            raise
        return lab

    @staticmethod
    def machines_up(where: place.Place) -> bool:
        """True when the machines of both servers exist and run, or ran until a test cut their power."""
        try:
            with contextlib.closing(connect(where)) as libvirt:
                known = {domain.name() for domain in libvirt.listAllDomains()}
        except HarnessError:
            return False
        return {plan.domain(server.name) for server in default().servers} <= known

    # -- its parts

    @property
    def servers(self) -> tuple[Machine, ...]:
        """The servers, in the guide's order."""
        return tuple(self.machines.values())

    @property
    def server1(self) -> Machine:
        """The first server."""
        return self.servers[0]

    @property
    def server2(self) -> Machine:
        """The second server."""
        return self.servers[1]

    @property
    def client(self) -> Host:
        """The client on the public LAN."""
        return next(host for host in self._others if host.name == "client")

    def peer_of(self, server: Machine) -> Machine:
        """The other server."""
        return self.server2 if server is self.server1 else self.server1

    def server(self, name: str) -> Machine:
        """The server of that name."""
        if name not in self.machines:
            raise LabError(f"no server {name!r}; there are {', '.join(self.machines)}")
        return self.machines[name]

    # -- power

    def power_on(self, host: Host | Machine) -> None:
        """Give a host power, and wait for its boot."""
        if isinstance(host, Machine):
            host.boot(self._pulled(host.name))
            host.await_up()
            self._apply_rules()
        else:
            host.boot(self._keeper.pid)
            if self._switch is not None:
                self._switch.plug(host.name, host.init.pid)

    def power_off(self, host: Host | Machine) -> None:
        """Cut the power."""
        if not host.powered:
            raise LabError(f"{host.name} has no power")
        if isinstance(host, Machine):
            host.die()
        else:
            if self._switch is not None:
                self._switch.unplug(host.name)
            host.die()

    # -- links

    def cut(
        self, lan: str, hosts: Iterable[Host | Machine | str] | None = None, direction: str = "both"
    ) -> None:
        """Cut servers (default: both) off a LAN: "both" pulls the cable, "in" and "out" are one-way."""
        ports = self._ports(lan, hosts)
        self._cuts.update(dict.fromkeys(ports, links.cut_of(direction)))
        self._apply(ports)

    def heal(self, lan: str | None = None, hosts: Iterable[Host | Machine | str] | None = None) -> None:
        """Undo cuts: of a LAN, or of all."""
        names = [lan] if lan is not None else [x.name for x in self.topology.lans]
        ports = set().union(*(self._ports(name, hosts) for name in names))
        for port in ports:
            self._cuts.pop(port, None)
        self._apply(ports)

    def cut_all(self, hosts: Iterable[Host | Machine | str] | None = None) -> None:
        """Every LAN of the servers at once: a total partition."""
        for lan in self.topology.lans:
            self.cut(lan.name, hosts)

    def _ports(self, lan: str, hosts: Iterable[Host | Machine | str] | None) -> set[links.Port]:
        names = [h if isinstance(h, str) else h.name for h in (self.servers if hosts is None else hosts)]
        if set(names) - set(self.machines):
            raise LabError("this lab cuts servers only")
        return {(lan, name) for name in names if name in self.topology.lan(lan).addresses}

    def _mac(self, port: links.Port) -> str:
        return guest.mac(self.topology, *port)

    def _pulled(self, server: str) -> list[str]:
        return [self._mac(port) for port, cut in self._cuts.items() if port[1] == server and not cut.carrier]

    def _apply(self, ports: Iterable[links.Port]) -> None:
        """Cables first, then the rules of one-way cuts."""
        for port in sorted(ports):
            machine = self.machines[port[1]]
            if machine.powered:
                machine.set_cable(self._mac(port), self._cuts.get(port, links.Cut()).carrier)
        self._apply_rules()

    def _apply_rules(self) -> None:
        """Drop what one-way cuts drop, on the machines' bridges."""
        ways = {
            port: cut for port, cut in self._cuts.items() if cut.carrier and self.machines[port[1]].powered
        }
        names = {port: self.machines[port[1]].tap(self._mac(port)) for port in ways}
        run([*self._net(), "nft", "-f", "-"], input_text=links.rules(ways, names))

    def _net(self) -> list[str]:
        """The words before a command in the network namespace of the machines' bridges."""
        keeper = self.place.keeper
        return [] if keeper is None else ["nsenter", "--target", str(keeper.pid), "--net", "--"]

    # -- its end

    def collect(self, target: Path) -> None:
        """Copy what helps a reader: consoles, journals, event logs."""
        for machine in self.servers:
            folder = target / machine.name
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                shutil.copy(inputs.directory() / "console" / f"{machine.name}.log", folder / "console.log")
            with contextlib.suppress(HarnessError):
                journal = machine.run(
                    ["journalctl", "--boot", "--no-pager", "-o", "short-monotonic"], timeout_s=120
                )
                (folder / "journal.txt").write_text(journal.stdout)
            with contextlib.suppress(HarnessError):
                (folder / "events.jsonl").write_text(machine.read_file("/var/lib/twinset/events.jsonl") or "")

    def destroy(self) -> None:
        """End the client, heal and resume what was cut and paused; the machines stay. May be called twice."""
        with contextlib.suppress(Exception):
            self.heal()
        for host in self._others:
            with contextlib.suppress(Exception):
                host.die()
        for machine in self.servers:
            with contextlib.suppress(Exception):
                if machine.paused:
                    machine.resume()
                for device in machine.disk_devices():
                    machine.throttle(device=device)
            machine.forget_guest()
        self._keeper.kill()  # the wire's other end lies in its namespace
        with contextlib.suppress(Exception):
            self._libvirt.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            with contextlib.suppress(Exception):
                self.collect(self._artefacts_directory)
        self.destroy()

    # -- inside

    def _machine(self, name: str) -> Machine:
        domain = self._libvirt.lookupByName(plan.domain(name))
        image = image_of(domain.XMLDesc(0), plan.image_name(name, 1))
        return Machine(name, domain, lambda: self._ssh(domain), Disk(image, image), plan.disk_path(1))

    def _ssh(self, domain: Any) -> list[str]:
        """The words that lead into a machine: Vagrant's key, the address that the management network gave out."""
        found = domain.XMLDesc(0)
        leases = self._libvirt.networkLookupByName(plan.MANAGEMENT_NETWORK).DHCPLeases()
        addresses = [lease["ipaddr"] for lease in leases if f"address='{lease['mac']}'" in found]
        if not addresses:
            raise LabError(f"{domain.name()} has no address yet")
        chosen = {**os.environ, **self.place.environment}
        home = Path(chosen.get("VAGRANT_HOME", Path.home() / ".vagrant.d"))
        options = [word for option in SSH_OPTIONS for word in ("-o", option)]
        return [
            *self._net(),
            "ssh",
            "-F",
            "none",
            *options,
            "-i",
            str(home / "insecure_private_key"),
            f"root@{addresses[-1]}",
        ]

    def _make_others(self) -> None:
        """A keeper with a switch of its own, joined to the machines' public LAN by a wire; the client on it."""
        env = environment(self.run_id)
        self._keeper.launch(
            self.place.enter,
            {"role": "keeper", "name": "keeper", "binds": {}},
            env,
            self.directory / "keeper.log",
        )
        self._keeper.order("own")
        self._switch = Switch(self.topology, self._keeper.pid)
        self._switch.build()
        public = next(lan for lan in self.topology.lans if PUBLIC in lan.roles)
        end = f"{UPLINK}-{self.run_id}"
        wire = [
            "ip",
            "link",
            "add",
            end,
            "type",
            "veth",
            "peer",
            "name",
            "uplink",
            "netns",
            str(self._keeper.pid),
        ]
        run([*self._net(), *wire])
        bridge = self._libvirt.networkLookupByName(plan.network(public.name)).bridgeName()
        run([*self._net(), "ip", "link", "set", end, "master", bridge, "up"])
        inside = ["nsenter", "--target", str(self._keeper.pid), "--net", "--", "ip", "link", "set", "uplink"]
        run([*inside, "master", public.bridge, "up"])
        for host in self._others:
            self.power_on(host)


def image_of(definition: str, name: str) -> Path:
    """Where a disk image of a machine lies, by the end of its path."""
    for path in re.findall(r"<source file='([^']+)'", definition):
        if path.endswith(f"/{name}"):
            return Path(path)
    raise LabError(f"the machine has no disk {name}")


def connect(where: place.Place) -> Any:
    """A connection to libvirt; LabError says what is missing."""
    try:
        import libvirt
    except ImportError as error:
        raise LabError("libvirt-python is not installed: make vms-setup") from error
    libvirt.registerErrorHandler(lambda *_: None, None)
    try:
        return libvirt.open(where.uri)
    except libvirt.libvirtError as error:
        raise LabError(f"libvirt does not answer at {where.uri}: {error}") from error
