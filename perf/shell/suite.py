"""The order of a run: scenes, in each rounds, in each every block, in each block its cells one right after the other.

What is compared is minutes apart at most, and every round has all of it: a slow hour of the machine cannot make one
row look bad. A run that was interrupted goes on with what is missing; a job that lacks a row in a round is measured
anew in all rows of its block, so what is compared is never hours apart.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from harness.wait import now_s
from perf.errors import PerfError
from perf.figures.conditions import CONDITIONS
from perf.figures.growth import GROWTH
from perf.figures.matrix import APPLICATIONS, CLUSTER, PAIR, SCENE_S, SCENES, Block, Cell, Matrix, cost_s
from perf.figures.pace import Pace
from perf.figures.results import (
    COPY,
    LIMIT,
    NBD,
    NBDCOPY,
    QEMU,
    RAW,
    ROUND_TRIP,
    SWITCHING,
    Measurement,
    Results,
)
from perf.shell import machine
from perf.shell.bench import Bench, Others
from perf.shell.cells import Cells
from perf.shell.cluster import Cluster

Say = Callable[[str], None]
WITHOUT_MIRROR = {RAW, LIMIT, QEMU, NBD, NBDCOPY, ROUND_TRIP}


def needs_mirror(blocks: Iterable[Block]) -> bool:
    """True when a mirror has to be there."""
    return any(cell.row not in WITHOUT_MIRROR for block in blocks for cell in block.cells())


def forget_incomplete(results: Results, blocks: Iterable[Block], rounds: int) -> None:
    """A job that lacks a row in a round is measured anew in all rows of its block."""
    for block in blocks:
        rows: dict[str, list[Cell]] = {}
        for cell in block.cells():
            if cell.workload not in (SWITCHING, GROWTH):  # once a run
                rows.setdefault(cell.job, []).append(cell)
        for cells in rows.values():
            for number in range(rounds):
                if not all(number in results.rounds_of(cell.job, cell.row) for cell in cells):
                    for cell in cells:
                        results.forget(cell.job, cell.row, number)


def steps(matrix: Matrix) -> Iterator[tuple[str, int, Block, Cell]]:
    """Scene, round, block and cell of every step, in their order."""
    for scene in SCENES:
        for number in range(matrix.rounds):
            for block in matrix.of_scene(scene):
                for cell in block.cells():
                    # once only: a start-up in the first round, a power cut, which ends the scene, in the last
                    first = matrix.rounds - 1 if cell.workload == SWITCHING else 0
                    if number >= first and number < first + matrix.rounds_of(cell):
                        yield scene, number, block, cell


class Scene(Protocol):
    """Where cells are measured."""

    def come_under(self, name: str) -> None:
        """Everything is under this condition from now on; PerfError when it cannot be had here."""

    def measure(self, cell: Cell, number: int) -> str:
        """Measure a cell in a round, take its figures into the results, and say them."""

    def round_begins(self, number: int) -> None:
        """Before the first cell of a round."""

    def round_ends(self, number: int) -> None:
        """After its last."""


class Suite:
    """One run: every step that is not measured yet."""

    def __init__(self, matrix: Matrix, results: Results, say: Say, save: Callable[[], None]) -> None:
        self._matrix = matrix
        self._results = results
        self._say = say
        self._save = save
        self._pace = Pace([cost_s(cell, matrix.seconds) for _, _, _, cell in steps(matrix)])

    def open_in(self, scene: str) -> bool:
        """True when something of the scene is not measured yet."""
        return any(
            where == scene and not self._measured(cell, number)
            for where, number, _, cell in steps(self._matrix)
        )

    def _measured(self, cell: Cell, number: int) -> bool:
        done = self._results.rounds_of(cell.job, cell.row)
        return number in done or len(done) >= self._matrix.rounds_of(cell)

    def run(self, name: str, scene: Scene) -> None:
        """All rounds of a scene."""
        current = -1
        self._pace.beside_s = SCENE_S[CLUSTER] if name == PAIR and self.open_in(CLUSTER) else 0.0
        for where, number, block, cell in steps(self._matrix):
            if where != name:
                continue
            if number != current:
                if current >= 0:
                    scene.round_ends(current)
                scene.round_begins(number)
                current = number
            self._step(scene, number, block, cell)
        if current >= 0:
            scene.round_ends(current)
        self._save()

    def _step(self, scene: Scene, number: int, block: Block, cell: Cell) -> None:
        if self._measured(cell, number) or cell.under in self._results.skipped:
            self._pace.skip()
            return
        begin = now_s()
        try:
            scene.come_under(cell.under)
        except PerfError as error:
            self._results.skipped[cell.under] = str(error)
            self._say(f"not measured: {block.name}: {error}")
            scene.come_under("")
            self._pace.skip()
            return
        figure = scene.measure(cell, number)
        self._pace.step(now_s() - begin)
        self._save()
        self._say(f"[{self._pace}]  round {number + 1}  {cell.job:<30} {cell.row:<20} {figure}")


class PairScene:
    """Two servers with a mirror: two mirror processes and no daemon, or two virtual machines with everything."""

    def __init__(self, pair: Bench, others: Others, matrix: Matrix, results: Results) -> None:
        self._pair = pair
        self._others = others
        self._blocks = matrix.of_scene(PAIR)
        self._results = results
        self._cells = Cells(pair, others, matrix.seconds)

    def begin(self) -> None:
        """Images, servers, the mirror if it is wanted, and one run that does not count."""
        self._pair.prepare(mirrored=needs_mirror(self._blocks))
        self._cells.warm_up()
        self._results.memory_kib["start"] = self._pair.memory_kib("VmRSS")

    def end(self) -> None:
        """Both copies are equal, or nothing was measured."""
        self._results.memory_kib["peak"] = self._pair.memory_kib("VmHWM")
        self._pair.verify()

    def come_under(self, name: str) -> None:
        """See Scene; a throttle is proved before anything is measured under it, once for each disk."""
        condition = CONDITIONS[name]
        self._pair.come_under(condition)
        proofs = self._results.throttles
        if condition.throttled and name not in proofs:
            same = (proofs[other] for other in proofs if condition.same_disk(CONDITIONS[other]))
            proofs[name] = next(same, 0.0) or self._cells.prove(condition)

    def measure(self, cell: Cell, number: int) -> str:
        """See Scene."""
        if cell.workload == GROWTH:
            self._pair.to_normal()
            self._results.growth[cell.row] = self._others.growth(cell.row)
            found = self._results.growth[cell.row]
            return ", ".join(f"{at}: {next(iter(costs.values())):.3g}" for at, costs in found.items())
        if cell.workload == COPY:
            copied = self._cells.copies.measure(cell.row, number)
            self._results.add_copy(cell.row, number, copied)
            return f"{copied.mib_s:>9.1f} MiB/s, {copied.copied_bytes >> 20} MiB"
        measurement = self._cells.measure(cell, number)
        self._results.add(cell.job, cell.row, number, measurement)
        return f"{measurement.figures.iops:>9.0f} IOPS {measurement.figures.mib_s:>8.1f} MiB/s"

    def round_begins(self, number: int) -> None:
        """How busy others keep the processors."""
        if number not in self._results.busy:
            self._results.busy[number] = machine.others_busy_share()

    def round_ends(self, number: int) -> None:
        """A raw run of the round once more: on a quiet machine the two agree."""
        self.come_under("")
        raws = (
            cell for block in self._blocks for cell in block.cells() if cell.row == RAW and not cell.condition
        )
        cell = next((cell for cell in raws if self._results.iops(cell.job, RAW).get(number)), None)
        if cell and number not in self._results.repeats:
            again = self._cells.measure(cell, number).figures.iops
            self._results.repeats[number] = again / self._results.iops(cell.job, RAW)[number]


class ClusterScene:
    """Two whole servers; a power cut, if there is one, is the last thing that happens to them."""

    def __init__(self, cluster: Cluster, matrix: Matrix, results: Results) -> None:
        self._cluster = cluster
        self._matrix = matrix
        self._results = results

    def begin(self) -> None:
        """Bring the cluster up."""
        cells = {cell.workload for cell in self._matrix.cells()}
        self._cluster.prepare(applications=bool(cells & set(APPLICATIONS)))

    def come_under(self, name: str) -> None:
        """Nothing is slowed here."""

    def measure(self, cell: Cell, number: int) -> str:
        """See Scene."""
        if cell.workload == SWITCHING:
            found = self._cluster.power_cut()
            self._results.switches.append(found)
            return f"{found['client'] / 1000:>9.1f} s without an answer"
        figures = self._cluster.measure(cell, number, self._matrix.seconds)
        self._results.add(cell.job, cell.row, number, Measurement(figures))
        return f"{figures.iops:>9.0f} a second"

    def round_begins(self, number: int) -> None:
        """Nothing to do."""

    def round_ends(self, number: int) -> None:
        """Nothing to do."""
