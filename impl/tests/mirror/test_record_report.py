import hashlib
from collections.abc import Callable

import pytest

from twinset.mirror import cluster_partition as layout
from twinset.mirror import record_report
from twinset.mirror.cluster_partition import Record, State

RECORD = Record(set_uuid=b"s" * 16, disk_uuid=b"d" * 16, server_name="server1", cur=5, size_bytes=4 << 20)
SIZE = 1 << 20


def partition(*parts: tuple[int, bytes]) -> Callable[[int, int], bytes]:
    data = bytearray(SIZE)
    for offset, content in parts:
        data[offset : offset + len(content)] = content
    return lambda offset, length: bytes(data[offset : offset + length])


def slots(a: bytes, b: bytes) -> Callable[[int, int], bytes]:
    return partition((0, a), (4096, b))


def test_a_blank_partition_was_never_registered() -> None:
    """Nothing but zeros is no damage."""
    report = record_report.report(partition())
    assert report.blank
    assert not report.registered
    assert [copy.damage for copy in report.copies] == ["blank", "blank"]


def test_both_copies_are_told_apart() -> None:
    """The newer one counts; each shows its number."""
    old = layout.encode(RECORD, 6)
    report = record_report.report(slots(layout.encode(RECORD.replace(state=State.SOLO), 7), old))
    assert report.record is not None
    assert (report.record.state, report.counter, report.damage) == (State.SOLO, 7, "")
    assert [(copy.name, copy.counter) for copy in report.copies] == [("A", 7), ("B", 6)]
    assert report.registered


@pytest.mark.parametrize("bad", ["A", "B"])
def test_one_damaged_copy_is_named(bad: str) -> None:
    """What counts is the other one."""
    whole, torn = layout.encode(RECORD, 6), b"\xff" * 4096
    report = record_report.report(slots(torn, whole) if bad == "A" else slots(whole, torn))
    assert report.record == RECORD
    assert f"slot {bad}" in report.damage
    assert [copy.name for copy in report.copies if copy.damage] == [bad]


def test_two_damaged_copies_leave_no_record_and_no_silence() -> None:
    """It is not blank either (7.1.2-01)."""
    report = record_report.report(slots(b"\xff" * 4096, layout.encode(RECORD, 6)[:4000]))
    assert report.record is None
    assert "slot A" in report.damage
    assert "slot B" in report.damage
    assert not report.blank
    assert not report.alien


def test_what_never_was_a_record_is_told_from_a_damaged_one() -> None:
    """By the mark at its beginning."""
    assert record_report.report(slots(b"\xff" * 4096, bytes(4096))).alien
    assert not record_report.report(partition()).alien


def test_the_map_is_whole_damaged_or_not_there() -> None:
    """Judged as a start of the mirror judges it."""
    bits = bytes(layout.map_bytes(RECORD.size_bytes, RECORD.extent_shift))
    valid = RECORD.replace(map_valid=True)
    header = layout.encode_map(valid, 6, bits)
    record = layout.encode(valid, 7)
    parts = [(0, record), (4096, record), (layout.MAP_HEADER_OFFSET, header), (layout.MAP_OFFSET, bits)]
    assert record_report.report(partition(*parts)).map == "whole"
    assert "checksum" in record_report.report(partition(*parts, (layout.MAP_OFFSET, b"\1"))).map
    assert record_report.report(slots(layout.encode(RECORD, 1), layout.encode(RECORD, 1))).map == "none"


def test_a_map_that_cannot_fit_is_said_so() -> None:
    """Nothing of that length is read."""
    record = layout.encode(RECORD.replace(map_valid=True, size_bytes=1 << 60), 7)
    assert "do not fit" in record_report.report(slots(record, record)).map


def test_json_has_every_field_of_the_record() -> None:
    """For programs: identities as hexadecimal digits, the state by name."""
    values = record_report.report(slots(layout.encode(RECORD, 7), layout.encode(RECORD, 7))).as_json()
    assert values["fields"]["state"] == "BLANK"
    assert values["fields"]["cur"] == f"{5:016x}"
    assert values["counter"] == 7
    assert record_report.report(partition()).as_json()["fields"] is None


def test_a_partition_of_one_sector_has_a_damaged_record() -> None:
    """Too short for a slot is damage, not an error of the program."""
    report = record_report.report(lambda offset, length: hashlib.sha256(b"x").digest()[:length])
    assert "32 bytes instead of 4096" in report.damage
