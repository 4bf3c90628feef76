import dataclasses
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.mirror import cluster_partition
from twinset.mirror.cluster_partition import (
    HISTORY_MAX,
    MAP_BYTES_MAX,
    NO_ID,
    RECORD_BYTES,
    Record,
    RecordCorrupt,
    Role,
    State,
    check_map,
    choose,
    decode,
    encode,
    encode_map,
    from_json,
    map_bytes,
    to_json,
)
from twinset.wire.versions import Versions

IDS = st.binary(min_size=16, max_size=16)
U64 = st.integers(0, 2**64 - 1)
RECORDS = st.builds(
    Record,
    set_uuid=IDS, disk_uuid=IDS, server_uuid=IDS, peer_disk_uuid=IDS, peer_server_uuid=IDS, boot_id=IDS,
    server_name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=16),
    state=st.sampled_from(State), role=st.sampled_from(Role),
    cur=U64, base=U64, target_of=U64, size_bytes=U64,
    history=st.lists(st.integers(1, 2**64 - 1), max_size=HISTORY_MAX).map(tuple),
    extent_shift=st.integers(9, 40), open=st.booleans(), clean=st.booleans(), solo_right=st.booleans(),
    map_valid=st.booleans(), peer_faulty=st.booleans(), forced=st.booleans(), yielded=st.booleans(),
    alone_since_s=U64, alone_last_s=U64,
)  # fmt: skip
COUNTERS = st.integers(1, 2**64 - 1)

SOLO = Record(
    set_uuid=bytes(range(0x10, 0x20)), disk_uuid=bytes(range(0x20, 0x30)),
    server_uuid=bytes(range(0x30, 0x40)),
    server_name="server1", peer_disk_uuid=bytes(range(0x40, 0x50)), peer_server_uuid=bytes(range(0x50, 0x60)),
    state=State.SOLO, cur=0x1122334455667788, base=0x99, history=(0x99, 0x77), open=True,
    boot_id=bytes(range(0x60, 0x70)), role=Role.ACTIVE, extent_shift=16, size_bytes=0x40000000,
)  # fmt: skip
SOLO_HEX = (
    "5457494e53524543" "0100" "0100" "02" "01" "10" "02" "0700000000000000"
    "101112131415161718191a1b1c1d1e1f" "202122232425262728292a2b2c2d2e2f" "303132333435363738393a3b3c3d3e3f"
    "404142434445464748494a4b4c4d4e4f" "505152535455565758595a5b5c5d5e5f" "606162636465666768696a6b6c6d6e6f"
    "8877665544332211" "9900000000000000" "0000000000000000" "0000004000000000"
    "9900000000000000" "7700000000000000" + "00" * 48 + "73657276657231"
)  # fmt: skip


def reseal(slot: bytes, at: int, value: bytes) -> bytes:
    """Return the slot with other bytes at `at` and a checksum that fits."""
    body = bytearray(slot[:-32])
    body[at : at + len(value)] = value
    return bytes(body) + hashlib.sha256(body).digest()


def test_a_record_has_the_documented_bytes() -> None:
    """Version 1 of the record is these bytes, zeros, and SHA-256 over all before it."""
    body = bytes.fromhex(SOLO_HEX).ljust(RECORD_BYTES - 32, b"\0")
    assert encode(SOLO, 7) == body + hashlib.sha256(body).digest()


def test_the_documented_bytes_are_read_back() -> None:
    """What version 1 wrote stays readable."""
    body = bytes.fromhex(SOLO_HEX).ljust(RECORD_BYTES - 32, b"\0")
    assert decode(body + hashlib.sha256(body).digest()) == (SOLO, 7)


@given(RECORDS, COUNTERS)
def test_every_record_survives_disk_and_wire(record: Record, counter: int) -> None:
    """Encoding and decoding loses nothing, on disk and as JSON."""
    assert decode(encode(record, counter)) == (record, counter)
    assert from_json(to_json(record)) == record


@given(RECORDS, COUNTERS, st.integers(0, RECORD_BYTES - 1), st.integers(1, 255))
def test_any_damaged_byte_is_noticed(record: Record, counter: int, at: int, flip: int) -> None:
    """A record with one changed byte is no record."""
    slot = bytearray(encode(record, counter))
    slot[at] ^= flip
    with pytest.raises(RecordCorrupt):
        decode(slot)


def test_every_torn_write_is_noticed() -> None:
    """A slot whose write stopped after any byte that matters is no record."""
    whole, before = encode(SOLO, 7), encode(SOLO.replace(state=State.IN_SYNC), 5)
    for at in range(RECORD_BYTES):
        torn = whole[:at] + before[at:]
        if torn != before:
            with pytest.raises(RecordCorrupt, match="checksum"):
                decode(torn)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 279, RECORD_BYTES - 1, RECORD_BYTES + 1])
