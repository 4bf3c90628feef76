"""6.2.4: the failback attribute."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.static import Static
from conformance.suite.walk import SET, Walk


@clause("6.2.4-01")
@pytest.mark.parametrize("value", [True, False])
def test_both_values_of_the_failback_attribute(static: Static, value: bool) -> None:
    """A group fails back, or does not."""
    static.accepts("6.2.4-01", f"failback {value}", make.with_attribute(failback=value))


@clause("6.2.4-01")
@pytest.mark.parametrize("value", ["sometimes", 2])
def test_no_third_value_of_the_failback_attribute(static: Static, value: object) -> None:
    """Anything else is refused with E_RANGE."""
    static.refuses("6.2.4-01", f"failback {value!r}", make.with_attribute(failback=value), "E_RANGE")


@pytest.mark.cluster("walk-no")
@clause("6.2.4-03")
def test_without_failback_the_group_stays(pair: Pair, judge: Judge) -> None:
    """Without failback A stays on server 2 for good, not only for the moment of the return."""
    walk = Walk(pair, "NO")
    walk.go_to("P4")
    after = pair.settle(lambda s: s.place("A") == SERVER2)
    judge.equal("6.2.4-03", "A", expected=SERVER2, observed=after.place("A"))


@pytest.mark.cluster("walk-yes")
@clause("6.2.4-01")
def test_failback_does_not_undo_a_move(pair: Pair, judge: Judge) -> None:
    """Failback acts on the return of a server: a group that the operator moves away stays away."""
    walk = Walk(pair, "YES")
    walk.go_to("P4")
    after = pair.settle(lambda s: s.place("A") == SERVER2)
    judge.equal("6.2.4-01", "A", expected=SERVER2, observed=after.place("A"))


@pytest.mark.cluster("walk-yes")
@clause("6.2.4-02")
def test_failback_waits_until_the_data_at_home_is_the_latest(pair: Pair, judge: Judge) -> None:
    """While the mirror connect keeps the data of the returned server old, A stays away; rebuilt, A comes home."""
    walk = Walk(pair, "YES")
    walk.go_to("P3")
    pair.spoil()
    mirror = [network["name"] for network in pair.provisioned["networks"] if "mirror" in network["roles"]]
    for name in mirror:
        pair.adapter.request("link", {"network": name, "action": "cut"})
    pair.operate("server.return", server=SERVER1)
    pair.wait(lambda s: s.servers[SERVER1] == "O", "server 1 to operate")
    old = pair.settle(lambda s: s.place("A") == SERVER2 and s.settled())
    judge.equal("6.2.4-02", "A while its data at home is old", expected=SERVER2, observed=old.place("A"))
    judge.holds("6.2.4-02", "A is active meanwhile", old.settled(), old)
    pair.adapter.request("link", {"action": "heal"})
    pair.wait_set(SET, "NORMAL")
    judge.equal(
        "6.2.4-02",
        "A with the latest data",
        expected=SERVER1,
        observed=pair.wait_place("A", SERVER1).place("A"),
    )
