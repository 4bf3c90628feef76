import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.wire.nbd import (
    DATA_HEADER_BYTES,
    PAYLOAD_BYTES_MAX,
    SIMPLE_REPLY_BYTES,
    ClientBrokeProtocol,
    Export,
    error_chunk,
    hole_chunk,
    none_chunk,
    pack_data_header,
    pack_simple_reply,
    parse_requests,
    simple_reply,
    truncate,
    validate_request,
    wire_error,
)

READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS = range(8)
FUA, NO_HOLE, DF = 1, 2, 4
EPERM, EIO, EINVAL, ENOSPC = 1, 5, 22, 28

MIB = 1 << 20
EXPORT = Export("E", MIB)


def header(command: int, cookie: int, offset: int, length: int, flags: int = 0) -> bytes:
    """Return a request as the protocol document lays it out."""
    return bytes.fromhex("25609513") + b"".join(
        value.to_bytes(size, "big")
        for value, size in ((flags, 2), (command, 2), (cookie, 8), (offset, 8), (length, 4))
    )


STREAM = (
    header(READ, 1, 0x1000, 0x200)
    + header(WRITE, 2, 0x2000, 5, FUA)
    + b"hello"
    + header(FLUSH, 3, 0, 0)
    + header(WRITE, 4, 0, 3)
    + b"abc"
    + header(DISC, 5, 0, 0)
)
REQUESTS = [
    (0, READ, 1, 0x1000, 0x200, b""),
    (FUA, WRITE, 2, 0x2000, 5, b"hello"),
    (0, FLUSH, 3, 0, 0, b""),
    (0, WRITE, 4, 0, 3, b"abc"),
    (0, DISC, 5, 0, 0, b""),
]


def receive(pieces: list[bytes], most: int = 1 << 20) -> list[tuple[int, int, int, int, int, bytes]]:
    """Read a stream in pieces the way the shell does: payload that is not there goes straight to its slot."""
    got: list[tuple[int, int, int, int, int, bytes]] = []
    buffer = bytearray()
    pending: tuple[int, int, int, int, int] | None = None
    payload = bytearray()
    missing = 0
    for piece in pieces:
        taken, rest = piece[:missing], piece[missing:]
        payload += taken
        missing -= len(taken)
        if pending is not None and not missing:
            got.append((*pending, bytes(payload)))
            pending = None
        buffer += rest
        while not missing:
            requests, position = parse_requests(buffer, 0, len(buffer), most)
            for *request, at in requests:
                fields = (request[0], request[1], request[2], request[3], request[4])
                if at >= 0 and at + fields[4] > len(buffer):
                    pending, payload = fields, buffer[at:]
                    missing = position - len(buffer)
                else:
                    got.append((*fields, bytes(buffer[at : at + fields[4]]) if at >= 0 else b""))
            del buffer[:position]
            if not requests:
                break
    assert not missing
    return got


def test_a_request_has_the_documented_bytes() -> None:
    """Magic, flags, type, cookie, offset and length are read from their places."""
    data = bytes.fromhex("25609513000100060102030405060708111213141516171821222324")
    requests, position = parse_requests(data, 0, len(data))
    assert requests == [(1, 6, 0x0102030405060708, 0x1112131415161718, 0x21222324, -1)]
    assert position == 28


@pytest.mark.parametrize("most", [1, 2, 100])
@pytest.mark.parametrize("size", [1, 2, 27, 28, 29, 31, len(STREAM)])
def test_a_stream_means_the_same_in_any_pieces(size: int, most: int) -> None:
    """Whole, byte by byte and in odd pieces; headers and payloads may be cut anywhere."""
    assert receive([STREAM[at : at + size] for at in range(0, len(STREAM), size)], most) == REQUESTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_a_stream_means_the_same_however_it_is_cut(cuts: list[int]) -> None:
    """Any cuts, whatever they separate."""
    edges = [0, *sorted(cuts), len(STREAM)]
    assert receive([STREAM[a:b] for a, b in itertools.pairwise(edges)]) == REQUESTS


