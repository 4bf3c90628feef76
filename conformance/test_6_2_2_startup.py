"""6.2.2: the startup attribute."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.static import Static

attributes = pytest.mark.cluster("attributes")


@clause("6.2.2-01")
@pytest.mark.parametrize("value", ["automatic", "manual"])
def test_both_values_of_the_startup_attribute(static: Static, value: str) -> None:
    """A group starts automatically with the cluster, or manually."""
    static.accepts("6.2.2-01", f"startup {value}", make.with_attribute(startup=value))


@clause("6.2.2-01")
@pytest.mark.parametrize("value", ["auto", "never", "", "1", "AUTOMATICALLY"])
def test_no_third_value_of_the_startup_attribute(static: Static, value: str) -> None:
    """Any other startup attribute is refused with E_RANGE."""
    static.refuses("6.2.2-01", f"startup {value!r}", make.with_attribute(startup=value), "E_RANGE")


@attributes
@clause("6.2.2-02", "6.2.2-03")
def test_automatic_groups_start_with_the_cluster_and_manual_ones_do_not(pair: Pair, judge: Judge) -> None:
    """At cluster start the automatic group becomes active by itself; the manual one waits for its user."""
    with pair.spoiled_on_error():
        pair.operate("cluster.stop")
        pair.wait(lambda s: set(s.servers.values()) == {"X"}, "both servers to be X")
        noted = len(pair.see.script_runs("server1"))
        pair.operate("cluster.start")
        started = pair.wait_place("auto", "server1")
        judge.equal("6.2.2-02", "auto", expected="active", observed=started.state("auto"))
        later = pair.settle(lambda s: s.state("byhand") == "inactive")
        judge.equal(
            "6.2.2-03", "byhand after cluster start", expected="inactive", observed=later.state("byhand")
        )
        runs = [run for run in pair.see.script_runs("server1")[noted:] if run.script == "start"]
        judge.equal("6.2.2-02", "what started", expected=["auto"], observed=[run.group for run in runs])
        pair.operate("group.start", group="byhand")
        pair.wait_place("byhand", "server1")
        answers = pair.see.pings(pair.provisioned["floating_ips"][1])
        judge.equal("6.2.2-03", "byhand answers after its user started it", expected=True, observed=answers)
        pair.operate("group.stop", group="byhand")
        pair.wait_place("byhand", None)
