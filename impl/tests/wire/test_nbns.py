"""Packets of the NetBIOS name service, some of them captured from Samba 4.17 (nmblookup, nmbd) on the lab."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.errors import ProtocolError
from twinset.wire import nbns
from twinset.wire.nbns import Message, Name, NbnsError, Question, Record

DBSERVER = Name.of("DBSERVER", nbns.WORKSTATION)
SPELT = "20" + b"EEECFDEFFCFGEFFCCACACACACACACAAA".hex() + "00"

# (what it is, packet, message)
CAPTURED = (
    (
        "nmblookup asks everybody",
        "1984 0110 0001 0000 0000 0000" + SPELT + "0020 0001",
        Message(0x1984, nbns.QUERY, flags=nbns.RD | nbns.B, questions=(Question(DBSERVER),)),
    ),
    (
        "nmbd as a name server registers",
        "ad0a ad80 0000 0001 0000 0000" + SPELT + "0020 0001 00000006 0006 6000 0a000101",
        Message(
            0xAD0A, nbns.REGISTRATION, response=True, flags=nbns.AA | nbns.RD | nbns.RA,
            answers=(Record(DBSERVER, nbns.NB, 6, nbns.owner_data(nbns.H_NODE, "10.0.1.1")),),
        ),
    ),
    (
        "nmbd as a name server asks for patience",
        "bd3a bc00 0000 0001 0000 0000" + SPELT + "000a 0001 0000003c 0002 2900",
        Message(
            0xBD3A, nbns.WACK, response=True, flags=nbns.AA,
            answers=(Record(DBSERVER, nbns.NULL, 60, bytes.fromhex("2900")),),
        ),
    ),
    (
        "nmbd as a name server does not know the name",
        "4821 8583 0000 0001 0000 0000" + SPELT + "000a 0001 00000000 0000",
        Message(
            0x4821, nbns.QUERY, response=True, flags=nbns.AA | nbns.RD | nbns.RA, rcode=nbns.NAM_ERR,
            answers=(Record(DBSERVER, nbns.NULL, 0, b""),),
        ),
    ),
    (
        "nmbd wants a name by broadcast; its record points back to the question",
        "3110 2910 0001 0000 0000 0001" + SPELT + "0020 0001 c00c 0020 0001 00000000 0006 0000 0a00013c",
        Message(
            0x3110, nbns.REGISTRATION, flags=nbns.RD | nbns.B, questions=(Question(DBSERVER),),
            additional=(Record(DBSERVER, nbns.NB, 0, nbns.owner_data(nbns.B_NODE, "10.0.1.60")),),
        ),
    ),
)  # fmt: skip

names = st.builds(Name, st.binary(min_size=16, max_size=16), st.sampled_from(["", "lab", "a.b.example"]))
records = st.builds(
    Record,
    names,
    st.sampled_from([nbns.NB, nbns.NBSTAT, nbns.NULL]),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=60),
)
several = st.lists(records, max_size=3).map(tuple)
messages = st.builds(
    Message,
    st.integers(0, 0xFFFF),
    st.integers(0, 15),
    st.booleans(),
    st.sampled_from([0, nbns.AA, nbns.RD | nbns.B, nbns.FLAGS_MASK]),
    st.integers(0, 15),
    st.lists(st.builds(Question, names, st.integers(0, 0xFFFF)), max_size=2).map(tuple),
    several,
    several,
    several,
)


@pytest.mark.parametrize(("packet", "message"), [case[1:] for case in CAPTURED], ids=[c[0] for c in CAPTURED])
def test_packets_of_samba_are_read(packet: str, message: Message) -> None:
    """Each captured packet is the message that Samba meant, and the same bytes come out again."""
    wire = bytes.fromhex(packet)
    assert nbns.decode(wire) == message
    assert nbns.encode(message) == wire


def test_a_name_is_spelt_with_the_letters_of_the_rfc() -> None:
    """The RFC's own example: FRED, padded with blanks to 16 bytes."""
    fred = Name(b"FRED".ljust(16))
    packet = nbns.encode(Message(1, nbns.QUERY, questions=(Question(fred),)))
    assert b"\x20EGFCEFEECACACACACACACACACACACACA\x00" in packet


def test_a_computer_name_travels_in_capitals() -> None:
    """Names are one in any case; 15 bytes is the most, and the suffix tells what the name stands for."""
    name = Name.of("WebSrv", nbns.SERVER)
    assert (name.text, name.suffix, str(name)) == ("WEBSRV", nbns.SERVER, "WEBSRV<20>")
    assert name == Name.of("websrv", nbns.SERVER) != Name.of("websrv", nbns.WORKSTATION)
    assert Name.of("v" * 15, 0).text == "V" * 15


