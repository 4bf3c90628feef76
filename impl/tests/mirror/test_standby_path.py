"""The path of the receiving side: marked, acknowledged, written, reported (R3 to R5, R11)."""

from __future__ import annotations

from typing import Any

import pytest

from twinset.errors import ProtocolError
from twinset.mirror.standby_path import TargetPath

from .ports import Ports, make_maps, write


def make() -> tuple[TargetPath, Ports, list[tuple[str, int]]]:
    ports, errors = Ports(), []

    def failed(where: str, errno: int) -> bool:
        errors.append((where, errno))
        return False

    target = TargetPath(make_maps(), ports, failed)
    target.begin_session()
    return target, ports, errors


def test_what_is_received_is_in_the_window_before_it_is_written() -> None:
    """A takeover after a crash of this process finds the extent (R5)."""
    target, ports, _ = make()
    seen: list[Any] = []
    ports.submit_write = lambda _op: seen.append(list(target.maps.in_window()))  # type: ignore[assignment, method-assign]
    target.write(write(14), 1, 7)
    assert seen == [[0, 1]]
    assert (target.received, target.maps.epoch) == (1, 7)


@pytest.mark.parametrize("seq", [0, 1, 3])
def test_a_frame_out_of_sequence_is_of_another_session(seq: int) -> None:
    """The receipt is contiguous; anything else ends the session (R11)."""
    target, _, _ = make()
    target.write(write(0), 1, 1)
    with pytest.raises(ProtocolError, match="not of this session"):
        target.write(write(0), seq, 1)


@pytest.mark.parametrize(("offset", "length"), [(-1, 4), (126, 4), (0, 0), (128, 1)])
def test_a_frame_outside_the_disk_is_refused(offset: int, length: int) -> None:
    """What came over the wire is checked before it reaches the disk."""
    target, ports, _ = make()
    with pytest.raises(ProtocolError, match="do not fit"):
        target.write(write(offset, length), 1, 1)
    assert not ports.writes


def test_after_the_session_nobody_is_told_and_the_writes_still_end() -> None:
    """Writes of a session that ended drain before the next one begins (R4)."""
    target, _, _ = make()
    op = write(0)
    target.write(op, 1, 1)
    target.end_session()
    assert not target.idle
    assert not target.done(op, 0)
    assert target.idle
    with pytest.raises(ProtocolError):
        target.write(write(0), 2, 1)
    target.begin_session()
    target.write(write(0), 1, 2)


def test_a_failed_write_is_reported_to_the_side_and_not_to_the_other() -> None:
    """An operation that did not reach the disk is never called written (R10)."""
    target, _, errors = make()
    op = write(0)
    target.write(op, 1, 1)
    assert not target.done(op, 5)
    assert errors == [(op, 5)]


def test_what_was_received_is_counted() -> None:
    """Operations and bytes, for `twinset mirror stats`; what was refused is none of them."""
    target, ports, _ = make()
    target.write(write(0, 4), 1, 1)
    target.write(write(16, 8), 2, 1)
    with pytest.raises(ProtocolError):
        target.write(write(0), 4, 1)
    assert (ports.counts.received, ports.counts.received_bytes) == (2, 12)
