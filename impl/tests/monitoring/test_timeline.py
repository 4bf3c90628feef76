"""The events of two servers on one clock."""

from typing import Any

from twinset.monitoring.timeline import Offset, merged, offset


def entry(server: str, seq: int, time: float) -> dict[str, Any]:
    return {"server": server, "seq": seq, "time": time, "event": "x", "severity": "info"}


def order(rows: list[dict[str, Any]]) -> list[tuple[str, int, str]]:
    return [(row["server"], row["seq"], row["order"]) for row in rows]


def test_the_offset_is_known_to_half_of_the_way() -> None:
    """Asked at 100.0, answered at 100.2 by a clock that said 160.1: it is 60 s ahead, give or take 0.1 s."""
    found = offset(100.0, 160.1, 100.2)
    assert round(found.seconds, 6) == 60.0
    assert round(found.error_s, 6) == 0.1
    assert found.to_json() == {"offset_s": 60.0, "error_s": 0.1}


def test_a_clock_that_is_wrong_does_not_change_the_order() -> None:
    """Server 2 is an hour ahead; what it did between two events of server 1 is shown between them."""
    rows = merged(
        [entry("server1", 1, 1000.0), entry("server1", 2, 1002.0)],
        [entry("server2", 7, 4601.0)],
        Offset(3600.0, 0.01),
    )
    assert order(rows) == [("server1", 1, "sure"), ("server2", 7, "sure"), ("server1", 2, "sure")]
    assert [row["at"] for row in rows] == [1000.0, 1001.0, 1002.0]


def test_what_is_nearer_than_the_error_is_marked() -> None:
    """Which of the two came first is not known, and is not pretended to be."""
    rows = merged([entry("server1", 1, 10.0)], [entry("server2", 1, 10.05)], Offset(0.0, 0.1))
    assert [row["order"] for row in rows] == ["sure", "either"]


def test_a_clock_that_was_set_back_keeps_the_order_of_its_server() -> None:
    """The numbers of a server's own entries rule."""
    rows = merged(
        [entry("server1", 1, 50.0), entry("server1", 2, 20.0), entry("server1", 3, 60.0)], [], Offset()
    )
    assert [row["seq"] for row in rows] == [1, 2, 3]
