"""The route socket: requests as bytes, answers captured from Linux 6.18 (little-endian)."""

import struct
import sys

import pytest

from twinset.wire import rtnetlink

HOLD = (
    "3c00000014000505 0700000000000000 0218000003000000 080002000a630007 080001000a630007"
    "14000600 03000000 03000000 00000000 00000000"
)
DROP = "2800000015000500 0700000000000000 0218000003000000 080002000a630007 080001000a630007"

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the literals are little-endian")


def message(kind: int, seq: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, seq, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def address(index: int, *attributes: bytes) -> bytes:
    return message(rtnetlink.NEW_ADDRESS, 5, struct.pack("=BBBBI", 2, 24, 0, 0, index) + b"".join(attributes))


def read(*datagrams: bytes) -> rtnetlink.Answer:
    answer = rtnetlink.Answer(5)
    for data in datagrams:
        rtnetlink.read(answer, data)
    return answer


def test_requests_are_what_the_kernel_took() -> None:
    """Add or renew with a life of whole seconds, rounded up and never none; delete."""
    assert rtnetlink.hold(7, 3, "10.99.0.7", 24, 2.1) == bytes.fromhex(HOLD)
    assert rtnetlink.drop(7, 3, "10.99.0.7", 24) == bytes.fromhex(DROP)
    assert rtnetlink.hold(7, 3, "10.99.0.7", 24, 0)[-16:] == struct.pack("=IIII", 1, 1, 0, 0)


def test_an_acknowledgement_ends_the_answer() -> None:
    """Number 0 is success; a refusal has its errno; what answers another request is passed over."""
    done = read(message(rtnetlink.ERROR, 5, struct.pack("=i", 0) + bytes(16)))
    assert (done.over, done.errno) == (True, 0)
    refused = read(message(rtnetlink.ERROR, 5, struct.pack("=i", -19) + bytes(16)))
    assert (refused.over, refused.errno) == (True, 19)
    assert not read(message(rtnetlink.ERROR, 4, struct.pack("=i", -19) + bytes(16))).over


def test_a_dump_comes_in_parts() -> None:
    """Addresses by interface: the local one where there is a peer's beside it; several messages a datagram."""
    first = address(2, attribute(1, bytes([10, 0, 0, 9])), attribute(2, bytes([10, 0, 0, 1])))
    label = attribute(3, b"eth0:1\0")
    second = address(2, attribute(2, bytes([10, 0, 0, 2])), label) + address(
        3, attribute(1, bytes([10, 1, 0, 1]))
    )
    answer = read(first, second)
    assert not answer.over
    rtnetlink.read(answer, message(rtnetlink.DONE, 5, struct.pack("=i", 0)))
    assert answer.over
    assert answer.addresses == {2: {"10.0.0.1", "10.0.0.2"}, 3: {"10.1.0.1"}}


def test_flags_of_a_link() -> None:
    """The answer to a question for one interface."""
    body = struct.pack("=BxHIII", 0, 1, 2, rtnetlink.IFF_UP | rtnetlink.IFF_LOWER_UP, 0)
    answer = read(message(rtnetlink.NEW_LINK, 5, body))
    assert answer.flags == rtnetlink.IFF_UP | rtnetlink.IFF_LOWER_UP


def test_what_makes_no_sense_is_refused() -> None:
    """Lengths that lead out of the datagram are told, wherever it is cut."""
    whole = address(2, attribute(2, bytes([10, 0, 0, 1])))
    for size in range(1, len(whole)):
        with pytest.raises(rtnetlink.RtnetlinkError):
            read(whole[:size])
    with pytest.raises(rtnetlink.RtnetlinkError):
        read(message(rtnetlink.ERROR, 5, b"\0"))
    with pytest.raises(rtnetlink.RtnetlinkError):
        read(address(2, struct.pack("=HH", 3, 2)))
