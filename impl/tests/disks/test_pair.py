from dataclasses import replace

import pytest

from twinset.disks.pair import Side, compare

MIB = 1 << 20
SIDE = Side(
    "/dev/x", 100 * MIB, 10 * MIB, "ACME one", "nvme", "nvme", None, {2: (0, 40 * MIB), 3: (40 * MIB, MIB)}
)


def codes(mine: Side, other: Side) -> list[tuple[str, str]]:
    return [(finding.code, finding.clause) for finding in compare(mine, other)]


def test_equal_disks_have_nothing_to_say() -> None:
    """Same size, same kind, same partitions."""
    assert codes(SIDE, SIDE) == []


def test_unequal_capacity_is_a_warning_while_the_partitions_are_equal() -> None:
    """Both fit each other by the tail (4.1.1-01, 2.1.3)."""
    assert codes(SIDE, replace(SIDE, size_bytes=120 * MIB, tail_bytes=30 * MIB)) == [("W_SIZE", "4.1.1-01")]


@pytest.mark.parametrize(
    ("data", "clause"),
    [
        ({2: (0, 40 * MIB), 3: (40 * MIB, 2 * MIB)}, "4.1.1-01"),
        ({2: (0, 40 * MIB), 3: (41 * MIB, MIB)}, "2.1.3-04"),
        ({2: (0, 40 * MIB)}, "2.1.3-04"),
        ({2: (0, 40 * MIB), 3: (40 * MIB, MIB), 4: (41 * MIB, MIB)}, "2.1.3-04"),
    ],
    ids=["size", "place", "missing", "more"],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_partitions_that_differ_are_an_error(
    data: dict[int, tuple[int, int]], clause: str, swapped: bool
) -> None:
    """Size and place of each count, on whichever side; the next step says how to make them equal."""
    sides = (SIDE, replace(SIDE, data=data))
    found = list(compare(*(reversed(sides) if swapped else sides)))
    assert [(finding.code, finding.clause) for finding in found] == [("E_PARTITION", clause)]
    assert "disk match" in found[0].help


def test_unlike_disks_without_a_tail_are_warned_about() -> None:
    """2.1.3-03 speaks of disks that differ; equal ones need none."""
    tight = replace(SIDE, tail_bytes=0)
    assert codes(tight, tight) == []
    assert ("W_NO_TAIL", "2.1.3-03") in codes(tight, replace(tight, model="ACME two"))
    assert ("W_NO_TAIL", "2.1.3-03") in codes(tight, replace(SIDE, size_bytes=99 * MIB))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"model": "ACME two"}, [("W_DISK_MISMATCH", "2.1.3-01")]),
        ({"transport": "scsi"}, [("W_DISK_MISMATCH", "2.1.3-01")]),
        ({"model": "", "transport": ""}, []),
        ({"controller": "megaraid_sas"}, [("W_HW_MISMATCH", "4.1.1-02")]),
        ({"controller": ""}, []),
    ],
)
def test_other_hardware_is_a_warning_where_it_is_known(
    change: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    """What one side does not know is not compared."""
    assert codes(SIDE, replace(SIDE, **change)) == expected


@pytest.mark.parametrize(
    ("mine", "other", "warned"),
    [
        (True, False, True),
        (False, True, True),
        (True, True, False),
        (None, True, False),
        (False, False, False),
    ],
)
def test_an_array_beside_a_single_disk_is_warned_about(
    mine: bool | None, other: bool | None, warned: bool
) -> None:
    """Two arrays of different RAID types are no mix (4.1.5-03, 4.1.5-04)."""
    found = codes(replace(SIDE, array=mine), replace(SIDE, array=other))
    assert (("W_ARRAY_MIX", "4.1.5-04") in found) is warned


def test_the_other_side_comes_as_json() -> None:
    """Places are counted from the first data partition, so another CLUSTER size makes no difference."""
    values = {
        "path": "/dev/y", "size_bytes": 9, "tail_bytes": 1, "model": "", "transport": "", "controller": "",
        "array": None,
        "partitions": [
            {"number": 1, "start_bytes": 1, "size_bytes": 2},
            {"number": 2, "start_bytes": 3, "size_bytes": 2},
            {"number": 5, "start_bytes": 6, "size_bytes": 1},
        ],
    }  # fmt: skip
    assert Side.of_json(values).data == {2: (0, 2), 5: (3, 1)}


@pytest.mark.parametrize("values", [{}, {"partitions": [{}]}, {"partitions": 5}, [], "x"])
def test_other_json_is_refused(values: object) -> None:
    """A file of something else is no disk."""
    with pytest.raises(ValueError, match="not what"):
        Side.of_json(values)  # type: ignore[arg-type]
