import pytest

from perf.errors import PerfError
from perf.figures import matrix
from perf.figures.conditions import CONDITIONS, key, parted
from perf.figures.growth import GROWTH, SIZES
from perf.figures.matrix import EXHAUSTIVE, MATRICES, QUICK, SCENES, STANDARD, Cell, Matrix
from perf.figures.results import COPIES, COPY, IN_MACHINES, ROWS
from perf.tests.factory import results


@pytest.mark.parametrize("plan", [QUICK, STANDARD], ids=lambda plan: plan.name)
def test_run_ends_in_its_time_by_the_estimate(plan: Matrix) -> None:
    """Quick in under 4 minutes, standard in under 30, at least five rounds each."""
    assert plan.rounds >= 5
    assert plan.estimated_s() <= plan.minutes * 60


def test_each_matrix_contains_the_smaller_one() -> None:
    """Figures of a quick run are found in every larger one."""
    quick, standard, everything = (set(plan.cells()) for plan in (QUICK, STANDARD, EXHAUSTIVE))
    assert quick < standard < everything


@pytest.mark.parametrize("plan", MATRICES.values(), ids=lambda plan: plan.name)
def test_every_cell_names_a_row_and_a_condition_that_there_are(plan: Matrix) -> None:
    """A misspelt row would be found at the end of an hour."""
    for cell in plan.cells():
        assert cell.row in (*ROWS, *COPIES, *IN_MACHINES, *SIZES, matrix.POWER_CUT)
        assert (cell.row in SIZES) == (cell.workload == GROWTH)
        assert (cell.row in (*COPIES, *IN_MACHINES)) == (cell.workload == COPY)
        assert parted(cell.job) == (cell.workload, CONDITIONS[cell.condition])


@pytest.mark.parametrize("plan", MATRICES.values(), ids=lambda plan: plan.name)
def test_block_stays_in_one_scene(plan: Matrix) -> None:
    """What is compared runs in one place, one right after the other."""
    for block in plan.blocks:
        assert len({cell.scene for cell in block.cells()}) == 1
    assert {block for scene in SCENES for block in plan.of_scene(scene)} == set(plan.blocks)


def test_cells_come_once_in_the_order_of_their_blocks() -> None:
    """A cell that two blocks share is measured once a round."""
    cells = EXHAUSTIVE.cells()
    assert len(cells) == len(set(cells))
    assert cells[0] == Cell("randwrite-4k-qd1", "raw")


def test_mixes_rise_in_their_share_of_writes() -> None:
    """The curve of 4.1.4.1-02 is in order, and each point is in the standard matrix."""
    shares = [share for _, share in matrix.WRITE_SHARES]
    assert shares == sorted(shares)
    measured = {cell.workload for cell in STANDARD.cells() if not cell.condition and cell.row == "mirrored"}
    assert {name for name, _ in matrix.WRITE_SHARES} <= measured


def test_what_has_no_figure_is_not_measured() -> None:
    """Each cell of the exhaustive matrix without a figure is listed, and no other."""
    found = matrix.missing(EXHAUSTIVE.cells(), results({"raw": [1], "mirrored": [1]}, {"nbdcopy": [1]}))
    assert Cell("randwrite-4k-qd16", "raw") not in found
    assert Cell(COPY, "nbdcopy") not in found
    assert Cell("randwrite-4k-qd16", "limit") in found
    assert len(found) == len(EXHAUSTIVE.cells()) - 3


def test_key_has_the_condition_behind_an_at_sign() -> None:
    """The same text in the file, the tables and on the command line."""
    assert key("a", "") == "a"
    assert key("a", "disk-500") == "a@disk-500"
    with pytest.raises(PerfError, match="no condition 'nothing'"):
        parted("a@nothing")


def test_conditions_that_need_other_sets_say_so() -> None:
    """Several sets, several partitions, or no FastSync; a slow disk needs none."""
    own = {name for name, condition in CONDITIONS.items() if condition.own_sets}
    assert own == {"sets-2", "sets-4", "sets-8", "partitions-3", "fastsync-off", "disk-5000-fastsync-off"}
    throttled = {name for name, condition in CONDITIONS.items() if condition.throttled}
    assert throttled == {
        "disk-100", "disk-100-half", "disk-500", "disk-500-half", "disk-5000", "disk-5000-half",
        "disk-5000-fastsync-off",
    }  # fmt: skip


def test_conditions_of_the_same_disk_know_each_other() -> None:
    """A throttle is proved once for all of them."""
    half, whole, slower = (CONDITIONS[name] for name in ("disk-5000-half", "disk-5000", "disk-500"))
    assert whole.same_disk(half)
    assert not whole.same_disk(slower)
    assert not CONDITIONS[""].same_disk(slower)


def test_conditions_of_the_same_mirror_sets_know_each_other() -> None:
    """A set without FastSync is made once a round, for the copy and for the slowed disk behind it."""
    off, slow_off, slow = (
        CONDITIONS[name] for name in ("fastsync-off", "disk-5000-fastsync-off", "disk-5000")
    )
    assert off.same_sets(slow_off)
    assert not off.same_sets(slow)
    cells = STANDARD.cells()
    copied = Cell(COPY, "copy without FastSync")
    assert copied.under == "fastsync-off"
    before = cells[cells.index(copied) - 1]
    assert (before.row, before.under) == ("broken", "disk-5000-fastsync-off")
