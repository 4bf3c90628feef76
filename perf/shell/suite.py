"""The order of a run: rounds, in each every job, in each job its rows one right after the other.

Rows that are compared are minutes apart at most, and every round has all of them: a slow hour of the machine
cannot make one row look bad.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.wait import now_s, wait_for
from perf.errors import PerfError
from perf.figures import fio_output
from perf.figures.fio_output import Figures
from perf.figures.jobs import Target
from perf.figures.results import (
    BROKEN,
    COPY,
    FULL,
    HIGH_SPEED,
    JOB_ROWS,
    LIMIT,
    MIRRORED,
    NBDCOPY,
    QEMU,
    RAW,
    REBUILD,
    ROWS,
    CopyMeasurement,
    Measurement,
    Results,
)
from perf.peers.qemu import QemuMirror
from perf.shell import fio, machine
from perf.shell.copies import Copies
from perf.shell.pair import EXPORT, Pair

JOBS = ("randwrite-4k-qd1", "randwrite-4k-qd16", "readwrite-4k-qd16", "seqwrite-1m-qd4")
FSYNC_JOBS = tuple(f"{name}-fsync" for name in JOBS)
REBUILD_WINDOWS_MAX = 6
COPY_S = 600.0


@dataclass(frozen=True)
class Settings:
    """What to measure, how long, how often."""

    rounds: int = 5
    seconds: float = 10.0
    disk_mib: int = 1024
    rows: tuple[str, ...] = ROWS
    jobs: tuple[str, ...] = JOBS + FSYNC_JOBS

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @property
    def mirrored(self) -> bool:
        """True when a mirror has to be there."""
        return bool(set(self.rows) - {RAW, LIMIT, QEMU})


SMOKE = Settings(
    rounds=1,
    seconds=0.5,
    disk_mib=64,
    jobs=("readwrite-4k-qd16", "seqwrite-1m-qd4-fsync"),
)

Say = Callable[[str], None]


class Suite:
    """One run of the suite on one pair."""

    def __init__(self, settings: Settings, pair: Pair, results: Results, say: Say) -> None:
        self._settings = settings
        self._pair = pair
        self._results = results
        self._say = say
        self._copies = Copies(pair)
        self._jobs = [fio.load(name) for name in settings.jobs]
        self._runs = 0

    def run(self) -> None:
        """All rounds, then the proof that both copies are equal."""
        self._warm_up()
        for number in range(self._settings.rounds):
            self._results.busy[number] = machine.others_busy_share()
            for job in self._jobs:
                for row in self._rows(JOB_ROWS):
                    self._measure(job.name, row, number)
            if COPY in self._settings.rows:
                self._measure_copies(number)
            self._repeat_raw(number)
        self._results.peak_rss_kib.update(self._pair.peak_rss_kib())
        if self._settings.mirrored:
            self._pair.verify()
            self._say("both copies are byte-identical")

    def _rows(self, among: Sequence[str]) -> Iterator[str]:
        return (row for row in among if row in self._settings.rows)

    def _measure(self, job: str, row: str, number: int) -> None:
        pair, raw = self._pair, self._pair.raw
        if row == RAW:
            measurement = self._run(job, [Target(str(raw[0]))], number)
        elif row == LIMIT:
            measurement = self._run(job, [Target(str(path)) for path in raw], number)
        elif row == REBUILD:
            measurement = self._rebuild(job, number)
        elif row == QEMU:
            with QemuMirror(pair) as peer:
                measurement = self._run(job, [Target(uri=peer.uri)], number, peer.cpu_seconds)
        else:
            pair.to_broken() if row == BROKEN else pair.to_normal()
            measurement = self._run(job, [Target(uri=EXPORT)], number)
            self._check(job, row)
        self._results.add(job, row, number, measurement)
        iops, mib_s = measurement.figures.iops, measurement.figures.mib_s
        self._say(f"round {number + 1}  {job:<24} {row:<9} {iops:>9.0f} IOPS {mib_s:>8.1f} MiB/s")

    def _check(self, job: str, row: str) -> None:
        """The state that the row is about still holds after it."""
        wanted = {MIRRORED: "NORMAL", BROKEN: "INCONSISTENT"}[row]
        state = self._pair.status().get("set_state")
        if state != wanted:
            raise PerfError(f"{job}: after the {row} row the set is {state}, {wanted} was expected")

    def _start(self, job: str, targets: Sequence[Target], number: int, seconds: float) -> fio.Fio:
        self._runs += 1
        text = fio.load(job).aimed(targets, seed=number + 1, seconds=seconds)
        return fio.Fio(self._pair.active, text, self._pair.directory / f"{self._runs:04d}-{job}")

    def _run(
        self,
        job: str,
        targets: Sequence[Target],
        number: int,
        cpu_seconds: Callable[[], dict[str, float]] | None = None,
    ) -> Measurement:
        seconds = self._settings.seconds
        cpu_seconds = cpu_seconds or self._pair.cpu_seconds
        before = cpu_seconds()
        figures = self._start(job, targets, number, seconds).figures(seconds)
        used = _difference(before, cpu_seconds())
        ops = sum(one.ops for one in figures)
        cpu = {name: value * 1e6 / ops for name, value in used.items()} if targets[0].uri else {}
        return Measurement(fio_output.slower(figures), cpu)

    def _warm_up(self) -> None:
        """One run that does not count: fio and its libraries are read, the images' journal is written out."""
        target, seconds = Target(str(self._pair.raw[0])), min(1.0, self._settings.seconds)
        self._start(self._jobs[0].name, [target], 0, seconds).figures(seconds)

    def _repeat_raw(self, number: int) -> None:
        """The first raw run of the round once more: on a quiet machine the two agree."""
        job = self._jobs[0].name
        first = self._results.iops(job, RAW).get(number)
        if first:
            again = self._run(job, [Target(str(self._pair.raw[0]))], number)
            self._results.repeats[number] = again.figures.iops / first

    # -- during a full copy

    def _rebuild(self, job: str, number: int) -> Measurement:
        """As many copies as the time needs: fio ends with each, so that only copying is measured."""
        windows: list[_Window] = []
        left = self._settings.seconds
        while left > self._settings.seconds / 10 and len(windows) < REBUILD_WINDOWS_MAX:
            window = self._rebuild_window(job, number, left)
            windows.append(window)
            left -= window.figures.seconds
        figures = fio_output.joined([window.figures for window in windows])
        copying_s = sum(window.copying_s for window in windows)
        servers = set().union(*(window.cpu_s for window in windows))
        return Measurement(
            figures,
            {name: sum(w.cpu_s.get(name, 0) for w in windows) * 1e6 / figures.ops for name in servers},
            {
                "share": min(1.0, copying_s / figures.seconds),
                "mib_s": sum(w.copied_bytes for w in windows) / (1 << 20) / copying_s,
                "windows": float(len(windows)),
            },
        )

    def _rebuild_window(self, job: str, number: int, seconds: float) -> "_Window":
        pair = self._pair
        pair.to_broken()
        pair.return_standby(blank=True)
        before = pair.cpu_seconds()
        run = self._start(job, [Target(uri=EXPORT)], number, seconds)
        try:
            pair.await_requests(lambda: run.ended)
            begin = now_s()
            pair.permit_copy()
            wait_for(lambda: run.ended or pair.copy_has_ended(), seconds + COPY_S, "the copy to end")
            copying_s = now_s() - begin
            status = pair.status()
            run.stop()
            figures = run.figures(seconds)[0]
        except BaseException:
            with contextlib.suppress(Exception):
                run.kill()
            raise
        used = _difference(before, pair.cpu_seconds())
        copy = status.get("copy")
        copied = int(copy["bytes_done"] if copy else status.get("copied_bytes_last", 0))
        pair.await_normal(COPY_S)
        return _Window(figures, copying_s, copied, used)

    # -- copies while nobody writes

    def _measure_copies(self, number: int) -> None:
        kinds: dict[str, Callable[[], CopyMeasurement]] = {
            FULL: self._copies.full,
            NBDCOPY: self._copies.nbdcopy,  # meanwhile the full copy stops counting as writes in flight
            HIGH_SPEED: lambda: self._copies.high_speed(number),
        }
        for kind, measure in kinds.items():
            measurement = measure()
            self._results.add_copy(kind, number, measurement)
            said = f"{measurement.mib_s:.1f} MiB/s, {measurement.copied_bytes >> 20} MiB"
            self._say(f"round {number + 1}  {kind:<24} {said}")


@dataclass(frozen=True)
class _Window:
    """One run of fio during one copy."""

    figures: Figures
    copying_s: float
    copied_bytes: int
    cpu_s: dict[str, float]


def _difference(before: dict[str, float], now: dict[str, float]) -> dict[str, float]:
    return {name: value - before[name] for name, value in now.items() if name in before}
