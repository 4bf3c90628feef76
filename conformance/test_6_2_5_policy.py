"""6.2.5: the failover policy as a setting. What it does is walked through in test_6_2_5_walk_through.py."""

import copy

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.static import Static
from conformance.suite.walk import Walk


@clause("6.2.5-01")
@pytest.mark.parametrize("policy", [["server1", "server2"], ["server2", "server1"], ["server1"], ["server2"]])
def test_an_order_of_servers_is_a_policy(static: Static, policy: list[str]) -> None:
    """The servers of the cluster in any order, or one of them, are a failover policy."""
    static.accepts("6.2.5-01", f"policy {policy}", make.with_attribute(policy=policy))


@clause("6.2.5-01")
@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ([], "E_RANGE"),
        (["server1", "server1"], "E_DUP"),
        (["server1", "SERVER1"], "E_DUP"),
        (["server1", "server3"], "E_NOTFOUND"),
    ],
    ids=["empty", "repeated", "repeated-in-another-case", "unknown"],
)
def test_a_list_that_is_no_policy(static: Static, policy: list[str], code: str) -> None:
    """An empty policy, a server named twice and one that does not exist are refused, each in its class."""
    static.refuses("6.2.5-01", f"policy {policy}", make.with_attribute(policy=policy), code)


@pytest.mark.spoils
@pytest.mark.needs("reconfigure")
@pytest.mark.cluster("walk-no")
@clause("6.2.5-03")
def test_the_policy_in_force_decides(pair: Pair, judge: Judge) -> None:
    """The order of the policy at the moment of the failover counts: B without server 1 fails over nowhere."""
    walk = Walk(pair, "NO")
    walk.go_to("P1")
    pair.spoil()
    config = copy.deepcopy(pair.now.config)
    next(g for g in config["groups"] if g["name"] == "B")["policy"] = ["server2"]
    pair.adapter.request("apply", {"config": config})
    pair.wait_place("B", "server2")
    pair.crash("server2")
    pair.wait(lambda s: s.servers["server2"] == "Xd", "server 2 to be Xd", seen_by="server1")
    after = pair.settle(lambda s: s.place("B") is None, seen_by="server1")
    judge.equal("6.2.5-03", "B", expected=None, observed=after.place("B"))
