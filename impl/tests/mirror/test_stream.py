"""The frames of a session over changing connections: none lost, none twice (R11)."""

from __future__ import annotations

import pytest

from twinset.errors import ProtocolError
from twinset.mirror.stream import Stream


def sent(*frames: str) -> Stream:
    """A stream that has sent these frames."""
    stream = Stream(b"id")
    for frame in frames:
        stream.queue(frame)
    return stream


def test_what_the_other_side_took_is_forgotten() -> None:
    """A frame is kept until it was taken, and not longer: its memory is used again."""
    stream = sent("a", "b", "c")
    stream.acknowledge(2)
    assert list(stream.log) == ["c"]
    stream.acknowledge(1)
    assert list(stream.log) == ["c"], "an older word changes nothing"


def test_over_another_connection_what_was_not_taken_is_sent_again() -> None:
    """In order, from the first frame that the other side lacks; what was queued meanwhile too."""
    stream = sent("a", "b", "c")
    stream.acknowledge(1)
    assert stream.resume(2, 2) == ["c"]
    assert stream.epoch == 2
    stream.queue("d")
    assert stream.resume(3, 2) == ["c", "d"]


@pytest.mark.parametrize("count", [4, 1])
def test_a_count_that_cannot_be_is_refused(count: int) -> None:
    """More frames than were sent, or fewer than were taken before, are a broken protocol and not a lost frame."""
    stream = sent("a", "b", "c")
    stream.acknowledge(2)
    with pytest.raises(ProtocolError, match="were taken there"):
        stream.resume(2, count)


def test_a_session_begins_in_the_first_epoch() -> None:
    """Both sides count its moves from 1, or one would refuse the other's first move as an old one."""
    assert Stream(b"id").epoch == 1
