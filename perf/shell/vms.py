"""Two virtual machines: a raw disk, DRBD 8.4, md RAID1 and a whole twinset, each on a disk of its own of one kind.

Every row is a block device of the active server's kernel, written by the same fio job: the raw disk, /dev/drbd0,
/dev/md9, and the /dev/nbdN that a group of twinset has mounted (its file system is written over; the machines are made
anew after). Emulation and neighbours change everything but ratios within a round. How busy emulated processors are says
nothing, so nothing is told of it.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from harness import audits
from harness.errors import HarnessError
from harness.labs import pair
from harness.labs.machine import Machine
from harness.labs.vagrant import VagrantLab
from harness.topology import MIRROR
from harness.vagrant import plan
from harness.wait import now_s, wait_for
from perf.errors import PerfError
from perf.figures import fio_output
from perf.figures.conditions import PLAIN, Condition
from perf.figures.fio_output import Figures
from perf.figures.jobs import Target
from perf.figures.results import ACTIVE, DRBD, DRBD_FULL, MD, STANDBY, CopyMeasurement
from perf.peers import drbd, md
from perf.shell.bench import Peer
from twinset.advice.measured import copy_rates

if TYPE_CHECKING:
    from harness.labs.asking import Job

DRBD_DISK, RAW_DISK, MD_DISK = (plan.disk_path(number) for number in (2, 3, 4))
PEERS = {DRBD: drbd.DEVICE, MD: md.DEVICE}
UNIT = "twinsetd.service"
MIRROR_PROCESS = "-m twinset.shell.mirrord"
LATE_S = 600.0
END_S = 120.0
POLL_S = 0.5  # each look costs the machine some hundredths of a second
JOB_FILE, OUTPUT_FILE = "/run/twinset-perf.fio", "/run/twinset-perf.json"
MIB = 1 << 20


class MachineFio:
    """One run of fio in a machine."""

    def __init__(self, machine: Machine, text: str, stem: Path) -> None:
        # fio refuses to write to what is mounted unless it is told to.
        machine.write_file(JOB_FILE, text + "allow_mounted_write=1\n")
        machine.run(["rm", "-f", OUTPUT_FILE])
        stem.with_suffix(".fio").write_text(text)
        argv = ["fio", "--output-format=json", f"--output={OUTPUT_FILE}", "--eta=never", JOB_FILE]
        self._machine = machine
        self._stem = stem
        self._job: Job = machine.start_job(argv)

    @property
    def ended(self) -> bool:
        """True once fio has gone."""
        return self._job.ended

    def stop(self) -> None:
        """End it early, as Ctrl-C would."""
        self._machine.run(["pkill", "-INT", "-x", "fio"], check=False)

    def kill(self) -> None:
        """End it without figures."""
        self._job.stop()

    def figures(self, limit_s: float) -> list[Figures]:
        """Wait for the end and return one entry a job section."""
        wait_for(lambda: self.ended, limit_s + END_S, "fio to end", poll_s=POLL_S)
        printed = self._machine.read_file(OUTPUT_FILE)
        if printed is None:
            raise PerfError(f"fio left no figures: {self._job.output()[-1000:]}")
        self._stem.with_suffix(".json").write_text(printed)
        return fio_output.parse(printed)


class InKernel:
    """A peer that is up all along."""

    def __init__(self, device: str) -> None:
        self.target = Target(device)

    def cpu_seconds(self) -> dict[str, float]:
        """Nobody knows: it runs in the kernel."""
        return {}


class Machines:
    """The machines with all three rows ready: ``bench.Bench``, and what is beside it."""

    def __init__(self, disk_mib: int) -> None:
        self.lab = VagrantLab.create(scale=1.0, disk_mib=disk_mib, name="perf")
        self.active, self.standby = self.lab.servers
        self.condition = PLAIN
        self.directory = self.lab.directory / "fio"
        self.directory.mkdir()
        self.poll_s = POLL_S
        self._served = ""

    # -- bringing up

    def prepare(self, *, mirrored: bool) -> None:
        """A cluster with a mounted mirror disk, the peers in step; every disk written once."""
        for machine in self.lab.servers:
            if not machine.run(["test", "-b", MD_DISK], check=False).ok:
                raise PerfError("each machine needs four disks: TWINSET_VM_DISKS=4 make vms")
        self._end_peers()  # of a run that was killed
        for machine in self.lab.servers:
            for disk in (DRBD_DISK, RAW_DISK, MD_DISK):
                blank = ["dd", "if=/dev/zero", f"of={disk}", "bs=1M", "oflag=direct"]
                machine.run(blank, check=False, timeout_s=LATE_S)  # until there is no space left
        if mirrored:
            pair.bring_up(self.lab, LATE_S)
            source = self.active.run(["findmnt", "-n", "-o", "SOURCE", pair.MOUNT_POINT]).stdout.strip()
            if not source.startswith("/dev/nbd"):
                raise PerfError(f"the mirror disk is on {source}, not on the kernel's nbd")
            self._served = source
        lan = next(lan for lan in self.lab.topology.lans if MIRROR in lan.roles)
        ends = {s.name: lan.addresses[s.name].partition("/")[0] for s in self.lab.servers}
        self._start_drbd(ends)
        address = ends[self.standby.name]
        self.standby.run(md.serve(MD_DISK, address))
        for argv in md.begin(MD_DISK, address):
            self.active.run(argv, timeout_s=LATE_S)

    def _start_drbd(self, ends: Mapping[str, str]) -> None:
        for machine in self.lab.servers:
            machine.write_file(drbd.CONFIGURATION, drbd.configuration(DRBD_DISK, ends))
            for argv in drbd.begin():
                machine.run(argv, timeout_s=LATE_S)
        self._await_drbd(lambda state: state.connection == "Connected", "DRBD to be connected")
        for argv in drbd.promote():
            self.active.run(argv, timeout_s=LATE_S)
        self._await_drbd(lambda state: state.whole, "DRBD to be in step")

    def _await_drbd(self, holds: Callable[[drbd.State], bool], what: str) -> None:
        def seen() -> bool:
            state = drbd.state(self.active.read_file("/proc/drbd") or "")
            return state is not None and holds(state)

        wait_for(seen, LATE_S, what, poll_s=POLL_S)

    # -- what is measured

    @property
    def data_bytes(self) -> int:
        """The size of the data partition."""
        return self.active.disk.partitions[1].size_bytes

    @property
    def raw(self) -> tuple[Target, ...]:
        """The disk that nobody else uses."""
        return (Target(RAW_DISK),)

    @property
    def targets(self) -> tuple[list[Target], list[Target]]:
        """The raw disk, and what the group has mounted."""
        return list(self.raw), [Target(self._served)]

    def fio(self, text: str, stem: Path) -> MachineFio:
        """Start a job on the active server."""
        return MachineFio(self.active, text, stem)

    def status(self) -> dict[str, Any]:
        """What the active side says of its mirror set."""
        return self.active.mirror_status(pair.SET) or {}

    def cpu_seconds(self) -> dict[str, float]:
        """Nothing: the processors are emulated."""
        return {}

    def memory_kib(self, field: str) -> dict[str, int]:
        """Of each side's mirror process."""
        return {
            side: self._memory_kib(machine, field)
            for side, machine in ((ACTIVE, self.active), (STANDBY, self.standby))
        }

    def _memory_kib(self, machine: Machine, field: str) -> int:
        pid = machine.run(["pgrep", "-f", "--", MIRROR_PROCESS]).stdout.split()[0]
        lines = (machine.read_file(f"/proc/{pid}/status") or "").splitlines()
        found = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
        if not found:
            raise PerfError(f"{machine.name}: the mirror process has no {field}")
        return int(found[0])

    # -- conditions

    def come_under(self, condition: Condition) -> None:
        """Slow all disks of both machines; nothing else can be had here."""
        if condition.own_sets or condition.link_mbit_s or condition.mounted:
            raise PerfError(f"{condition.name} is measured on namespaces only")
        if condition != self.condition:
            self._limit(condition)
            self.condition = condition

    def _limit(self, condition: Condition) -> None:
        for machine in self.lab.servers:
            for device in machine.disk_devices():
                machine.throttle_each_way(condition.disk_iops, condition.disk_mib_s * MIB, device)

    @contextlib.contextmanager
    def unslowed(self) -> Iterator[None]:
        """What is not measured goes as fast as the machine does."""
        self._limit(PLAIN)
        yield
        self._limit(self.condition)

    # -- states of the set

    def to_normal(self) -> None:
        """Both sides in step; a server that is away comes back."""
        if not self.copy_has_ended():
            with self.unslowed():
                self.copied_s(LATE_S)

    def to_broken(self) -> None:
        """The other server leaves the cluster; systemd starts its daemon again, and it waits outside (Od)."""
        if self._symbol() == "O":
            pair.insist(self.active, "server.shutdown", LATE_S, server=self.standby.name)
        pair.await_server(self.active, self.standby.name, "Od", LATE_S)

    def _symbol(self) -> str:
        servers = (self.active.status() or {}).get("servers", {})
        return str(servers.get(self.standby.name, {}).get("status", ""))

    def return_standby(self, *, blank: bool) -> None:
        """With a new disk: its record is gone while the daemon is away."""
        if not blank:
            return
        self.standby.run(["systemctl", "stop", UNIT], timeout_s=LATE_S)
        cluster = self.standby.disk.partitions[0]
        wipe = ["dd", "if=/dev/zero", f"of={self.standby.disk_path}", "bs=4096", "oflag=direct", "conv=notrunc",
                f"seek={cluster.offset_bytes >> 12}", f"count={cluster.size_bytes >> 12}"]  # fmt: skip
        self.standby.run(wipe, timeout_s=LATE_S)
        self.standby.run(["systemctl", "start", UNIT], timeout_s=LATE_S)
        pair.await_daemons(self.lab, LATE_S)
        pair.await_server(self.active, self.standby.name, "Od", LATE_S)

    def permit_copy(self) -> None:
        """The other server returns: the copy begins by itself; back when it has begun, or is over."""
        before = len(self._copies())
        pair.insist(self.active, "server.return", LATE_S, server=self.standby.name)
        wait_for(lambda: len(self._copies()) > before, LATE_S, "the copy to begin", poll_s=POLL_S)

    def _copies(self) -> list[dict[str, Any]]:
        return [event for event in self.active.events() if event["event"] in ("full_copy", "high_speed_copy")]

    def copied_s(self, limit_s: float) -> float:
        """How long the copy took by the event log: without the server's return before it."""
        self.permit_copy()
        self.await_normal(limit_s)
        rates = copy_rates(self.active.events())
        return int(self.status()["copied_bytes_last"]) / rates[pair.SET]

    def copy_has_ended(self) -> bool:
        """True once both sides are in step."""
        return self.status().get("set_state") == "NORMAL"

    def await_normal(self, timeout_s: float) -> None:
        """Return when both sides are in step."""
        wait_for(self.copy_has_ended, timeout_s, f"{pair.SET} to be normal", poll_s=POLL_S)

    def await_requests(self, or_else: Callable[[], bool]) -> None:
        """Return when a client's request is in flight, or when ``or_else()`` is true."""
        wait_for(lambda: self.status().get("inflight", 0) or or_else(), LATE_S, "requests", poll_s=0.1)

    def fail_over(self) -> None:
        """Not measured here."""
        raise PerfError("a failover is measured on namespaces only")

    def sample(self, every: int) -> dict[str, Any]:
        """Not measured here."""
        raise PerfError(f"every {every}th operation is stamped on namespaces only")

    def verify(self) -> None:
        """Both copies are byte-identical, seen from outside the machines."""
        self.to_normal()
        pair.insist(self.active, "cluster.stop", LATE_S)
        pair.await_stopped(self.lab, LATE_S)
        audits.same_disks(*(server.disk for server in self.lab.servers)).require()

    # -- what is beside it

    def peer(self, row: str) -> AbstractContextManager[Peer]:
        """The kernel's mirrors, which are up all along."""
        if row not in PEERS:
            raise PerfError(f"{row} is measured on namespaces only")
        return contextlib.nullcontext(InKernel(PEERS[row]))

    def peer_copy(self, kind: str) -> CopyMeasurement:
        """A whole copy by DRBD, as after an operator's word that the other side is worth nothing."""
        if kind != DRBD_FULL:
            raise PerfError(f"{kind} is measured on namespaces only")
        size = int(self.active.run(["blockdev", "--getsize64", drbd.DEVICE]).stdout)
        begin = now_s()
        self.active.run(drbd.whole_copy(), timeout_s=LATE_S)
        self._await_drbd(lambda state: state.whole, "DRBD's copy to end")
        return CopyMeasurement(size, now_s() - begin)

    def round_trip(self, seconds: float) -> Figures:
        """Not measured here."""
        raise PerfError(f"{seconds} s of round trips are measured on namespaces only")

    def growth(self, size: str) -> dict[str, dict[str, float]]:
        """Not measured here."""
        raise PerfError(f"growth of the {size} is measured on namespaces only")

    # -- its end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the peers away; twinset goes when the machines are made anew."""
        with contextlib.suppress(HarnessError):
            self._limit(PLAIN)
        with contextlib.suppress(HarnessError):
            self._end_peers()
        self.lab.__exit__(kind, error, trace)

    def _end_peers(self) -> None:
        for argv in md.end(MD_DISK):
            self.active.run(argv, check=False, timeout_s=LATE_S)
        self.standby.run(md.stop_serving(), check=False)
        for machine in self.lab.servers:
            for argv in drbd.end():
                machine.run(argv, check=False, timeout_s=LATE_S)
