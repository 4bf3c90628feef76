"""What a node sends, byte by byte; the same packets from Samba 4.17 differ in nothing but ids and addresses."""

import struct

import pytest

from twinset.wire import nbns, nbns_packets
from twinset.wire.nbns import Message, Name, Question
from twinset.wire.nbns_packets import Owner

NAME = Name.of("DBSERVER", nbns.WORKSTATION)
SPELT = "20" + b"EEECFDEFFCFGEFFCCACACACACACACAAA".hex() + "00"
OWNER = Owner("10.0.1.100", nbns.H_NODE)
ASKED = Message(0x0102, nbns.QUERY, questions=(Question(NAME),))
TAIL = "0020 0001 c00c 0020 0001"

REQUEST, RESPONSE = " 0001 0000 0000 0001", " 0000 0001 0000 0000"
PACKETS = (
    ("claim", nbns_packets.claim(1, NAME, OWNER), "0001 2910" + REQUEST, TAIL + "00000000"),
    ("demand", nbns_packets.overwrite_demand(1, NAME, OWNER), "0001 2810" + REQUEST, TAIL + "00000000"),
    ("registration", nbns_packets.registration(1, NAME, OWNER, 60), "0001 2900" + REQUEST, TAIL + "0000003c"),
    ("refresh", nbns_packets.refresh(1, NAME, OWNER, 60), "0001 4000" + REQUEST, TAIL + "0000003c"),
    (
        "release to a name server",
        nbns_packets.release(1, NAME, OWNER, broadcast=False),
        "0001 3000" + REQUEST,
        TAIL + "00000000",
    ),
    (
        "release to everybody",
        nbns_packets.release(1, NAME, OWNER, broadcast=True),
        "0001 3010" + REQUEST,
        TAIL + "00000000",
    ),
    (
        "defence",
        nbns_packets.registration_refused(ASKED, NAME, OWNER),
        "0102 ad86" + RESPONSE,
        "0020 0001 00000000",
    ),
    ("answer", nbns_packets.found(ASKED, NAME, OWNER, 10), "0102 8500" + RESPONSE, "0020 0001 0000000a"),
)


@pytest.mark.parametrize(("message", "head", "tail"), [p[1:] for p in PACKETS], ids=[p[0] for p in PACKETS])
def test_packets_are_those_of_the_rfc(message: Message, head: str, tail: str) -> None:
    """Header, name, kind, life and owner of each packet are the bytes of RFC 1002 4.2."""
    assert nbns.encode(message) == bytes.fromhex(head + SPELT + tail + "0006 6000 0a000164")


def test_a_query_and_its_refusal() -> None:
    """A query has a question and no record; who does not have the name says so with an empty record."""
    assert nbns.encode(nbns_packets.query(1, NAME, broadcast=True)) == bytes.fromhex(
        "0001 0110 0001 0000 0000 0000" + SPELT + "0020 0001"
    )
    assert nbns.encode(nbns_packets.not_found(ASKED, NAME)) == bytes.fromhex(
        "0102 8503 0000 0001 0000 0000" + SPELT + "000a 0001 00000000 0000"
    )


def test_a_node_status_lists_names_and_the_hardware_address() -> None:
    """The count, 18 bytes a name, the hardware address and 40 bytes of statistics that are zero."""
    other = Name.of("WEB-1", nbns.SERVER)
    status = nbns_packets.node_status(ASKED, nbns.WILDCARD, [(NAME, nbns.H_NODE), (other, 0)], b"\x02abcde")
    [record] = status.answers
    assert (record.kind, record.ttl_s, record.name) == (nbns.NBSTAT, 0, nbns.WILDCARD)
    assert record.data == (
        b"\x02DBSERVER       \x00" + struct.pack("!H", nbns.H_NODE | nbns.ACTIVE)
        + b"WEB-1          \x20" + struct.pack("!H", nbns.ACTIVE)
        + b"\x02abcde" + bytes(40)
    )  # fmt: skip


def test_a_node_status_has_room_for_255_names() -> None:
    """Names beyond the one byte of the count are left out; the packet is still one."""
    names = [(Name.of(f"N{number}", 0), 0) for number in range(300)]
    status = nbns_packets.node_status(ASKED, nbns.WILDCARD, names[:200], bytes(6))
    assert nbns.decode(nbns.encode(status)).answers[0].data[0] == 200
    assert nbns_packets.node_status(ASKED, nbns.WILDCARD, names, bytes(6)).answers[0].data[0] == 255
