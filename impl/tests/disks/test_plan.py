from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.disks.plan import MIB, Plan, plan
from twinset.errors import Refusal
from twinset.mirror.disk_layout import parse

SIZES = st.lists(st.one_of(st.none(), st.integers(1, 64).map(lambda n: n * 1048576)), min_size=1, max_size=31)


def refused(*args: object, **options: int) -> tuple[str, str]:
    with pytest.raises(Refusal) as caught:
        plan(*args, **options)  # type: ignore[arg-type]
    return caught.value.code, caught.value.clause


def test_three_data_partitions_are_primary() -> None:
    """CLUSTER first on MiB 1, the data behind it in order."""
    made = plan(100 * MIB, 4 * MIB, (10 * MIB, 20 * MIB, 30 * MIB))
    assert [(p.number, p.start_bytes // MIB, p.length_bytes // MIB) for p in made.partitions] == [
        (1, 1, 4),
        (2, 5, 10),
        (3, 15, 20),
        (4, 35, 30),
    ]
    assert made.container is None
    assert made.tail_bytes == 35 * MIB


def test_of_more_than_three_some_are_logical() -> None:
    """Two stay primary; each logical one has a MiB for its link before it, and the container holds them all."""
    made = plan(100 * MIB, MIB, (10 * MIB,) * 5)
    assert [p.number for p in made.partitions] == [1, 2, 3, 5, 6, 7]
    assert [link // MIB for link in made.links] == [22, 33, 44]
    assert [p.start_bytes // MIB for p in made.partitions[3:]] == [23, 34, 45]
    assert made.container is not None
    assert made.container.start_bytes == 22 * MIB
    assert made.container.start_bytes + made.container.length_bytes == made.partitions[-1].end_bytes


def test_rest_is_shared_equally() -> None:
    """In whole MiB, after everything that was named and the tail."""
    made = plan(100 * MIB + 512, MIB, (None, 10 * MIB, None), tail_bytes=8 * MIB)
    assert [p.length_bytes // MIB for p in made.partitions] == [1, 40, 10, 40]
    assert made.tail_bytes == 8 * MIB + 512


@given(SIZES, st.integers(1, 16), st.sampled_from([512, 4096]), st.integers(0, 1 << 32))
def test_what_is_planned_is_read_again(
    data: list[int | None], cluster_mib: int, sector_bytes: int, disk_id: int
) -> None:
    """Any plan, written, is a mirror disk with exactly these partitions, on disks of either sector size."""
    size = 4096 * MIB + 3 * 4096
    made = plan(size, cluster_mib * MIB, data, sector_bytes=sector_bytes)
    sectors = made.sectors(disk_id % (1 << 32))
    layout = parse(lambda number: sectors.get(number, bytes(sector_bytes)), size, sector_bytes)
    assert layout.partitions == made.partitions
    assert made.tail_bytes >= 8 * MIB
    assert all(part.start_bytes % MIB == 0 for part in made.partitions)
    wiped = [(item.start_bytes, item.start_bytes + item.length_bytes) for item in made.wiped()]
    for number in sectors:
        assert any(first <= number * sector_bytes < last for first, last in wiped)
    assert all(0 <= first <= last <= size for first, last in wiped)


@given(SIZES, st.integers(4100, 5000), st.integers(4100, 5000))
def test_unequal_disks_get_equal_partitions(data: list[int | None], one_mib: int, other_mib: int) -> None:
    """What fits the smaller one lies equally on both; the rest of the larger is tail (2.1.3-04, 2.1.3-05)."""
    small, large = sorted((one_mib * MIB, other_mib * MIB))
    first = plan(small, 4 * MIB, data)
    second = plan(large, 4 * MIB, [part.length_bytes for part in first.partitions[1:]], sector_bytes=4096)
    assert second.partitions == first.partitions
    assert second.tail_bytes - first.tail_bytes == large - small


@given(SIZES, st.integers(1, 8))
def test_every_partition_begins_and_ends_blank(data: list[int | None], cluster_mib: int) -> None:
    """The first MiB and the last 64 KiB of each data partition: a group makes its file system there then."""
    made = plan(4096 * MIB, cluster_mib * MIB, data)
    wiped = sorted((item.start_bytes, item.start_bytes + item.length_bytes) for item in made.wiped())
    for part in made.partitions[1:]:
        head, tail = min(MIB, part.length_bytes), min(64 << 10, part.length_bytes)
        assert any(f <= part.start_bytes and part.start_bytes + head <= last for f, last in wiped)
        assert any(f <= part.end_bytes - tail and part.end_bytes <= last for f, last in wiped)


def test_31_data_partitions_and_no_more() -> None:
    """With the CLUSTER partition they are 32 (2.2.2.1-08)."""
    assert len(plan(4096 * MIB, MIB, [None] * 31).partitions) == 32
    assert refused(4096 * MIB, MIB, [None] * 32) == ("E_LIMIT", "2.2.2.1-08")


@pytest.mark.parametrize(
    ("size", "cluster", "data", "code", "clause"),
    [
        (100 * MIB, MIB - 512, (MIB,), "E_PARTITION", "4.1.3-02"),
        (100 * MIB, MIB + 512, (MIB,), "E_PARTITION", "4.1.3-02"),
        (100 * MIB, MIB, (), "E_PARTITION", "2.2.2.1-04"),
        (100 * MIB, MIB, (MIB + 512,), "E_RANGE", "4.1.1-01"),
        (100 * MIB, MIB, (0,), "E_RANGE", "4.1.1-01"),
        (100 * MIB, MIB, (91 * MIB,), "E_PARTITION", "2.1.3-05"),
        (100 * MIB, MIB, (90 * MIB, None), "E_PARTITION", "2.1.3-05"),
        (3 << 40, MIB, (None,), "E_LIMIT", "4.1.2-06"),
    ],
)
def test_what_cannot_be_is_refused(
    size: int, cluster: int, data: tuple[int | None, ...], code: str, clause: str
) -> None:
    """Each rule with its clause; a request is never silently made to fit."""
    assert refused(size, cluster, data) == (code, clause)


def test_a_disk_of_large_sectors_may_be_larger() -> None:
    """The limit of an MBR is one of sectors."""
    assert plan(3 << 40, MIB, (None,), sector_bytes=4096).partitions[1].length_bytes > 2 << 40


def test_the_tail_may_be_given_up() -> None:
    """With equal disks nothing has to be reserved."""
    made = plan(100 * MIB, MIB, (98 * MIB,), tail_bytes=0)
    assert made.tail_bytes == 0
    assert refused(100 * MIB, MIB, (98 * MIB,), tail_bytes=1) == ("E_PARTITION", "2.1.3-05")
    assert refused(100 * MIB, MIB, (MIB,), tail_bytes=-1) == ("E_RANGE", "2.1.3-03")


def test_partitions_do_not_overlap() -> None:
    """Also where a size is no whole MiB: the next one begins on one."""
    made: Plan = plan(200 * MIB, MIB, [3 * MIB + 4096] * 6)
    for before, after in pairwise(made.partitions):
        assert before.end_bytes <= after.start_bytes
