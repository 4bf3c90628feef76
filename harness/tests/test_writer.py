from harness.writer import BLOCK_BYTES, SECTOR_BYTES, acknowledged, judge, stamped


def test_the_last_acknowledged_write_keeps_its_promise() -> None:
    """A block with the write that the log promises is right."""
    assert judge(7, 3, 9, stamped(7, 3)) is None


def test_the_write_in_the_air_may_be_there_in_whole_or_in_part() -> None:
    """One write was not yet acknowledged: the block may hold it, or sectors of it."""
    torn = stamped(7, 10)[: 3 * SECTOR_BYTES] + stamped(7, 3)[3 * SECTOR_BYTES :]
    assert judge(7, 3, 9, stamped(7, 10)) is None
    assert judge(7, 3, 9, torn) is None


def test_an_older_write_or_none_is_a_lost_write() -> None:
    """Going back behind what was acknowledged is found, also in a single sector."""
    assert judge(7, 3, 9, stamped(7, 2)) is not None
    assert judge(7, 3, 9, bytes(BLOCK_BYTES)) is not None
    assert judge(7, 3, 9, stamped(7, 3)[:-SECTOR_BYTES] + stamped(7, 2)[-SECTOR_BYTES:]) is not None


def test_foreign_bytes_and_another_blocks_bytes_are_found() -> None:
    """A block that holds another block's write, or a torn sector, is found."""
    assert judge(7, 3, 9, stamped(8, 3)) is not None
    broken = bytearray(stamped(7, 3))
    broken[300] ^= 1
    assert judge(7, 3, 9, bytes(broken)) is not None


def test_the_log_keeps_the_last_write_of_each_block() -> None:
    """Remarks and a torn last line promise nothing."""
    lines = ["# ready\n", "5 1\n", "6 2\n", "5 3\n", "6 4"]
    assert acknowledged(lines) == ({5: 3, 6: 2}, 3)
