"""6.2.3: the failover attribute."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.static import Static

attributes = pytest.mark.cluster("attributes")


@clause("6.2.3-02")
@pytest.mark.parametrize("value", ["normal", "exclusive"])
def test_both_values_of_the_failover_attribute(static: Static, value: str) -> None:
    """The failover attribute is Normal or Exclusive."""
    static.accepts("6.2.3-02", f"failover {value}", make.with_attribute(failover=value))


@clause("6.2.3-02")
@pytest.mark.parametrize("value", ["none", "", "shared", "2"])
def test_no_third_value_of_the_failover_attribute(static: Static, value: str) -> None:
    """Any other failover attribute is refused with E_RANGE."""
    static.refuses("6.2.3-02", f"failover {value!r}", make.with_attribute(failover=value), "E_RANGE")


@clause("6.2.3-06")
def test_exclusive_on_two_servers_draws_a_warning(static: Static) -> None:
    """With two servers Exclusive mostly means no failover: accepted, with W_EXCLUSIVE."""
    static.warns("6.2.3-06", "failover exclusive", make.with_attribute(failover="exclusive"), "W_EXCLUSIVE")


@pytest.mark.spoils
@attributes
@clause("6.2.3-06", "6.2.3-02")
def test_exclusive_groups_do_not_share_a_server(pair: Pair, judge: Judge) -> None:
    """Each server has an exclusive group; when one server is lost its group is not started
    beside the other.
    """
    pair.operate("group.start", group="alone1")
    pair.operate("group.start", group="alone2")
    pair.wait_place("alone1", "server1")
    pair.wait_place("alone2", "server2")
    pair.crash("server1")
    pair.spoil()
    pair.wait(lambda s: s.place("auto") == "server2", "the Normal group to fail over", seen_by="server2")
    after = pair.settle(lambda s: s.place("alone1") is None, seen_by="server2")
    judge.equal("6.2.3-06", "alone1", expected=None, observed=after.place("alone1"))
    judge.equal("6.2.3-02", "alone2 stays", expected="server2", observed=after.place("alone2"))
    runs = [
        run.event
        for run in pair.see.script_runs("server2")
        if run.group == "alone1" and run.script == "start"
    ]
    judge.equal("6.2.3-02", "alone1 was not started on server 2", expected=[], observed=runs)


@pytest.mark.spoils
@attributes
@clause("6.2.3-02", "6.2.3-06")
def test_an_exclusive_group_takes_an_empty_server(pair: Pair, judge: Judge) -> None:
    """An exclusive group fails over to a server on which no group has been started."""
    pair.operate("group.stop", group="auto")
    pair.wait_place("auto", None)
    pair.operate("group.start", group="alone1")
    pair.wait_place("alone1", "server1")
    pair.crash("server1")
    pair.spoil()
    after = pair.wait(lambda s: s.place("alone1") == "server2", "alone1 to fail over", seen_by="server2")
    judge.equal("6.2.3-06", "alone1", expected="server2", observed=after.place("alone1"))
    runs = [
        run.event
        for run in pair.see.script_runs("server2")
        if run.group == "alone1" and run.script == "start"
    ]
    judge.equal("6.2.3-02", "how it was started", expected=["FAILOVER"], observed=runs)