@pytest.mark.parametrize("text", ["", "v" * 16])
def test_a_computer_name_has_1_to_15_bytes(text: str) -> None:
    """A name that does not fit is refused, not cut."""
    with pytest.raises(NbnsError, match="1 to 15"):
        Name.of(text, nbns.SERVER)


@given(messages)
def test_what_is_encoded_is_decoded(message: Message) -> None:
    """Every message comes back as it was, whatever its sections hold."""
    assert nbns.decode(nbns.encode(message)) == message


@given(st.binary(max_size=600))
def test_noise_is_refused_or_read_but_never_breaks_anything(noise: bytes) -> None:
    """Whatever bytes arrive, the reader returns a message or says what is wrong with them."""
    try:
        nbns.decode(noise)
    except ProtocolError as error:
        assert str(error)


@given(messages, st.data())
def test_damaged_packets_are_refused_or_read(message: Message, data: st.DataObject) -> None:
    """A good packet with one byte changed never raises anything but a protocol error."""
    packet = bytearray(nbns.encode(message))
    packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    try:
        nbns.decode(bytes(packet))
    except ProtocolError as error:
        assert str(error)


@pytest.mark.parametrize("packet", [case[1] for case in CAPTURED])
def test_a_packet_that_ends_too_early_is_refused_at_every_byte(packet: str) -> None:
    """No prefix of a packet is a packet."""
    wire = bytes.fromhex(packet)
    for end in range(len(wire)):
        with pytest.raises(NbnsError):
            nbns.decode(wire[:end])


def test_bytes_behind_the_last_record_are_not_looked_at() -> None:
    """Padding is no part of the message."""
    wire = bytes.fromhex(CAPTURED[0][1])
    assert nbns.decode(wire + b"padding") == CAPTURED[0][2]


@pytest.mark.parametrize(
    ("what", "packet"),
    [
        ("leads nowhere", "0001 0110 0001 0000 0000 0000 c00c 0020 0001"),  # to itself
        ("leads nowhere", "0001 0110 0001 0000 0000 0000 c020 0020 0001" + "00" * 30),  # forwards
        ("leads nowhere", "0001 0110 0001 0000 0000 0000 c002 0020 0001"),  # into the header
        ("label of kind", "0001 0110 0001 0000 0000 0000 8001 0020 0001"),
        ("32 letters", "0001 0110 0001 0000 0000 0000 00 0020 0001"),
        ("32 letters", "0001 0110 0001 0000 0000 0000 0141 00 0020 0001"),
        ("A to P", "0001 0110 0001 0000 0000 0000 20" + "5a" * 32 + "00 0020 0001"),
        ("class 3", "0001 0110 0001 0000 0000 0000" + SPELT + "0020 0003"),
        ("at most 32", "0001 0110 0001 ffff 0000 0000" + SPELT + "0020 0001"),
        ("4097 bytes", "00" * 4097),
    ],
)
def test_malformed_packets_are_refused_with_a_reason(what: str, packet: str) -> None:
    """Loops, labels, letters, classes and counts that cannot be are named."""
    with pytest.raises(NbnsError, match=what):
        nbns.decode(bytes.fromhex(packet))


def test_endless_names_are_refused() -> None:
    """A name of more labels than a name may have ends the reading."""
    label = "3f" + "41" * 63
    packet = bytes.fromhex("0001 0110 0001 0000 0000 0000 20" + "41" * 32 + label * 5 + "00 0020 0001")
    with pytest.raises(NbnsError, match="too long"):
        nbns.decode(packet)


def test_what_cannot_be_sent_is_refused() -> None:
    """A packet, a label of a scope and a name beyond their limits are told before anything is sent."""
    long = Record(DBSERVER, nbns.NB, 0, bytes(5000))
    with pytest.raises(NbnsError, match="at most 4096"):
        nbns.encode(Message(1, nbns.QUERY, answers=(long,)))
    with pytest.raises(NbnsError, match="scope"):
        nbns.encode(Message(1, nbns.QUERY, questions=(Question(replace(DBSERVER, scope="s" * 64)),)))
    with pytest.raises(NbnsError, match="16 bytes"):
        Name(b"short")


def test_the_owners_of_a_name_are_read() -> None:
    """A record of several addresses gives them all; half an entry is refused."""
    two = nbns.owner_data(nbns.GROUP, "10.0.1.1") + nbns.owner_data(nbns.P_NODE, "10.0.1.2")
    assert Record(DBSERVER, nbns.NB, 0, two).owners() == (
        (nbns.GROUP, "10.0.1.1"),
        (nbns.P_NODE, "10.0.1.2"),
    )
    with pytest.raises(NbnsError, match="7 bytes"):
        Record(DBSERVER, nbns.NB, 0, bytes(7)).owners()
