"""How two servers come to share a key: what is said, and what an attacker in between is able to do."""

import json
from typing import Any

import pytest

from twinset.errors import ProtocolError
from twinset.wire import join
from twinset.wire.join import Join

KEY = bytes(range(32))
SECRETS = bytes([7] * 32), bytes([9] * 32)


def sides() -> tuple[Join, Join]:
    return Join("server1", SECRETS[0], KEY), Join("server2", SECRETS[1], None)


def pass_on(one: Join, two: Join) -> list[bytes]:
    """Hand over lines until both are silent; return them."""
    seen: list[bytes] = []
    while lines := [(two, line) for line in one.lines_to_send()] + [
        (one, line) for line in two.lines_to_send()
    ]:
        for receiver, line in lines:
            seen.append(line)
            receiver.receive_line(line)
    return seen


def test_both_show_one_fingerprint_and_share_the_key() -> None:
    """After both operators have said yes, in either order, the offering side has the key and the other one knows."""
    for order in ((0, 1), (1, 0)):
        both = sides()
        seen = pass_on(*both)
        assert both[0].fingerprint == both[1].fingerprint
        assert [len(part) for part in both[0].fingerprint.split("-")] == [4] * join.FINGERPRINT_GROUPS
        assert (both[0].peer, both[1].peer) == ("server2", "server1")
        for side in order:
            assert both[1].key is None
            both[side].confirm()
            seen += pass_on(*both)
        assert both[1].key == KEY
        assert not both[0].finished
        both[1].stored()
        seen += pass_on(*both)
        assert both[0].finished
        assert both[1].finished
        assert KEY.hex().encode() not in b"".join(seen)
        assert KEY not in b"".join(seen)


@pytest.mark.parametrize("side", [0, 1])
def test_one_operator_is_not_enough(side: int) -> None:
    """The key leaves only when both have compared."""
    both = sides()
    pass_on(*both)
    both[side].confirm()
    pass_on(*both)
    assert both[1].key is None


def test_every_pair_of_secrets_has_its_own_fingerprint() -> None:
    """And its own pad: what was overheard once is of no use the next time."""
    seen = set()
    for number in range(8):
        one, two = Join("server1", bytes([number] * 31 + [1]), KEY), Join("server2", SECRETS[1], None)
        pass_on(one, two)
        one.confirm()
        two.confirm()
        lines = pass_on(one, two)
        seen.add((one.fingerprint, lines[-1]))
    assert len(seen) == 8


def test_somebody_in_between_is_seen_in_the_fingerprint() -> None:
    """He talks to each side with numbers of his own: both sides show something, and not the same."""
    one, two = sides()
    towards_one, towards_two = (
        Join("server2", bytes([3] * 32), None),
        Join("server1", bytes([4] * 32), bytes(32)),
    )
    pass_on(one, towards_one)
    pass_on(towards_two, two)
    assert one.fingerprint != two.fingerprint


def test_a_number_that_was_not_committed_to_is_refused() -> None:
    """Else he could choose it after he has seen the other one's, until the fingerprints agree."""
    one, two = sides()
    for line in one.lines_to_send():
        two.receive_line(line)
    for line in two.lines_to_send():
        one.receive_line(line)
    (reveal,) = one.lines_to_send()
    other = {"public": pow(2, 12345, join.PRIME).to_bytes(256, "big").hex()}
    with pytest.raises(ProtocolError, match="committed"):
        two.receive_line(json.dumps(other).encode())
    assert reveal


@pytest.mark.parametrize("number", [0, 1, join.PRIME - 1, join.PRIME])
def test_numbers_that_lead_to_a_known_secret_are_refused(number: int) -> None:
    """RFC 2631 2.1.5: small subgroups."""
    one = Join("server1", SECRETS[0], KEY)
    one.lines_to_send()
    body = {"twinset_join": 1, "server": "server2", "public": number.to_bytes(256, "big").hex()}
    with pytest.raises(ProtocolError, match="known secret"):
        one.receive_line(json.dumps(body).encode())


BAD: list[Any] = [b"", b"{", b"[]", b'{"twinset_join": 2, "server": "x"}', b'{"twinset_join": 1, "server": ""}',
                  b'{"twinset_join": 1, "server": "SERVER2", "commitment": "00"}',
                  b'{"twinset_join": 1, "server": "server1", "commitment": "zz"}', b"x" * 5000]  # fmt: skip


@pytest.mark.parametrize("line", BAD)
def test_what_makes_no_sense_ends_it(line: bytes) -> None:
    """Before anything is believed."""
    with pytest.raises(ProtocolError):
        Join("server2", SECRETS[1], None).receive_line(line)


def test_a_changed_line_ends_it() -> None:
    """Every bit of the sealed key and of the proofs counts."""
    one, two = sides()
    pass_on(one, two)
    two.confirm()
    (agreed,) = two.lines_to_send()
    forged = json.loads(agreed)
    forged["agreed"] = f"{int(forged['agreed'], 16) ^ 1:064x}"
    with pytest.raises(ProtocolError, match="common secret"):
        one.receive_line(json.dumps(forged).encode())
    one, two = sides()
    pass_on(one, two)
    two.confirm()
    for line in two.lines_to_send():
        one.receive_line(line)
    one.confirm()
    (sealed,) = one.lines_to_send()
    body = json.loads(sealed)
    body["sealed"] = f"{int(body['sealed'], 16) ^ 1:064x}"
    with pytest.raises(ProtocolError, match="not authentic"):
        two.receive_line(json.dumps(body).encode())
    assert two.key is None


def test_the_group_is_that_of_the_standard() -> None:
    """RFC 3526 group 14: 2^2048 - 2^1984 - 1 + 2^64 * ([2^1918 pi] + 124476), a safe prime."""
    assert join.PRIME.bit_length() == 2048
    assert all(pow(base, join.PRIME - 1, join.PRIME) == 1 for base in (2, 3, 5))
    half = (join.PRIME - 1) // 2
    assert all(pow(base, half - 1, half) == 1 for base in (2, 3, 5))
