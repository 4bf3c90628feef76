"""6.2.1: the group name. Its characters, length and uniqueness are judged in 2.2.2.3."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.refusals import refusal
from conformance.suite.static import Static

attributes = pytest.mark.cluster("attributes")


@clause("6.2.1-01")
def test_the_name_is_the_groups_own(static: Static) -> None:
    """A group goes by its name: the same group under another name is accepted as well."""
    static.accepts("6.2.1-01", "group db", make.with_group_named("db"))
    static.accepts("6.2.1-01", "the same group as payroll", make.with_group_named("payroll"))


@attributes
@clause("6.2.1-02", "2.2.2.3-10", "6.2.1-04")
def test_a_group_is_found_by_its_name_in_any_case(pair: Pair, judge: Judge) -> None:
    """Operators name a group in whatever case; a name that no group has is E_NOTFOUND."""
    pair.operate("group.start", group="BYHAND")
    started = pair.wait_place("byhand", "server1")
    judge.equal("2.2.2.3-10", "BYHAND is byhand", expected="active", observed=started.state("byhand"))
    pair.operate("group.stop", group="ByHand")
    pair.wait_place("byhand", None)
    code = refusal(pair, "group.start", group="nosuchgroup")
    judge.equal("6.2.1-02", "a name that no group has", expected="E_NOTFOUND", observed=code)


@attributes
@clause("2.2.2.3-13", "6.2.1-07")
def test_a_group_named_like_a_device_does_not_start(pair: Pair, judge: Judge) -> None:
    """PRN can be configured, but its start fails and the status says so; PRNX is a name like any other."""
    refusal(pair, "group.start", group="PRN")
    seen = pair.wait(lambda s: s.settled() and s.state("PRN") != "inactive", "the start of PRN to end")
    judge.equal("2.2.2.3-13", "the start of PRN", expected="start_failed", observed=seen.state("PRN"))
    runs = [run for run in pair.see.script_runs("server1") if run.group == "PRN"]
    judge.equal("2.2.2.3-13", "its script did not run", expected=[], observed=runs)
    pair.operate("group.start", group="PRNX")
    started = pair.wait_place("PRNX", "server1")
    judge.equal("2.2.2.3-13", "PRNX", expected="active", observed=started.state("PRNX"))
    pair.operate("group.stop", group="PRNX")
    pair.wait_place("PRNX", None)
