"""The common verdict after a total partition [2.2.1-11]."""

from __future__ import annotations

import pytest

from twinset.cluster.partition import resolve

NONE: frozenset[str] = frozenset()
DB, WEB, ALL = frozenset({"db"}), frozenset({"web"}), frozenset({"db", "web"})


def test_both_stop_what_runs_on_both() -> None:
    """Without a preferred survivor both servers stop a group that both run."""
    for me in ("server1", "server2"):
        verdict = resolve(me, ALL, DB)
        assert (verdict.double, verdict.stop) == (DB, DB)
        assert not verdict.isolate_me
        assert not verdict.isolate_peer


def test_the_preferred_survivor_keeps_its_groups() -> None:
    """A named survivor goes on; the other one stops. What has a mirror disk stops on both: its data went apart."""
    assert resolve("server1", DB, DB, "server1").stop == NONE
    assert resolve("server2", DB, DB, "server1").stop == DB
    for me, stop in (("server1", DB), ("server2", ALL)):
        verdict = resolve(me, ALL, ALL, "server1", DB)
        assert (verdict.kept, verdict.stop) == (WEB, stop)


@pytest.mark.parametrize(
    ("one", "two"), [(DB, NONE), (NONE, DB), (DB, WEB), (NONE, NONE), (DB, DB), (ALL, WEB)]
)
def test_both_servers_reach_the_same_verdict(one: frozenset[str], two: frozenset[str]) -> None:
    """What one server says of itself is what the other says of its peer; never are both isolated."""
    mine, theirs = resolve("server1", one, two), resolve("server2", two, one)
    assert mine.double == theirs.double == one & two
    assert (mine.isolate_me, mine.isolate_peer) == (theirs.isolate_peer, theirs.isolate_me)
    assert not (mine.isolate_me and mine.isolate_peer)


def test_who_runs_nothing_was_the_one_that_was_down() -> None:
    """When only one server runs groups, the other one becomes isolated."""
    assert resolve("server1", NONE, DB).isolate_me
    assert resolve("server1", DB, NONE).isolate_peer
