"""Ordered, at-most-once messages over several connections."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.errors import ProtocolError
from twinset.wire.control_session import UNCONFIRMED_MAX, ControlSession


def sessions() -> tuple[ControlSession, ControlSession]:
    return ControlSession("b" * 32), ControlSession("a" * 32)


def test_a_message_that_arrives_twice_counts_once() -> None:
    """The copy over the second LAN is dropped."""
    left, right = sessions()
    frame = left.message({"n": 1})
    assert right.accept(frame) == {"n": 1}
    assert right.accept(frame) is None


def test_a_new_connection_brings_what_was_lost() -> None:
    """After a loss, the resume of a new connection fetches every message that did not arrive, in order."""
    left, right = sessions()
    frames = [left.message({"n": n}) for n in range(4)]
    right.accept(frames[0])
    again = left.frames_after_resume(right.resume()["received"])
    assert [right.accept(frame) for frame in again] == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_a_confirmed_message_is_forgotten() -> None:
    """What the other side has is not kept."""
    left, right = sessions()
    right.accept(left.message({"n": 1}))
    left.confirmed(right.confirm()["received"])
    assert left.frames_after_resume(1) == []


def test_a_gap_is_a_breach() -> None:
    """Numbers on one connection are contiguous."""
    left, right = sessions()
    left.message({"n": 1})
    with pytest.raises(ProtocolError, match="came after"):
        right.accept(left.message({"n": 2}))


@pytest.mark.parametrize("number", [-1, 1, True, None, "0", 2.0])
def test_a_senseless_confirmation_is_a_breach(number: object) -> None:
    """Nobody can confirm what was not sent."""
    left, _ = sessions()
    with pytest.raises(ProtocolError, match="confirmation"):
        left.confirmed(number)


@pytest.mark.parametrize(
    "frame", [{}, {"n": 1}, {"n": "1", "b": {}}, {"n": True, "b": {}}, {"n": 1, "b": []}]
)
def test_a_senseless_frame_is_a_breach(frame: dict[str, object]) -> None:
    """A message has a number and a body."""
    _, right = sessions()
    with pytest.raises(ProtocolError):
        right.accept(frame)


def test_a_side_that_does_not_confirm_is_given_up() -> None:
    """The memory for unconfirmed messages is bounded."""
    left, _ = sessions()
    for number in range(UNCONFIRMED_MAX):
        left.message({"n": number})
    with pytest.raises(ProtocolError, match="not confirmed"):
        left.message({"n": -1})


@given(st.lists(st.sampled_from(["send", "deliver", "cut"]), max_size=60))
def test_every_message_comes_once_and_in_order(actions: list[str]) -> None:
    """Whatever connections break, and whatever was under way on them, the stream is the one that was sent."""
    left, right = sessions()
    line: list[dict[str, object]] = []
    sent: list[int] = []
    got: list[object] = []
    for action in [*actions, "cut", "deliver"]:
        if action == "send":
            sent.append(len(sent))
            line.append(left.message({"n": sent[-1]}))
        elif action == "cut":
            line = left.frames_after_resume(right.received)
        elif action == "deliver":
            for frame in line:
                body = right.accept(frame)
                if body is not None:
                    got.append(body["n"])
            line = []
    assert got == sent