def test_parsing_stops_at_the_end_it_was_told() -> None:
    """What lies behind `end` in the buffer was not received."""
    assert parse_requests(STREAM, 0, 27) == ([], 0)
    assert len(parse_requests(STREAM, 0, 28)[0]) == 1
    assert parse_requests(STREAM, 0, 28 + 27)[1] == 28


def test_a_write_whose_payload_is_missing_says_how_much() -> None:
    """The position beyond the end is where the next request will begin."""
    data = header(WRITE, 1, 0, 4096) + bytes(100)
    requests, position = parse_requests(memoryview(data), 0, len(data))
    assert requests == [(0, WRITE, 1, 0, 4096, 28)]
    assert position - len(data) == 3996


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"\0" + header(READ, 9, 0, 512)[1:], "magic is 0x00609513"),
        (header(WRITE, 9, 0, PAYLOAD_BYTES_MAX + 1), "WRITE of 33554433 bytes"),
    ],
)
def test_requests_before_a_bad_one_are_served_first(bad: bytes, words: str) -> None:
    """The stream ends at the bad request, not before it."""
    data = header(READ, 1, 0, 512) + bad
    requests, position = parse_requests(data, 0, len(data))
    assert [request[2] for request in requests] == [1]
    with pytest.raises(ClientBrokeProtocol, match=words):
        parse_requests(data, position, len(data))


@pytest.mark.parametrize("length", [1 << 20, 32 << 20])
def test_the_largest_write_is_accepted(length: int) -> None:
    """32 MiB is what the protocol allows."""
    assert parse_requests(header(WRITE, 1, 0, length), 0, 28)[1] == 28 + length


@given(st.binary(max_size=200))
def test_any_bytes_are_requests_or_a_named_fault(data: bytes) -> None:
    """No other exception, and every position is sane."""
    try:
        requests, position = parse_requests(data, 0, len(data))
    except ClientBrokeProtocol:
        return
    assert position >= 28 * len(requests)


# -- validation -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        (0, READ, 0, 512),
        (FUA, READ, 0, 512),
        (FUA, WRITE, MIB - 512, 512),
        (0, WRITE, 0, MIB),
        (0, FLUSH, 0, 0),
        (FUA, FLUSH, 0, 0),
        (FUA, TRIM, 512, 512),
        (FUA | NO_HOLE, WRITE_ZEROES, 0, MIB),
    ],
)
def test_what_the_export_offers_is_allowed(request_: tuple[int, int, int, int]) -> None:
    """FUA is harmless on every command; the last byte of the export can be reached."""
    assert validate_request(EXPORT, *request_) is None


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        ((0, CACHE, 0, 512), EINVAL, "CACHE is not supported"),
        ((0, BLOCK_STATUS, 0, 512), EINVAL, "BLOCK_STATUS is not supported"),
        ((0, DISC, 0, 0), EINVAL, "DISC is not supported"),
        ((0, 77, 0, 512), EINVAL, "command 77 is not supported"),
        ((0, 0xFFFF, 0, 512), EINVAL, "command 65535"),
        ((DF, READ, 0, 512), EINVAL, "READ: flags 0x4"),
        ((NO_HOLE, WRITE, 0, 512), EINVAL, "WRITE: flags 0x2"),
        ((16, WRITE_ZEROES, 0, 512), EINVAL, "WRITE_ZEROES: flags 0x10"),
        ((0, FLUSH, 512, 0), EINVAL, "FLUSH with offset=512 length=0"),
        ((0, FLUSH, 0, 512), EINVAL, "FLUSH with offset=0 length=512"),
        ((0, READ, 0, 0), EINVAL, "READ of no bytes"),
        ((0, WRITE, 0, 0), EINVAL, "WRITE of no bytes"),
        ((0, READ, MIB - 512, 1024), EINVAL, "out of range, the export has 1048576"),
        ((0, TRIM, MIB, 512), EINVAL, "out of range"),
        ((0, WRITE, MIB - 512, 1024), ENOSPC, "offset=1048064 length=1024 is out of range"),
        ((0, WRITE_ZEROES, 0, MIB + 512), ENOSPC, "out of range"),
        ((0, WRITE, 2**64 - 512, 512), ENOSPC, "out of range"),
        ((0, WRITE, 100, 512), EINVAL, "offset=100 length=512 is no multiple of 512"),
        ((0, READ, 0, 100), EINVAL, "no multiple of 512"),
    ],
)
def test_each_rule_has_its_error_and_its_words(
    request_: tuple[int, int, int, int], error: int, words: str
) -> None:
    """The reply is what the protocol document recommends; the log gets rule and values."""
    refused = validate_request(EXPORT, *request_)
    assert refused is not None
    assert refused[0] == error
    assert words in refused[1]


