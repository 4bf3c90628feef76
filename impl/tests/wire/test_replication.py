"""Which frame may stand where on a mirror connect."""

from __future__ import annotations

import pytest

from twinset.errors import ProtocolError
from twinset.wire import replication as wire

PIECE = 65536


def check(kind: int, length: int, stage: int) -> bool:
    """True when a frame of that kind and length is allowed at that stage of a connection."""
    try:
        wire.check_header((kind, 0, length, 0, 0, 0), stage=stage, piece_max=PIECE)
    except ProtocolError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "length", "stages"),
    [
        (wire.HELLO, 100, {wire.NEW, wire.TRUSTED}),
        (wire.STATE, 100, {wire.NEW, wire.TRUSTED}),
        (wire.RESUME, wire.IDENTITY_BYTES, {wire.TRUSTED, wire.SESSION}),
        (wire.SWITCH, 0, {wire.TRUSTED, wire.SESSION}),
        (wire.END, 20, {wire.TRUSTED, wire.SESSION}),
        (wire.PING, 0, {wire.TRUSTED, wire.SESSION}),
        (wire.WRITE, PIECE, {wire.SESSION}),
        (wire.DATA, PIECE, {wire.SESSION}),
        (wire.READ, 0, {wire.SESSION}),
        (wire.FAILED, 0, {wire.SESSION}),
        (wire.CONTROL, 100, {wire.SESSION}),
        (wire.WRITTEN, 16, {wire.SESSION}),
        (wire.WRITTEN, 15, set()),
        (wire.WRITE, 0, set()),
        (wire.DATA, PIECE + 1, set()),
        (wire.RESUME, wire.IDENTITY_BYTES + 1, set()),
        (wire.END, wire.END_BYTES_MAX + 1, set()),
        (wire.READ, 1, set()),
        (200, 0, set()),
    ],
)
def test_a_frame_is_taken_at_its_place_only(kind: int, length: int, stages: set[int]) -> None:
    """A stranger reaches the handshake only; a connection that stands ready carries no operation."""
    allowed = {stage for stage in (wire.NEW, wire.TRUSTED, wire.SESSION) if check(kind, length, stage)}
    assert allowed == stages


def test_a_session_is_named_alike_on_both_sides_and_never_again() -> None:
    """The identity comes from the nonces of both, so an old session's connection cannot join a new one (R4, R11)."""
    one, two = b"1" * wire.NONCE_BYTES, b"2" * wire.NONCE_BYTES
    identity = wire.session_identity(one, two)
    assert len(identity) == wire.IDENTITY_BYTES
    assert identity != wire.session_identity(two, one)
    assert identity != wire.session_identity(one, b"3" * wire.NONCE_BYTES)
