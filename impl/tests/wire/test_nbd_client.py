"""The client's handshake, against the server's own."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.errors import ProtocolError
from twinset.wire.nbd import Export
from twinset.wire.nbd_client import ClientHandshake
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
