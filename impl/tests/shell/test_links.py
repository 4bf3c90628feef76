"""Heartbeat sockets on loopback addresses."""

import socket

from twinset.shell.links import DATAGRAM_BYTES_MAX, LanPath, Links


class Ends:
    """Two ends of one LAN on the loopback interface, read without an event loop."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.problems: list[str] = []
        self.one = self._end(port, "127.0.0.11", "127.0.0.12")
        self.two = self._end(port, "127.0.0.12", "127.0.0.11")

    def _end(self, port: int, local: str, remote: str) -> Links:
        links = Links(
            [LanPath("ic1", local, remote)],
            lambda lan, data: self.heard.append((lan, data)),
            lambda _, text: self.problems.append(text),
            port,
        )
        links.open()
        return links

    def close(self) -> None:
        self.one.close()
        self.two.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.11", 0))
        return int(probe.getsockname()[1])


def drained(links: Links, ends: Ends, count: int) -> list[tuple[str, bytes]]:
    """Drain until so much has been heard or said; loopback delivers before sendto returns."""
    for _ in range(1000):
        links.drain()
        if len(ends.heard) + len(ends.problems) >= count:
            break
    return ends.heard


def test_a_datagram_arrives_with_the_name_of_its_lan() -> None:
    """What one end sends over a LAN comes out at the other with that LAN's name."""
    ends = Ends(free_port())
    ends.one.send("ic1", b"beat")
    assert drained(ends.two, ends, 1) == [("ic1", b"beat")]
    ends.close()


def test_a_stranger_is_dropped_with_a_word() -> None:
    """A datagram from another address than the other server's never reaches the core."""
    port = free_port()
    ends = Ends(port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.99", 0))
        stranger.sendto(b"beat", ("127.0.0.12", port))
    assert drained(ends.two, ends, 1) == []
    assert "127.0.0.99" in ends.problems[0]
    ends.close()


def test_a_giant_is_dropped_with_a_word() -> None:
    """A datagram that is longer than any heartbeat is not looked at."""
    ends = Ends(free_port())
    ends.one.send("ic1", b"x" * (DATAGRAM_BYTES_MAX + 1))
    assert drained(ends.two, ends, 1) == []
    assert "longer" in ends.problems[0]
    ends.close()


def test_everything_that_waited_is_read_at_once() -> None:
    """After a pause, one drain reads all that was missed."""
    ends = Ends(free_port())
    for number in range(50):
        ends.one.send("ic1", b"%d" % number)
    ends.two.drain()
    assert [data for _, data in drained(ends.two, ends, 50)] == [b"%d" % n for n in range(50)]
    ends.close()


def test_an_address_that_cannot_be_bound_is_told_and_tried_again() -> None:
    """A port in use is a problem, not the end."""
    port = free_port()
    first, second = Ends(port), Ends(port)
    assert any("cannot bind" in text for text in second.problems)
    first.close()
    second.one.open()
    second.two.open()
    second.one.send("ic1", b"now")
    assert drained(second.two, second, len(second.problems) + 1)[-1] == ("ic1", b"now")
    second.close()


def test_sending_over_an_unknown_lan_is_nothing() -> None:
    """A LAN without a socket swallows what is sent, as a LAN that is down does."""
    ends = Ends(free_port())
    ends.one.send("other", b"beat")
    ends.close()
    ends.one.send("ic1", b"beat")
