from collections.abc import Callable
from typing import Any

import pytest

from impl.tests.samples import RECORD
from twinset.disks.facts import HELD, LISTED, LOCKED, MOUNTED, OPEN, SWAP, DiskFacts, Use
from twinset.disks.inspection import Inspection, inspect
from twinset.disks.plan import plan
from twinset.mirror import cluster_partition as layout

MIB = 1 << 20
Look = Callable[..., Inspection]
DATA2, DATA3 = 5 * MIB, 21 * MIB


def codes(found: Inspection) -> list[tuple[str, str]]:
    return [(finding.code, finding.clause) for finding in found.findings]


def test_a_prepared_disk_is_usable(look: Look) -> None:
    """CLUSTER and data have their roles, nothing is found, the tail is what was reserved."""
    found = look()
    assert codes(found) == []
    assert found.usable
    values = found.as_json()
    assert [(part["number"], part["role"]) for part in values["partitions"]] == [
        (1, "CLUSTER"), (2, "data"), (3, "data"),
    ]  # fmt: skip
    assert values["tail_bytes"] == 8 * MIB
    assert values["record"]["registered"] is False


FACTS: list[tuple[dict[str, Any], str, str]] = [
    ({"partition_of": "/dev/sdb"}, "E_DISK", "4.1.3-01"),
    ({"volume": "md0, an array,"}, "E_DISK", "2.2.2.1-12"),
    ({"removable": True}, "E_DISK", "4.1.2-04"),
    ({"transport": "usb"}, "E_DISK", "4.1.2-04"),
    ({"transport": "mmc"}, "E_DISK", "4.1.2-04"),
    ({"read_only": True}, "E_DISK", "4.1.2-01"),
    ({"uses": (Use(2, MOUNTED, "/"),)}, "E_DISK", "4.1.2-02"),
    ({"uses": (Use(1, MOUNTED, "/boot"),)}, "E_DISK", "4.1.2-02"),
    ({"uses": (Use(2, MOUNTED, "/srv"),)}, "E_DISK", "4.1.2-01"),
    ({"uses": (Use(1, MOUNTED, "/srv"),)}, "E_PARTITION", "7.1.2-05"),
    ({"uses": (Use(3, SWAP, "/dev/sdb3"),)}, "E_DISK", "4.1.2-03"),
    ({"uses": (Use(2, HELD, "dm-0"),)}, "E_DISK", "4.1.2-01"),
    ({"uses": (Use(0, OPEN, "/dev/x"),)}, "E_DISK", "4.1.2-01"),
    ({"uses": (Use(0, LOCKED, "twinset-mirrord (process 5)"),)}, "E_DISK", "4.1.2-01"),
    ({"uses": (Use(1, LISTED, "/srv"),)}, "E_PARTITION", "7.1.2-05"),
    ({"uses": (Use(2, LISTED, "/srv"),)}, "W_FSTAB", "7.1.1-02"),
    ({"array": False}, "W_NO_RAID", "4.1.1-03"),
    ({"array": True, "write_cache": "write through"}, "W_WRITETHRU", "4.1.4-03"),
]


@pytest.mark.parametrize(("facts", "code", "clause"), FACTS)
def test_each_fact_has_its_finding(look: Look, facts: dict[str, Any], code: str, clause: str) -> None:
    """One fact, one finding with value, clause and next step; only errors make the disk unusable."""
    found = look(**facts)
    assert codes(found) == [(code, clause)]
    [finding] = found.findings
    assert finding.value
    assert finding.help
    assert found.usable is code.startswith("W_")


RAID = b"\xfc\x4e\x2b\xa9"
MARKS: list[tuple[tuple[int, bytes], bool, str, str]] = [
    ((MIB + 0x438, b"\x53\xef"), True, "E_PARTITION", "2.2.2.1-11"),
    ((DATA2 + 536, b"LVM2 001"), True, "E_DISK", "2.2.2.1-12"),
    ((DATA3 + 4096, RAID), True, "E_DISK", "2.2.2.1-12"),
    ((MIB + 4096, RAID), True, "E_DISK", "2.2.2.1-12"),
    ((536, b"LVM2 001"), True, "E_DISK", "2.2.2.1-12"),
    ((536, b"LVM2 001"), False, "E_DISK", "2.2.2.1-12"),
    ((4096, RAID), False, "E_DISK", "2.2.2.1-12"),
    ((512, b"EFI PART"), False, "E_DISK", "4.1.2-06"),
    ((512, b"EFI PART"), True, "W_REMAINS", "4.1.2-06"),
    ((3072, b"PRIVHEAD"), False, "E_DISK", "4.1.2-05"),
    ((3072, b"PRIVHEAD"), True, "E_DISK", "4.1.2-05"),
    ((0, b"XFSB"), False, "E_PARTITION", "2.2.2.1-04"),
    ((0x438, b"\x53\xef"), True, "W_REMAINS", "2.2.2.1-04"),
]