@pytest.mark.parametrize("command", [WRITE, TRIM, WRITE_ZEROES])
def test_a_read_only_export_is_not_written(command: int) -> None:
    """EPERM, and the export does not offer what it refuses."""
    refused = validate_request(Export("E", MIB, read_only=True), 0, command, 0, 512)
    assert refused is not None
    assert refused[0] == EPERM


def test_only_requests_with_data_are_bound_by_the_largest_block() -> None:
    """A large TRIM carries nothing; a large READ would have to be answered."""
    export = Export("E", MIB, block_max_bytes=4096)
    refused = validate_request(export, 0, READ, 0, 8192)
    assert refused is not None
    assert refused == (EINVAL, "READ: length=8192, at most 4096 are allowed")
    assert validate_request(export, 0, TRIM, 0, 8192) is None


def test_flags_of_an_export() -> None:
    """HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_TRIM, SEND_WRITE_ZEROES, CAN_MULTI_CONN; fewer when read-only."""
    assert EXPORT.transmission_flags == 0b1_0110_1101
    assert Export("E", MIB, read_only=True).transmission_flags == 0b1_0000_1111


# -- replies --------------------------------------------------------------------------------------------


def test_simple_replies_have_the_documented_bytes() -> None:
    """Magic, error, cookie."""
    assert simple_reply(0x0102030405060708) == bytes.fromhex("67446698000000000102030405060708")
    assert simple_reply(7, ENOSPC).hex() == "674466980000001c0000000000000007"


def test_a_packed_simple_reply_is_the_same() -> None:
    """In front of the data of a READ."""
    buffer = bytearray(b"\xff" * 20)
    pack_simple_reply(buffer, 2, 7, EIO)
    assert buffer == b"\xff\xff" + simple_reply(7, EIO) + b"\xff\xff"
    assert SIMPLE_REPLY_BYTES == 16


def test_structured_replies_have_the_documented_bytes() -> None:
    """Magic, flags, type, cookie, length of the payload; then what the type says."""
    buffer = bytearray(DATA_HEADER_BYTES)
    pack_data_header(memoryview(buffer), 0, 7, 0x1000, 0x200, 1)
    assert buffer.hex() == "668e33ef000100010000000000000007000002080000000000001000"
    assert hole_chunk(7, 0x1000, 0x200, 0).hex() == (
        "668e33ef" "0000" "0002" "0000000000000007" "0000000c" "0000000000001000" "00000200"
    )  # fmt: skip
    assert none_chunk(7).hex() == "668e33ef00010000000000000000000700000000"
    assert error_chunk(7, EIO, "no").hex() == (
        "668e33ef" "0001" "8001" "0000000000000007" "00000008" "00000005" "0002" "6e6f"
    )  # fmt: skip


def test_a_text_for_a_human_is_bounded_and_whole() -> None:
    """4096 bytes at most, no half characters."""
    assert len(error_chunk(7, EIO, "x" * 10_000)) == 20 + 6 + 4096
    assert truncate("äö", 3) == "ä".encode()


@pytest.mark.parametrize(
    ("code", "wire"), [(0, 0), (5, 5), (28, 28), (13, 1), (30, 1), (122, 28), (27, 28), (110, 5), (75, 75)]
)
def test_errors_of_the_system_become_those_of_the_protocol(code: int, wire: int) -> None:
    """What the protocol does not know is an I/O error."""
    assert wire_error(code) == wire
