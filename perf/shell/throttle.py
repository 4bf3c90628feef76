"""Slower disks and links for the two servers: a control group of block I/O each, and tc on the mirror connect."""

import contextlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from harness.labs.server import Server
from harness.topology import MIRROR, Topology
from perf.errors import PerfError
from perf.figures import throttling
from perf.figures.conditions import Condition

JOIN = 'echo $$ > "$1"; shift; exec "$@"'


def device_of(path: Path) -> str:
    """The whole disk below a file system, as ``major:minor``: a part of a disk has no limits of its own."""
    number = path.stat().st_dev
    name = f"{os.major(number)}:{os.minor(number)}"
    place = Path(f"/sys/dev/block/{name}")
    if not os.major(number) or not place.exists():
        raise PerfError(f"{path} lies on no block device of its own ({name}): its speed cannot be limited")
    return (place / "../dev").read_text().strip() if (place / "partition").exists() else name


class SlowDisk:
    """One server's disk: every process of the server in one group."""

    def __init__(self, name: str, device: str) -> None:
        found = throttling.controller(Path("/proc/self/mountinfo").read_text())
        if found.version == 2:
            enabled = found.root / "cgroup.subtree_control"
            if "io" not in enabled.read_text().split():
                enabled.write_text("+io")
        self._found = found
        self._device = device
        self.directory = found.root / f"twinset-perf-{secrets.token_hex(4)}-{name}"
        self.directory.mkdir()

    def limit(self, condition: Condition) -> None:
        """Set the limits; none where the condition has none."""
        texts = throttling.settings(
            self._found.version, self._device, condition.disk_iops, condition.disk_mib_s
        )
        for name, text in texts.items():
            (self.directory / name).write_text(text)

    def take(self, server: Server) -> None:
        """Put a server's processes into the group; what they start is in it too."""
        for pid in server.pids():
            with contextlib.suppress(ProcessLookupError):
                (self.directory / "cgroup.procs").write_text(str(pid))

    def argv(self, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` inside the group from its first instruction on."""
        return ["sh", "-c", JOIN, "sh", str(self.directory / "cgroup.procs"), *argv]

    def remove(self) -> None:
        """Send what is left of its processes back, and remove the group."""
        for pid in (self.directory / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (self._found.root / "cgroup.procs").write_text(pid)
        self.directory.rmdir()


def limit_link(topology: Topology, servers: Sequence[Server], mbit_s: int) -> None:
    """What each server sends on the mirror connects goes at this rate; 0: as fast as it goes."""
    for lan in topology.lans:
        for server in servers if MIRROR in lan.roles else ():
            server.run(["tc", "qdisc", "del", "dev", lan.name, "root"], check=False)
            if mbit_s:
                rate = ["rate", f"{mbit_s}mbit", "burst", "256kb", "latency", "50ms"]
                server.run(["tc", "qdisc", "add", "dev", lan.name, "root", "tbf", *rate])
