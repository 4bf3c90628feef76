import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.wire.nbd import Export
from twinset.wire.nbd_handshake import (
    OPTION_BYTES_MAX,
    OPTIONS_MAX,
    ExportChosen,
    Handshake,
    Phase,
    SessionEnded,
)

E = Export("E", 1 << 20, "data partition E")
F = Export("F", 2 << 20)
STANDBY = Export("E", 1 << 20, not_ready="this side is standby")

GREETING = bytes.fromhex("4e42444d4147494349484156454f50540003")
FIXED, NO_ZEROES = 1, 2
EXPORT_NAME, ABORT, LIST, STARTTLS, INFO, GO, STRUCTURED_REPLY = 1, 2, 3, 5, 6, 7, 8
ACK, SERVER, INFORMATION = 1, 2, 3
UNSUP, POLICY, INVALID, UNKNOWN, TOO_BIG = (2**31 + code for code in (1, 2, 3, 6, 9))


def flags(value: int = FIXED | NO_ZEROES) -> bytes:
    return value.to_bytes(4, "big")


def option(number: int, data: bytes = b"") -> bytes:
    return b"IHAVEOPT" + number.to_bytes(4, "big") + len(data).to_bytes(4, "big") + data


def wanted(name: bytes, *kinds: int) -> bytes:
    return struct.pack(f">I{len(name)}sH{len(kinds)}H", len(name), name, len(kinds), *kinds)


def replies(output: bytes) -> list[tuple[int, int, bytes]]:
    """Split the server's answers into (option, reply type, data)."""
    found = []
    while output:
        magic, number, kind, length = struct.unpack_from(">QIII", output)
        assert magic == 0x3E889045565A9
        found.append((number, kind, output[20 : 20 + length]))
        output = output[20 + length :]
    return found


Outcome = tuple[bytes, list[ExportChosen | SessionEnded]]


def talk(data: bytes, *exports: Export, size: int = 0) -> Outcome:
    """Send `data` in pieces of `size` bytes; return what the server said after its greeting, and events."""
    handshake = Handshake(lambda: exports or (E, F))
    assert handshake.data_to_send() == GREETING
    output, events = b"", []
    for at in range(0, len(data), size or len(data)):
        handshake.receive_data(data[at : at + (size or len(data))])
        output += handshake.data_to_send()
        events += handshake.events_received()
        if events:
            assert handshake.phase in (Phase.TRANSMISSION, Phase.CLOSED)
            break
    return output, events


def test_the_server_greets_first() -> None:
    """NBDMAGIC, IHAVEOPT, fixed newstyle and no zeroes."""
    handshake = Handshake(lambda: (E,))
    assert handshake.data_to_send() == GREETING
    assert handshake.data_to_send() == b""
    assert handshake.events_received() == []


def test_go_answers_with_size_flags_and_block_sizes() -> None:
    """The bytes of the answer, then the transmission phase."""
    output, events = talk(flags() + option(GO, wanted(b"F")))
    assert replies(output) == [
        (GO, INFORMATION, bytes.fromhex("00000000000000200000016d")),
        (GO, INFORMATION, bytes.fromhex("0003000002000000100002000000")),
        (GO, ACK, b""),
    ]
    assert events == [ExportChosen(F, structured_replies=False, trailing=b"")]


def test_name_and_description_come_when_asked_for() -> None:
    """Information types 1 and 2; unknown types are ignored."""
    output, _ = talk(flags() + option(GO, wanted(b"E", 1, 2, 3, 99)))
    assert [data for _, kind, data in replies(output) if kind == INFORMATION][2:] == [
        b"\0\x01E",
        b"\0\x02data partition E",
    ]
    output, _ = talk(flags() + option(INFO, wanted(b"F", 2)))
    assert len(replies(output)) == 3


def test_info_leaves_the_client_in_the_negotiation() -> None:
    """INFO, then GO, on one connection."""
    output, events = talk(flags() + option(INFO, wanted(b"E")) + option(GO, wanted(b"E")))
    assert [number for number, kind, _ in replies(output) if kind == ACK] == [INFO, GO]
    assert len(events) == 1


