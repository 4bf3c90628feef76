"""The two servers that are measured: the lab's namespaces, plain images, and mirror processes. The lab's only seam.

No daemon: who is up, who serves and when a copy may run is said by the suite (``leased`` is false in the
specs). The data path is the one that runs in a cluster; twinsetd, idle there while nothing fails, is away.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness import audits, topology
from harness.errors import HarnessError
from harness.faults.disk import Disk, create_image
from harness.labs.namespaces import Lab
from harness.labs.server import Server
from harness.wait import now_s, wait_for
from perf.errors import PerfError
from perf.figures.conditions import PLAIN, Condition
from perf.figures.jobs import Target
from perf.figures.results import ACTIVE, STANDBY
from perf.shell import fio, images, machine
from perf.shell.mirror_set import DATA, MIRRORD, STATE_S, MirrorSet
from perf.shell.throttle import SlowDisk, device_of, limit_link

OWN_SET_MIB_MAX = 128  # of each of several sets that a condition brings along
SIGNATURE = 0x7E160000


class Pair:
    """One set all along, others while a condition asks for them; ``sets`` are those that are measured now."""

    def __init__(self, disk_mib: int) -> None:
        self.lab = Lab.create(
            topology.default(), scale=1.0, disk_mib=disk_mib, volatile_cache=False, daemon=None,
            filesystem=None, name="perf", power_on=False,
        )  # fmt: skip
        self.active: Server = self.lab.server1  # the side with the export; fio runs here
        self.standby: Server = self.lab.server2  # the side that goes and comes back
        disks = [server.disk for server in self.lab.servers]
        self._first = MirrorSet(self.lab, 1, disks)
        self._running: list[MirrorSet] = []
        self._slow: dict[str, SlowDisk] = {}
        self.sets: list[MirrorSet] = [self._first]
        self.condition = PLAIN
        self._raws = [self.lab.directory / f"raw{number}.img" for number in (1, 2)]
        self._disk_mib = disk_mib
        self.directory = self.lab.artefacts.directory / "fio"
        self.poll_s = 0.02

    @property
    def data_bytes(self) -> int:
        """The size of the first set's data partition, and of each raw image."""
        return self.lab.server1.disk.partitions[DATA].size_bytes

    @property
    def plain_images(self) -> tuple[Path, Path]:
        """The plain images."""
        return self._raws[0], self._raws[1]

    @property
    def raw(self) -> tuple[Target, ...]:
        """The plain images, for fio."""
        return tuple(Target(str(path)) for path in self.plain_images)

    @property
    def targets(self) -> tuple[list[Target], list[Target]]:
        """What the raw row and the mirrored row run on under this condition: as many images as exports."""
        exports = [Target(uri=uri) for one in self.sets for uri in one.exports]
        return [Target(str(path)) for path in self._raws[: len(exports)]], exports

    def prepare(self, *, mirrored: bool) -> None:
        """Write every image once, start the servers, and create the mirror if it is wanted."""
        self.directory.mkdir(exist_ok=True)
        for path in self._raws:
            images.make(path, self.data_bytes)
        if mirrored:
            self._first.fill()
        for server in self.lab.servers:
            self.lab.power_on(server)
        if mirrored:
            self._begin(self._first)

    def _begin(self, one: MirrorSet) -> None:
        self._running.append(one)
        for server in self.lab.servers:
            one.start(server)
        one.create(self.active)

    # -- conditions

    def come_under(self, condition: Condition) -> None:
        """Slow disks and links, other sets: from now on everything is measured so."""
        if condition == self.condition:
            return
        kept = condition.own_sets and condition.same_sets(self.condition)
        self.leave(with_sets=not kept)
        if condition.own_sets and not kept:
            self.to_normal()
            self._bring_sets(condition)
        self.condition = condition
        if condition.throttled:
            self._limit_disks(condition)
        if condition.link_mbit_s:
            limit_link(self.lab.topology, self._powered, condition.link_mbit_s)

    def leave(self, *, with_sets: bool = True) -> None:
        """Back to how the machine is; sets that the next condition wants, too, may stay."""
        if self.condition.throttled:
            for slow in self._slow.values():
                slow.limit(PLAIN)
        if self.condition.link_mbit_s:
            limit_link(self.lab.topology, self._powered, 0)
        self.condition, left = PLAIN, self.condition
        if left.own_sets and with_sets:
            self.to_normal()
            for one in self.sets:
                audits.same_disks(*one.disks).require()
                one.stop()
            self._running = [one for one in self._running if one not in self.sets]
            self.sets = [self._first]

    @contextlib.contextmanager
    def unslowed(self) -> Iterator[None]:
        """What is not measured goes as fast as the machine does."""
        for slow in self._slow.values():
            slow.limit(PLAIN)
        yield
        for slow in self._slow.values() if self.condition.throttled else ():
            slow.limit(self.condition)

    @property
    def _powered(self) -> list[Server]:
        return [server for server in self.lab.servers if server.powered]

    def _limit_disks(self, condition: Condition) -> None:
        for server in self.lab.servers:
            if server.name not in self._slow:
                self._slow[server.name] = SlowDisk(server.name, device_of(self.lab.directory))
            self._slow[server.name].limit(condition)
            if server.powered:
                self._slow[server.name].take(server)

    def argv(self, argv: Sequence[str]) -> list[str]:
        """A command line of the active server that shares the server's disk, so also its limits."""
        command = self.active.argv(argv)
        return self._slow[self.active.name].argv(command) if self.condition.throttled else command

    def fio(self, text: str, stem: Path) -> fio.Fio:
        """Start a job on the active server."""
        return fio.Fio(self, text, stem)

    def _bring_sets(self, condition: Condition) -> None:
        """Sets of their own, with new disks that are written once; the files stay for the next round."""
        # One set alone is compared with the first one, so it is as large; several are compared with each other.
        alone = condition.sets * condition.partitions == 1
        mib = self._disk_mib if alone else min(self._disk_mib, OWN_SET_MIB_MAX)
        sets = []
        for number in range(2, 2 + condition.sets):
            disks = [self._own_disk(server, number, condition.partitions, mib) for server in self.lab.servers]
            one = MirrorSet(self.lab, number, disks, fastsync=condition.fastsync)
            for server in self.lab.servers:
                one.forget(server)
            sets.append(one)
        for number in range(len(self._raws) + 1, 1 + condition.sets * condition.partitions):
            path = self.lab.directory / f"raw{number}.img"
            images.make(path, min(self.data_bytes, mib << 20))
            self._raws.append(path)
        for one in sets:
            self._begin(one)
        self.sets = sets

    def _own_disk(self, server: Server, number: int, partitions: int, mib: int) -> Disk:
        image = server.directory / f"set{number}-{partitions}.img"
        disk = Disk(image, image, None, partitions)
        if not image.exists():
            create_image(image, mib, SIGNATURE + number, partitions)
            first = disk.partitions[DATA]
            images.fill(image, 4096, first.offset_bytes - 4096, zeros=True)
            images.fill(image, first.offset_bytes, disk.size_bytes - first.offset_bytes)
        return disk

    # -- states of the sets

    def status(self) -> dict[str, Any]:
        """What the active side says of the first of the measured sets; empty while it cannot be asked."""
        return self.sets[0].status(self.active)

    def sample(self, every: int) -> dict[str, Any]:
        """Have the first of the measured sets stamp every Nth operation, 0: none; by side, what it had seen."""
        return {
            side: server.mirror("latency", self.sets[0].name, every=every)["operations"]
            for side, server in ((ACTIVE, self.active), (STANDBY, self.standby))
        }

    def to_normal(self) -> None:
        """Both sides in step; a server that is away comes back with its differences copied."""
        if not self.standby.powered:
            self.return_standby(blank=False)
        for one in self._running:
            if not one.normal(self.active):
                one.permit_copy(self.active)
        for one in self._running:
            one.await_normal(self.active)

    def to_broken(self) -> None:
        """The other server is dead and known to be."""
        if self.standby.powered:
            self.lab.power_off(self.standby)
            for one in self._running:
                one.declare_down(self.active)
        for one in self._running:
            one.await_alone(self.active)

    def fail_over(self) -> None:
        """The active server loses its power; the other one serves from now on, alone."""
        self.to_normal()
        self.lab.power_off(self.active)
        self.active, self.standby = self.standby, self.active
        for one in self._running:
            one.declare_down(self.active)
        for one in self._running:
            one.activate(self.active, peer="down")
            one.await_alone(self.active)

    def return_standby(self, *, blank: bool) -> None:
        """The other server is back and connected, with its old disks or new ones; no copy may run yet."""
        if self.standby.powered:
            raise PerfError(f"{self.standby.name} is up already")
        for one in self.sets if blank else ():
            one.blank(self.standby)
        self.lab.power_on(self.standby)
        for one in self._running:
            one.take_back(self.active, self.standby)
        if self.condition.throttled:
            self._slow[self.standby.name].take(self.standby)
        if self.condition.link_mbit_s:
            limit_link(self.lab.topology, [self.standby], self.condition.link_mbit_s)

    def permit_copy(self) -> None:
        """The copies of the measured sets begin now."""
        for one in self.sets:
            one.permit_copy(self.active)

    def copied_s(self, limit_s: float) -> float:
        """Permit the copy, wait until both sides are in step, and return how long it took."""
        begin = now_s()
        self.permit_copy()
        self.await_normal(limit_s)
        return now_s() - begin

    def copy_has_ended(self) -> bool:
        """True once both sides are in step again."""
        return all(one.normal(self.active) for one in self.sets)

    def await_normal(self, timeout_s: float = STATE_S) -> None:
        """Return when both sides of the measured sets are in step."""
        for one in self.sets:
            one.await_normal(self.active, timeout_s)

    def await_requests(self, or_else: Callable[[], bool]) -> None:
        """Return when a client's request is in flight, or when ``or_else()`` is true."""
        wait_for(lambda: self.status().get("inflight", 0) or or_else(), STATE_S, "requests", poll_s=0.01)

    # -- what its processes use

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each side's mirror processes that run."""
        found: dict[str, float] = {}
        for side, pid in self._mirror_processes():
            found[side] = found.get(side, 0.0) + machine.cpu_seconds(pid)
        return found

    def memory_kib(self, field: str) -> dict[str, int]:
        """``VmRSS`` or ``VmHWM`` of each side's mirror processes."""
        found: dict[str, int] = {}
        for side, pid in self._mirror_processes():
            found[side] = found.get(side, 0) + machine.memory_kib(pid, field)
        return found

    def _mirror_processes(self) -> Iterator[tuple[str, int]]:
        for side, server in ((ACTIVE, self.active), (STANDBY, self.standby)):
            for pid in server.pids_of(MIRRORD) if server.powered and self._running else ():
                yield side, pid

    # -- its end

    def verify(self) -> None:
        """Both copies are byte-identical: figures of a mirror that does not mirror are worth nothing."""
        if self._running:
            self.leave()
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
        for slow in self._slow.values():
            with contextlib.suppress(OSError):
                slow.remove()