@pytest.mark.parametrize(("mark", "table", "code", "clause"), MARKS)
def test_each_mark_has_its_finding(
    look: Look, mark: tuple[int, bytes], table: bool, code: str, clause: str
) -> None:
    """On the whole disk or in a partition; the disk that has no table is told by what it has instead."""
    found = look(mark, table=table)
    assert codes(found) == [(code, clause)]
    assert found.usable is code.startswith("W_")
    assert found.findings[0].help


def test_ordinary_data_is_no_obstacle(look: Look) -> None:
    """A file system in a data partition is what the partition is for."""
    found = look((DATA2 + 0x438, b"\x53\xef"))
    assert found.usable
    assert found.contents[2] == ("ext2/3/4",)


def test_a_blank_disk_lacks_a_table(look: Look) -> None:
    """Its next step is to be prepared."""
    found = look(table=False)
    assert codes(found) == [("E_PARTITION", "2.2.2.1-04")]
    assert "prepare" in found.findings[0].help
    assert found.blank


def test_too_little_tail_is_a_warning() -> None:
    """With value and limit (2.1.3-03)."""
    size = 64 * MIB
    sectors = plan(size, 4 * MIB, (None,), tail_bytes=MIB).sectors(7)
    facts = DiskFacts(path="/dev/x", size_bytes=size)
    found = inspect(
        facts, lambda at, length: sectors.get(at // 512, bytes(512)).ljust(length, b"\0")[:length]
    )
    [finding] = found.findings
    assert (finding.code, finding.clause, finding.value, finding.limit) == (
        "W_NO_TAIL",
        "2.1.3-03",
        MIB,
        8 * MIB,
    )


def record_at(a: bytes, b: bytes) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    return (MIB, a), (MIB + 4096, b)


def test_the_record_of_an_unknown_set_is_a_warning(look: Look) -> None:
    """A mirror set of this server would refuse the disk (8.6-02); the way out is in the finding."""
    slot = layout.encode(RECORD, 3)
    found = look(*record_at(slot, slot))
    assert codes(found) == [("W_REUSE", "8.6-02")]
    assert "server server9" in found.findings[0].message
    assert "disk clear /dev/x --yes" in found.findings[0].help


def test_the_record_of_a_set_of_this_server_is_none(look: Look) -> None:
    """The server knows the disk."""
    slot = layout.encode(RECORD, 3)
    assert codes(look(*record_at(slot, slot), known={"set1": b"d" * 16})) == []


def test_damage_of_one_copy_is_a_warning_of_both_an_error(look: Look) -> None:
    """7.1.2-01: told, never made anew silently."""
    slot = layout.encode(RECORD, 3)
    known = {"set1": b"d" * 16}
    torn = slot[:4000]
    assert codes(look(*record_at(slot, torn), known=known)) == [("W_RECORD", "7.1.2-01")]
    assert codes(look(*record_at(torn, b"\xff" * 4096), known=known)) == [("E_PARTITION", "7.1.2-01")]


def test_bytes_that_were_never_a_record_are_no_damaged_one(look: Look) -> None:
    """The disk is somebody else's: partition 1 has to be blank (2.2.2.1-11)."""
    assert codes(look((MIB, b"\xff" * 8192))) == [("E_PARTITION", "2.2.2.1-11")]


def test_the_place_holder_of_a_gpt_is_no_cluster_partition(look: Look) -> None:
    """Nothing is looked for inside, and its role is none."""
    mbr = plan(64 * MIB, 4 * MIB, (None,)).sectors(7)[0]
    found = look((0, mbr[:450] + b"\xee" + mbr[451:]))
    assert found.record is None
    assert found.as_json()["partitions"][0]["role"] == "none"
    assert codes(found) == [("E_DISK", "4.1.2-06")]


def test_a_formatted_cluster_partition_is_not_called_a_damaged_record_too(look: Look) -> None:
    """One fact, one finding."""
    found = look((MIB + 0x438, b"\x53\xef"), (MIB + 4096, b"x"))
    assert codes(found) == [("E_PARTITION", "2.2.2.1-11")]


def test_everything_wrong_is_said_at_once(look: Look) -> None:
    """Facts, marks and record together."""
    found = look((DATA2 + 536, b"LVM2 001"), removable=True, uses=(Use(3, MOUNTED, "/srv"),))
    assert codes(found) == [("E_DISK", "4.1.2-04"), ("E_DISK", "4.1.2-01"), ("E_DISK", "2.2.2.1-12")]
