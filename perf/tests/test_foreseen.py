from perf.figures import foreseen
from perf.figures.matrix import EXHAUSTIVE, QUICK, STANDARD


def test_plan_names_every_block_and_the_promise() -> None:
    """With the time of each, and of the whole."""
    *blocks, last = foreseen.lines(STANDARD)
    assert [line[8:].partition(":")[0] for line in blocks[: len(STANDARD.blocks)]] == [
        block.name for block in STANDARD.blocks
    ]
    assert last.endswith(f"standard: {len(STANDARD.cells())} cells, 5 rounds of 1.5 s, disks of 768 MiB; "
                         "28 minutes are promised")  # fmt: skip
    assert any(line.endswith("the cluster, made and taken down") for line in blocks)


def test_times_of_the_blocks_add_up() -> None:
    """A cell that two blocks share counts in the first one."""
    for plan in (QUICK, STANDARD, EXHAUSTIVE):
        *blocks, _ = foreseen.lines(plan)
        times = [line.split()[0].split(":") for line in blocks]
        total = sum(int(minutes) * 60 + int(seconds) for minutes, seconds in times)
        assert abs(total - plan.estimated_s()) <= len(blocks)
