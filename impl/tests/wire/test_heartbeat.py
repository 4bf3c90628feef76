"""Heartbeat datagrams: every byte counts, and nothing but the cluster's own datagrams is read."""

from dataclasses import replace

import pytest

from twinset.errors import ProtocolError, VersionsApart
from twinset.wire.heartbeat import (
    DATAGRAM_BYTES,
    Heartbeat,
    HeartbeatError,
    config_digest,
    decode,
    derive_key,
    encode,
)

KEY = derive_key(bytes(range(32)))
BEAT = Heartbeat(
    cluster="demo",
    sender="server1",
    boot_id="00112233445566778899aabbccddeeff",
    incarnation="0123456789abcdef",
    seq=7,
    sent_ms=123456,
    status="O",
    peer_status="Xd",
    peer_boot="ffeeddccbbaa99887766554433221100",
    echo_incarnation="fedcba9876543210",
    echo_seq=5,
    echo_sent_ms=120000,
    config_digest="a1b2c3d4e5f60718",
    answer=True,
)
WIRE = bytes.fromhex(
    "54534842"  # magic
    "01"  # version
    "01"  # O
    "03"  # Xd
    "01"  # an answer
    "00112233445566778899aabbccddeeff"
    "0123456789abcdef"
    "0000000000000007"
    "000000000001e240"
    "ffeeddccbbaa99887766554433221100"
    "fedcba9876543210"
    "0000000000000005"
    "000000000001d4c0"
    "a1b2c3d4e5f60718" + b"demo".hex().ljust(64, "0") + b"server1".hex().ljust(50, "0")
)


def test_the_layout_is_as_documented() -> None:
    """A heartbeat is the documented 153 bytes, followed by 32 bytes of authentication."""
    assert encode(BEAT, KEY)[:-32] == WIRE
    assert len(encode(BEAT, KEY)) == DATAGRAM_BYTES == 185


def test_what_is_encoded_is_decoded() -> None:
    """Decoding gives back every field, also those that may be empty."""
    empty = replace(BEAT, peer_status="", peer_boot="", echo_incarnation="", echo_seq=0, answer=False)
    assert decode(encode(BEAT, KEY), KEY) == BEAT
    assert decode(encode(empty, KEY), KEY) == empty


@pytest.mark.parametrize("position", range(DATAGRAM_BYTES))
def test_a_changed_byte_is_refused(position: int) -> None:
    """No byte of a datagram can be changed without the receiver refusing it."""
    datagram = bytearray(encode(BEAT, KEY))
    datagram[position] ^= 1
    with pytest.raises(HeartbeatError, match="authentication failed"):
        decode(bytes(datagram), KEY)


@pytest.mark.parametrize(
    "length", [*range(0, DATAGRAM_BYTES, 23), DATAGRAM_BYTES - 1, DATAGRAM_BYTES + 1, 1500]
)
def test_another_length_is_refused(length: int) -> None:
    """Truncated datagrams and those with trailing bytes are refused, and the message says both lengths."""
    datagram = (encode(BEAT, KEY) + bytes(2000))[:length]
    with pytest.raises(HeartbeatError, match=f"{length} bytes, a heartbeat has 185"):
        decode(datagram, KEY)


def test_another_clusters_key_is_refused() -> None:
    """A datagram of a cluster with another key is refused."""
    with pytest.raises(HeartbeatError, match="does not hold this cluster's key"):
        decode(encode(BEAT, derive_key(bytes(32))), KEY)


def test_the_cluster_key_is_not_the_heartbeat_key() -> None:
    """The key of heartbeats is derived, so that a datagram says nothing about other uses of the key."""
    assert derive_key(bytes(range(32))) != bytes(range(32))


def test_a_foreign_format_is_refused_even_when_authentic() -> None:
    """An authentic datagram of another version is refused by its version."""
    import hmac

    body = bytearray(WIRE)
    body[4] = 2
    with pytest.raises(VersionsApart, match="version 2"):
        decode(bytes(body) + hmac.digest(KEY, bytes(body), "sha256"), KEY)


@pytest.mark.parametrize(("field", "value"), [(5, 0), (5, 9), (6, 9)])
def test_unknown_statuses_are_refused(field: int, value: int) -> None:
    """A status code outside the table is refused."""
    import hmac

    body = bytearray(WIRE)
    body[field] = value
    with pytest.raises(HeartbeatError, match="status codes"):
        decode(bytes(body) + hmac.digest(KEY, bytes(body), "sha256"), KEY)


@pytest.mark.parametrize("name", ["", "sixteen-bytes-xx"])
def test_names_outside_the_guides_limits_are_not_sent(name: str) -> None:
    """Names have 1 to 15 bytes [2.2.2.3-05]."""
    with pytest.raises(HeartbeatError, match="1 to 15"):
        encode(replace(BEAT, sender=name), KEY)


def test_ids_of_another_size_are_not_sent() -> None:
    """A boot id has 16 bytes."""
    with pytest.raises(HeartbeatError, match="16 are needed"):
        encode(replace(BEAT, boot_id="00ff"), KEY)


def test_refusals_belong_to_the_tree_of_errors() -> None:
    """A refused datagram is a ProtocolError like any other bytes that break a protocol."""
    assert issubclass(HeartbeatError, ProtocolError)


def test_equal_texts_have_equal_digests() -> None:
    """Both servers compare 8 bytes of a digest of the configuration's text."""
    assert config_digest(b"a") == config_digest(b"a") != config_digest(b"b")
    assert len(config_digest(b"a")) == 16
