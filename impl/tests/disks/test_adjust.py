"""Data partitions that are made those of the other disk (2.1.3-05)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.disks.adjust import adjusted
from twinset.disks.plan import MIB, plan
from twinset.errors import Refusal
from twinset.mirror.disk_layout import parse

OTHER = {2: (0, 20 * MIB), 3: (21 * MIB, 20 * MIB)}
MINE = plan(64 * MIB, 4 * MIB, (18 * MIB, 20 * MIB)).partitions


def refused(size_bytes: int, *args: object) -> tuple[str, str]:
    with pytest.raises(Refusal) as caught:
        adjusted(size_bytes, 512, *args)  # type: ignore[arg-type]
    return caught.value.code, caught.value.clause


def test_partitions_grow_into_the_unused_end() -> None:
    """They get the other one's sizes and distances; the first stays, the one behind it moves towards the end."""
    made = adjusted(64 * MIB, 512, MINE, OTHER)
    assert [(p.number, p.start_bytes // MIB, p.length_bytes // MIB) for p in made.partitions] == [
        (1, 1, 4),
        (2, 5, 20),
        (3, 26, 20),
    ]
    written = parse(lambda number: made.sectors(7).get(number, bytes(512)), made.size_bytes)
    assert tuple(written.partitions) == made.partitions


@given(st.integers(-4, 4).map(lambda n: 20 + n), st.integers(20, 30))
def test_none_moves_towards_the_beginning(length: int, distance: int) -> None:
    """Whatever the other disk is like: what would have to move down has the one before it moved up."""
    other = {2: (0, length * MIB), 3: (max(distance, length) * MIB, length * MIB)}
    made = adjusted(90 * MIB, 512, MINE, other).partitions
    assert all(new.start_bytes >= old.start_bytes for new, old in zip(made, MINE, strict=True))
    assert made[2].start_bytes - made[1].start_bytes == other[3][0]
    assert made[1].end_bytes <= made[2].start_bytes


def test_without_an_unused_end_it_is_refused() -> None:
    """One byte too little, and one that is just enough."""
    assert refused(46 * MIB - 1, MINE, OTHER) == ("E_PARTITION", "2.1.3-05")
    assert adjusted(46 * MIB, 512, MINE, OTHER).tail_bytes == 0


@pytest.mark.parametrize(
    ("mine", "other", "code"),
    [
        (MINE, {2: (0, MIB)}, "E_PARTITION"),
        (MINE[:1], {}, "E_PARTITION"),
        ((), OTHER, "E_PARTITION"),
        (MINE, {2: (0, MIB + 256), 3: (2 * MIB, MIB)}, "E_PARTITION"),
        (
            plan(90 * MIB, MIB, (9 * MIB,) * 4).partitions,
            {number: (10 * MIB * number, MIB) for number in (2, 3, 5, 6)},
            "E_UNSUPPORTED",
        ),
    ],
    ids=["other partitions", "no data", "no table", "no whole sectors", "logical"],
)
def test_what_cannot_be_adjusted_says_so(mine: object, other: object, code: str) -> None:
    """Other partitions, none at all, parts of sectors, logical ones."""
    assert refused(90 * MIB, mine, other)[0] == code
