"""The two servers that are measured: the lab's namespaces, plain images, and one mirror process on each.

No daemon: who is up, who serves and when a copy may run is said by the suite (``leased`` is false in the
specs). The data path is the one that runs in a cluster; twinsetd, idle there while nothing fails, is away.
"""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from harness import audits, topology
from harness.errors import HarnessError
from harness.labs.mirrors import Mirrors, boot_id
from harness.labs.namespaces import Lab
from harness.labs.server import Server
from harness.wait import wait_for
from perf.errors import PerfError
from perf.shell import images, machine

MIRRORD = "twinset-mirrord"
EXPORT = "nbd+unix:///E?socket=/run/twinset/nbd-set1.sock"
STATE_S = 120.0
POLL_S = 0.01
CLUSTER, DATA = 0, 1  # positions among the partitions
TABLE_BYTES = 4096  # the partition table's block, which is written already


class Pair:
    """server1 is the active side throughout; server2 is the one that goes and comes back."""

    def __init__(self, disk_mib: int) -> None:
        self.lab = Lab.create(
            topology.default(), scale=1.0, disk_mib=disk_mib, volatile_cache=False, daemon=None,
            filesystem=None, name="perf", power_on=False,
        )  # fmt: skip
        self._mirrors = Mirrors(self.lab)
        self._mirrored = False
        self.raw = (self.lab.directory / "raw1.img", self.lab.directory / "raw2.img")
        self.directory = self.lab.artefacts.directory / "fio"

    @property
    def active(self) -> Server:
        """The side with the export; fio runs here."""
        return self.lab.server1

    @property
    def standby(self) -> Server:
        """The other side."""
        return self.lab.server2

    @property
    def data_bytes(self) -> int:
        """The size of the data partition, and of each raw image."""
        return self.active.disk.partitions[DATA].size_bytes

    def prepare(self, *, mirrored: bool) -> None:
        """Write every image once, start the servers, and create the mirror if it is wanted."""
        self.directory.mkdir(exist_ok=True)
        for path in self.raw:
            images.make(path, self.data_bytes)
        for server in self.lab.servers if mirrored else ():
            image, data = server.disk.image, server.disk.partitions[DATA]
            images.fill(image, TABLE_BYTES, data.offset_bytes - TABLE_BYTES, zeros=True)
            images.fill(image, data.offset_bytes, data.size_bytes)
        for server in self.lab.servers:
            self.lab.power_on(server)
        if mirrored:
            self._mirrors.create(self.active)
            self._activate()
            self._mirrored = True

    def _activate(self) -> None:
        self.active.mirror("activate", peer="up", timeout_s=STATE_S)
        wait_for(lambda: self.status().get("role") == "active", STATE_S, "server1 to serve")

    # -- states of the set

    def status(self) -> dict[str, Any]:
        """What the active side says; empty while it cannot be asked."""
        return self._mirrors.status(self.active) or {}

    def to_normal(self) -> None:
        """Both sides in step; a server that is away comes back with its differences copied."""
        if not self.standby.powered:
            self.return_standby(blank=False)
        if self.status().get("set_state") != "NORMAL":
            self.permit_copy()
        self.await_normal()

    def to_broken(self) -> None:
        """The other server is dead and known to be."""
        if self.standby.powered:
            self.lab.power_off(self.standby)
            self._mirrors.declare_down(self.active)
        wait_for(lambda: self.status().get("state") == "SOLO", STATE_S, "server1 to go on alone")

    def return_standby(self, *, blank: bool) -> None:
        """The other server is back and connected, with its old disk or a new one; no copy may run yet."""
        if self.standby.powered:
            raise PerfError("server2 is up already")
        if blank:
            cluster = self.standby.disk.partitions[CLUSTER]
            images.fill(self.standby.disk.image, cluster.offset_bytes, cluster.size_bytes, zeros=True)
        self._mirrors.power_on(self.standby)
        for server, other in ((self.standby, self.active), (self.active, self.standby)):
            server.mirror("peer", state="up", boot_id=boot_id(other))
        self.standby.mirror("rebuild")
        wait_for(
            lambda: self.status().get("session", "none") != "none", STATE_S, "the servers to be connected"
        )

    def permit_copy(self) -> None:
        """The copy begins now."""
        self.active.mirror("rebuild")

    def copy_has_ended(self) -> bool:
        """True once both sides are in step again."""
        return self.status().get("set_state") == "NORMAL"

    def await_normal(self, timeout_s: float = STATE_S) -> None:
        """Return when both sides are in step."""
        wait_for(self.copy_has_ended, timeout_s, f"the mirror to be normal; {self.status()}", poll_s=POLL_S)

    def await_requests(self, or_else: Callable[[], bool]) -> None:
        """Return when a client's request is in flight, or when ``or_else()`` is true."""
        wait_for(lambda: self.status().get("inflight", 0) or or_else(), STATE_S, "requests", poll_s=POLL_S)

    # -- what its processes use

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each mirror process that runs."""
        return {name: machine.cpu_seconds(pid) for name, pid in self._mirror_processes()}

    def peak_rss_kib(self) -> dict[str, int]:
        """The most memory that each mirror process had resident since it was started."""
        return {name: machine.peak_rss_kib(pid) for name, pid in self._mirror_processes()}

    def _mirror_processes(self) -> Iterator[tuple[str, int]]:
        for server in self.lab.servers:
            for pid in server.pids_of(MIRRORD) if server.powered and self._mirrored else ():
                yield server.name, pid

    # -- its end

    def verify(self) -> None:
        """Both copies are byte-identical: figures of a mirror that does not mirror are worth nothing."""
        if self._mirrored:
            self.to_normal()
            audits.same_data(self.lab).require()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, HarnessError | PerfError):
            self.lab.artefacts.note(f"ended by {error!r}")
        self.lab.destroy()
