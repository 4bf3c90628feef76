"""How each row is measured on the pair: the state of the set, the targets of fio, what its processes used."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.wait import now_s, wait_for
from perf.errors import PerfError
from perf.figures import fio_output, latency, throttling
from perf.figures.conditions import Condition
from perf.figures.fio_output import Figures
from perf.figures.jobs import Target
from perf.figures.matrix import Cell
from perf.figures.results import (
    BROKEN,
    FAILED_OVER,
    LIMIT,
    MIRRORED,
    NBD,
    QEMU,
    RAW,
    REBUILD,
    REBUILD_FAST,
    ROUND_TRIP,
    SAMPLED,
    Measurement,
)
from perf.peers.nbd import PlainNbd
from perf.peers.qemu import QemuMirror
from perf.shell import fio, round_trip
from perf.shell.copies import HIGH_SPEED_PERCENT, Copies
from perf.shell.pair import Pair

REBUILD_WINDOWS_MAX = 6
COPY_S = 600.0
PROOF, PROOF_S, PROOFS_MAX = "randwrite-4k-qd16", 2.0, 3
EVERYTHING = (0, 0)  # of IOPS that a client asks for, reads and writes: no limit
WANTED = {MIRRORED: "NORMAL", SAMPLED: "NORMAL", BROKEN: "INCONSISTENT", FAILED_OVER: "INCONSISTENT"}
Used = Callable[[], dict[str, float]]
Rates = tuple[int, int]


class Cells:
    """Measures on one pair."""

    def __init__(self, pair: Pair, seconds: float) -> None:
        self.pair = pair
        self.copies = Copies(pair)
        self._seconds = seconds
        self._runs = 0

    def measure(self, cell: Cell, number: int) -> Measurement:
        """One cell in one round; the pair is under the cell's condition already."""
        pair, job = self.pair, cell.workload
        raws, exports = pair.targets
        if cell.row == RAW:
            return self._run(job, [Target(str(path)) for path in raws], number)
        if cell.row == LIMIT:
            return self._run(job, [Target(str(path)) for path in pair.raw], number, combine=fio_output.slower)
        if cell.row == ROUND_TRIP:
            return Measurement(round_trip.measure(pair, self._seconds))
        if cell.row in (REBUILD, REBUILD_FAST):
            return self._rebuild(job, number, blank=cell.row == REBUILD)
        if cell.row in (QEMU, NBD):
            with QemuMirror(pair) if cell.row == QEMU else PlainNbd(pair) as peer:
                return self._run(job, [Target(uri=peer.uri)], number, peer.cpu_seconds)
        {
            MIRRORED: pair.to_normal,
            SAMPLED: pair.to_normal,
            BROKEN: pair.to_broken,
            FAILED_OVER: pair.fail_over,
        }[cell.row]()
        if cell.row == SAMPLED:
            pair.sample(latency.EVERY)
        measurement = self._run(job, [Target(uri=uri) for uri in exports], number, pair.cpu_seconds)
        if cell.row == SAMPLED:
            measurement = replace(measurement, latency=pair.sample(0))
        state = pair.status().get("set_state")
        if state != WANTED[cell.row]:
            raise PerfError(f"after {cell} the set is {state}, {WANTED[cell.row]} was expected")
        return measurement

    def warm_up(self) -> None:
        """One run that does not count: fio and its libraries are read, the images' journal is written out."""
        self._run(PROOF, [Target(str(self.pair.raw[0]))], 0, seconds=min(1.0, self._seconds))

    def prove(self, condition: Condition) -> float:
        """IOPS of the throttled raw disk, asked for all it gives; PerfError when it is not what it is called."""
        for _ in range(PROOFS_MAX):
            raw = [Target(str(self.pair.raw[0]))]
            measured = self._run(PROOF, raw, 0, seconds=PROOF_S, offered_iops=EVERYTHING).figures.iops
            if throttling.proved(measured, condition.disk_iops):
                return measured
        raise PerfError(
            f"the disk throttled to {condition.disk_iops} IOPS does {measured:.0f}: more than "
            f"{throttling.TOLERANCE:.0%} off, {PROOFS_MAX} times, so nothing is concluded from it"
        )

    def _start(
        self, job: str, targets: Sequence[Target], number: int, seconds: float, offered: Rates | None = None
    ) -> fio.Fio:
        self._runs += 1
        offered = self.pair.condition.offered_iops if offered is None else offered
        text = fio.load(job).aimed(targets, seed=number + 1, seconds=seconds, offered_iops=offered)
        return fio.Fio(self.pair, text, self.pair.directory / f"{self._runs:04d}-{job}")

    def _run(
        self,
        job: str,
        targets: Sequence[Target],
        number: int,
        cpu_seconds: Used | None = None,
        *,
        seconds: float = 0.0,
        offered_iops: Rates | None = None,
        combine: Callable[[Sequence[Figures]], Figures] = fio_output.total,
    ) -> Measurement:
        seconds = seconds or self._seconds
        before = cpu_seconds() if cpu_seconds else {}
        figures = self._start(job, targets, number, seconds, offered_iops).figures(seconds)
        used = difference(before, cpu_seconds()) if cpu_seconds else {}
        ops = sum(one.ops for one in figures)
        return Measurement(combine(figures), {name: value * 1e6 / ops for name, value in used.items()})

    # -- during a copy

    def _rebuild(self, job: str, number: int, *, blank: bool) -> Measurement:
        """As many copies as the time needs: fio ends with each, so that only copying is measured."""
        windows: list[_Window] = []
        left = self._seconds
        while left > self._seconds / 10 and len(windows) < REBUILD_WINDOWS_MAX:
            window = self._rebuild_window(job, number, left, blank=blank)
            windows.append(window)
            left -= window.figures.seconds
        figures = fio_output.joined([window.figures for window in windows])
        copying_s = sum(window.copying_s for window in windows)
        sides = set().union(*(window.cpu_s for window in windows))
        return Measurement(
            figures,
            {name: sum(w.cpu_s.get(name, 0) for w in windows) * 1e6 / figures.ops for name in sides},
            {
                "share": min(1.0, copying_s / figures.seconds),
                "mib_s": sum(w.copied_bytes for w in windows) / (1 << 20) / copying_s,
                "windows": float(len(windows)),
            },
        )

    def _rebuild_window(self, job: str, number: int, seconds: float, *, blank: bool) -> "_Window":
        pair = self.pair
        if blank:
            pair.to_broken()
        else:
            self.copies.differ(number, HIGH_SPEED_PERCENT)
        pair.return_standby(blank=blank)
        before = pair.cpu_seconds()
        run = self._start(job, [Target(uri=uri) for uri in pair.targets[1]], number, seconds)
        try:
            pair.await_requests(lambda: run.ended)
            begin = now_s()
            pair.permit_copy()
            wait_for(lambda: run.ended or pair.copy_has_ended(), seconds + COPY_S, "the copy to end")
            copying_s = now_s() - begin
            status = pair.status()
            run.stop()
            figures = fio_output.total(run.figures(seconds))
        except BaseException:
            with contextlib.suppress(Exception):
                run.kill()
            raise
        used = difference(before, pair.cpu_seconds())
        copy = status.get("copy")
        copied = int(copy["bytes_done"] if copy else status.get("copied_bytes_last", 0))
        with pair.unslowed():
            pair.await_normal(COPY_S)
        return _Window(figures, copying_s, copied, used)


@dataclass(frozen=True)
class _Window:
    """One run of fio during one copy."""

    figures: Figures
    copying_s: float
    copied_bytes: int
    cpu_s: dict[str, float]


def difference(before: dict[str, float], now: dict[str, float]) -> dict[str, float]:
    """What each side used in between."""
    return {name: value - before[name] for name, value in now.items() if name in before}
