"""Two twinset-mirrord without a cluster above them: the lab itself says who is up and who is active.

For tests of the mirror alone. PID 1 of each server keeps its mirror process running, as twinsetd would.
"""

import json
from typing import Any

from harness.errors import CommandFailed, LabError
from harness.labs.namespaces import Lab
from harness.labs.server import Server
from harness.topology import MIRROR
from harness.wait import wait_for

SPEC = "mirror-set1.json"
EXPORT = "nbd+unix:///?socket=/run/twinset/nbd-set1.sock"
DEVICE = "/run/export/nbd"
ANSWER_S = 60.0


def insist_active(server: Server, set_name: str, peer: str, timeout_s: float, *, ask_s: float = 20.0) -> None:
    """Ask until the mirror process takes the activation; ``peer``: the other server is ``up`` or ``down``."""

    def accepted() -> bool:
        try:
            server.mirror("activate", set_name, ask_s, peer=peer)
        except CommandFailed as refusal:
            if "E_STATE" not in str(refusal):
                raise
            return False
        return True

    wait_for(accepted, timeout_s, f"{server.name} to become active")


class Mirrors:
    """The mirror processes of one lab."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def power_on(self, server: Server) -> None:
        """Power, and the mirror process."""
        if not server.powered:
            self.lab.power_on(server)
        (server.state_directory / SPEC).write_text(json.dumps(spec(self.lab, server)))
        server.start_daemon(["twinset-mirrord", f"/var/lib/twinset/{SPEC}"])
        wait_for(lambda: self.status(server), ANSWER_S, f"the mirror process of {server.name} to answer")

    def create(self, source: Server) -> None:
        """A first full copy."""
        for server in self.lab.servers:
            self.power_on(server)
        self.introduce()
        self.lab.peer_of(source).mirror("create", source=False)
        source.mirror("create", source=True)
        self.await_normal()

    def introduce(self) -> None:
        """Both are up and in the cluster, and told so: copies may run."""
        for server in self.lab.servers:
            peer = self.lab.peer_of(server)
            server.mirror("peer", state="up", boot_id=boot_id(peer))
        for server in self.lab.servers:
            server.mirror("rebuild")

    def declare_down(self, observer: Server) -> None:
        """Membership's verdict on the other server."""
        observer.mirror("peer", state="down", boot_id="")

    def await_normal(self, timeout_s: float = 60.0) -> None:
        """Both sides in sync."""
        for server in self.lab.servers:
            wait_for(
                lambda s=server: (self.status(s) or {}).get("set_state") == "NORMAL",  # type: ignore[misc]
                timeout_s,
                f"the mirror of {server.name} to be NORMAL; last {self.status(server)}",
            )

    def activate(self, server: Server, peer: str) -> str:
        """Make a server the active side and attach its export; return the path of the device there."""
        insist_active(server, "set1", peer, ANSWER_S)
        server.run(["mkdir", "-p", DEVICE.rpartition("/")[0]])
        server.run(["touch", DEVICE])
        server.popen(["nbdfuse", DEVICE, EXPORT], stdout=None, stderr=None)
        wait_for(
            lambda: server.run(["mountpoint", "-q", DEVICE], check=False).ok,
            ANSWER_S,
            "the export to be attached",
        )
        return DEVICE

    def detach(self, server: Server) -> None:
        """Take the device away and make the server idle."""
        server.run(["umount", DEVICE])
        server.mirror("deactivate")

    def status(self, server: Server) -> dict[str, Any] | None:
        """The mirror process's status; None while it cannot be asked."""
        try:
            answer = server.mirror("status")
        except (CommandFailed, LabError):
            return None
        return answer if isinstance(answer, dict) else None


def spec(lab: Lab, server: Server, **changes: Any) -> dict[str, Any]:
    """What a server's mirror process is told at its start; ``changes`` for another set than the lab's own disk."""
    index = lab.servers.index(server)
    peer = lab.peer_of(server)
    partitions = lab.server1.disk.partitions[1:]
    return {
        "set": "set1",
        "set_index": 0,
        "server": server.name,
        "peer": peer.name,
        "server_index": index,
        "disk": server.disk_path,
        "partitions": [
            {"number": part.number, "letter": chr(ord("E") + i)} for i, part in enumerate(partitions)
        ],
        "max_io_kib": 64,
        "max_io_count": 64,
        "fastsync": True,
        "paths": [
            [lan.addresses[server.name].partition("/")[0], lan.addresses[peer.name].partition("/")[0]]
            for lan in lab.topology.lans
            if MIRROR in lan.roles
        ],
        "port": 24003,
        "key_file": "/etc/twinset/cluster.key",
        "state_dir": "/var/lib/twinset",
        "run_dir": "/run/twinset",
        "time_scale": lab.scale,
        "mirror_timeout_s": 10,
        "leased": False,
        **changes,
    }


def boot_id(server: Server) -> str:
    """The identity of the server's present boot."""
    return server.run(["cat", "/run/twinset/boot_id"]).stdout.strip()
