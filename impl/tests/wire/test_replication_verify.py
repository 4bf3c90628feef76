"""The frames of a comparison: what they carry, and what is refused."""

from __future__ import annotations

import pytest

from twinset.errors import ProtocolError
from twinset.wire import replication as wire


def test_a_look_carries_range_and_block() -> None:
    """Token, offset, and length and block in one field; these bytes are the protocol."""
    frame = wire.pack_verify(7, 1 << 20, 65536, 4096)
    assert frame.hex() == "1600000000000000070000000000000000001000000000000000010000100000"
    assert wire.unpack_verify(wire.FRAME.unpack(frame)[5]) == (65536, 4096)


@pytest.mark.parametrize(("length", "block"), [(0, 4096), (4096, 0), (4096, 511), (4096, (1 << 30) + 1)])
def test_a_look_at_nothing_or_by_odd_blocks_is_refused(length: int, block: int) -> None:
    """Nothing to read, or more digests than an answer holds."""
    with pytest.raises(ProtocolError):
        wire.unpack_verify(block << 32 | length)
