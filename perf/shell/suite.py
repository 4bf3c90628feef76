"""The order of a run: rounds, in each every block, in each block its cells one right after the other.

What is compared is minutes apart at most, and every round has all of it: a slow hour of the machine cannot make one
row look bad. A run that was interrupted goes on with the first block of a round that is not complete; that block is
measured anew as a whole, so what is compared is never hours apart.
"""

from collections.abc import Callable, Iterable

from harness.wait import now_s
from perf.errors import PerfError
from perf.figures.conditions import CONDITIONS
from perf.figures.matrix import PAIR, Block, Cell, Matrix, cost_s
from perf.figures.pace import Pace
from perf.figures.results import COPY, LIMIT, NBD, NBDCOPY, QEMU, RAW, Results
from perf.shell import machine
from perf.shell.cells import Cells
from perf.shell.pair import Pair

Say = Callable[[str], None]
WITHOUT_MIRROR = {RAW, LIMIT, QEMU, NBD, NBDCOPY}


def needs_mirror(blocks: Iterable[Block]) -> bool:
    """True when a mirror has to be there."""
    return any(cell.row not in WITHOUT_MIRROR for block in blocks for cell in block.cells())


def forget_incomplete(results: Results, blocks: Iterable[Block], rounds: int) -> None:
    """Blocks of a round that lack a cell are measured anew as a whole."""
    for number in range(rounds):
        for block in blocks:
            cells = list(block.cells())
            if all(number in results.rounds_of(cell.job, cell.row) for cell in cells):
                continue
            for cell in cells:
                results.forget(cell.job, cell.row, number)


class Suite:
    """The part of a run that needs the pair."""

    def __init__(
        self, matrix: Matrix, pair: Pair, results: Results, pace: Pace, say: Say, save: Callable[[], None]
    ) -> None:
        self._matrix = matrix
        self._blocks = matrix.of_scene(PAIR)
        self._pair = pair
        self._results = results
        self._pace = pace
        self._say = say
        self._save = save
        self._cells = Cells(pair, matrix.seconds)

    def run(self) -> None:
        """All rounds, then the proof that both copies are equal."""
        self._cells.warm_up()
        self._results.memory_kib["start"] = self._pair.memory_kib("VmRSS")
        for number in range(self._matrix.rounds):
            self._results.busy[number] = machine.others_busy_share()
            for block in self._blocks:
                self._run_block(block, number)
            self._come_under("")
            self._repeat_raw(number)
        self._results.memory_kib["peak"] = self._pair.memory_kib("VmHWM")
        self._pair.verify()
        if needs_mirror(self._blocks):
            self._say("both copies are byte-identical")
        self._save()

    def _run_block(self, block: Block, number: int) -> None:
        for cell in block.cells():
            if (
                number in self._results.rounds_of(cell.job, cell.row)
                or cell.condition in self._results.skipped
            ):
                self._pace.skip()
                continue
            begin = now_s()
            try:
                self._come_under(cell.condition)
            except PerfError as error:
                self._results.skipped[cell.condition] = str(error)
                self._say(f"not measured: {block.name}: {error}")
                self._come_under("")
                self._pace.skip()
                continue
            figure = self._measure(cell, number)
            self._pace.step(now_s() - begin)
            self._save()
            self._say(f"[{self._pace}]  round {number + 1}  {cell.job:<30} {cell.row:<20} {figure}")

    def _come_under(self, name: str) -> None:
        condition = CONDITIONS[name]
        self._pair.come_under(condition)
        if condition.throttled and name not in self._results.throttles:
            self._results.throttles[name] = self._cells.prove(condition)

    def _measure(self, cell: Cell, number: int) -> str:
        if cell.workload == COPY:
            copied = self._cells.copies.measure(cell.row, number)
            self._results.add_copy(cell.row, number, copied)
            return f"{copied.mib_s:>9.1f} MiB/s, {copied.copied_bytes >> 20} MiB"
        measurement = self._cells.measure(cell, number)
        self._results.add(cell.job, cell.row, number, measurement)
        return f"{measurement.figures.iops:>9.0f} IOPS {measurement.figures.mib_s:>8.1f} MiB/s"

    def _repeat_raw(self, number: int) -> None:
        """A raw run of the round once more: on a quiet machine the two agree."""
        jobs = (
            cell for block in self._blocks for cell in block.cells() if cell.row == RAW and not cell.condition
        )
        cell = next((cell for cell in jobs if self._results.iops(cell.job, RAW).get(number)), None)
        if cell and number not in self._results.repeats:
            again = self._cells.measure(cell, number).figures.iops
            self._results.repeats[number] = again / self._results.iops(cell.job, RAW)[number]


def paced(matrix: Matrix) -> Pace:
    """The steps of a run with their estimated seconds, in the order in which they come."""
    steps = [
        cost_s(cell, matrix.seconds)
        for _ in range(matrix.rounds)
        for block in matrix.of_scene(PAIR)
        for cell in block.cells()
    ]
    return Pace(steps)
