"""Measures in two virtual machines: a raw disk, DRBD 8.4 and twinset, each on a disk of its own of the same kind.

    python -m perf --lab vagrant [--rounds 3] [--seconds 5] [--jobs randwrite-4k-qd16,...] [--iops 500]

Every row is a block device of the active server's kernel, written by the same fio job: the raw disk, /dev/drbd0, and
the /dev/nbdN that a group of twinset has mounted (its file system is written over; the machines are made anew after).
Rows of one round follow each other at once, in an order that turns with the rounds, and only ratios are reported:
emulation and neighbours change everything else. With --iops all disks of both machines have that limit, so that the
disks and not the emulated processors set the pace.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.labs import pair
from harness.labs.vagrant import VagrantLab
from harness.topology import MIRROR
from harness.wait import wait_for
from perf.errors import PerfError
from perf.figures import fio_output, spreads
from perf.figures.fio_output import Figures
from perf.figures.jobs import Job, Target
from perf.peers import drbd
from perf.shell import fio

if TYPE_CHECKING:
    from harness.labs.machine import Machine

RAW, DRBD, TWINSET = "raw", "drbd", "twinset"
ROWS = (RAW, DRBD, TWINSET)
RATIOS = ((DRBD, RAW), (TWINSET, RAW), (TWINSET, DRBD))
JOBS = ("randwrite-4k-qd1", "randwrite-4k-qd16", "readwrite-4k-qd16", "seqwrite-1m-qd4")
PEER_DISK, RAW_DISK = "/dev/disk/by-id/virtio-mirror2", "/dev/disk/by-id/virtio-mirror3"
DISKS = ("vdb", "vdc", "vdd")
LATE_S = 600.0
JOB_FILE = "/run/twinset-perf.fio"


@dataclass(frozen=True)
class Settings:
    """What is run."""

    rounds: int = 3
    seconds: float = 5.0
    jobs: Sequence[str] = JOBS
    iops: int = 0
    disk_mib: int = 384


class Bench:
    """The machines with all three rows ready."""

    def __init__(self, lab: VagrantLab, settings: Settings, say: Callable[[str], None]) -> None:
        self.lab = lab
        self.settings = settings
        self.say = say
        self.active: Machine = lab.server1
        self.targets: dict[str, str] = {RAW: RAW_DISK, DRBD: drbd.DEVICE}

    def prepare(self) -> None:
        """A cluster with a mounted mirror disk, and DRBD in step."""
        for machine in self.lab.servers:
            if not machine.run(["test", "-b", RAW_DISK], check=False).ok:
                raise PerfError("each machine needs three disks: TWINSET_VM_DISKS=3 make vms")
        pair.bring_up(self.lab, LATE_S)
        source = self.active.run(["findmnt", "-n", "-o", "SOURCE", pair.MOUNT_POINT]).stdout.strip()
        if not source.startswith("/dev/nbd"):
            raise PerfError(f"the mirror disk is on {source}, not on the kernel's nbd")
        self.targets[TWINSET] = source
        self._start_drbd()
        if self.settings.iops:
            for machine in self.lab.servers:
                for device in DISKS:
                    machine.throttle(iops=self.settings.iops, device=device)

    def _start_drbd(self) -> None:
        lan = next(lan for lan in self.lab.topology.lans if MIRROR in lan.roles)
        ends = {s.name: lan.addresses[s.name].partition("/")[0] for s in self.lab.servers}
        for machine in self.lab.servers:
            machine.run(["wipefs", "-a", PEER_DISK])
            machine.write_file(drbd.CONFIGURATION, drbd.configuration(PEER_DISK, ends))
            for argv in drbd.begin():
                machine.run(argv, timeout_s=LATE_S)
        self._await_drbd(lambda state: state.connection == "Connected", "DRBD to be connected")
        for argv in drbd.promote():
            self.active.run(argv, timeout_s=LATE_S)
        self._await_drbd(lambda state: state.whole, "DRBD to be in step")

    def _await_drbd(self, holds: Callable[[drbd.State], bool], what: str) -> None:
        def seen() -> bool:
            state = drbd.state(self.active.guest.order("read", path="/proc/drbd")["text"] or "")
            return state is not None and holds(state)

        wait_for(seen, LATE_S, what, poll_s=0.5)

    def end(self) -> None:
        """Take DRBD away; twinset goes when the machines are made anew."""
        for machine in self.lab.servers:
            for argv in drbd.end():
                machine.run(argv, check=False, timeout_s=LATE_S)

    def run(self) -> dict[str, dict[str, list[Figures]]]:
        """Job -> row -> figures, one a round."""
        found: dict[str, dict[str, list[Figures]]] = {}
        for number in range(self.settings.rounds):
            for name in self.settings.jobs:
                for row in ROWS[number % len(ROWS) :] + ROWS[: number % len(ROWS)]:
                    figures = self._measure(fio.load(name), row, number)
                    found.setdefault(name, {}).setdefault(row, []).append(figures)
                    self.say(
                        f"round {number + 1} {name} {row}: {figures.iops:.0f} IOPS, {figures.mib_s:.1f} MiB/s"
                    )
        return found

    def _measure(self, job: Job, row: str, number: int) -> Figures:
        text = job.aimed([Target(filename=self.targets[row])], seed=number + 1, seconds=self.settings.seconds)
        # fio refuses to write to what is mounted unless it is told to.
        self.active.write_file(JOB_FILE, text + "allow_mounted_write=1\n")
        argv = ["fio", "--output-format=json", "--eta=never", JOB_FILE]
        ran = self.active.run(argv, timeout_s=self.settings.seconds + LATE_S)
        return fio_output.parse(ran.stdout)[0]


def ratios(found: dict[str, dict[str, list[Figures]]]) -> dict[str, dict[str, spreads.Spread]]:
    """Job -> "one / other" -> the ratio of IOPS, paired by round."""
    return {
        job: {
            f"{above} / {below}": spreads.spread(
                [one.iops / other.iops for one, other in zip(rows[above], rows[below], strict=True)]
            )
            for above, below in RATIOS
        }
        for job, rows in found.items()
    }


def lines(table: dict[str, dict[str, spreads.Spread]]) -> list[str]:
    """The table for people: median and extremes."""
    heads = [f"{above} / {below}" for above, below in RATIOS]
    found = [f"{'IOPS, paired by round':24}" + "".join(f"{head:>24}" for head in heads)]
    for job, row in table.items():
        cells = [f"{row[head].median:.2f} ({row[head].low:.2f} to {row[head].high:.2f})" for head in heads]
        found.append(f"{job:24}" + "".join(f"{cell:>24}" for cell in cells))
    return found


def measure(settings: Settings, say: Callable[[str], None]) -> dict[str, Any]:
    """Run everything; the machines are left as a lab leaves them."""
    with VagrantLab.create(scale=1.0, disk_mib=settings.disk_mib, name="perf") as lab:
        bench = Bench(lab, settings, say)
        try:
            bench.prepare()
            say(f"DRBD: protocol C, {drbd.tuning()}")
            found = bench.run()
        finally:
            bench.end()
    return {
        "limit_iops": settings.iops,
        "drbd": drbd.tuning(),
        "ratios": {
            job: {head: [one.low, one.median, one.high] for head, one in row.items()}
            for job, row in ratios(found).items()
        },
        "figures": {
            job: {row: [f.as_json() for f in runs] for row, runs in rows.items()}
            for job, rows in found.items()
        },
        "lines": lines(ratios(found)),
    }


def text(body: dict[str, Any]) -> str:
    """The result as it is written to a file."""
    return json.dumps({key: value for key, value in body.items() if key != "lines"}, indent=1) + "\n"
