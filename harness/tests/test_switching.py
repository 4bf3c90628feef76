"""The client's eyes: what they ask on the wire, what counts as an answer after silence, which groups the lab gets."""

import struct
import tomllib

from harness.switching.measure import GROUPS_MAX, NAMES_MAX, further_groups
from harness.switching.observer import Ears, Spec, echo_request, name_query, wanted_by


def test_a_name_query_is_that_of_rfc_1002() -> None:
    """Broadcast, recursion desired, the file server's name in its half-ASCII form, NB, IN."""
    query = name_query(7, "dbserver")
    assert query[:12] == bytes.fromhex("0007 0110 0001 0000 0000 0000")
    assert query[12:] == b"\x20EEECFDEFFCFGEFFCCACACACACACACACA\x00\x00\x20\x00\x01"


def test_an_echo_request_has_a_valid_checksum() -> None:
    """The sum over all of it, folded, is all ones (RFC 792)."""
    total = sum(struct.unpack("!4H", echo_request(0xFFFF)))
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF


def test_a_first_word_and_one_after_silence_are_told() -> None:
    """An answer that follows soon on another one is not."""
    told: list[tuple[str, float]] = []
    ears = Ears(lambda key, at: told.append((key, at)))
    for at in (1.0, 1.1, 1.4, 5.0, 5.1):
        ears.hear("10.0.1.100", at)
    ears.hear("DB", 5.1)
    assert told == [("10.0.1.100", 1.0), ("10.0.1.100", 5.0), ("DB", 5.1)]


def test_probes_announcements_and_claims_are_told_apart_on_the_wire() -> None:
    """ARP from nobody is a probe, about itself an announcement (RFC 5227); a registration of a file server a claim."""
    ether, arp = b"\xff" * 6 + bytes(6), bytes.fromhex("0001 0800 0604 0001") + bytes(6)
    address, other = bytes([10, 0, 1, 100]), bytes([10, 0, 1, 2])
    said = {
        sender: wanted_by(ether + b"\x08\x06" + arp + sender + bytes(6) + address)
        for sender in (bytes(4), address, other)
    }
    assert said == {bytes(4): "probe 10.0.1.100", address: "announce 10.0.1.100", other: ""}
    query = name_query(1, "DBSERVER")
    udp = bytes.fromhex("0089 0089 0000 0000")
    ip = ether + b"\x08\x00" + b"\x45" + bytes(8) + b"\x11" + bytes(10) + udp
    claim = query[:2] + b"\x29\x10" + query[4:]
    assert [wanted_by(ip + text) for text in (claim, query, b"\xa9".join((claim[:2], claim[3:])), b"short")] == [
        "claim DBSERVER", "", "", "",
    ]  # fmt: skip
    assert wanted_by(b"") == ""


def test_a_spec_survives_its_journey() -> None:
    """What the program is told is what was meant."""
    spec = Spec(("10.0.1.100",), ("DB",), (("10.0.1.100", 7777),), "10.0.1.255", 0.5)
    assert Spec.from_json(spec.as_json()) == spec


def test_the_lab_gets_as_many_groups_as_the_guide_allows() -> None:
    """With the one that is always there: 64 groups, 64 addresses, 63 associated names (7.3.1.5-02)."""
    text, addresses, names = further_groups(GROUPS_MAX - 1, ("server1", "server2"))
    groups = tomllib.loads(text)["group"]
    assert len(groups) == len(set(addresses)) == GROUPS_MAX - 1
    assert len(set(names)) == NAMES_MAX - 1
    assert sum("virtual_computer_name" in group for group in groups) == NAMES_MAX - 1
    assert further_groups(0, ("server1", "server2")) == ("", [], [])
