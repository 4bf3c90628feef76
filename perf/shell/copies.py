"""Copies of the whole disk and of differences, beside nbdcopy over the same wire."""

import contextlib
from dataclasses import replace
from pathlib import Path

from harness.errors import LabError
from harness.run import Process, kill_group, run
from harness.topology import MIRROR
from harness.wait import now_s, wait_for
from perf.errors import PerfError
from perf.figures import differences
from perf.figures.conditions import AT, CONDITIONS, PLAIN
from perf.figures.jobs import Target
from perf.figures.results import (
    CONTIGUOUS,
    DIFFERENCE_KINDS,
    DIFFERENCE_PERCENT,
    FULL,
    HIGH_SPEED,
    NBDCOPY,
    SCATTERED,
    SLOWED,
    CopyMeasurement,
)
from perf.shell import fio, images
from perf.shell.pair import Pair

DIFFERENCE = "difference-64k-qd4"
SHAPES = {CONTIGUOUS: "difference-contiguous-64k-qd4", SCATTERED: "difference-scattered-4k-qd16"}
HIGH_SPEED_PERCENT = 25
NBDCOPY_S = 600.0
PORT = 10809


class Copies:
    """The copies of one pair."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self._runs = 0

    def measure(self, kind: str, number: int) -> CopyMeasurement:
        """A copy of one of the kinds of ``results.COPIES``, in a round."""
        if kind == NBDCOPY:
            return self.nbdcopy()
        if kind == FULL:
            return self.full()
        if kind == HIGH_SPEED:
            return self.high_speed(number, HIGH_SPEED_PERCENT)
        if kind in DIFFERENCE_KINDS:
            return self.counted(number, *DIFFERENCE_KINDS[kind])
        if kind in DIFFERENCE_PERCENT:
            return self.high_speed(number, DIFFERENCE_PERCENT[kind])
        if kind in SLOWED:
            return self.slowed(kind.partition(AT)[2])
        return self.without_fastsync(number)

    def full(self) -> CopyMeasurement:
        """Everything, to a server whose disk is new, while nobody writes."""
        pair = self.pair
        pair.to_broken()
        pair.return_standby(blank=True)
        return self._copy("full")

    def high_speed(self, number: int, percent: int, mode: str = "high-speed") -> CopyMeasurement:
        """The copy of a share of the disk that was written while the other server was away."""
        self.differ(number, percent)
        self.pair.return_standby(blank=False)
        return self._copy(mode)

    def counted(self, number: int, shape: str, percent: int) -> CopyMeasurement:
        """The copy of a difference whose extents fio's own list of writes tells."""
        log = self.differ(number, percent, SHAPES[shape], listed=True)
        with log.open() as lines:
            extents = differences.extents_written(lines)
        log.unlink()
        self.pair.return_standby(blank=False)
        return replace(self._copy("high-speed"), differing_bytes=extents * differences.EXTENT_BYTES)

    def differ(self, number: int, percent: int, job: str = DIFFERENCE, *, listed: bool = False) -> Path:
        """The other server is away, and so much of the first measured set is written; the list of the writes."""
        pair = self.pair
        pair.to_broken()
        data = pair.sets[0].disks[0].partitions[1].size_bytes
        self._runs += 1
        stem = pair.directory / f"{job}-{self._runs:04d}"
        log = stem.with_suffix(".log")
        text = fio.load(job).aimed(
            [Target(uri=pair.targets[1][0])],
            seed=number + 1,
            io_bytes=data * percent // 100,
            list_file=str(log) if listed else "",
        )
        fio.Fio(pair, text, stem).figures(NBDCOPY_S)
        return log

    def without_fastsync(self, number: int) -> CopyMeasurement:
        """A tenth was written, everything is copied: the measured set has no FastSync (4.3.3-03)."""
        return self.high_speed(number, 10, "full")

    def slowed(self, condition: str) -> CopyMeasurement:
        """Everything, under a condition that ends with the copy."""
        self.pair.come_under(CONDITIONS[condition])
        try:
            return self.full()
        finally:
            self.pair.come_under(PLAIN)

    def _copy(self, mode: str) -> CopyMeasurement:
        pair = self.pair
        before, begin = pair.cpu_seconds(), now_s()
        pair.permit_copy()
        pair.await_normal(NBDCOPY_S)
        seconds, after = now_s() - begin, pair.cpu_seconds()
        status = pair.status()
        if status.get("copy_mode_last") != mode:
            raise PerfError(f"a {mode} copy was expected, it was {status.get('copy_mode_last')!r}")
        copied = int(status["copied_bytes_last"])
        mib = copied / (1 << 20)
        cpu = {name: (after[name] - before[name]) * 1e6 / mib for name in after if name in before}
        return CopyMeasurement(copied, seconds, cpu)

    def nbdcopy(self) -> CopyMeasurement:
        """The plain tool, server1 to server2 over the mirror connect, an image of the same size.

        It reads the file with the kernel's read-ahead and an empty cache, and writes by direct I/O (qemu-nbd
        with its default threads, four connections); it looks neither for holes nor for zeros, and flushes at
        the end: the same bytes cross the same wire, and are on the other disk when it ends. Of the ways to
        run it that were tried this was the fastest.
        """
        pair = self.pair
        pair.to_normal()
        source, target = pair.raw
        lan = next(lan for lan in pair.lab.topology.lans if MIRROR in lan.roles)
        address = lan.addresses[pair.standby.name].partition("/")[0]
        images.forget(source)
        server = pair.standby.popen(
            ["qemu-nbd", "--format=raw", "--cache=none", "--aio=threads", "--persistent", "--shared=8",
             f"--bind={address}", f"--port={PORT}", str(target)],
            stdout=None, stderr=None,
        )  # fmt: skip
        uri = f"nbd://{address}:{PORT}/"
        try:
            wait_for(lambda: self._answers(uri, server), 30, "qemu-nbd to answer")
            argv = ["nbdcopy", "--no-extents", "--sparse=0", "--flush", str(source), uri]
            command = pair.active.argv(argv)
            begin = now_s()
            run(command, timeout_s=NBDCOPY_S, env=pair.active.env)
            return CopyMeasurement(pair.data_bytes, now_s() - begin)
        finally:
            with contextlib.suppress(LabError):
                pair.standby.kill_program("qemu-nbd")
            kill_group(server)

    def _answers(self, uri: str, server: Process) -> bool:
        if server.poll() is not None:
            raise PerfError(f"qemu-nbd ended with {server.returncode}")
        return self.pair.active.run(["nbdinfo", "--size", uri], check=False).ok
