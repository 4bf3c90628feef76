"""RIP version 2 announcements, byte for byte."""

import pytest

from twinset.errors import ProtocolError
from twinset.wire import rip
from twinset.wire.rip import Route

ONE = bytes.fromhex("02020000 00020000 0ac80005 ffffffff 00000000 00000002".replace(" ", ""))


def test_a_host_route_is_announced() -> None:
    """Response of version 2, family IP, full mask, the sender as next hop, the metric."""
    assert rip.encode([Route("10.200.0.5", 2)]) == [ONE]
    assert rip.decode(ONE) == [Route("10.200.0.5", 2)]


def test_many_routes_take_several_datagrams() -> None:
    """At most 25 in each; nothing to announce is no datagram."""
    routes = [Route(f"10.200.0.{n}", 16, 24) for n in range(30)]
    first, second = rip.encode(routes)
    assert (len(first), len(second)) == (4 + 25 * 20, 4 + 5 * 20)
    assert rip.decode(first) + rip.decode(second) == routes
    assert rip.encode([]) == []


@pytest.mark.parametrize(
    "data",
    [
        b"", ONE[:4], ONE[:-1], ONE + b"\0", b"\1" + ONE[1:], b"\2\1" + ONE[2:], ONE[:2] + b"\0\1" + ONE[4:],
        ONE[:5] + b"\3" + ONE[6:], ONE[:-1] + b"\0", ONE[:-1] + b"\x11", ONE[:12] + b"\xff\0\xff\0" + ONE[16:],
        ONE[:4] + ONE[4:] * 26,
    ],
)  # fmt: skip
def test_what_is_no_announcement_is_refused(data: bytes) -> None:
    """Truncated, trailing bytes, a request, version 1, another family, metric 0 or 17, no mask, too many routes."""
    with pytest.raises(ProtocolError):
        rip.decode(data)
