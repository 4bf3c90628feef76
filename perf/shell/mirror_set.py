"""One mirror set of the measured pair: its two disks, and its mirror process on each server."""

import json
from collections.abc import Sequence
from typing import Any

from harness.errors import CommandFailed, LabError
from harness.faults.disk import Disk
from harness.labs.mirrors import boot_id, insist_active, spec
from harness.labs.namespaces import Lab
from harness.labs.server import Server
from harness.run import Process, kill_group
from harness.wait import wait_for
from perf.shell import images

MIRRORD = "twinset-mirrord"
STATE_S = 120.0
CLUSTER, DATA = 0, 1  # positions among the partitions
TABLE_BYTES = 4096  # the partition table's block, which is written already
PORT = 24003


class MirrorSet:
    """Says what membership would say: who is up, who serves, when a copy may run."""

    def __init__(self, lab: Lab, number: int, disks: Sequence[Disk], *, fastsync: bool = True) -> None:
        self.lab = lab
        self.name = f"set{number}"
        self.disks = tuple(disks)
        self._number = number
        self._fastsync = fastsync
        self._processes: list[Process] = []

    @property
    def exports(self) -> list[str]:
        """The data partitions as the active server serves them."""
        count = len(self.disks[0].partitions) - 1
        socket = f"/run/twinset/nbd-{self.name}.sock"
        return [f"nbd+unix:///{chr(ord('E') + index)}?socket={socket}" for index in range(count)]

    def disk_of(self, server: Server) -> Disk:
        """The set's disk on a server."""
        return self.disks[self.lab.servers.index(server)]

    def fill(self) -> None:
        """Write every block of both disks once."""
        for disk in self.disks:
            first = disk.partitions[DATA]
            images.fill(disk.image, TABLE_BYTES, first.offset_bytes - TABLE_BYTES, zeros=True)
            images.fill(disk.image, first.offset_bytes, disk.size_bytes - first.offset_bytes)

    def blank(self, server: Server) -> None:
        """The server's disk is a new one."""
        cluster = self.disk_of(server).partitions[CLUSTER]
        images.fill(self.disk_of(server).image, cluster.offset_bytes, cluster.size_bytes, zeros=True)

    def forget(self, server: Server) -> None:
        """The server has never had the set: neither the disk nor what the server keeps beside it knows of it."""
        self.blank(server)
        for file in server.state_directory.glob(f"*{self.name}*"):
            file.unlink()
        server.run(["rm", "-f", f"/run/twinset/maps-{self.name}"])

    # -- its processes

    def start(self, server: Server) -> None:
        """The mirror process of one server; return when it answers."""
        self.launch(server)
        self.await_answer(server)

    def await_answer(self, server: Server) -> None:
        """Return once the server's mirror process can be asked."""
        wait_for(lambda: self.status(server), STATE_S, f"{self.name} on {server.name} to answer", poll_s=0.01)

    def launch(self, server: Server) -> None:
        """Start the mirror process of one server."""
        disk = self.disk_of(server)
        partitions = [
            {"number": part.number, "letter": chr(ord("E") + i)} for i, part in enumerate(disk.partitions[1:])
        ]
        told = spec(
            self.lab, server, set=self.name, set_index=self._number - 1, disk=str(disk.path),
            partitions=partitions, fastsync=self._fastsync, port=PORT + self._number - 1,
        )  # fmt: skip
        file = f"mirror-{self.name}.json"
        (server.state_directory / file).write_text(json.dumps(told))
        with (server.directory / "log" / f"{self.name}.log").open("a") as log:
            self._processes.append(
                server.popen([MIRRORD, f"/var/lib/twinset/{file}"], stdout=log, stderr=log)
            )

    def stop(self) -> None:
        """End both processes at once."""
        for process in self._processes:
            kill_group(process)
        self._processes = []

    def status(self, server: Server) -> dict[str, Any]:
        """What a server's mirror process says; empty while it cannot be asked."""
        try:
            answer = server.mirror("status", self.name)
        except (CommandFailed, LabError):
            return {}
        return answer if isinstance(answer, dict) else {}

    # -- states

    def create(self, source: Server) -> None:
        """A first full copy; then the source serves."""
        self.prepare(source)
        self.begin(source)
        self.await_normal(source)
        self.activate(source, peer="up")

    def begin(self, source: Server) -> None:
        """The first full copy begins now."""
        source.mirror("create", self.name, source=True)

    def prepare(self, source: Server) -> None:
        """Everything of a first full copy but its begin: both know of each other, and the target waits."""
        for server in self.lab.servers:
            self._tell_up(server)
        for server in self.lab.servers:
            self.permit_copy(server)
        self.lab.peer_of(source).mirror("create", self.name, source=False)

    def _tell_up(self, server: Server) -> None:
        other = boot_id(self.lab.peer_of(server))
        server.mirror("peer", self.name, state="up", boot_id=other)

    def activate(self, server: Server, *, peer: str) -> None:
        """The server serves the data partitions; ``peer``: the other is ``up`` or ``down``."""
        insist_active(server, self.name, peer, STATE_S, ask_s=STATE_S)
        wait_for(lambda: self.status(server).get("role") == "active", STATE_S, f"{server.name} to serve")

    def declare_down(self, observer: Server) -> None:
        """Membership's verdict on the other server."""
        observer.mirror("peer", self.name, state="down", boot_id="")

    def await_alone(self, active: Server) -> None:
        """Return when the active side goes on by itself."""
        wait_for(lambda: self.status(active).get("state") == "SOLO", STATE_S, f"{active.name} to go on alone")

    def take_back(self, active: Server, standby: Server) -> None:
        """The other server is back and connected; no copy may run yet."""
        self.start(standby)
        for server in (standby, active):
            self._tell_up(server)
        self.permit_copy(standby)
        wait_for(
            lambda: self.status(active).get("session", "none") != "none",
            STATE_S, "the servers to be connected",
        )  # fmt: skip

    def permit_copy(self, server: Server) -> None:
        """As far as this side is concerned the copy may begin."""
        server.mirror("rebuild", self.name)

    def normal(self, server: Server) -> bool:
        """True once both sides are in step."""
        return self.status(server).get("set_state") == "NORMAL"

    def await_normal(self, active: Server, timeout_s: float = STATE_S) -> None:
        """Return when both sides are in step."""
        wait_for(
            lambda: self.normal(active),
            timeout_s,
            f"{self.name} to be normal; {self.status(active)}",
            poll_s=0.01,
        )
