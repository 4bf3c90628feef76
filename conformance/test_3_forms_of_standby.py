"""3: uni-directional and multi-directional standby, seen on the arrows of the walk-through: two groups."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.walk import SET, Walk

no = pytest.mark.cluster("walk-no")


@no
@clause("3.1-04", "3.1-03", "3.1.2-01", "3.1-01")
def test_each_server_has_its_own_application_and_backs_the_other_up(pair: Pair, judge: Judge) -> None:
    """A and B are active at once, on a server each (multi-directional standby; with one text of scripts they
    are two instances of one application); when a server is lost, the other one runs both.
    """
    both = Walk(pair, "NO").arrow("1")
    judge.equal("3.1-04", "each at home", expected={"A": SERVER1, "B": SERVER2}, observed=both.places)
    starts = {group: [server for server, _, _ in both.starts(group)] for group in ("A", "B")}
    judge.equal("3.1-03", "instances", expected={"A": [SERVER1], "B": [SERVER2]}, observed=starts)
    lost = Walk(pair, "NO").arrow("3")
    judge.equal("3.1-01", "backed up", expected={"A": SERVER2, "B": SERVER2}, observed=lost.places)


@no
@clause("3.1-02")
def test_an_application_of_one_group_runs_once(pair: Pair, judge: Judge) -> None:
    """In uni-directional standby, one group an application: wherever A is, it was started on one server only."""
    for name, server in (("1", SERVER1), ("3", SERVER2)):
        walked = Walk(pair, "NO").arrow(name)
        started = [where for where, _, _ in walked.starts("A")]
        judge.equal("3.1-02", f"starts of A on arrow ({name})", expected=[server], observed=started)


@no
@clause("3.2-01", "3.2.1-01", "3.2.2-01")
def test_a_returned_server_gets_only_what_differs(pair: Pair, judge: Judge) -> None:
    """With FastSync the set of A is rebuilt by its own differences when server 1 returns: less than all is copied."""
    walked = Walk(pair, "NO").arrow("5")
    found = walked.after.sets[SET]
    all_of_them = ("3.2-01", "3.2.1-01", "3.2.2-01")
    judge.equal(all_of_them, "the copy", expected="high-speed", observed=found.get("copy_mode_last"))
    copied, size = int(found["copied_bytes_last"]), int(found["size_bytes"])
    judge.holds(all_of_them, "less than the whole is copied", copied < size, (copied, size))