def test_the_empty_name_is_the_first_export() -> None:
    """The default export is the first data partition."""
    assert talk(flags() + option(GO, wanted(b"")))[1][0] == ExportChosen(E, False, b"")


def test_structured_replies_are_remembered() -> None:
    """Negotiated before GO, told with the choice."""
    output, events = talk(flags() + option(STRUCTURED_REPLY) + option(GO, wanted(b"E")))
    assert replies(output)[0] == (STRUCTURED_REPLY, ACK, b"")
    assert events == [ExportChosen(E, True, b"")]


def test_requests_that_came_with_the_option_are_kept() -> None:
    """A client need not wait for the acknowledgement."""
    assert talk(flags() + option(GO, wanted(b"E")) + b"early")[1] == [ExportChosen(E, False, b"early")]


@pytest.mark.parametrize(("client", "zeroes"), [(FIXED | NO_ZEROES, 0), (FIXED, 124), (0, 124)])
def test_export_name_answers_without_a_header(client: int, zeroes: int) -> None:
    """Size, flags, and 124 zeroes unless both sides waive them."""
    output, events = talk(flags(client) + option(EXPORT_NAME, b"F"))
    assert output == bytes.fromhex("0000000000200000016d") + bytes(zeroes)
    assert events == [ExportChosen(F, False, b"")]


@pytest.mark.parametrize(("name", "words"), [(b"nope", "does not exist"), (b"E", "is not ready: this side")])
def test_export_name_cannot_explain_so_the_session_ends(name: bytes, words: str) -> None:
    """Nothing is sent, the reason is logged."""
    output, events = talk(flags() + option(EXPORT_NAME, name), STANDBY)
    assert output == b""
    assert isinstance(events[0], SessionEnded)
    assert words in events[0].reason


@pytest.mark.parametrize("number", [INFO, GO])
def test_an_inactive_side_answers_not_ready(number: int) -> None:
    """Refused with a text that clients show; the client may ask again (4.5.2-01)."""
    output, events = talk(flags() + option(number, wanted(b"E")), STANDBY)
    assert replies(output) == [(number, POLICY, b"Not Ready: this side is standby")]
    assert events == []


def test_a_side_that_becomes_active_serves_the_next_option() -> None:
    """Exports are looked up anew for every option."""
    exports = [STANDBY]
    handshake = Handshake(lambda: exports)
    handshake.receive_data(flags() + option(GO, wanted(b"E")))
    assert handshake.events_received() == []
    exports[0] = E
    handshake.receive_data(option(GO, wanted(b"E")))
    assert handshake.events_received() == [ExportChosen(E, False, b"")]


def test_list_names_all_exports_ready_or_not() -> None:
    """Name and a text for the human, then ACK."""
    output, _ = talk(flags() + option(LIST), STANDBY, F)
    assert replies(output) == [
        (LIST, SERVER, b"\0\0\0\x01Ethis side is standby"),
        (LIST, SERVER, b"\0\0\0\x01F"),
        (LIST, ACK, b""),
    ]


