from dataclasses import replace

import pytest

from perf.errors import PerfError
from perf.figures.matrix import CLUSTER, MIX, PAIR, STANDARD, Block, Cell, Matrix
from perf.figures.results import Results
from perf.shell.suite import Suite, forget_incomplete, needs_mirror, steps
from perf.tests.factory import measurement

PLAN = Matrix(
    "test", 2, 1.0, 64,
    (
        Block("one", (MIX,), ("raw", "mirrored")),
        Block("slow", (MIX,), ("raw",), "disk-500"),
        Block("applications", ("pgbench",), ("raw", "mirrored"), "mounted"),
        Block("switching", ("switching",), ("power cut",)),
    ),
)  # fmt: skip


class Recorded:
    """A scene that measures nothing and remembers everything."""

    def __init__(self, results: Results, impossible: str = "") -> None:
        self.told: list[str] = []
        self._results = results
        self._impossible = impossible

    def come_under(self, name: str) -> None:
        if name and name == self._impossible:
            raise PerfError("no control group")

    def measure(self, cell: Cell, number: int) -> str:
        self._results.add(cell.job, cell.row, number, measurement(1))
        self.told.append(f"{number} {cell}")
        return "1"

    def round_begins(self, number: int) -> None:
        self.told.append(f"{number} begins")

    def round_ends(self, number: int) -> None:
        self.told.append(f"{number} ends")


def played(results: Results, impossible: str = "") -> tuple[list[str], list[str], int]:
    scene = Recorded(results, impossible)
    said: list[str] = []
    saved: list[int] = []
    suite = Suite(PLAN, results, said.append, lambda: saved.append(1))
    assert suite.open_in(PAIR)
    suite.run(PAIR, scene)
    assert not suite.open_in(PAIR) or impossible
    return scene.told, said, len(saved)


def test_rounds_hold_every_block_in_its_order() -> None:
    """What is compared comes one right after the other, in every round; the file is written after each cell."""
    told, said, saved = played(Results())
    one = ["0 begins", f"0 {MIX} raw", f"0 {MIX} mirrored", f"0 {MIX}@disk-500 raw", "0 ends"]
    assert told == [*one, *(line.replace("0 ", "1 ", 1) for line in one)]
    assert saved == 6 + 1
    assert said[0].startswith("[1/11, ")


def test_condition_that_cannot_be_had_is_not_measured_and_the_rest_is() -> None:
    """Its reason is kept for the report."""
    results = Results()
    told, said, _ = played(results, "disk-500")
    assert not any("disk-500" in line for line in told)
    assert results.skipped == {"disk-500": "no control group"}
    assert "not measured: slow: no control group" in said


def test_what_was_measured_is_not_measured_again() -> None:
    """A run that goes on does the rest."""
    results = Results()
    for row in ("raw", "mirrored"):
        results.add(MIX, row, 0, measurement(1))
    told, _, _ = played(results)
    assert f"0 {MIX} raw" not in told
    assert f"1 {MIX} raw" in told


def test_power_cut_is_the_last_step() -> None:
    """It ends the second scene: nothing is measured on a cluster that has lost a server."""
    for plan in (PLAN, STANDARD):
        *_, last = steps(plan)
        assert (last[0], last[1], last[3].row) == (CLUSTER, plan.rounds - 1, "power cut")
        assert sum(cell.row == "power cut" for *_, cell in steps(plan)) == 1


def test_start_ups_are_measured_once() -> None:
    """In the first round, and not again by a run that goes on."""
    assert [number for _, number, _, cell in steps(STANDARD) if cell.workload == "growth"] == [0, 0, 0]
    results = Results()
    block = next(block for block in STANDARD.blocks if block.name == "growth")
    results.growth = {row: {"1": {"start_s": 1.0}} for row in block.rows}
    forget_incomplete(results, [block], STANDARD.rounds)
    suite = Suite(replace(STANDARD, blocks=(block,)), results, print, lambda: None)
    assert not suite.open_in(PAIR)


def test_job_that_lacks_a_row_in_a_round_is_forgotten_in_that_round() -> None:
    """Rows that are hours apart are not compared; other jobs of the block stay."""
    results = Results()
    results.add(MIX, "raw", 0, measurement(1))
    results.add(MIX, "mirrored", 0, measurement(1))
    results.add(MIX, "raw", 1, measurement(1))
    results.add("seqwrite-1m-qd4", "raw", 1, measurement(1))
    results.add("seqwrite-1m-qd4", "mirrored", 1, measurement(1))
    forget_incomplete(results, [replace(PLAN.blocks[0], workloads=(MIX, "seqwrite-1m-qd4"))], 2)
    assert results.rounds_of(MIX, "raw") == {0}
    assert results.rounds_of("seqwrite-1m-qd4", "raw") == {1}


@pytest.mark.parametrize(
    ("rows", "needed"), [(("raw", "limit", "qemu", "nbd"), False), (("raw", "broken"), True)]
)
def test_mirror_is_made_when_a_row_needs_it(rows: tuple[str, ...], needed: bool) -> None:
    """The plain rows do without."""
    assert needs_mirror([replace(PLAN.blocks[0], rows=rows)]) is needed
