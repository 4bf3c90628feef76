from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.faults.volatile import SECTOR_BYTES, VolatileCache

SIZE = 16 * SECTOR_BYTES


class Image:
    """The disk's image with its cache, as disk_process keeps them."""

    def __init__(self, limit_bytes: int = 1 << 20) -> None:
        self.bytes = bytearray(SIZE)
        self.cache = VolatileCache(limit_bytes)

    def write(self, offset: int, data: bytes, *, durable: bool = False) -> None:
        self.cache.record(offset, bytes(self.bytes[offset : offset + len(data)]), data, durable=durable)
        self.bytes[offset : offset + len(data)] = data

    def cut(self, seed: int) -> None:
        for offset, data in self.cache.cut(Random(seed)):
            self.bytes[offset : offset + len(data)] = data


def test_flushed_writes_survive_every_power_cut() -> None:
    """What a flush covered is there after a power cut, whatever the seed."""
    for seed in range(50):
        image = Image()
        image.write(0, b"a" * 4096)
        image.cache.flush()
        image.write(0, b"b" * 4096)
        image.cut(seed)
        assert set(image.bytes[:4096]) <= set(b"ab")
        image = Image()
        image.write(0, b"a" * 4096)
        image.cache.flush()
        image.cut(seed)
        assert image.bytes[:4096] == b"a" * 4096


def test_unflushed_writes_are_lost_kept_or_torn() -> None:
    """Over the seeds each outcome occurs: lost, whole, torn at a sector."""
    outcomes = set()
    for seed in range(60):
        image = Image()
        image.write(0, b"x" * 4096)
        image.cut(seed)
        outcomes.add(image.bytes[:4096].count(b"x"))
    assert {0, 4096} < outcomes
    assert all(count % SECTOR_BYTES == 0 for count in outcomes)


def test_a_write_through_survives_and_covers_nothing_else() -> None:
    """FUA makes its own write durable, over older unflushed ones too, and leaves those at risk."""
    others = set()
    for seed in range(40):
        image = Image()
        image.write(0, b"old" * 512)
        image.write(512, b"N" * 512, durable=True)
        image.cut(seed)
        assert image.bytes[512:1024] == b"N" * 512
        others.add(bytes(image.bytes[:3]))
    assert others == {b"old", bytes(3)}


def test_past_its_limit_the_cache_destages_the_oldest() -> None:
    """A cache is finite: the oldest write becomes durable when the limit is passed."""
    image = Image(limit_bytes=2 * SECTOR_BYTES)
    for sector in range(4):
        image.write(sector * SECTOR_BYTES, b"%d" % sector * SECTOR_BYTES)
    assert image.cache.unflushed_bytes == 2 * SECTOR_BYTES
    image.cut(0)
    assert image.bytes[:SECTOR_BYTES] == b"0" * SECTOR_BYTES


def test_a_write_replaces_as_many_bytes_as_it_brings() -> None:
    """A record whose two halves differ in length is refused."""
    with pytest.raises(ValueError, match="2 bytes written over 1"):
        VolatileCache().record(0, b"a", b"ab")


writes = st.lists(
    st.tuples(st.integers(0, SIZE - 1), st.integers(1, 3 * SECTOR_BYTES), st.booleans()),
    min_size=1,
    max_size=12,
)


@given(writes, st.integers(0, 2**32))
def test_after_a_cut_each_sector_holds_a_value_it_had_since_its_last_flush(
    plan: list[tuple[int, int, bool]], seed: int
) -> None:
    """No sector goes back past a flush, and none holds what was never in it."""
    image = Image()
    allowed: list[set[bytes]] = [{bytes(SECTOR_BYTES)} for _ in range(SIZE // SECTOR_BYTES)]
    for number, (offset, length, flush) in enumerate(plan, 1):
        image.write(offset, bytes([number]) * min(length, SIZE - offset))
        for sector, values in enumerate(allowed):
            values.add(bytes(image.bytes[sector * SECTOR_BYTES :][:SECTOR_BYTES]))
        if flush:
            image.cache.flush()
            allowed = [
                {bytes(image.bytes[s * SECTOR_BYTES :][:SECTOR_BYTES])} for s in range(SIZE // SECTOR_BYTES)
            ]
    image.cut(seed)
    aligned = all(offset % SECTOR_BYTES == 0 and length % SECTOR_BYTES == 0 for offset, length, _ in plan)
    for sector, values in enumerate(allowed):
        now = bytes(image.bytes[sector * SECTOR_BYTES :][:SECTOR_BYTES])
        # writes of parts of a sector may combine, as on a disk that reads, merges and writes whole sectors
        assert now in values or not aligned
        assert {bytes([b]) for b in now} <= {bytes([b]) for value in values for b in value}
