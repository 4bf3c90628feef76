"""How each row is measured on the pair: the state of the set, the targets of fio, what its processes used."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from perf.errors import PerfError
from perf.figures import fio_output, latency, throttling
from perf.figures.conditions import Condition
from perf.figures.fio_output import Figures
from perf.figures.jobs import Target
from perf.figures.matrix import Cell
from perf.figures.results import (
    BROKEN,
    DRBD,
    FAILED_OVER,
    LIMIT,
    MD,
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
from perf.shell import fio, machine
from perf.shell.bench import Bench, Others, Run
from perf.shell.copies import Copies
from perf.shell.rebuilds import Rebuilds

# Both ways; a slice of the throttle is a tenth of 1 s.
PROOFS, PROOF_S, PROOFS_MAX = ("randread-4k-qd16", "randwrite-4k-qd16"), 4.0, 3
WANTED = {MIRRORED: "NORMAL", SAMPLED: "NORMAL", BROKEN: "INCONSISTENT", FAILED_OVER: "INCONSISTENT"}
Used = Callable[[], dict[str, float]]


class Cells:
    """Measures on one pair."""

    def __init__(self, pair: Bench, others: Others, seconds: float) -> None:
        self.pair = pair
        self.copies = Copies(pair, others)
        self._others = others
        self._seconds = seconds
        self._runs = 0
        self._most: dict[tuple[str, int], Figures] = {}  # what the slowed raw disk did of a workload
        self._rebuilds = Rebuilds(pair, self.copies, seconds, self._start)

    def measure(self, cell: Cell, number: int) -> Measurement:
        """One cell in one round; the pair is under the cell's condition already."""
        pair, job = self.pair, cell.workload
        raws, exports = pair.targets
        if cell.row == RAW:
            measured = self._run(job, raws, number)
            if pair.condition.throttled and not any(pair.condition.offered_iops):
                self._most[job, pair.condition.disk_iops] = measured.figures
            return measured
        if cell.row == LIMIT:
            return self._run(job, pair.raw, number, combine=fio_output.slower)
        if cell.row == ROUND_TRIP:
            return Measurement(self._others.round_trip(self._seconds))
        if cell.row in (REBUILD, REBUILD_FAST):
            return self._rebuilds.measure(job, number, blank=cell.row == REBUILD)
        if cell.row in (QEMU, NBD, DRBD, MD):
            with self._others.peer(cell.row) as peer:
                return self._run(job, [peer.target], number, peer.cpu_seconds)
        {
            MIRRORED: pair.to_normal,
            SAMPLED: pair.to_normal,
            BROKEN: pair.to_broken,
            FAILED_OVER: pair.fail_over,
        }[cell.row]()
        if cell.row == SAMPLED:
            pair.sample(latency.EVERY)
        measurement = self._run(job, exports, number, pair.cpu_seconds)
        if cell.row == SAMPLED:
            measurement = replace(measurement, latency=pair.sample(0))
        state = pair.status().get("set_state")
        if state != WANTED[cell.row]:
            raise PerfError(f"after {cell} the set is {state}, {WANTED[cell.row]} was expected")
        return measurement

    def warm_up(self) -> None:
        """One run that does not count: fio and its libraries are read, the images' journal is written out."""
        self._run(PROOFS[-1], self.pair.raw[:1], 0, seconds=min(1.0, self._seconds))

    def prove(self, condition: Condition) -> float:
        """IOPS of the throttled raw disk, asked for all it gives, the worse way; PerfError when that is not it."""
        for _ in range(PROOFS_MAX):
            found = [
                self._run(job, self.pair.raw[:1], 0, seconds=PROOF_S, whole=True).figures.iops
                for job in PROOFS
            ]
            if all(throttling.proved(measured, condition.disk_iops) for measured in found):
                return max(found, key=lambda measured: abs(measured - condition.disk_iops))
        raise PerfError(
            f"the disk throttled to {condition.disk_iops} IOPS does {found[0]:.0f} reads or {found[1]:.0f} writes: "
            f"more than {throttling.TOLERANCE:.0%} off, {PROOFS_MAX} times, so nothing is concluded from it"
        )

    def _start(
        self, job: str, targets: Sequence[Target], number: int, seconds: float, *, whole: bool = False
    ) -> Run:
        self._runs += 1
        text = fio.load(job).aimed(
            targets, seed=number + 1, seconds=seconds, offered_iops=(0, 0) if whole else self._offered(job)
        )
        return self.pair.fio(text, self.pair.directory / f"{self._runs:04d}-{job}")

    def _offered(self, job: str) -> tuple[int, int]:
        """Half of what the raw disk did at this depth, as far as this run has measured that; else of its name."""
        condition = self.pair.condition
        most = self._most.get((job, condition.disk_iops))
        if most is None or not any(condition.offered_iops):
            return condition.offered_iops
        return round(most.read_iops / 2), round(most.write_iops / 2)

    def _run(
        self,
        job: str,
        targets: Sequence[Target],
        number: int,
        cpu_seconds: Used | None = None,
        *,
        seconds: float = 0.0,
        whole: bool = False,
        combine: Callable[[Sequence[Figures]], Figures] = fio_output.total,
    ) -> Measurement:
        seconds = seconds or self._seconds
        before = cpu_seconds() if cpu_seconds else {}
        figures = self._start(job, targets, number, seconds, whole=whole).figures(seconds)
        used = machine.used_s(before, cpu_seconds()) if cpu_seconds else {}
        ops = sum(one.ops for one in figures)
        return Measurement(combine(figures), {name: value * 1e6 / ops for name, value in used.items()})
