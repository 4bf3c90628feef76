"""When groups go home [6.2.4]."""

from __future__ import annotations

from twinset.cluster.failback import armed_by_return, due

from .conftest import disk_group

HOME = disk_group("A", ("server1", "server2"), "set1", failback=True)
STAYS = disk_group("B", ("server1", "server2"), "set2")


def test_only_groups_with_failback_go_home() -> None:
    """Failback is No by default [6.2.4-04]."""
    assert armed_by_return((HOME, STAYS), "server1", {"A", "B"}) == {"A"}


def test_only_the_return_of_the_top_server_counts() -> None:
    """The return of another server, or a group that does not run here, arms nothing [6.2.4-01]."""
    assert armed_by_return((HOME,), "server2", {"A"}) == set()
    assert armed_by_return((HOME,), "server1", set()) == set()


def test_failback_waits_for_the_mirror() -> None:
    """A group goes home only when every one of its sets is normal [6.2.4-02]."""
    assert due((HOME, STAYS), {"A"}, lambda _name: False) == []
    assert due((HOME, STAYS), {"A"}, lambda name: name == "set1") == ["A"]