def test_a_slot_of_another_length_is_refused(length: int) -> None:
    """Truncated and trailing bytes are refused with their number."""
    with pytest.raises(RecordCorrupt, match=f"^{length} bytes instead of 4096"):
        decode(encode(SOLO, 7).ljust(length, b"\0")[:length])


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (0, b"X", "magic"),
        (8, b"\x02", "version 2 is not known"),
        (10, b"\x80", "flags 0x80 are not known"),
        (12, b"\x63", "99 is not a valid State"),
        (13, b"\x63", "99 is not a valid Role"),
        (14, b"\x29", "extent_shift: 41"),
        (15, b"\x09", "history of 9"),
        (15, b"\x03", "history"),
        (16, bytes(8), "counter 0"),
        (216, b"\xff", "utf-8"),
        (217, b"\0", "NUL"),
    ],
)
def test_a_well_sealed_slot_is_still_checked_field_by_field(at: int, value: bytes, reason: str) -> None:
    """A fitting checksum does not make a field valid."""
    with pytest.raises(RecordCorrupt, match=reason):
        decode(reseal(encode(SOLO, 7), at, value))


@pytest.mark.parametrize(
    "change",
    [
        {"set_uuid": b"short"},
        {"boot_id": "x" * 16},
        {"cur": -1},
        {"size_bytes": 2**64},
        {"history": (1,) * 9},
        {"history": (0,)},
        {"extent_shift": 8},
        {"server_name": "x" * 65},
        {"server_name": "ü" * 33},
        {"server_name": "a\0b"},
    ],
)
def test_a_record_that_could_not_be_read_back_is_not_made(change: dict[str, object]) -> None:
    """The limits of the layout hold when the record is made, not when it is read."""
    with pytest.raises(ValueError, match=next(iter(change))):
        SOLO.replace(**change)


def test_counters_start_at_one() -> None:
    """Counter 0 is that of a disk without a record."""
    with pytest.raises(ValueError, match="counter"):
        encode(SOLO, 0)


def test_a_new_generation_keeps_the_eight_before_it() -> None:
    """History is newest first and bounded."""
    record = Record()
    for generation in range(1, 12):
        record = record.replace(cur=generation, history=record.lineage)
    assert record.history == (10, 9, 8, 7, 6, 5, 4, 3)


def test_a_new_record_knows_of_no_time_alone() -> None:
    """Zero is "not known": a side that was never alone must not name a second of 1970."""
    assert (Record().alone_since_s, Record().alone_last_s) == (0, 0)


# -- two slots ------------------------------------------------------------------------------------------


@given(RECORDS, RECORDS, st.integers(1, 2**63), st.booleans())
def test_the_higher_counter_wins(old: Record, new: Record, counter: int, swap: bool) -> None:
    """Which slot the newest record is in does not matter."""
    slots = [encode(old, counter), encode(new, counter + 1)]
    choice = choose(*(reversed(slots) if swap else slots))
    assert (choice.record, choice.counter, choice.damage) == (new, counter + 1, None)


@pytest.mark.parametrize("bad", ["A", "B"])
def test_one_damaged_copy_is_reported_and_survived(bad: str) -> None:
    """The record is read from the other slot and the report names the bad one."""
    slots = {"A": encode(SOLO, 7), "B": encode(SOLO, 7)}
    slots[bad] = b"\xff" * RECORD_BYTES
    choice = choose(slots["A"], slots["B"])
    assert choice.record == SOLO
    assert choice.damage is not None
    assert choice.damage.startswith(f"record slot {bad}: magic")


def test_a_blank_copy_beside_a_record_is_damage() -> None:
    """A slot that was overwritten with zeros is not taken for a fresh disk."""
    assert choose(bytes(RECORD_BYTES), encode(SOLO, 7)).damage == "record slot A: blank"


def test_two_blank_slots_are_a_disk_that_was_never_registered() -> None:
    """No record and no error."""
    choice = choose(bytes(RECORD_BYTES), bytes(RECORD_BYTES))
    assert (choice.record, choice.counter, choice.damage) == (None, 0, None)


def test_two_damaged_copies_are_an_error_with_both_reasons() -> None:
    """A destroyed CLUSTER partition is never silently made anew (7.1.2-01)."""
    with pytest.raises(RecordCorrupt, match=r"record slot A: blank; record slot B: magic"):
        choose(bytes(RECORD_BYTES), b"\xff" * RECORD_BYTES)


def test_short_reads_are_not_taken_for_blank() -> None:
    """A disk that returns nothing is an error, not a fresh disk."""
    with pytest.raises(RecordCorrupt, match="0 bytes instead of"):
        choose(b"", b"")


def test_two_records_with_one_counter_are_an_error() -> None:
    """Equal counters mean equal records; anything else is a fault that nobody may guess about."""
    with pytest.raises(RecordCorrupt, match="same counter 7"):
        choose(encode(SOLO, 7), encode(SOLO.replace(state=State.STALE), 7))


# -- the map --------------------------------------------------------------------------------------------

MAPPED = SOLO.replace(map_valid=True, size_bytes=(1 << 16) * 20 + 1)  # 21 extents, 3 bytes
BITS = b"\x01\x80\x10"


