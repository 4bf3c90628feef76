"""What the status says of redundancy: whether one more fault would hurt, and which."""

from typing import Any

import pytest

from twinset.cluster import redundancy

from .conftest import TIMING, Pair, disk_group, make_view

S1, S2 = "server1", "server2"
LANS = ("public", "ic1")


def status(**changes: Any) -> dict[str, Any]:
    """A cluster in order, bent."""
    rows = {
        "this_server": S1,
        "servers": {S1: {"status": "O"}, S2: {"status": changes.pop("other", "O")}},
        "groups": {"A": {"state": "active", "server": S1}, "B": {"state": "inactive", "server": None}},
        "mirror_sets": {
            name: {"state": "NORMAL", "active_server": S1, "latest": S1} for name in ("set1", "set2")
        },
    }
    rows["mirror_sets"]["set1"].update(changes)
    return rows


def faults(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["fault"], each["does"]) for each in found["next_faults"]]


def test_two_normal_servers_fear_no_single_fault() -> None:
    """Redundant, and nothing to name."""
    assert redundancy.assessment(status(), make_view(), LANS) == {"redundant": True, "next_faults": []}


def test_the_only_latest_copy_is_named() -> None:
    """While a mirror is broken its active server's disk is the fault that loses data, and that server's end the
    one that stops the service (4.4-03).
    """
    found = redundancy.assessment(status(state="INCONSISTENT", other="Xd"), make_view(), [])
    assert not found["redundant"]
    assert faults(found) == [
        ("the loss of the disk of mirror set set1 on server1", redundancy.LOSES_DATA),
        ("the loss of server1", redundancy.STOPS_SERVICE),
    ]
    rebuilding = redundancy.assessment(status(state="RECONSTRUCTING"), make_view(), LANS)
    assert [each[1] for each in faults(rebuilding)] == [redundancy.LOSES_DATA, redundancy.STOPS_SERVICE]


@pytest.mark.parametrize("state", ["DIVERGED", "UNDECIDED"])
def test_of_two_copies_that_nobody_has_judged_either_may_be_the_one(state: str) -> None:
    """Then no side is said to be the good one."""
    found = redundancy.assessment(status(state=state), make_view(), LANS)
    assert faults(found)[0] == ("the loss of either disk of mirror set set1", redundancy.LOSES_DATA)


def test_the_last_network_is_named_and_loses_no_data_by_itself() -> None:
    """4.2.3-01: its loss lets both servers act."""
    found = redundancy.assessment(status(), make_view(), ["ic1"])
    assert found["redundant"]
    assert faults(found) == [("the loss of LAN ic1", redundancy.PARTITION)]
    assert "public: nothing" in found["next_faults"][0]["why"]


def test_a_group_of_one_server_has_nobody_to_take_it_over() -> None:
    """Its policy says so."""
    view = make_view(groups=(disk_group("A", (S1,), "set1"), disk_group("B", (S2, S1), "set2")))
    assert faults(redundancy.assessment(status(), view, LANS)) == [
        ("the loss of server1", redundancy.STOPS_SERVICE)
    ]


def test_the_status_carries_it(started: Pair) -> None:
    """As it changes: whole, one network left, one server left."""
    assert started.status(S1)["redundancy"] == {"redundant": True, "next_faults": []}
    started.power_off(S2)
    started.run(TIMING.timeout_ms + TIMING.partition_wait_ms + 10_000)
    found = started.status(S1)["redundancy"]
    assert not found["redundant"]
    assert found["next_faults"][0]["does"] == redundancy.LOSES_DATA
