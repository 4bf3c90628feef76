"""SNMP notifications, byte by byte."""

import hashlib
import hmac

import pytest

from twinset.wire import snmp

NOTICE = snmp.Notice(201, ("TS0201", "server_down"), 300)


def oid_bytes(*parts: int) -> bytes:
    return snmp._oid(parts)


def test_numbers_of_names_are_written_in_sevens() -> None:
    """X.690 8.19: 8072 is bf 08, 2004 is 8f 54; the first two numbers share a byte."""
    assert oid_bytes(1, 3, 6, 1, 4, 1, 8072).hex() == "06072b06010401bf08"
    assert oid_bytes(1, 3, 2004, 0, 201).hex() == "06062b8f54008149"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "020100"), (127, "02017f"), (128, "02020080"), (-1, "0201ff"), (65507, "020300ffe3")],
)
def test_integers_take_the_fewest_bytes(value: int, expected: str) -> None:
    """X.690 8.3: with a zero byte before a first bit that is set."""
    assert snmp._integer(value).hex() == expected


def test_lengths_above_127_name_their_own_length() -> None:
    """X.690 8.1.3."""
    assert snmp._octets(b"x" * 127)[:2].hex() == "047f"
    assert snmp._octets(b"x" * 128)[:3].hex() == "048180"
    assert snmp._octets(b"x" * 300)[:4].hex() == "0482012c"


def test_a_version_2c_notification() -> None:
    """RFC 3416: version, community, and a PDU whose first names are sysUpTime.0 and snmpTrapOID.0."""
    data = snmp.trap_v2c(snmp.Notice(201, (), 300), "public", 7)
    pdu = bytes.fromhex("020107" "020100" "020100") + snmp._tlv(
        0x30,
        bytes.fromhex("300e" "06082b06010201010300" "4302012c")
        + snmp._tlv(0x30, bytes.fromhex("060a2b060106030101040100") + oid_bytes(*snmp.BASE, 0, 201)),
    )  # fmt: skip
    assert data == snmp._tlv(0x30, bytes.fromhex("020101" "04067075626c6963") + snmp._tlv(0xA7, pdu))  # fmt: skip


def test_texts_are_cut_between_characters() -> None:
    """No object is longer than its bound, and none ends in half a character."""
    data = snmp.trap_v2c(snmp.Notice(1, ("é" * 200,), 0), "public", 1)
    assert b"\xc3\xa9" * 127 in data
    assert b"\xc3\xa9" * 127 + b"\xc3" not in data


def test_a_key_is_localized_as_in_the_standard() -> None:
    """RFC 3414 A.2 with SHA-256: a million bytes of password, hashed, then hashed with the engine between."""
    engine = bytes.fromhex("000000000000000000000002")
    first = hashlib.sha256((b"maplesyrup" * 104858)[: 1 << 20]).digest()
    assert snmp.localized_key("maplesyrup", engine) == hashlib.sha256(first + engine + first).digest()
    with pytest.raises(ValueError, match="at least 8"):
        snmp.localized_key("short", engine)


def test_a_version_3_notification_is_signed_over_itself() -> None:
    """RFC 7860: the MAC is over the whole message with its own bytes zero; another password gives another one."""
    engine = snmp.engine_id("server1")
    user = snmp.User("twinset", "secret-password", engine, 3, 60)
    data = snmp.trap_v3(NOTICE, user, 9)
    place = data.index(b"\x04\x18") + 2
    mac = data[place : place + 24]
    blank = data[:place] + bytes(24) + data[place + 24 :]
    key = snmp.localized_key("secret-password", engine)
    assert mac == hmac.digest(key, blank, "sha256")[:24]
    assert data.count(engine) == 2
    other = snmp.trap_v3(NOTICE, snmp.User("twinset", "another-password", engine, 3, 60), 9)
    assert (len(other), other[:place]) == (len(data), data[:place])
    assert other != data


@pytest.mark.parametrize("server", ["server1", "x" * 15, "é" * 7])
def test_engine_ids_have_a_length_that_receivers_take(server: str) -> None:
    """RFC 3411: 5 to 32 bytes, different for different servers."""
    assert 5 <= len(snmp.engine_id(server)) <= 32
    assert snmp.engine_id(server) != snmp.engine_id("server2")