def test_the_map_header_has_the_documented_bytes() -> None:
    """Version 1 of the map header is these bytes, zeros, and SHA-256 over all before it."""
    body = bytes.fromhex(
        "5457494e534d4150" "0100" "10" "0000000000" "0700000000000000" "101112131415161718191a1b1c1d1e1f"
        "8877665544332211" "1500000000000000"
    ) + hashlib.sha256(BITS).digest()  # fmt: skip
    body = body.ljust(RECORD_BYTES - 32, b"\0")
    assert encode_map(MAPPED, 7, BITS) == body + hashlib.sha256(body).digest()


def test_a_map_counts_for_the_record_written_after_it() -> None:
    """A fitting map raises nothing."""
    check_map(encode_map(MAPPED, 7, BITS), BITS, MAPPED, 8)


@pytest.mark.parametrize(
    ("change", "counter", "reason"),
    [
        ({"map_valid": False}, 8, "does not call the map valid"),
        ({"cur": 5}, 8, "another mirror set or generation"),
        ({"set_uuid": NO_ID}, 8, "another mirror set or generation"),
        ({"extent_shift": 17}, 8, "21 extents"),
        ({"size_bytes": 1 << 16}, 8, "21 extents"),
        ({}, 7, "counter 7 is not below"),
    ],
)
def test_a_map_of_another_record_does_not_count(change: dict[str, object], counter: int, reason: str) -> None:
    """Each fact that ties a map to its record is checked."""
    with pytest.raises(RecordCorrupt, match=reason):
        check_map(encode_map(MAPPED, 7, BITS), BITS, MAPPED.replace(**change), counter)


@pytest.mark.parametrize(("at", "value", "reason"), [(0, b"TWINSREC", "magic"), (8, b"\x02", "version 2")])
def test_a_well_sealed_header_of_another_kind_is_no_map(at: int, value: bytes, reason: str) -> None:
    """A fitting checksum does not make a record, or a later version, a map of this program."""
    with pytest.raises(RecordCorrupt, match=reason):
        check_map(reseal(encode_map(MAPPED, 7, BITS), at, value), BITS, MAPPED, 8)


def test_any_damaged_byte_of_the_map_or_its_header_is_noticed() -> None:
    """A map that was torn or damaged does not count."""
    header = encode_map(MAPPED, 7, BITS)
    for at in range(len(header)):
        damaged = header[:at] + bytes([header[at] ^ 1]) + header[at + 1 :]
        with pytest.raises(RecordCorrupt):
            check_map(damaged, BITS, MAPPED, 8)
    with pytest.raises(RecordCorrupt, match="map: checksum"):
        check_map(header, b"\x01\x80\x11", MAPPED, 8)
    with pytest.raises(RecordCorrupt, match="2 bytes instead of 3"):
        check_map(header, BITS[:2], MAPPED, 8)
    with pytest.raises(RecordCorrupt, match="0 bytes instead of 4096"):
        check_map(b"", BITS, MAPPED, 8)


def test_a_map_that_does_not_fit_the_partition_is_not_written() -> None:
    """The map of one bit an extent is bounded by half a MiB."""
    size_bytes = (MAP_BYTES_MAX + 1) * 8 << 16
    with pytest.raises(RecordCorrupt, match=f"at most {MAP_BYTES_MAX}"):
        encode_map(MAPPED.replace(size_bytes=size_bytes), 7, bytes(MAP_BYTES_MAX + 1))


@pytest.mark.parametrize(("size_bytes", "length"), [(0, 0), (1, 1), (8 << 16, 1), ((8 << 16) + 1, 2)])
def test_map_length(size_bytes: int, length: int) -> None:
    """A last short extent has a bit of its own."""
    assert map_bytes(size_bytes, 16) == length


# -- JSON -----------------------------------------------------------------------------------------------


def test_json_shows_generations_and_states_as_operators_read_them() -> None:
    """Identities in hexadecimal, generations as 16 digits, states by name."""
    values = to_json(SOLO)
    assert values["cur"] == "1122334455667788"
    assert values["history"] == ["0000000000000099", "0000000000000077"]
    assert values["state"] == "SOLO"
    assert values["boot_id"] == "606162636465666768696a6b6c6d6e6f"


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Record)])
@pytest.mark.parametrize("wrong", [None, [1], "z\0z", -1.5])
def test_json_of_a_stranger_is_refused_without_a_traceback(field: str, wrong: object) -> None:
    """Whatever stands in a field, the refusal is a RecordCorrupt."""
    with pytest.raises(RecordCorrupt, match="record as JSON"):
        from_json({**to_json(SOLO), field: wrong})


def test_json_without_a_field_is_refused() -> None:
    """A record has all fields; there are no defaults on the wire."""
    values = to_json(SOLO)
    del values["base"]
    with pytest.raises(RecordCorrupt, match="base"):
        from_json(values)


def test_a_program_writes_what_its_predecessor_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest version that it knows; so a server can go back to the release before (AUX-01)."""
    record = Record(set_uuid=b"s" * 16)
    before = encode(record, 1)
    monkeypatch.setattr(cluster_partition, "VERSIONS", Versions(1, 2))
    assert encode(record, 1) == before
