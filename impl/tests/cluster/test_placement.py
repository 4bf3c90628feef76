"""Where groups go [6.2.3, 6.2.5]."""

from __future__ import annotations

from twinset.cluster.placement import destination, place
from twinset.cluster.view import GroupView

A = GroupView("A", ("server1", "server2"))
B = GroupView("B", ("server2", "server1"))
ALONE = GroupView("C", ("server1", "server2"), exclusive=True)
BOTH = ("server1", "server2")


def test_the_best_operating_server_is_chosen() -> None:
    """The destination is the first server of the policy that operates [6.2.5-02]."""
    assert destination(A, BOTH, ()) == ("server1", "")
    assert destination(A, ("server2",), ()) == ("server2", "")


def test_no_operating_server_is_a_reason() -> None:
    """Without an operating server of the policy there is no destination, and the reason says so."""
    server, reason = destination(GroupView("D", ("server1",)), ("server2",), ())
    assert server == ""
    assert "6.2.5-02" in reason


def test_exclusive_goes_only_where_nothing_runs() -> None:
    """Exclusive skips servers on which a group has been started, and may end nowhere [6.2.3-02]."""
    assert destination(ALONE, BOTH, {"server1"}) == ("server2", "")
    server, reason = destination(ALONE, ("server2",), {"server2"})
    assert server == ""
    assert "6.2.3-02" in reason


def test_a_side_that_may_not_be_activated_comes_last() -> None:
    """A server with the latest data is preferred; when none has it, the policy decides."""
    assert destination(A, BOTH, (), lambda server: server == "server2") == ("server2", "")
    assert destination(A, BOTH, (), lambda _server: False) == ("server1", "")


def test_placement_is_the_same_whoever_computes_it() -> None:
    """The result depends on the configuration's order only, not on the order of the servers given."""
    groups = [A, B, ALONE]
    one = place(groups, ("server1", "server2"), (), lambda _group, _server: True)
    two = place(groups, ("server2", "server1"), (), lambda _group, _server: True)
    assert one == two
    assert {name: server for name, (server, _) in one.items()} == {"A": "server1", "B": "server2", "C": ""}
