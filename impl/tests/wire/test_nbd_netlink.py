"""Messages to the kernel's NBD driver, byte for byte, and its answers."""

import struct

import pytest

from twinset.errors import ProtocolError
from twinset.wire import nbd_netlink
from twinset.wire.nbd_netlink import Answer

# nlmsghdr (length, type, flags REQUEST|ACK, sequence, port), genlmsghdr (command, version 1), attributes.
GET_FAMILY = (
    struct.pack("=IHHII", 28, 0x10, 5, 9, 0)
    + struct.pack("=BBH", 3, 1, 0)
    + struct.pack("=HH", 8, 2)
    + b"nbd\0"
)
ACK = struct.pack("=IHHII", 36, 2, 0, 9, 0) + struct.pack("=i", 0) + b"\0" * 16


def answered(attribute: int, body: bytes, sequence: int = 9) -> bytes:
    padded = struct.pack("=HH", 4 + len(body), attribute) + body + b"\0" * (-len(body) % 4)
    return struct.pack("=IHHII", 20 + len(padded), 27, 0, sequence, 0) + struct.pack("=BBH", 1, 1, 0) + padded


def test_the_family_is_asked_for_by_name() -> None:
    """CTRL_CMD_GETFAMILY with the name, as the kernel's headers lay it out."""
    assert nbd_netlink.get_family(9) == GET_FAMILY


def test_a_connect_names_socket_size_flags_and_identifier() -> None:
    """Each attribute of a connect is there with its width; no index: the kernel chooses a free device."""
    message = nbd_netlink.connect(
        27, 3, descriptor=5, size_bytes=1 << 20, block_bytes=512, flags=13, identifier="set1-E"
    )
    length, family, flags, sequence, _ = struct.unpack_from("=IHHII", message)
    assert (length, family, flags, sequence) == (len(message), 27, 5, 3)
    assert struct.pack("=HHQ", 12, 2, 1 << 20) in message
    assert struct.pack("=HHQ", 12, 3, 512) in message
    assert struct.pack("=HHQ", 12, 4, 0) in message  # no time-out
    assert struct.pack("=HHQ", 12, 5, 13) in message
    assert struct.pack("=HHHHHHI", 16, 7 | 0x8000, 12, 1 | 0x8000, 8, 1, 5) in message
    assert struct.pack("=HH", 11, 10) + b"set1-E\0" in message
    assert struct.pack("=HHI", 8, 1, 0) not in message


def test_a_disconnect_names_the_device() -> None:
    """A disconnect carries the index and nothing else."""
    assert nbd_netlink.disconnect(27, 4, 11)[-8:] == struct.pack("=HHI", 8, 1, 11)


def test_an_answer_is_done_with_the_acknowledgement() -> None:
    """The attributes come first, then the acknowledgement; messages of other requests are passed over."""
    answer = Answer(9)
    answer.receive_data(answered(1, struct.pack("=I", 4), sequence=8))
    assert not answer.attributes
    answer.receive_data(answered(1, struct.pack("=I", 4)))
    assert not answer.done
    answer.receive_data(ACK)
    assert answer.done
    assert answer.errno == 0
    assert answer.index == 4


def test_a_refusal_carries_the_kernels_errno() -> None:
    """A negative status of the acknowledgement is the errno."""
    answer = Answer(9)
    answer.receive_data(ACK[:16] + struct.pack("=i", -22) + ACK[20:])
    assert answer.errno == 22


@pytest.mark.parametrize("data", [ACK[:20], struct.pack("=IHHII", 4, 2, 0, 9, 0), answered(1, b"abc")[:-6]])
def test_what_is_cut_off_is_refused(data: bytes) -> None:
    """A message or attribute that is longer than what came, or shorter than its header, is an error of protocol."""
    with pytest.raises(ProtocolError):
        Answer(9).receive_data(data)


def test_an_attribute_of_another_width_is_refused() -> None:
    """A family number is two bytes; a missing one is refused as well."""
    answer = Answer(9)
    answer.receive_data(answered(1, b"\1\0\0\0"))
    with pytest.raises(ProtocolError, match="attribute 1"):
        _ = answer.family
