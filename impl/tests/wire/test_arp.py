"""ARP: the bytes of RFC 826, and when an address is free (RFC 5227)."""

import pytest

from twinset.wire import arp

MINE, OTHER = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
FIP = "10.0.1.100"

PROBE = bytes.fromhex("0001080006040001 020000000001 00000000 000000000000 0a000164")
REPLY = bytes.fromhex("0001080006040002 020000000002 0a000164 020000000001 00000000")


def probe() -> arp.Probe:
    return arp.Probe(FIP, MINE, 1000)


def asked(attempt: arp.Probe, until_ms: int) -> list[int]:
    """When it asks, looked at every ten milliseconds."""
    return [now for now in range(1000, until_ms, 10) if attempt.due(now) is not None]


def test_a_probe_has_no_sender_and_an_announcement_names_itself() -> None:
    """The bytes on the wire, as literals."""
    assert arp.encode(arp.Packet(arp.REQUEST, MINE, arp.NOBODY, FIP)) == PROBE
    announced = bytes.fromhex("0001080006040001 020000000001 0a000164 000000000000 0a000164")
    assert arp.encode(arp.announcement(MINE, FIP)) == announced


def test_padding_is_passed_over_and_everything_else_is_refused() -> None:
    """A frame is filled up to 46 bytes; what is cut short or of another network is no ARP of ours."""
    assert arp.decode(REPLY + bytes(18)) == arp.Packet(arp.REPLY, OTHER, FIP, arp.NOBODY)
    for size in range(len(REPLY)):
        with pytest.raises(arp.ArpError):
            arp.decode(REPLY[:size])
    for bad in ("0006", "000186dd", "0001080008040002", "0001080006040003"):
        with pytest.raises(arp.ArpError):
            arp.decode(bytes.fromhex(bad) + REPLY[len(bad) // 2 :])


def test_three_questions_and_then_the_address_is_free() -> None:
    """250 ms apart, and as long again after the last one."""
    attempt = probe()
    assert asked(attempt, 3000) == [1000, 1250, 1500]
    assert (attempt.state, attempt.ended_ms, attempt.wake_ms) == (arp.FREE, 1750, None)
    assert attempt.ended_ms - 1000 == arp.PROBE_MS


def test_any_word_from_the_address_is_a_conflict() -> None:
    """A reply, a request of its holder to somebody else, or another host that probes for it too."""
    for packet in (
        arp.decode(REPLY),
        arp.Packet(arp.REQUEST, OTHER, FIP, "10.0.1.50"),
        arp.Packet(arp.REQUEST, OTHER, arp.NOBODY, FIP),
    ):
        attempt = probe()
        attempt.due(1000)
        attempt.receive(packet, 1100)
        assert (attempt.state, attempt.holder) == (arp.TAKEN, "02:00:00:00:00:02")
        assert asked(attempt, 3000) == []


def test_other_words_are_none() -> None:
    """What this server says itself, what is about other addresses, and a question for the address decide nothing."""
    attempt = probe()
    for packet in (
        arp.decode(PROBE),
        arp.Packet(arp.REPLY, OTHER, "10.0.1.7", FIP),
        arp.Packet(arp.REQUEST, OTHER, "10.0.1.50", FIP),
        arp.Packet(arp.REQUEST, OTHER, arp.NOBODY, "10.0.1.7"),
    ):
        attempt.receive(packet, 1100)
    assert attempt.state == arp.PROBING


def test_a_verdict_stays() -> None:
    """Who comes later finds the address in use; that is the kernel's to defend."""
    attempt = probe()
    asked(attempt, 3000)
    attempt.receive(arp.decode(REPLY), 4000)
    assert attempt.state == arp.FREE
