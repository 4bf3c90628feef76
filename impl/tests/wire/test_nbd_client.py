"""The client's handshake, against the server's own."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.errors import ProtocolError
from twinset.wire import nbd
from twinset.wire.nbd import Export
from twinset.wire.nbd_client import Chunk, ClientHandshake, parse_chunk
from twinset.wire.nbd_handshake import Handshake

SIZE = 1 << 30


def shake(client: ClientHandshake, exports: list[Export], step: int = 1 << 20) -> None:
    """Carry bytes between both handshakes until nobody has any."""
    server = Handshake(lambda: exports)
    while True:
        to_client, to_server = server.data_to_send(), client.data_to_send()
        if not to_client and not to_server:
            return
        if to_server:
            server.receive_data(to_server)
        for start in range(0, len(to_client), step):
            client.receive_data(to_client[start : start + step])


@pytest.mark.parametrize("step", [1, 5, 1 << 20])
def test_an_export_is_opened(step: int) -> None:
    """The client learns size and flags of the export, however the bytes are cut."""
    client = ClientHandshake("E")
    shake(client, [Export("E", SIZE)], step)
    assert client.opened is not None
    assert client.opened.size_bytes == SIZE
    assert client.opened.structured


def test_a_side_that_is_not_active_refuses_with_its_reason() -> None:
    """An export that is not ready ends the attempt with the server's words."""
    with pytest.raises(ProtocolError, match="Not Ready: standby"):
        shake(ClientHandshake("E"), [Export("E", SIZE, not_ready="standby")])


def test_an_unknown_export_is_refused() -> None:
    """A letter that the set does not have ends the attempt."""
    with pytest.raises(ProtocolError):
        shake(ClientHandshake("Z"), [Export("E", SIZE)])


def test_the_end_of_the_stream_is_an_error() -> None:
    """A server that closes during the handshake is no server."""
    with pytest.raises(ProtocolError, match="closed"):
        ClientHandshake("E").receive_data(b"")


def test_a_server_of_another_kind_is_refused() -> None:
    """Whatever does not greet like fixed newstyle is not talked to."""
    with pytest.raises(ProtocolError, match="fixed newstyle"):
        ClientHandshake("E").receive_data(b"NBDMAGIC" + b"IHAVEOPT" + struct.pack(">H", 0))


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_end_in_a_protocol_error_or_in_waiting(data: bytes) -> None:
    """Whatever a server sends, the handshake raises ProtocolError or waits."""
    client = ClientHandshake("E")
    try:
        client.receive_data(data)
    except ProtocolError:
        return
    assert client.opened is None


def test_a_server_without_structured_replies_is_taken_as_it_is() -> None:
    """Who does not know the option refuses it, and the export is opened all the same."""
    client = ClientHandshake("E")
    client.receive_data(b"NBDMAGIC" + b"IHAVEOPT" + struct.pack(">H", 1))
    refused = struct.pack(">QIII", 0x3E889045565A9, 8, (1 << 31) + 1, 0)
    described = struct.pack(">QIIIHQH", 0x3E889045565A9, 7, 3, 12, 0, SIZE, 1)
    client.receive_data(refused + described + struct.pack(">QIII", 0x3E889045565A9, 7, 1, 0))
    assert client.opened is not None
    assert not client.opened.structured


CHUNKS = [
    (nbd.error_chunk(7, 5, "the disk"), Chunk(20 + 6 + 8, 7, done=True, error=5)),
    (nbd.none_chunk(9), Chunk(20, 9, done=True)),
    (nbd.hole_chunk(8, 4096, 512, 0), Chunk(20 + 12, 8, False, 0, 4096, -1, 512)),
    (
        struct.pack(">IHHQIQ", 0x668E33EF, 1, 1, 3, 8 + 5, 1 << 40) + b"abcde",
        Chunk(33, 3, True, 0, 1 << 40, 28, 5),
    ),
]


@pytest.mark.parametrize(("packed", "wanted"), CHUNKS, ids=["error", "none", "hole", "data"])
def test_a_chunk_is_taken_when_it_is_there_whole(packed: bytes, wanted: Chunk) -> None:
    """Of every kind, at any place of the buffer, and never before its last byte."""
    for before in (0, 1):
        buffer = bytearray(b"x" * before + packed)
        for missing in range(1, len(packed)):
            assert parse_chunk(buffer, before, len(buffer) - missing, 4096) is None
        found = parse_chunk(buffer, before, len(buffer), 4096)
        assert found == (wanted._replace(start=wanted.start + before) if wanted.start > 0 else wanted)


@pytest.mark.parametrize(
    "packed",
    [
        struct.pack(">IHHQI", 0x668E33EE, 1, 0, 1, 0),
        struct.pack(">IHHQI", 0x668E33EF, 1, 1, 1, 8) + bytes(8),
        struct.pack(">IHHQI", 0x668E33EF, 0, 0, 1, 0),
        struct.pack(">IHHQI", 0x668E33EF, 1, 2, 1, 11) + bytes(11),
        struct.pack(">IHHQI", 0x668E33EF, 1, 77, 1, 0),
        struct.pack(">IHHQI", 0x668E33EF, 1, 1, 1, 4097),
    ],
    ids=["magic", "no data", "nothing, not the last", "short hole", "unknown", "too long"],
)
def test_a_chunk_that_no_server_sends_ends_the_connection(packed: bytes) -> None:
    """What cannot be trusted is not guessed at."""
    with pytest.raises(ProtocolError):
        parse_chunk(bytearray(packed), 0, len(packed), 4096)