@pytest.mark.parametrize(
    ("number", "data", "kind", "words"),
    [
        (LIST, b"x", INVALID, b"LIST has no data"),
        (STRUCTURED_REPLY, b"x", INVALID, b"no data"),
        (STARTTLS, b"", UNSUP, b"option 5 is not supported"),
        (10, b"", UNSUP, b"option 10"),
        (0xFFFF_FFFF, b"whatever", UNSUP, b"option 4294967295"),
        (GO, wanted(b"nope"), UNKNOWN, b"no export named 'nope'"),
        (GO, wanted(b"\xff\xfe"), UNKNOWN, b"no export named"),
        (GO, b"", INVALID, b"0 bytes are too few"),
        (GO, b"\0\0\0\x01E", INVALID, b"too few"),
        (GO, b"\xff\xff\xff\xffEE\0\0", INVALID, b"does not fit"),
        (GO, wanted(b"E") + b"\0", INVALID, b"0 information requests do not fit"),
        (GO, wanted(b"E", 1)[:-2], INVALID, b"1 information requests do not fit"),
        (GO, wanted(b"x" * 4097), TOO_BIG, b"at most 4096 bytes"),
        (INFO, b"\0\0\0\0\0", INVALID, b"too few"),
    ],
)
def test_each_mistake_has_its_error_and_the_client_may_go_on(
    number: int, data: bytes, kind: int, words: bytes
) -> None:
    """The refusal names the rule; the next option works."""
    output, events = talk(flags() + option(number, data) + option(GO, wanted(b"E")))
    first = replies(output)[0]
    assert first[:2] == (number, kind)
    assert words in first[2]
    assert events == [ExportChosen(E, False, b"")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (flags(4), "client flags 0x4"),
        (flags(0x8000_0003), "client flags"),
        (flags(0) + option(LIST), "not fixed newstyle"),
        (flags() + b"IHAVENOT" + bytes(8), "option magic is b'IHAVENOT'"),
        (flags() + b"IHAVEOPT" + b"\0\0\0\x07" + b"\xff\xff\xff\xff", "4294967295 bytes, at most 16384"),
        (flags() + option(STARTTLS) * (OPTIONS_MAX + 1), "more than 1000 options"),
    ],
)
def test_what_makes_the_stream_unreadable_ends_the_session(data: bytes, words: str) -> None:
    """At once, with a reason, and marked as the client's fault."""
    events = talk(data)[1]
    assert isinstance(events[0], SessionEnded)
    assert events[0].broken
    assert words in events[0].reason


def test_the_longest_option_is_read() -> None:
    """The limit itself is allowed."""
    output, _ = talk(flags() + option(99, bytes(OPTION_BYTES_MAX)))
    assert replies(output)[0][1] == UNSUP


def test_abort_is_acknowledged_and_ends_the_session() -> None:
    """No fault of anyone."""
    output, events = talk(flags() + option(ABORT) + b"ignored")
    assert replies(output) == [(ABORT, ACK, b"")]
    assert events == [SessionEnded("the client aborted the negotiation")]


CONVERSATION = (
    flags()
    + option(STRUCTURED_REPLY)
    + option(LIST)
    + option(STARTTLS)
    + option(INFO, wanted(b"nope"))
    + option(INFO, wanted(b"E", 1, 2))
    + option(GO, wanted(b"E", 3))
)


@pytest.mark.parametrize("size", [1, 2, 7, 16, 33])
def test_a_conversation_means_the_same_in_any_pieces(size: int) -> None:
    """Byte by byte and in odd pieces."""
    assert talk(CONVERSATION, size=size) == talk(CONVERSATION)


def test_a_conversation_may_end_anywhere() -> None:
    """Between two options that is a client that left, within one it is a fault; never an exception."""
    ends = {4, 20, 36, 52, 52 + 26}  # after the flags and after options without their successors
    for at in range(len(CONVERSATION)):
        handshake = Handshake(lambda: (E, F))
        handshake.receive_data(CONVERSATION[:at])
        handshake.receive_eof()
        (event,) = handshake.events_received()
        assert isinstance(event, SessionEnded)
        assert event.broken == ("in the middle" in event.reason)
        if at in ends:
            assert not event.broken


def test_nothing_more_is_taken_after_the_choice() -> None:
    """The shell has to give the rest to the transmission phase; an end of stream there is not ours."""
    handshake = Handshake(lambda: (E,))
    handshake.receive_data(flags() + option(GO, wanted(b"E")))
    handshake.events_received()
    handshake.receive_eof()
    assert handshake.events_received() == []
    with pytest.raises(RuntimeError, match="transmission"):
        handshake.receive_data(b"x")


@given(st.lists(st.tuples(st.integers(0, 12), st.binary(max_size=40)), max_size=5), st.binary(max_size=30))
def test_any_bytes_get_answers_or_an_end(options: list[tuple[int, bytes]], tail: bytes) -> None:
    """No exception, whatever a client sends."""
    handshake = Handshake(lambda: (E, STANDBY))
    for piece in (flags(), *(option(number, data) for number, data in options), tail):
        if handshake.phase in (Phase.TRANSMISSION, Phase.CLOSED):
            break
        handshake.receive_data(piece)
    assert handshake.data_to_send().startswith(GREETING)
