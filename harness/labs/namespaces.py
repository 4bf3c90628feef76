"""A lab on one Linux machine: every host in namespaces of its own, all of them inside those of one *keeper*.

    keeper      network (the switches), mounts (the disks), PIDs (everything): its death ends the lab
    ├── disk processes      outside the servers' PID namespaces: a server's power cut does not kill its disk
    ├── server1, server2    PID 1 = labs/init.py; killing it is the power cut
    └── client

Several labs coexist: nothing has a name outside its own namespaces, except the run's directory.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from harness import topology as topologies
from harness.artefacts import Artefacts
from harness.errors import LabError
from harness.faults import links
from harness.faults.disk import Disk, create_image, format_partition
from harness.labs import processes, state
from harness.labs.host import Host, Init, environment
from harness.labs.server import Server
from harness.labs.switch import Switch
from harness.topology import SERVER, Topology

TWINSETD = ("twinsetd",)


class Lab:
    """Two servers, clients and their networks; a context manager that leaves nothing behind."""

    def __init__(
        self, lab_state: state.LabState, artefacts: Artefacts, seed: int, data_partitions: int = 1
    ) -> None:
        self.state = lab_state
        self.topology = lab_state.topology
        self.directory = lab_state.directory
        self.scale = lab_state.scale
        self.artefacts = artefacts
        self.seed = seed
        self._random = Random(seed)
        self._keeper = Init(self.directory / "keeper.sock")
        self._switch: Switch | None = None
        self._destroyed = False
        self.known_devices: set[int] = set()  # FUSE file systems that servers of this lab have had
        self.hosts: dict[str, Host] = {
            spec.name: self._make_host(spec.name, spec.role, data_partitions) for spec in self.topology.hosts
        }

    @classmethod
    def create(
        cls,
        topology: Topology | None = None,
        *,
        scale: float = 0.1,
        disk_mib: int = 256,
        volatile_cache: bool = True,
        daemon: Sequence[str] | None = TWINSETD,
        filesystem: str | None = "ext4",
        data_partitions: int = 1,
        seed: int | None = None,
        name: str = "lab",
        power_on: bool = True,
        artefacts_root: Path | None = None,
        directory: Path | None = None,
        programs: Path | None = None,
    ) -> "Lab":
        """Bring a lab up: images, switches, hosts, and on the servers ``daemon`` (None: no daemon).

        ``programs``: the release that the servers have, where it is not the present one (releases.py).
        """
        run_id, directory = state.new_directory(directory or state.base(direct_io=not volatile_cache))
        lab_state = state.LabState(
            run_id, directory, topology or topologies.default(), scale, volatile_cache,
            owner=state.ProcessMark.of(os.getpid()), daemon=None if daemon is None else list(daemon),
        )  # fmt: skip
        chosen = secrets.randbits(32) if seed is None else seed
        artefacts = Artefacts.new(f"{name}-{run_id}", artefacts_root)
        lab_state.artefacts = str(artefacts.directory)
        lab = cls(lab_state, artefacts, chosen, data_partitions)
        for server in lab.all_servers:
            server.programs = programs or server.programs
        try:
            lab._bring_up(disk_mib, data_partitions, filesystem, power_on)
        except BaseException:
            lab.destroy()
            raise
        return lab

    @classmethod
    def attach(cls, directory: Path) -> "Lab":
        """Take over a lab that another process brought up and left running."""
        lab_state = state.load(directory)
        if lab_state.keeper is None or not lab_state.keeper.alive:
            raise LabError(
                f"the lab in {directory} does not run any more; twinset-lab clean removes what it left"
            )
        lab = cls(lab_state, Artefacts(Path(lab_state.artefacts)), secrets.randbits(32))
        lab._keeper.attach()
        lab._make_switch()
        for name, mark in lab_state.hosts.items():
            if mark.alive:
                lab.hosts[name].init.attach()
                lab.hosts[name].keeper_pid = lab_state.keeper.pid
        return lab

    # -- its parts

    @property
    def servers(self) -> tuple[Server, ...]:
        """The servers of the first cluster, in the guide's order."""
        return self.servers_of()

    def servers_of(self, cluster: str = "") -> tuple[Server, ...]:
        """The servers of a cluster; by default of the first."""
        return tuple(self.server(host.name) for host in self.topology.servers_of(cluster))

    @property
    def all_servers(self) -> tuple[Server, ...]:
        """Those of every cluster."""
        return tuple(host for host in self.hosts.values() if isinstance(host, Server))

    @property
    def server1(self) -> Server:
        """The first server."""
        return self.servers[0]

    @property
    def server2(self) -> Server:
        """The second server."""
        return self.servers[1]

    @property
    def client(self) -> Host:
        """The client on the public LAN."""
        return self.hosts["client"]

    def peer_of(self, server: Server) -> Server:
        """The other server."""
        return self.server2 if server is self.server1 else self.server1

    def host(self, name: str) -> Host:
        """The host of that name."""
        if name not in self.hosts:
            raise LabError(f"no host {name!r}; there are {', '.join(self.hosts)}")
        return self.hosts[name]

    def server(self, name: str) -> Server:
        """The server of that name."""
        host = self.host(name)
        if not isinstance(host, Server):
            raise LabError(f"{name} is no server")
        return host

    # -- power

    def power_on(self, host: Host, inside: Callable[[Sequence[str]], list[str]] = list) -> None:
        """Give a host power: fresh namespaces, its LANs, then its daemon, by the command that ``inside`` makes."""
        host.boot(self._keeper.pid)
        self._plugs.plug(host.name, host.init.pid)
        if isinstance(host, Server) and self.state.daemon is not None and not host.by_hand:
            host.start_daemon(inside(self.state.daemon))
        self.state.hosts[host.name] = state.ProcessMark.of(host.init.pid)
        self.state.save()
        self.artefacts.note(f"power on {host.name}")

    def panic(self, host: Host) -> None:
        """The kernel stops, as after SysRq c: everything dies at once and says nothing; the disk keeps its cache."""
        self._die(host, "panic of", lambda _server: None)

    def power_off(self, host: Host, *, seed: int | None = None) -> None:
        """Cut the power: off the LANs first (no FIN escapes), then dead, then the disk loses its cache."""
        chosen = self._random.getrandbits(32) if seed is None else seed

        def lose_cache(server: Server) -> None:
            at_stake = server.disk.lose_power(chosen)
            self.artefacts.note(
                f"{server.name} is off; its disk held {at_stake.get('unflushed_writes', 0)} unflushed writes"
            )

        self._die(host, f"power off (disk seed {chosen})", lose_cache)

    def _die(self, host: Host, what: str, disk: Callable[[Server], None]) -> None:
        if not host.powered:
            raise LabError(f"{host.name} has no power")
        self.artefacts.note(f"{what} {host.name}")
        self._plugs.unplug(host.name)
        self.known_devices |= processes.fuse_devices(host.pids())
        loops = host.die()
        if isinstance(host, Server):
            disk(host)
        for device in loops:
            processes.detach(device)
        self.state.hosts.pop(host.name, None)
        self.state.save()

    # -- links

    def cut(self, lan: str, hosts: Iterable[Host | str] | None = None, direction: str = "both") -> None:
        """Cut hosts (default: the servers) off a LAN: "both" pulls the cable, "in" and "out" are one-way."""
        ports = self._ports(lan, hosts)
        self._plugs.cut(ports, direction)
        self.state.cuts = [c for c in self.state.cuts if (c[0], c[1]) not in ports]
        self.state.cuts += [(lan_name, host, direction) for lan_name, host in sorted(ports)]
        self.state.save()
        self.artefacts.note(f"cut {direction} {sorted(ports)}")

    def heal(self, lan: str | None = None, hosts: Iterable[Host | str] | None = None) -> None:
        """Undo cuts: of a LAN, or of all."""
        names = [lan] if lan is not None else [x.name for x in self.topology.lans]
        ports = set().union(*(self._ports(name, hosts or self.hosts) for name in names))
        self._plugs.heal(ports)
        self.state.cuts = [c for c in self.state.cuts if (c[0], c[1]) not in ports]
        self.state.save()
        self.artefacts.note(f"heal {sorted(ports)}")

    def separate(self, lan: str, hosts: Iterable[Host | str] | None = None) -> None:
        """Hosts (default: the servers) hear each other no more on a LAN, and everybody else as before."""
        self._plugs.isolate(self._ports(lan, hosts), isolated=True)
        self.artefacts.note(f"separate on {lan}")

    def join(self, lan: str, hosts: Iterable[Host | str] | None = None) -> None:
        """Undo that."""
        self._plugs.isolate(self._ports(lan, hosts), isolated=False)
        self.artefacts.note(f"join on {lan}")

    def cut_all(self, hosts: Iterable[Host | str] | None = None) -> None:
        """Every LAN of the servers at once: a total partition."""
        chosen = list(hosts) if hosts is not None else list(self.servers)
        for lan in self.topology.lans:
            self.cut(lan.name, chosen)

    # -- its end

    def keep(self) -> None:
        """Let the lab outlive this process; ``attach`` finds it again."""
        self._keeper.order("stay")
        self.state.kept = True
        self.state.save()

    def collect(self, target: Path) -> None:
        """Copy what helps a reader: logs, states, the diary."""
        self.artefacts.collect(self)
        shutil.copytree(self.artefacts.directory, target, dirs_exist_ok=True)

    def destroy(self) -> None:
        """End everything, collect the artefacts, remove the run's directory. May be called twice."""
        if self._destroyed:
            return
        self._destroyed = True
        loops: list[str] = []
        for host in self.hosts.values():
            with contextlib.suppress(Exception):
                self.known_devices |= processes.fuse_devices(host.pids()) if host.powered else set()
                loops += host.die()
        for server in self.all_servers:
            server.disk.stop()
        self._keeper.kill()
        for device in loops:
            processes.detach(device)
        with contextlib.suppress(OSError):
            self.artefacts.collect(self)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.artefacts.note(f"ended by {error!r}")
            with contextlib.suppress(Exception):
                self.artefacts.snapshot(self)
        self.destroy()

    # -- inside

    @property
    def _plugs(self) -> Switch:
        if self._switch is None:
            raise LabError("the lab is not up")
        return self._switch

    def _ports(self, lan: str, hosts: Iterable[Host | str] | None) -> set[links.Port]:
        names = [h if isinstance(h, str) else h.name for h in (self.servers if hosts is None else hosts)]
        return {(lan, name) for name in names if name in self.topology.lan(lan).addresses}

    def _make_host(self, name: str, role: str, data_partitions: int) -> Host:
        directory = self.directory / name
        if role != SERVER:
            return Host(name, directory, self.state.run_id, role)
        image = directory / "disk0.img"
        disk = Disk(image, image, None, data_partitions)
        if self.state.volatile_cache:
            disk = Disk(image, directory / "disk0", directory / "disk0.sock", data_partitions)
        return Server(name, directory, self.state.run_id, disk, self.scale)

    def _make_switch(self) -> None:
        self._switch = Switch(self.topology, self._keeper.pid)
        self._switch.cuts = {(lan, host): links.cut_of(direction) for lan, host, direction in self.state.cuts}
        self._switch.plugged = {
            (lan.name, name): mark.pid
            for name, mark in self.state.hosts.items()
            for lan in self.topology.lans_of(name)
        }

    def _bring_up(self, disk_mib: int, data_partitions: int, filesystem: str | None, power_on: bool) -> None:
        self.state.save()
        env = environment(self.state.run_id)
        spec = {"role": "keeper", "name": "keeper", "binds": {}}
        self._keeper.launch([], spec, env, self.directory / "keeper.log")
        self._keeper.order("own")
        self.state.keeper = self._keeper.mark
        self.state.save()
        for index, server in enumerate(self.all_servers):
            create_image(server.disk.image, disk_mib, 0x7E150000 + index, data_partitions)
            for partition in server.disk.partitions[1:] if filesystem else ():
                format_partition(server.disk.image, partition, filesystem or "")
            server.disk.start(self._keeper.pid, env)
        self._make_switch()
        self._plugs.build()
        self._write_identities()
        for server in self.all_servers:
            server.disk.await_ready()
        for host in self.hosts.values() if power_on else ():
            self.power_on(host)
        self.artefacts.note(f"up: {self.directory}, seed {self.seed}, scale {self.scale}")

    def _write_identities(self) -> None:
        """The cluster key, the same on both servers of a cluster, and each server's own name."""
        keys = {host.cluster: secrets.token_hex(32) for host in self.topology.servers}
        for server in self.all_servers:
            key = keys[self.topology.host(server.name).cluster]
            secret = server.etc_directory / "cluster.key"
            secret.touch(mode=0o600)
            secret.write_text(key + "\n")
            (server.etc_directory / "server").write_text(server.name + "\n")
            (server.etc_directory / "scripts").mkdir()
