"""The authenticated control connection between the daemons."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.errors import ProtocolError
from twinset.wire.control import (
    FRAME_BYTES_MAX,
    HELLO_BYTES_MAX,
    ControlConnection,
    Established,
    FrameReceived,
    Hello,
)
from twinset.wire.keyring import Keyring

KEY = Keyring(b"k" * 32)


def hello(server: str = "server1", nonce: str = "1") -> Hello:
    return Hello("link", server, "a" * 32, nonce * 32)


def pair(other: Keyring = KEY) -> tuple[ControlConnection, ControlConnection]:
    return (
        ControlConnection(KEY, hello("server2", "2"), listener=False),
        ControlConnection(other, hello("server1", "1"), listener=True),
    )


def shuttle(left: ControlConnection, right: ControlConnection, step: int = 1 << 20) -> None:
    """Carry bytes both ways until nobody has any."""
    while True:
        to_right, to_left = left.data_to_send(), right.data_to_send()
        if not to_right and not to_left:
            return
        for target, data in ((right, to_right), (left, to_left)):
            for start in range(0, len(data), step):
                target.receive_data(data[start : start + step])


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_both_sides_learn_who_the_other_is(step: int) -> None:
    """After the handshake each side knows the other's hello, however the bytes are cut."""
    left, right = pair()
    shuttle(left, right, step)
    assert left.events_received() == [Established(hello("server1", "1"))]
    assert right.events_received() == [Established(hello("server2", "2"))]


@pytest.mark.parametrize("step", [1, 13, 1 << 20])
def test_frames_arrive_in_order(step: int) -> None:
    """Frames come out as they went in, in both directions."""
    left, right = pair()
    shuttle(left, right)
    for number in range(3):
        left.send({"n": number})
        right.send({"m": number})
    shuttle(left, right, step)
    assert left.events_received()[1:] == [FrameReceived({"m": n}) for n in range(3)]
    assert right.events_received()[1:] == [FrameReceived({"n": n}) for n in range(3)]


def test_another_is_refused_by_both() -> None:
    """A side with another key is noticed at its proof."""
    left, right = pair(Keyring(b"x" * 32))
    right.receive_data(left.data_to_send())
    with pytest.raises(ProtocolError, match="does not hold the cluster key"):
        left.receive_data(right.data_to_send())
    with pytest.raises(ProtocolError, match="does not hold the cluster key"):
        right.receive_data(left.data_to_send() or b"0" * 64 + b"\n")


def test_a_proof_cannot_be_reflected() -> None:
    """An attacker without the key gains nothing by sending a side its own words back."""
    side = ControlConnection(KEY, hello("server1", "1"), listener=True)
    with pytest.raises(ProtocolError, match="own nonce"):
        side.receive_data(side.data_to_send())


def test_a_recorded_handshake_is_worthless() -> None:
    """The proof of an old connection does not open a new one, because the nonces are others."""
    left, right = pair()
    first = left.data_to_send()
    right.receive_data(first)
    left.receive_data(right.data_to_send())
    recorded = first + left.data_to_send()
    fresh = ControlConnection(KEY, hello("server1", "3"), listener=True)
    with pytest.raises(ProtocolError, match="does not hold"):
        fresh.receive_data(recorded)


def established() -> tuple[ControlConnection, ControlConnection]:
    left, right = pair()
    shuttle(left, right)
    left.events_received()
    right.events_received()
    return left, right


def test_a_frame_cannot_be_repeated() -> None:
    """A frame that is sent twice ends the connection."""
    left, right = established()
    left.send({"pay": 1})
    frame = left.data_to_send()
    right.receive_data(frame)
    with pytest.raises(ProtocolError, match="not authentic"):
        right.receive_data(frame)


def test_a_frame_cannot_be_dropped() -> None:
    """A missing frame ends the connection at the next one."""
    left, right = established()
    left.send({"n": 1})
    left.data_to_send()
    left.send({"n": 2})
    with pytest.raises(ProtocolError, match="frame 0 is not authentic"):
        right.receive_data(left.data_to_send())


def test_a_frame_cannot_come_back() -> None:
    """A frame of one direction is not authentic in the other."""
    left, right = established()
    left.send({"n": 1})
    with pytest.raises(ProtocolError, match="not authentic"):
        left.receive_data(left.data_to_send())
    assert right.is_open


def test_a_frame_of_any_size_up_to_the_limit(size: int = FRAME_BYTES_MAX - 100) -> None:
    """The limit of a frame is one for the sender and for the receiver."""
    left, right = established()
    left.send({"x": "y" * size})
    shuttle(left, right)
    assert len(right.events_received()) == 1
    with pytest.raises(ProtocolError, match="at most"):
        left.send({"x": "y" * FRAME_BYTES_MAX})


def test_a_stranger_cannot_fill_the_memory() -> None:
    """Before it is authenticated, a side may send only a short line."""
    _, right = pair()
    with pytest.raises(ProtocolError, match="longer than"):
        right.receive_data(b"x" * (HELLO_BYTES_MAX + 1))


def test_nothing_is_taken_after_a_breach() -> None:
    """A connection that was broken once stays closed."""
    _, right = pair()
    with pytest.raises(ProtocolError):
        right.receive_data(b"nonsense\n")
    with pytest.raises(ProtocolError, match="after the end"):
        right.receive_data(b"{}\n")


@given(st.binary(max_size=4096))
def test_any_bytes_end_in_a_protocol_error_or_in_waiting(data: bytes) -> None:
    """Whatever a stranger sends, the connection raises ProtocolError or waits for more."""
    _, right = pair()
    with contextlib.suppress(ProtocolError):
        right.receive_data(data)
    assert not right.is_open


@given(st.binary(min_size=1, max_size=200), st.integers(0, 150))
def test_any_change_of_a_frame_is_noticed(noise: bytes, position: int) -> None:
    """Bytes changed under way never come out as a frame."""
    left, right = established()
    left.send({"message": "x" * 64})
    frame = left.data_to_send()
    changed = frame[:position] + noise + frame[position + len(noise) :]
    if changed.startswith(frame):
        return
    with contextlib.suppress(ProtocolError):
        right.receive_data(changed)
    assert right.events_received() == []


@pytest.mark.parametrize(
    "line",
    [
        b"[]\n",
        b'{"twinset": 2}\n',
        b'{"twinset": 1, "kind": "other"}\n',
        b'{"twinset": 1, "kind": "link", "server": ""}\n',
        b'{"twinset": 1, "kind": "link", "server": "s", "instance": "zz", "nonce": "00"}\n',
        b'{"twinset": 1, "kind": "link", "server": "s", "instance": 5, "nonce": []}\n',
    ],
)
def test_a_bad_hello_is_refused(line: bytes) -> None:
    """Each field of a hello is checked."""
    _, right = pair()
    with pytest.raises(ProtocolError):
        right.receive_data(line)
