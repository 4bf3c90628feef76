"""The cluster key while it is changed: at no step do two servers cease to understand each other."""

import itertools

import pytest

from twinset.wire import keyring
from twinset.wire.keyring import Keyring

OLD, NEW, NEXT = (bytes([number] * 32) for number in (1, 2, 3))


def steps(new: bytes) -> list[tuple[int, str]]:
    """The steps of a rotation: who does what."""
    return [(1, "offered"), (0, "used"), (1, "used"), (1, "settled"), (0, "settled")]


def carry_out(rings: list[Keyring], new: bytes, count: int, asks: int) -> list[Keyring]:
    """The first steps of a rotation that a server asks for."""
    rings = list(rings)
    for who, what in steps(new)[:count]:
        server = who if asks == 0 else 1 - who
        ring = rings[server]
        rings[server] = ring.settled() if what == "settled" else getattr(ring, what)(new)
        assert rings[0].understands(rings[1]), (count, rings)
        assert rings[1].understands(rings[0]), (count, rings)
    return rings


@pytest.mark.parametrize(("first", "second"), list(itertools.product(range(6), range(6))))
@pytest.mark.parametrize(("asks", "again"), list(itertools.product((0, 1), (0, 1))))
def test_an_interrupted_rotation_can_be_followed_by_another(
    first: int, second: int, asks: int, again: int
) -> None:
    """Cut off after any step, asked again on either server and cut off again: both understand each other throughout,
    and a whole rotation ends with one key on both.
    """
    rings = carry_out([Keyring(OLD), Keyring(OLD)], NEW, first, asks)
    rings = carry_out(rings, NEXT, second, again)
    last = bytes([9] * 32)
    assert carry_out(rings, last, 5, asks) == [Keyring(last), Keyring(last)]


def test_the_file_has_the_current_key_first() -> None:
    """And what was written is read."""
    ring = Keyring(OLD).used(NEW)
    assert ring.text().split() == [NEW.hex(), OLD.hex()]
    assert keyring.parse(ring.text()) == ring


@pytest.mark.parametrize(
    "text", ["", "ab" * 31, "zz" * 32, f"{'ab' * 32}\n{'cd' * 31}", f"{'ab' * 32}\n" * 5]
)
def test_a_bad_file_is_refused_without_showing_it(text: str) -> None:
    """The message is for a log."""
    with pytest.raises(ValueError, match="must hold") as caught:
        keyring.parse(text)
    assert "abab" not in str(caught.value)
    assert "zzzz" not in str(caught.value)
