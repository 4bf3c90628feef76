"""Files of kept blocks: what is written is read back, and every damage is noticed."""

from __future__ import annotations

import pytest

from twinset.mirror import kept

RUNS = [(0, 4096), (65536, 131072), (1 << 20, 512)]
META = {"set": "set1", "cur": "07", "size_bytes": 1 << 21}


def content() -> bytes:
    return bytes((at * 7 + at // 251) % 256 for at in range(sum(length for _, length in RUNS)))


def written() -> bytes:
    plan, data = kept.plan(META, RUNS), content()
    digests = b"".join(
        kept.digest(data[at : at + kept.CHUNK_BYTES]) for at in range(0, len(data), kept.CHUNK_BYTES)
    )
    whole = kept.encode_head(plan) + data + kept.encode_end(digests)
    assert len(whole) == plan.file_bytes
    return whole


def read_back(whole: bytes, offset: int, length: int) -> bytes:
    def read(at: int, count: int) -> bytes:
        return whole[at : at + count]

    head = kept.decode(read, len(whole))
    assert head.meta == META
    return b"".join(data for _, data in kept.blocks(head, kept.digests_of(head, read), read, offset, length))


def test_the_layout_is_what_the_document_says() -> None:
    """Magic, version, lengths; the JSON at 88; the data at a multiple of 4096."""
    whole = written()
    assert whole[:10] == b"TWINKEPT\x01\x00"
    assert whole[88:].startswith(b'{"cur": "07", "set": "set1"')
    assert int.from_bytes(whole[24:32], "little") == 4096
    assert whole[4096 : 4096 + 16] == content()[:16]
    assert whole[-40:-32] == b"TWINKEND"
    chunks = -(-len(content()) // 65536)
    assert len(whole) == 4096 + len(content()) + chunks * 16 + 40
    assert whole[4096 + len(content()) :].startswith(kept.digest(content()[:65536]))


@pytest.mark.parametrize(
    ("offset", "length", "begin"), [(0, 4096, 0), (100, 7, 100), (65536, 131072, 4096), (131000, 512, 69560)]
)
def test_any_kept_range_is_read_back(offset: int, length: int, begin: int) -> None:
    """Within an extent, over its chunks, to its end."""
    assert read_back(written(), offset, length) == content()[begin : begin + length]


@pytest.mark.parametrize(("offset", "length"), [(4096, 1), (4000, 200), ((1 << 20) + 511, 2)])
def test_a_range_with_a_gap_is_refused(offset: int, length: int) -> None:
    """What was not kept is not invented."""
    with pytest.raises(kept.KeptDamaged, match="was not kept"):
        read_back(written(), offset, length)


@pytest.mark.parametrize("at", [0, 8, 12, 60, 90, 130, 4096, 70000, -1, -45])
def test_a_changed_byte_is_noticed(at: int) -> None:
    """Head, data and digests are all under a checksum."""
    whole = bytearray(written())
    whole[at] ^= 1
    with pytest.raises(kept.KeptDamaged):
        read_back(bytes(whole), 0, 4096), read_back(bytes(whole), 65536, 131072)


def test_a_file_that_was_not_finished_is_none() -> None:
    """Whole chunks may be there, the end is not; nor is more than the end believed."""
    whole = written()
    for wrong in (whole[:-1], whole[:5000], whole[:50], b"", whole + b"x"):
        with pytest.raises(kept.KeptDamaged):
            read_back(wrong, 0, 16)


@pytest.mark.parametrize(("text_bytes", "count"), [((1 << 20) + 1, 0), (0, (1 << 22) + 1)])
def test_a_head_that_claims_too_much_is_not_read(text_bytes: int, count: int) -> None:
    """Neither a long description nor many extents make the reader take memory for them."""
    head = bytearray(written()[:88])
    head[12:16], head[16:24] = text_bytes.to_bytes(4, "little"), count.to_bytes(8, "little")
    asked: list[int] = []

    def read(at: int, length: int) -> bytes:
        asked.append(length)
        return bytes(head[at : at + length])

    with pytest.raises(kept.KeptDamaged, match="too many"):
        kept.decode(read, 1 << 40)
    assert asked == [88]
